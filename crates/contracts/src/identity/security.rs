//! The audit log of security events: what happened to accounts, who did it, and from where. No password, token, code
//! or name is in it, and an address of the network only for as long as the account lives.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    values::{Cursor, PageSize, SecurityEventId, SessionId, Timestamp, UserId, ValueError},
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, str::FromStr};

/// A closed set of words: the same in storage, JSON and logs.
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $refusal:literal, {
        $($(#[$doc:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = ValueError;
            fn from_str(text: &str) -> Result<Self, ValueError> {
                let found = Self::ALL.iter().find(|word| word.as_str() == text);
                found.copied().ok_or_else(|| ValueError::new($refusal))
            }
        }
    };
}

words! {
    /// What happened. The list only grows.
    SecurityEventKind, "is no kind of security event", {
        /// An account was opened.
        Registered = "registered",
        /// An account was not opened.
        RegistrationRefused = "registration_refused",
        /// The one-time setup token made the first admin.
        SetupTokenUsed = "setup_token_used",
        /// A setup token was not good.
        SetupTokenRefused = "setup_token_refused",
        /// The command line made an admin.
        AdminMade = "admin_made",
        /// Somebody signed in by their password: a session began.
        SignedIn = "signed_in",
        /// Somebody signed in by another provider: a session began.
        SignedInExternally = "signed_in_externally",
        /// Somebody was not signed in.
        SignInRefused = "sign_in_refused",
        /// Somebody who is signed in did not prove it by the password once more.
        PasswordRefused = "password_refused",
        /// A refresh token was unknown, forged or over.
        RefreshRefused = "refresh_refused",
        /// A refresh token came back after its use: its session ended.
        RefreshTokenReused = "refresh_token_reused",
        /// A session ended before its time.
        SessionEnded = "session_ended",
        /// All sessions of an account ended.
        SessionsEnded = "sessions_ended",
        /// The owner set another password.
        PasswordChanged = "password_changed",
        /// A link for another password was asked for.
        PasswordResetAsked = "password_reset_asked",
        /// Such a link set another password.
        PasswordReset = "password_reset",
        /// A link that proves an address was asked for.
        VerificationAsked = "verification_asked",
        /// Such a link proved an address.
        EmailVerified = "email_verified",
        /// A link was not good.
        LinkRefused = "link_refused",
        /// What an account may do changed.
        RolesChanged = "roles_changed",
        /// An account may not sign in any more.
        AccountDisabled = "account_disabled",
        /// It may again.
        AccountEnabled = "account_enabled",
        /// An account was deleted by its owner.
        AccountDeleted = "account_deleted",
        /// All that is kept of an account was given out to its owner.
        DataExported = "data_exported",
        /// An account asks for a second factor from now on.
        SecondFactorOn = "second_factor_on",
        /// It does not any more.
        SecondFactorOff = "second_factor_off",
        /// Recovery codes were made; earlier ones are worth nothing.
        RecoveryCodesMade = "recovery_codes_made",
        /// A recovery code was used up.
        RecoveryCodeUsed = "recovery_code_used",
        /// The password was right, the second factor was not.
        SecondFactorRefused = "second_factor_refused",
        /// An API key was made.
        ApiKeyMade = "api_key_made",
        /// An API key got another secret.
        ApiKeyRotated = "api_key_rotated",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key_revoked",
        /// An API key was not good, or not for this.
        ApiKeyRefused = "api_key_refused",
        /// Sign-in by another provider was added to an account.
        ExternalSignInLinked = "external_sign_in_linked",
        /// It was taken away.
        ExternalSignInUnlinked = "external_sign_in_unlinked",
    }
}

impl SecurityEventKind {
    /// Whether nothing changed: such events come in floods, and are counted rather than kept one by one.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::RegistrationRefused
                | Self::SetupTokenRefused
                | Self::SignInRefused
                | Self::PasswordRefused
                | Self::RefreshRefused
                | Self::LinkRefused
                | Self::SecondFactorRefused
                | Self::ApiKeyRefused
        )
    }
}

