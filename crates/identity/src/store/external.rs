//! What is kept of people whom a provider of identities vouches for: which account they are, and which attempts were
//! used. A provider's tokens are never kept.

use super::{Credentials, NewMail, NewSession, NewUser, TokenHash};
use crate::domain::{security::SecurityEvent, user::User};
use async_trait::async_trait;
use contracts::{
    identity::{ExternalError, LoginError, RegisterError},
    values::{Timestamp, UserId},
};
use platform::db::{Abort, StoreError};

/// A person, as a provider calls them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ExternalName {
    pub(crate) issuer: String,
    pub(crate) subject: String,
}

/// What came of a wish to open a session for such a person.
pub(crate) enum ExternalOpening {
    /// The session is open.
    Opened(User),
    /// Their account asks for a code first.
    NeedsCode(UserId),
    /// Their account may not be used.
    Disabled,
    /// They have none.
    Unknown,
}

/// What identity keeps of people whom a provider vouches for.
#[async_trait]
pub(crate) trait ExternalStore: Send + Sync {
    /// Uses an attempt up; whether it was good.
    async fn use_attempt(
        &self,
        attempt: TokenHash,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Opens a session for whoever the provider calls so, if they have an account, and its second factor is off or was
    /// made up for.
    async fn open_external_session(
        &self,
        name: ExternalName,
        has_second_factor: bool,
        session: NewSession,
    ) -> Result<ExternalOpening, StoreError>;
    /// Opens an account with a verified address for such a person, and its first session.
    async fn register_external(
        &self,
        user: NewUser,
        name: ExternalName,
        session: NewSession,
    ) -> Result<User, Abort<ExternalError>>;
    /// Makes such a person the same as a user, who is owed a notice of it.
    async fn link_external(
        &self,
        user: UserId,
        name: ExternalName,
        event: SecurityEvent,
        notice: NewMail,
    ) -> Result<(), Abort<ExternalError>>;
    /// The issuers that vouch for a user, with since when.
    async fn external_issuers(&self, user: UserId) -> Result<Vec<(String, Timestamp)>, StoreError>;
    /// Takes an issuer away from a user whose password was proven; whether it was there. Then a notice is owed.
    async fn unlink_external(
        &self,
        proven: Credentials,
        issuer: String,
        event: SecurityEvent,
        notice: NewMail,
    ) -> Result<bool, Abort<LoginError>>;
    /// Uses up the code of what was proven, for what is not written yet.
    async fn spend(&self, proven: Credentials) -> Result<(), Abort<LoginError>>;
}

/// What a new account was refused for, to somebody who has not chosen anything of it.
pub(super) fn refusal(abort: Abort<RegisterError>) -> Abort<ExternalError> {
    match abort {
        Abort::Refused(RegisterError::EmailTaken) => Abort::Refused(ExternalError::AddressTaken),
        Abort::Refused(error) => Abort::Refused(ExternalError::Internal(error.into())),
        Abort::Failed(error) => Abort::Failed(error),
    }
}
