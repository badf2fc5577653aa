//! Identity: who people are, and the tokens that prove it. Passwords never come back out.

use crate::{
    BoxError,
    access::{Principal, Role},
    event::Event,
    problem::{Code, Problem, ToProblem},
    request::Precondition,
    values::{Email, SessionId, Timestamp, UserId, Username, Version},
};
use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A wish to open an account; e-mail, user name, or both.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterUser {
    /// The e-mail address.
    pub email: Option<Email>,
    /// The user name.
    pub username: Option<Username>,
    /// 8 to 128 characters of any kind.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    pub password: SecretString,
    /// What to call the person, up to 200 characters.
    pub name: Option<String>,
}

/// A wish to sign in, by e-mail or user name.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The e-mail address.
    pub email: Option<Email>,
    /// The user name.
    pub username: Option<Username>,
    /// The password.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// A refresh token, as the body of refresh and log-out.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The opaque token of the last sign-in or refresh.
    #[schema(value_type = String)]
    pub refresh_token: SecretString,
}

/// A wish to delete one's account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccount {
    /// The password, once more.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// A wish to become the shop's first admin, with the token printed at the first start.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupAdmin {
    /// The one-time token.
    #[schema(value_type = String)]
    pub setup_token: SecretString,
    /// The admin's e-mail address.
    pub email: Email,
    /// 8 to 128 characters of any kind.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    pub password: SecretString,
}

/// A change of one's own profile (RFC 7396 merge patch).
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchProfile {
    /// What to call the person; `null` forgets it.
    #[serde(
        default,
        deserialize_with = "crate::values::present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub name: Option<Option<String>>,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// A change of a user's roles.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRoles {
    /// All roles the user has from now on.
    pub roles: Vec<Role>,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// A user, as they and admins see them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserView {
    /// The user's id.
    pub id: UserId,
    /// The e-mail address.
    pub email: Option<Email>,
    /// The user name.
    pub username: Option<Username>,
    /// What to call the person.
    pub name: Option<String>,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The version of this profile.
    pub version: Version,
    /// When the account was opened.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for UserView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserView")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A user who has just proven who they are, and their tokens.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: UserView,
    /// The access token (JWT).
    pub access_token: SecretString,
    /// After how many seconds the access token ends.
    pub expires_in: i64,
    /// The refresh token: works once.
    pub refresh_token: SecretString,
}