words! {
    /// What more is to be said of it.
    SecurityEventDetail, "is no detail of a security event", {
        /// The password was wrong.
        WrongPassword = "wrong_password",
        /// Nobody has this name.
        UnknownName = "unknown_name",
        /// After too many wrong tries, before the end of the wait.
        Throttled = "throttled",
        /// The account is disabled.
        Disabled = "disabled",
        /// The name is taken.
        NameTaken = "name_taken",
        /// No mail was sent: nobody has the address, there is nothing to prove, or it got too many.
        NotSent = "not_sent",
        /// By signing out.
        SignedOut = "signed_out",
        /// By the owner, from another session.
        ByOwner = "by_owner",
        /// By an admin.
        ByAdmin = "by_admin",
        /// It became an admin's.
        ToAdmin = "to_admin",
        /// It is no admin's any more.
        FromAdmin = "from_admin",
        /// A link for another password.
        ResetLink = "reset_link",
        /// A link that proves an address.
        VerificationLink = "verification_link",
        /// A code was wrong.
        WrongCode = "wrong_code",
        /// A code was used before.
        UsedCode = "used_code",
        /// Nobody has this key.
        UnknownKey = "unknown_key",
        /// The key was revoked, or its time is over.
        EndedKey = "ended_key",
        /// The key is not for this.
        MissingScope = "missing_scope",
        /// The other provider did not say yes, or what it said does not hold.
        ProviderRefused = "provider_refused",
    }
}

words! {
    /// Who did it.
    SecurityActor, "is no actor", {
        /// A signed-in user.
        User = "user",
        /// Somebody who had not proven who they are.
        Nobody = "nobody",
        /// The shop itself: a command, a sweeper.
        System = "system",
    }
}

/// A security event, as admins and the owner of the account see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SecurityEventView {
    /// The event's id.
    pub id: SecurityEventId,
    /// When it happened; the first time, if it is counted.
    pub at: Timestamp,
    /// What happened.
    pub kind: SecurityEventKind,
    /// What more is to be said of it.
    pub detail: Option<SecurityEventDetail>,
    /// The account concerned, if one is.
    pub user_id: Option<UserId>,
    /// Who did it.
    pub actor: SecurityActor,
    /// Which user did it. An owner is not told which admin.
    pub actor_id: Option<UserId>,
    /// The session in which it was done, that began, or that ended.
    pub session_id: Option<SessionId>,
    /// The client's address, as the door knows it; gone when the account has.
    #[schema(value_type = Option<String>)]
    pub client_address: Option<IpAddr>,
    /// The request's id, as logs have it; gone when the account has.
    pub request_id: Option<String>,
    /// How often it happened: refusals on one account from one address are counted for a while.
    pub count: i64,
    /// When it last did.
    pub last_at: Timestamp,
}

/// Which security events, from where. Newest first.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SecurityEventQuery {
    /// Only those of this account.
    pub user_id: Option<UserId>,
    /// Only those of this kind.
    #[param(inline)]
    pub kind: Option<SecurityEventKind>,
    /// Only those at or after this moment.
    pub created_after: Option<Timestamp>,
    /// Only those before this moment.
    pub created_before: Option<Timestamp>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// Which security events of one's own account, from where. Newest first.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnSecurityEventQuery {
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// Why security events were not listed.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityEventError {
    /// The cursor is not one of this list.
    #[error("the cursor is of another list")]
    BadCursor,
    /// Our fault.
    #[error("the security events could not be read")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for SecurityEventError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::BadCursor => {
                Problem::new(Code::InvalidParameter).detail("cursor is no cursor of this list")
            }
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_storage_are_those_of_json_and_each_is_one_thing() {
        for kind in SecurityEventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        for detail in SecurityEventDetail::ALL {
            assert_eq!(serde_json::to_value(detail).unwrap(), detail.as_str());
            assert_eq!(detail.as_str().parse(), Ok(*detail));
        }
        for actor in SecurityActor::ALL {
            assert_eq!(serde_json::to_value(actor).unwrap(), actor.as_str());
            assert_eq!(actor.as_str().parse(), Ok(*actor));
        }
        assert!("rumour".parse::<SecurityEventKind>().is_err());
    }
}
