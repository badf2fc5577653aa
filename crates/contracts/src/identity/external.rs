//! Signing in by a provider of identities (OpenID Connect): what the pages ask of identity. A person is known by the
//! provider and its name for them, never by an e-mail address that the provider says they have.

use super::{LoginError, SignedIn};
use crate::{
    BoxError,
    access::Principal,
    problem::{Code, Problem, ToProblem},
    values::Timestamp,
};
use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A provider that people may sign in by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderView {
    /// Its name in addresses.
    pub name: String,
    /// Its name for people.
    pub title: String,
}

/// A wish to sign in by a provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BeginExternal {
    /// The provider's name.
    pub provider: String,
    /// Where to go on afterwards, within the shop.
    pub next: String,
}

/// A wish that has to do with a provider and one's own account; the password proves that it is the owner's.
#[derive(Debug)]
pub struct ChangeExternal {
    /// The provider's name.
    pub provider: String,
    /// The password of the account, once more.
    pub password: SecretString,
    /// A code, if the second factor is on.
    pub code: Option<SecretString>,
}

/// An attempt that has begun.
#[derive(Debug)]
pub struct ExternalAttempt {
    /// Where the browser goes now.
    pub location: String,
    /// What the browser has to bring back: nobody else can end the attempt.
    pub ticket: SecretString,
    /// How long it may take.
    pub expires_in: i64,
}

/// What a browser came back with.
#[derive(Debug)]
pub struct EndExternal {
    /// The provider's name, by the address that it came back to.
    pub provider: String,
    /// What it was given when the attempt began.
    pub ticket: SecretString,
    /// `state`, as the provider was given it.
    pub state: String,
    /// `code`, if the provider agreed.
    pub code: Option<SecretString>,
    /// `iss`, if the provider says who it is (RFC 9207).
    pub issuer: Option<String>,
}

/// How an attempt ended well.
#[derive(Debug)]
pub enum ExternalEnd {
    /// Somebody is signed in.
    SignedIn {
        /// Their session.
        session: Box<SignedIn>,
        /// Where to go on.
        next: String,
    },
    /// The person is known; the second factor of their account is on, and the provider did not ask for one.
    CodeRequired {
        /// What goes on with the sign-in.
        challenge: String,
        /// Where to go on.
        next: String,
    },
    /// The provider is one more way into the asker's account.
    Linked,
}

/// A way into one's own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalLink {
    /// The provider.
    pub provider: ProviderView,
    /// Since when.
    pub linked_at: Timestamp,
}

/// Why somebody was not signed in by a provider, or a link not changed.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalError {
    /// The shop has no such provider.
    #[error("no such provider")]
    UnknownProvider,
    /// The attempt is over, was used, or began in another browser or by somebody else.
    #[error("the attempt is over, or another's")]
    AttemptOver,
    /// The provider or the person did not agree.
    #[error("the provider did not agree")]
    Denied,
    /// The provider cannot be asked just now.
    #[error("the provider cannot be asked")]
    ProviderAway(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
    /// What the provider said cannot be believed.
    #[error("the provider's answer cannot be believed")]
    Unbelievable(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
    /// The person is new here, and the provider does not vouch for an e-mail address.
    #[error("the provider vouches for no address")]
    AddressUnverified,
    /// The person is new here, and their address has an account.
    #[error("the address has an account")]
    AddressTaken,
    /// The person at the provider, or the provider, belongs to an account already.
    #[error("the link is taken")]
    LinkTaken,
    /// The asker has no such link.
    #[error("no such link")]
    NotLinked,
    /// The account may not be used.
    #[error("the account is disabled")]
    Disabled,
    /// The password did not prove the owner.
    #[error("the password was not accepted")]
    Password(#[source] LoginError),
    /// Too much is under way.
    #[error("too much is under way")]
    Overloaded,
    /// Our fault.
    #[error("the sign-in by a provider failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ExternalError {
    /// Why the password of whoever asks was not accepted.
    #[must_use]
    pub fn from_login(error: LoginError) -> Self {
        match error {
            LoginError::Overloaded => Self::Overloaded,
            LoginError::Internal(cause) => Self::Internal(cause),
            error @ (LoginError::InvalidCredentials
            | LoginError::TooManyTries { .. }
            | LoginError::SecondFactorRequired { .. }
            | LoginError::ChallengeInvalid
            | LoginError::CodeInvalid
            | LoginError::Disabled) => Self::Password(error),
        }
    }
}

impl ToProblem for ExternalError {
    fn to_problem(&self) -> Problem {
        let said = |code, detail: &'static str| Problem::new(code).detail(detail);
        match self {
            Self::UnknownProvider | Self::NotLinked => Problem::new(Code::NotFound),
            Self::AttemptOver => said(
                Code::InvalidCredentials,
                "this sign-in is over or was begun elsewhere; begin it again",
            ),
            Self::Denied => said(Code::InvalidCredentials, "the provider did not agree"),
            Self::ProviderAway(_) => said(
                Code::DependencyUnavailable,
                "the provider cannot be asked just now",
            ),
            Self::Unbelievable(_) => said(
                Code::DependencyUnavailable,
                "the provider's answer cannot be used",
            ),
            Self::AddressUnverified => said(
                Code::Forbidden,
                "the provider does not say that your e-mail address is yours",
            ),
            Self::AddressTaken => said(
                Code::EmailTaken,
                "an account has your e-mail address: sign in with its password, and add the provider on its page",
            ),
            Self::LinkTaken => said(Code::InUse, "it belongs to an account already"),
            // The provider has said who it is: they may hear it.
            Self::Disabled => Problem::new(Code::AccountDisabled),
            Self::Password(error) => error.to_problem(),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// What the pages ask of identity about providers.
#[async_trait]
pub trait External: Send + Sync {
    /// The providers that people may sign in by.
    async fn providers(&self) -> Result<Vec<ProviderView>, ExternalError>;
    /// Begins a sign-in.
    async fn begin_external(&self, wish: BeginExternal) -> Result<ExternalAttempt, ExternalError>;
    /// Begins to link a provider to the asker's account.
    async fn begin_link(
        &self,
        who: &Principal,
        wish: ChangeExternal,
    ) -> Result<ExternalAttempt, ExternalError>;
    /// Ends an attempt, once.
    async fn end_external(
        &self,
        who: Option<&Principal>,
        wish: EndExternal,
    ) -> Result<ExternalEnd, ExternalError>;
    /// The providers that lead into the asker's account.
    async fn external_links(&self, who: &Principal) -> Result<Vec<ExternalLink>, ExternalError>;
    /// Takes a provider away from the asker's account.
    async fn unlink_external(
        &self,
        who: &Principal,
        wish: ChangeExternal,
    ) -> Result<(), ExternalError>;
}
