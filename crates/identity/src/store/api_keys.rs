//! API keys, as a part of what identity keeps. Only hashes of their texts come here.

use super::{Credentials, NewMail, TokenHash};
use crate::domain::{
    api_keys::{Former, Secrets},
    security::SecurityEvent,
};
use async_trait::async_trait;
use contracts::{
    identity::{ApiKeyError, ApiKeyView, KeyHolder, LoginError},
    request::Answered,
    scopes::Scope,
    values::{ApiKeyId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError, keys::KeyedRequest};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Revoked and expired keys are shown for ninety days.
pub(super) const KEEP_OVER_SECONDS: i64 = 90 * 24 * 60 * 60;
/// Uses of a key that are less than a minute apart are one.
pub(super) const USE_MS: i64 = 60_000;

/// A key to make.
pub(crate) struct NewApiKey {
    pub(crate) id: ApiKeyId,
    /// Whose, and what they have proven.
    pub(crate) proven: Credentials,
    pub(crate) name: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) secret: TokenHash,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) at: Timestamp,
    /// So many may stand at a time.
    pub(crate) most: u32,
    pub(crate) request: Option<KeyedRequest>,
    /// Whether it is wished for at the command line, where no second factor is asked for.
    pub(crate) by_command: bool,
    /// Tells the owner.
    pub(crate) notice: NewMail,
    pub(crate) event: SecurityEvent,
}

/// Another secret for a key.
pub(crate) struct Turn {
    pub(crate) id: ApiKeyId,
    /// Whose key, if not anybody's, and what they have proven.
    pub(crate) proven: Credentials,
    pub(crate) secret: TokenHash,
    pub(crate) grace_seconds: u32,
    pub(crate) at: Timestamp,
    /// Tells the owner.
    pub(crate) notice: NewMail,
    pub(crate) event: SecurityEvent,
}

/// What came of revoking a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// It has ended now; what was written of it.
    Now(SecurityEvent),
    /// It had ended before.
    Before,
    /// There is none.
    Nothing,
}

/// A key, whom it stands for, and how its secrets stand.
pub(crate) struct FoundKey {
    /// Without the end of the secret that was shown.
    pub(crate) holder: KeyHolder,
    pub(crate) secrets: Secrets,
    /// Whether it was revoked, or its owner may not sign in.
    pub(crate) has_ended: bool,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// A key was used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyUse {
    pub(crate) id: ApiKeyId,
    pub(crate) at: Timestamp,
    pub(crate) from: IpAddr,
}

/// What an `Idempotency-Key` is remembered by: nothing that somebody wrote, and no secret.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) id: ApiKeyId,
}

/// A refusal of what proves an owner, in the words of keys.
pub(super) fn of_key(abort: Abort<LoginError>) -> Abort<ApiKeyError> {
    match abort {
        Abort::Refused(refusal) => Abort::Refused(refusal.into()),
        Abort::Failed(error) => Abort::Failed(error),
    }
}

/// The secrets of a row's columns.
pub(super) fn secrets(
    present: TokenHash,
    former: (Option<TokenHash>, Option<i64>),
    expires_at_ms: Option<i64>,
) -> Secrets {
    let former = match former {
        (Some(hash), Some(until)) => Some(Former {
            hash,
            until: Timestamp::from_ms(until),
        }),
        _ => None,
    };
    Secrets {
        present,
        former,
        expires_at: expires_at_ms.map(Timestamp::from_ms),
    }
}

/// What identity keeps of API keys.
#[async_trait]
pub(crate) trait ApiKeys: Send + Sync {
    /// Makes a key, if what was proven still holds and there are not too many; a repetition finds the first one's.
    async fn make_api_key(
        &self,
        key: NewApiKey,
    ) -> Result<Answered<ApiKeyView>, Abort<ApiKeyError>>;
    /// A user's keys, the newest first, from behind one of them on.
    async fn api_keys(
        &self,
        owner: UserId,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKeyView>, StoreError>;
    /// A key.
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKeyView>, StoreError>;
    /// Ends a key, of this owner if one is named.
    async fn revoke_api_key(
        &self,
        id: ApiKeyId,
        owner: Option<UserId>,
        event: SecurityEvent,
    ) -> Result<Revoked, StoreError>;
    /// Gives a key that has not ended another secret, if what its owner has proven still holds.
    async fn turn_api_key(&self, turn: Turn) -> Result<ApiKeyView, Abort<ApiKeyError>>;
    /// A key of somebody who has an account, and whether it has ended.
    async fn find_api_key(&self, id: ApiKeyId) -> Result<Option<FoundKey>, StoreError>;
    /// Notes that keys were used, each once a minute at most.
    async fn note_key_uses(&self, uses: Vec<KeyUse>) -> Result<(), StoreError>;
}
