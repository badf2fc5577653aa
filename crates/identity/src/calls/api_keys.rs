//! The calls about API keys. A key's text crosses once, from where it was made to whoever gets it; what is shown at the
//! door crosses as its hash.

use super::Sent;
use contracts::{
    identity::{
        ApiKeyError, ApiKeyMade, ApiKeyQuery, ApiKeyView, KeyHolder, MakeApiKey, RotateApiKey,
        ShownKey,
    },
    request::{Answered, IdempotencyKey},
    scopes::Scope,
    values::{ApiKeyId, Page, Timestamp},
    wire::{Cause, Who},
};
use platform::call::Call;
use serde::{Deserialize, Serialize};

/// [`MakeApiKey`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MakeKey {
    name: String,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
    password: Sent,
    code: Option<Sent>,
}

impl From<MakeApiKey> for MakeKey {
    fn from(wish: MakeApiKey) -> Self {
        Self {
            name: wish.name,
            scopes: wish.scopes,
            expires_at: wish.expires_at,
            password: Sent(wish.password),
            code: wish.code.map(Sent),
        }
    }
}

impl From<MakeKey> for MakeApiKey {
    fn from(wish: MakeKey) -> Self {
        Self {
            name: wish.name,
            scopes: wish.scopes,
            expires_at: wish.expires_at,
            password: wish.password.0,
            code: wish.code.map(|code| code.0),
        }
    }
}

/// [`RotateApiKey`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RotateKey {
    grace_seconds: u32,
    password: Sent,
    code: Option<Sent>,
}

impl From<RotateApiKey> for RotateKey {
    fn from(wish: RotateApiKey) -> Self {
        Self {
            grace_seconds: wish.grace_seconds,
            password: Sent(wish.password),
            code: wish.code.map(Sent),
        }
    }
}

impl From<RotateKey> for RotateApiKey {
    fn from(wish: RotateKey) -> Self {
        Self {
            grace_seconds: wish.grace_seconds,
            password: wish.password.0,
            code: wish.code.map(|code| code.0),
        }
    }
}

/// [`ApiKeyMade`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyMade {
    key: ApiKeyView,
    secret: Option<Sent>,
}

impl From<ApiKeyMade> for KeyMade {
    fn from(made: ApiKeyMade) -> Self {
        Self {
            key: made.key,
            secret: made.secret.map(Sent),
        }
    }
}

impl From<KeyMade> for ApiKeyMade {
    fn from(made: KeyMade) -> Self {
        Self {
            key: made.key,
            secret: made.secret.map(|secret| secret.0),
        }
    }
}

type Making = (Who, Option<IdempotencyKey>, MakeKey);

// Without a key of the request a second try would make a second one; with it, the first one's text would be lost.
pub(crate) const MAKE_API_KEY: Call<Making, Result<Answered<KeyMade>, ApiKeyError>> =
    Call::once("make_api_key");
pub(crate) const API_KEYS: Call<(Who, ApiKeyQuery), Result<Page<ApiKeyView>, ApiKeyError>> =
    Call::read("api_keys");
pub(crate) const API_KEY: Call<(Who, ApiKeyId), Result<ApiKeyView, ApiKeyError>> =
    Call::read("api_key");
pub(crate) const REVOKE_API_KEY: Call<(Who, ApiKeyId), Result<(), ApiKeyError>> =
    Call::repeatable("revoke_api_key");
pub(crate) const ROTATE_API_KEY: Call<(Who, ApiKeyId, RotateKey), Result<KeyMade, ApiKeyError>> =
    Call::once("rotate_api_key");
pub(crate) const CHECK_KEY: Call<ShownKey, Result<Option<KeyHolder>, Cause>> =
    Call::read("check_key");