/// Why an account was not opened.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterError {
    /// Neither e-mail nor user name came.
    #[error("no name was given")]
    NameMissing,
    /// The password breaks a rule.
    #[error("the password is too weak: {reason}")]
    PasswordTooWeak {
        /// Which, for the caller.
        reason: Cow<'static, str>,
    },
    /// The name breaks a rule.
    #[error("the display name is not valid: {reason}")]
    InvalidName {
        /// Which, for the caller.
        reason: String,
    },
    /// The address has an account.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The user name has an account.
    #[error("the user name is taken")]
    UsernameTaken,
    /// The one-time setup token is not valid (any more).
    #[error("the setup token is not valid")]
    SetupTokenInvalid,
    /// More passwords wait to be hashed than we let wait.
    #[error("too many passwords wait to be hashed")]
    Overloaded,
    /// Our fault.
    #[error("registering failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for RegisterError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NameMissing => Problem::invalid("/email", "or username is required"),
            Self::PasswordTooWeak { reason } => Problem::invalid("/password", reason.clone()),
            Self::InvalidName { reason } => Problem::invalid("/name", reason.clone()),
            Self::EmailTaken => Problem::new(Code::EmailTaken),
            Self::UsernameTaken => Problem::new(Code::UsernameTaken),
            Self::SetupTokenInvalid => {
                Problem::new(Code::InvalidCredentials).detail("the setup token is not valid")
            }
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why somebody was not signed in, or a password not accepted.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginError {
    /// Unknown user, wrong password or disabled account: the caller is not told which.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// Too many wrong tries on this account lately.
    #[error("too many tries, {retry_after_seconds} s to wait")]
    TooManyTries {
        /// How long to wait.
        retry_after_seconds: u32,
    },
    /// More passwords wait to be hashed than we let wait.
    #[error("too many passwords wait to be hashed")]
    Overloaded,
    /// Our fault.
    #[error("signing in failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for LoginError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::InvalidCredentials => Problem::new(Code::InvalidCredentials),
            Self::TooManyTries {
                retry_after_seconds,
            } => Problem::new(Code::RateLimited).retry_after(*retry_after_seconds),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why a refresh token gave no new tokens.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshError {
    /// Unknown, over, or its session has ended.
    #[error("the refresh token is not valid")]
    Invalid,
    /// Used before, and not just now: the whole family has been revoked.
    #[error("the refresh token was used twice")]
    Reused,
    /// Our fault.
    #[error("refreshing failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for RefreshError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::Invalid => Problem::new(Code::InvalidRefreshToken),
            Self::Reused => Problem::new(Code::TokenReuse),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why a profile could not be read or changed.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileError {
    /// No such user.
    #[error("no such user")]
    NotFound,
    /// A field breaks a rule.
    #[error("{field} is not valid: {reason}")]
    Invalid {
        /// JSON pointer.
        field: Cow<'static, str>,
        /// The rule.
        reason: String,
    },
    /// Another version is current.
    #[error("version {} is current", current.get())]
    VersionConflict {
        /// How the caller named the version.
        sent: Precondition,
        /// What is current.
        current: Version,
    },
    /// Our fault.
    #[error("the profile could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for ProfileError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Sessions and users' earlier tokens that ended, each with the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Sessions whose tokens are worth nothing any more.
    pub sessions: Vec<(SessionId, Timestamp)>,
    /// Users whose tokens of an earlier epoch than this are worth nothing any more.
    pub users: Vec<(UserId, i64, Timestamp)>,
}

/// A user has gone: whoever keeps personal data of theirs erases it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDeleted {
    /// Who.
    pub user_id: UserId,
}

impl Event for UserDeleted {
    const NAME: &'static str = "identity.user_deleted.v1";
    fn subject(&self) -> String {
        self.user_id.to_string()
    }
}

/// What the others may ask of identity.
#[async_trait]
pub trait Identity: Send + Sync {
    /// Opens an account and signs it in.
    async fn register(&self, wish: RegisterUser) -> Result<SignedIn, RegisterError>;
    /// Makes the first admin, with the one-time token, and signs them in.
    async fn setup_admin(&self, wish: SetupAdmin) -> Result<SignedIn, RegisterError>;
    /// Signs in.
    async fn login(&self, wish: Login) -> Result<SignedIn, LoginError>;
    /// Gives new tokens for a refresh token, which is used up (RFC 9700, 4.14.2).
    async fn refresh(&self, token: SecretString) -> Result<SignedIn, RefreshError>;
    /// Ends the session a refresh token belongs to; unknown tokens are nothing to end.
    async fn end_session_of(&self, token: SecretString) -> Result<(), RefreshError>;
    /// Ends the session an access token belongs to.
    async fn logout(&self, who: &Principal) -> Result<(), ProfileError>;
    /// One's own profile.
    async fn me(&self, who: &Principal) -> Result<UserView, ProfileError>;
    /// Changes one's own profile.
    async fn patch_me(
        &self,
        who: &Principal,
        sent: Precondition,
        patch: PatchProfile,
    ) -> Result<UserView, ProfileError>;
    /// Deletes one's own account, ends all its sessions, erases its personal data.
    async fn delete_account(&self, who: &Principal, wish: DeleteAccount) -> Result<(), LoginError>;
    /// Any user's profile (admins; the caller checks).
    async fn user(&self, id: UserId) -> Result<UserView, ProfileError>;
    /// Changes a user's roles; their access tokens end (admins; the caller checks).
    async fn set_roles(
        &self,
        id: UserId,
        sent: Precondition,
        wish: SetRoles,
    ) -> Result<UserView, ProfileError>;
    /// The public keys that verify access tokens (RFC 7517).
    async fn public_keys(&self) -> Result<serde_json::Value, BoxError>;
    /// What ended since this moment before its tokens did: for whoever checks tokens away from identity.
    async fn ended_since(&self, since: Timestamp) -> Result<Ended, BoxError>;
}
