//! API keys for machines: made by a user, used as that user within scopes, shown once. What is shown of a key later
//! opens no door.

use super::LoginError;
use crate::{
    BoxError,
    access::Role,
    problem::{Code, Problem, ToProblem},
    scopes::Scope,
    values::{ApiKeyId, Cursor, PageSize, Timestamp, UserId},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, net::IpAddr};

/// A wish for an API key.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeApiKey {
    /// What the key is for, in words of its owner: 1 to 100 characters, one line.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it may be used for: at least one, and none that the owner's roles make nothing of.
    #[schema(min_items = 1, max_items = 32)]
    pub scopes: Vec<Scope>,
    /// When it ends; never, when absent.
    pub expires_at: Option<Timestamp>,
    /// The owner's password, once more.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
    /// A code, if the second factor is on.
    #[schema(value_type = Option<String>)]
    pub code: Option<SecretString>,
}

/// A wish for another secret of a key.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateApiKey {
    /// How many seconds the secret of before stays good; 0 when absent. A secret whose time runs already keeps what
    /// is left of it, if that is less: only the one that was made last gives way.
    #[serde(default)]
    pub grace_seconds: u32,
    /// The owner's password, once more.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
    /// A code, if the second factor is on.
    #[schema(value_type = Option<String>)]
    pub code: Option<SecretString>,
}

/// Which keys, from where. Newest first.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApiKeyQuery {
    /// Whose; one's own when absent. Others' are for admins.
    pub owner: Option<UserId>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// A key, as its owner and admins see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApiKeyView {
    /// The key's id; it is part of the key's text.
    pub id: ApiKeyId,
    /// Whose it is, and as whom it acts.
    pub owner: UserId,
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does by itself.
    pub expires_at: Option<Timestamp>,
    /// When it got its present secret.
    pub rotated_at: Timestamp,
    /// Until when the secret before that is good, if it is.
    pub former_until: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The address that it was then used from.
    #[schema(value_type = Option<String>)]
    pub last_used_from: Option<IpAddr>,
}

impl std::fmt::Debug for ApiKeyView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeyView")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A key that was just made, or got another secret.
#[derive(Debug, Clone)]
pub struct ApiKeyMade {
    /// The key.
    pub key: ApiKeyView,
    /// Its text, this once; whoever repeats a request learns of the key alone.
    pub secret: Option<SecretString>,
}

/// A key that somebody shows at the door. Its text stays there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShownKey {
    /// Which it says it is.
    pub id: ApiKeyId,
    /// The hash of its text.
    pub hash: [u8; 32],
    /// From where it is shown.
    pub from: IpAddr,
}

/// Whom a key stands for, as of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyHolder {
    /// The key.
    pub id: ApiKeyId,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// Its owner.
    pub user_id: UserId,
    /// What the owner may do.
    pub roles: Vec<Role>,
    /// The owner's epoch: what is known of an earlier one is out of date.
    pub epoch: i64,
    /// When the secret that was shown ends, if it does.
    pub ends_at: Option<Timestamp>,
}

/// Why API keys were not made, shown, changed or ended.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyError {
    /// No such key that the asker may know of.
    #[error("no such key")]
    NotFound,
    /// Somebody else's keys are for admins.
    #[error("the keys of others are for admins")]
    Forbidden,
    /// The cursor is not one of this list.
    #[error("the cursor is of another list")]
    BadCursor,
    /// A field breaks a rule.
    #[error("{field} is not valid: {reason}")]
    Invalid {
        /// JSON pointer.
        field: Cow<'static, str>,
        /// The rule.
        reason: String,
    },
    /// The owner has as many as one may have.
    #[error("there are {most} keys already")]
    TooMany {
        /// So many.
        most: u32,
    },
    /// The `Idempotency-Key` came before with another wish.
    #[error("the key of the request came with another one before")]
    KeyReused,
    /// The password is wrong, or the account has gone.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// The account's second factor is on.
    #[error("a code is asked for")]
    SecondFactorRequired,
    /// The code is wrong, of another time, or was used.
    #[error("the code is wrong")]
    CodeInvalid,
    /// Too many wrong tries on this account lately.
    #[error("too many tries, {retry_after_seconds} s to wait")]
    TooManyTries {
        /// How long to wait.
        retry_after_seconds: u32,
    },
    /// More passwords wait to be hashed than we let wait.
    #[error("too much waits")]
    Overloaded,
    /// Our fault.
    #[error("the keys could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl From<LoginError> for ApiKeyError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials
            | LoginError::ChallengeInvalid
            | LoginError::Disabled => Self::InvalidCredentials,
            LoginError::SecondFactorRequired { .. } => Self::SecondFactorRequired,
            LoginError::CodeInvalid => Self::CodeInvalid,
            LoginError::TooManyTries {
                retry_after_seconds,
            } => Self::TooManyTries {
                retry_after_seconds,
            },
            LoginError::Overloaded => Self::Overloaded,
            LoginError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl ToProblem for ApiKeyError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Forbidden => Problem::new(Code::Forbidden),
            Self::BadCursor => {
                Problem::new(Code::InvalidParameter).detail("cursor is no cursor of this list")
            }
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::TooMany { most } => Problem::new(Code::TooManyApiKeys)
                .detail(format!("you have {most} keys; revoke one first")),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::InvalidCredentials => Problem::new(Code::InvalidCredentials),
            Self::SecondFactorRequired => {
                LoginError::SecondFactorRequired { challenge: None }.to_problem()
            }
            Self::CodeInvalid => LoginError::CodeInvalid.to_problem(),
            Self::TooManyTries {
                retry_after_seconds,
            } => Problem::new(Code::RateLimited).retry_after(*retry_after_seconds),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
