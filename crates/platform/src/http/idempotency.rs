//! `Idempotency-Key`: required on some routes, read on others. What a key did is kept by the services, in the
//! commit of the effect.

use super::Fault;
use axum::{extract::FromRequestParts, http::HeaderName, http::request::Parts};
use contracts::{
    problem::{Code, Problem},
    request::IdempotencyKey,
};

/// The header's name.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key of a request that needs one.
#[derive(Debug, Clone)]
pub struct Key(pub IdempotencyKey);

/// The key of a request that may have one.
#[derive(Debug, Clone)]
pub struct MaybeKey(pub Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeKey {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let mut sent = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(header) = sent.next() else {
            return Ok(Self(None));
        };
        let invalid = || {
            Problem::new(Code::IdempotencyKeyInvalid)
                .detail("it must be one, of 1 to 128 visible characters")
        };
        // Of two keys neither is the one: whoever repeats the request may send them the other way round.
        if sent.next().is_some() {
            return Err(invalid().into());
        }
        let text = header.to_str().map_err(|_| invalid())?;
        Ok(Self(Some(
            IdempotencyKey::parse(text).map_err(|_| invalid())?,
        )))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let MaybeKey(key) = MaybeKey::from_request_parts(parts, state).await?;
        Ok(Self(
            key.ok_or_else(|| Fault::new(Code::IdempotencyKeyMissing))?,
        ))
    }
}
