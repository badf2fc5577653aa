//! What an `Idempotency-Key` did: kept in the commit of its effect, so that a repetition answers the same.
//! A key is known by a hash of its scope (who, which route) and its text: nobody meets another's key.

use super::{Abort, StoreError};
use crate::digest;
use contracts::{
    BoxError,
    request::{Answered, IdempotencyKey},
    values::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};

/// A request that carries a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    pub(super) key_hash: [u8; 32],
    pub(super) fingerprint: [u8; 32],
}

impl KeyedRequest {
    /// A request by its scope (who asks, and for what: `usr_... POST /api/v1/products`), key and body.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub fn new(scope: &str, key: &IdempotencyKey, body: &impl Serialize) -> Result<Self, BoxError> {
        Ok(Self {
            key_hash: digest::sha256(&[scope.as_bytes(), key.as_str().as_bytes()]),
            fingerprint: digest::fingerprint(scope, body)?,
        })
    }
}

impl KeyedRequest {
    /// The same for a request that may have a key.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub fn of(
        scope: &str,
        key: Option<&IdempotencyKey>,
        body: &impl Serialize,
    ) -> Result<Option<Self>, BoxError> {
        key.map(|key| Self::new(scope, key, body)).transpose()
    }
}

/// Something that is to be made: its id if it is new, when, and the request that wants it, if that has a key.
#[derive(Debug, Clone)]
pub struct Making<I> {
    /// Its id, unless the request made it before.
    pub id: I,
    /// Now.
    pub at: Timestamp,
    /// The request.
    pub request: Option<KeyedRequest>,
}

impl<I> Making<I> {
    /// Of a request without a key.
    pub const fn new(id: I, at: Timestamp) -> Self {
        Self {
            id,
            at,
            request: None,
        }
    }
}

/// Makes something once for a key, inside the transaction of the effect: what was answered then is answered again.
///
/// # Errors
/// Whatever `make` is refused for; the refusal if the key came with another body; storage's failure.
pub fn once<T: Serialize + DeserializeOwned, R>(
    connection: &Connection,
    (request, at): (Option<&KeyedRequest>, Timestamp),
    reused: impl FnOnce() -> R,
    make: impl FnOnce() -> Result<T, Abort<R>>,
) -> Result<Answered<T>, Abort<R>> {
    let Some(request) = request else {
        return make().map(Answered::fresh);
    };
    if let Some(known) = recall(connection, request, reused)? {
        return Ok(Answered::replayed(known));
    }
    let made = make()?;
    remember(connection, request, &made, at)?;
    Ok(Answered::fresh(made))
}

/// The answer that this request got before, if it did; the refusal if the key came with another body.
///
/// # Errors
/// The refusal, or storage's failure.
pub fn recall<T: DeserializeOwned, R>(
    connection: &Connection,
    request: &KeyedRequest,
    reused: impl FnOnce() -> R,
) -> Result<Option<T>, Abort<R>> {
    let found: Option<([u8; 32], String)> = connection
        .prepare_cached("SELECT fingerprint, answer FROM idempotency_keys WHERE key_hash = ?1")?
        .query_row([request.key_hash], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        None => Ok(None),
        Some((fingerprint, _)) if fingerprint != request.fingerprint => {
            Err(Abort::Refused(reused()))
        }
        Some((_, answer)) => serde_json::from_str(&answer)
            .map(Some)
            .map_err(|error| StoreError::Other(Box::new(error)).into()),
    }
}

/// Keeps the answer, inside the transaction of the effect.
///
/// # Errors
/// When it cannot be written.
pub fn remember(
    connection: &Connection,
    request: &KeyedRequest,
    answer: &impl Serialize,
    at: Timestamp,
) -> Result<(), StoreError> {
    let answer =
        serde_json::to_string(answer).map_err(|error| StoreError::Other(Box::new(error)))?;
    connection
        .prepare_cached(
            "INSERT INTO idempotency_keys (key_hash, fingerprint, answer, at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![request.key_hash, request.fingerprint, answer, at.as_ms()])?;
    Ok(())
}
