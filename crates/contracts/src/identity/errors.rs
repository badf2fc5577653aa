//! Why identity does not do what it is asked. Whether an account exists is told to nobody by any of them, but for
//! whoever registers.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    request::Precondition,
    values::Version,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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
    /// Unknown user or wrong password: the caller is not told which.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// The password is right, or need not be looked at yet; the account's second factor is on.
    #[error("a code is asked for")]
    SecondFactorRequired {
        /// Where this begins a sign-in: what goes on with it.
        challenge: Option<String>,
    },
    /// The challenge is forged, over, or what it was made for has changed.
    #[error("the challenge is not valid")]
    ChallengeInvalid,
    /// The code is wrong, of another time, or was used.
    #[error("the code is wrong")]
    CodeInvalid,
    /// Too many wrong tries on this account lately.
    #[error("too many tries, {retry_after_seconds} s to wait")]
    TooManyTries {
        /// How long to wait.
        retry_after_seconds: u32,
    },
    /// The password is right, and the account is disabled.
    #[error("the account is disabled")]
    Disabled,
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
            Self::SecondFactorRequired { challenge } => {
                let problem = Problem::new(Code::SecondFactorRequired);
                match challenge {
                    Some(challenge) => problem.fact("challenge", challenge.as_str()),
                    None => problem.detail("send a code as well: the second factor is on"),
                }
            }
            Self::ChallengeInvalid => Problem::new(Code::InvalidChallenge),
            Self::CodeInvalid => Problem::new(Code::InvalidCode),
            Self::TooManyTries {
                retry_after_seconds,
            } => Problem::new(Code::RateLimited).retry_after(*retry_after_seconds),
            Self::Disabled => Problem::new(Code::AccountDisabled),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why a second factor was not shown or changed.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorError {
    /// Who asks has not proven to be the owner.
    #[error(transparent)]
    Unproven(#[from] LoginError),
    /// It is on: it has to be turned off first.
    #[error("the second factor is on")]
    On,
    /// It is off, or what was begun is over.
    #[error("the second factor is off")]
    Off,
}

impl ToProblem for FactorError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::Unproven(error) => error.to_problem(),
            Self::On => Problem::new(Code::SecondFactorOn),
            Self::Off => Problem::new(Code::SecondFactorOff),
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
    /// A parameter of a query cannot be read.
    #[error("{parameter} cannot be read")]
    BadParameter {
        /// Its name.
        parameter: Cow<'static, str>,
    },
    /// It cannot be done as things are.
    #[error("it cannot be done: {reason}")]
    Conflict {
        /// Why, for the caller.
        reason: Cow<'static, str>,
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
            Self::BadParameter { parameter } => Problem::new(Code::InvalidParameter)
                .detail(format!("{parameter} cannot be read here")),
            Self::Conflict { reason } => {
                Problem::new(Code::IllegalTransition).detail(reason.clone())
            }
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why sessions were not listed or ended.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionError {
    /// The asker has no such session.
    #[error("no such session")]
    NotFound,
    /// The cursor is not one of this list.
    #[error("the cursor is of another list")]
    BadCursor,
    /// Our fault.
    #[error("the sessions could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for SessionError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::BadCursor => {
                Problem::new(Code::InvalidParameter).detail("cursor is no cursor of this list")
            }
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why a link was not sent, or did nothing.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkError {
    /// The link is unknown, over or used.
    #[error("the link is not valid")]
    Invalid,
    /// More links are asked for than we let wait.
    #[error("too many links are asked for")]
    Overloaded,
    /// Our fault.
    #[error("the link could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for LinkError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::Invalid => Problem::new(Code::InvalidCredentials)
                .detail("the link is not valid any more; ask for another one"),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordError {
    /// The current password is wrong, or the account has gone.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// The account's second factor is on, and no code came.
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
    /// The link is unknown, over or used.
    #[error("the link is not valid")]
    LinkInvalid,
    /// The new password breaks a rule.
    #[error("the password is too weak: {reason}")]
    PasswordTooWeak {
        /// Which, for the caller.
        reason: Cow<'static, str>,
    },
    /// More passwords wait to be hashed than we let wait.
    #[error("too many passwords wait to be hashed")]
    Overloaded,
    /// Our fault.
    #[error("the password could not be changed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl From<LoginError> for PasswordError {
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

impl ToProblem for PasswordError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::InvalidCredentials => Problem::new(Code::InvalidCredentials),
            Self::TooManyTries {
                retry_after_seconds,
            } => Problem::new(Code::RateLimited).retry_after(*retry_after_seconds),
            Self::SecondFactorRequired => {
                LoginError::SecondFactorRequired { challenge: None }.to_problem()
            }
            Self::CodeInvalid => LoginError::CodeInvalid.to_problem(),
            Self::LinkInvalid => LinkError::Invalid.to_problem(),
            Self::PasswordTooWeak { reason } => Problem::invalid("/new_password", reason.clone()),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
