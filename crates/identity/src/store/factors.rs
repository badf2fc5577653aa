//! What the store keeps of second factors. Whether a code was used is decided in the commit of what it opens, by
//! compare-and-set; nobody who keeps to this trait can open anything by a password alone when a code is due.

use super::{Credentials, NewMail, TokenHash};
use crate::domain::{
    factor::{RECOVERY_CODES, SECRET_BYTES},
    security::SecurityEvent,
};
use async_trait::async_trait;
use contracts::{
    identity::{FactorError, LoginError, ProfileError},
    values::{SessionId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError};

/// How long a secret that was never confirmed is kept.
pub(super) const KEEP_BEGUN_SECONDS: i64 = 24 * 60 * 60;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// A secret under a key of the servers'.
pub(crate) type Sealed = [u8; NONCE_BYTES + SECRET_BYTES + TAG_BYTES];

/// A user's second factor, on or begun.
#[derive(Clone)]
pub(crate) struct Factor {
    pub(crate) sealed: Sealed,
    /// The step of the last code that was used.
    pub(crate) last_step: i64,
    pub(crate) begun_at: Timestamp,
    /// Since when it is on.
    pub(crate) confirmed_at: Option<Timestamp>,
    /// Of recovery codes that were not used.
    pub(crate) codes: Vec<TokenHash>,
}

/// What a code uses up: nothing is opened unless it was there to be used.
#[derive(Debug, Clone)]
pub(crate) enum Spent {
    /// All codes of this step and of those before.
    Step(i64),
    /// A recovery code; its owner is told, and the audit log.
    RecoveryCode(TokenHash, NewMail, SecurityEvent),
}

/// Recovery codes in place of those that were there.
pub(crate) type Codes = [TokenHash; RECOVERY_CODES];

/// A secret for somebody who has proven the password.
pub(crate) struct FactorBegun {
    pub(crate) proven: Credentials,
    pub(crate) sealed: Sealed,
    pub(crate) at: Timestamp,
}

/// A secret that an app has shown to know.
pub(crate) struct FactorOn {
    pub(crate) user: UserId,
    /// Which secret: another may have been made since.
    pub(crate) sealed: Sealed,
    pub(crate) step: i64,
    pub(crate) codes: Codes,
    /// The session that asks: the only one that does not end.
    pub(crate) kept: SessionId,
    pub(crate) at: Timestamp,
    /// Tells the owner.
    pub(crate) notice: NewMail,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// Other recovery codes for somebody who has proven both.
pub(crate) struct CodesMade {
    pub(crate) proven: Credentials,
    pub(crate) codes: Codes,
    pub(crate) at: Timestamp,
    /// Tells the owner.
    pub(crate) notice: NewMail,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// The end of a factor whose owner has proven both.
pub(crate) struct FactorOff {
    pub(crate) proven: Credentials,
    /// The session that asks: the only one that does not end.
    pub(crate) kept: SessionId,
    pub(crate) at: Timestamp,
    /// Tells the owner.
    pub(crate) notice: NewMail,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// The end of a factor that was lost.
#[derive(Debug, Clone)]
pub(crate) struct FactorTakenOff {
    pub(crate) user: UserId,
    pub(crate) at: Timestamp,
    /// Tells the owner.
    pub(crate) notice: NewMail,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// The part of the store that knows second factors.
#[async_trait]
pub(crate) trait Factors: Send + Sync {
    /// A user's factor, whether it is on or only begun.
    async fn factor(&self, user: UserId) -> Result<Option<Factor>, StoreError>;
    /// Keeps a secret, in place of one that was not confirmed.
    async fn begin_factor(&self, begun: FactorBegun) -> Result<(), Abort<FactorError>>;
    /// Turns a factor on and ends the other sessions; answers them.
    async fn turn_factor_on(&self, on: FactorOn) -> Result<Vec<SessionId>, Abort<FactorError>>;
    /// Replaces the recovery codes.
    async fn make_codes(&self, made: CodesMade) -> Result<(), Abort<LoginError>>;
    /// Forgets a factor and ends the other sessions; answers them.
    async fn turn_factor_off(&self, off: FactorOff) -> Result<Vec<SessionId>, Abort<LoginError>>;
    /// Forgets a factor and ends all sessions, if it is on; answers the epoch that ends them.
    async fn take_factor_off(
        &self,
        off: FactorTakenOff,
    ) -> Result<Option<i64>, Abort<ProfileError>>;
}

/// Why what was proven opens nothing: its code has been used, or there was none and one is asked for by now.
pub(super) fn unspent(proven: &Credentials) -> LoginError {
    match proven.spent {
        Some(_) => LoginError::CodeInvalid,
        None => LoginError::SecondFactorRequired { challenge: None },
    }
}
