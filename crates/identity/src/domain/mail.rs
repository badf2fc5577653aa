//! What the shop writes to the owners of accounts. Plain text and fixed words: nothing that somebody typed is in it,
//! so that nobody can make the shop say something.

use contracts::values::ValueError;

/// Why a mail is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailKind {
    /// The account has an API key more, or one has another secret.
    ApiKeyMade,
    /// The password is another one now.
    PasswordChanged,
    /// Somebody forgot the password.
    ResetPassword,
    /// Somebody wants to prove that the address is theirs.
    VerifyEmail,
    /// Signing in asks for a code from now on.
    SecondFactorOn,
    /// It does so no more, as the owner wished.
    SecondFactorOff,
    /// It does so no more, as an admin wished.
    SecondFactorTakenOff,
    /// There are other recovery codes.
    RecoveryCodesMade,
    /// One of them was used.
    RecoveryCodeUsed,
    /// A provider of identities opens the account from now on.
    ProviderLinked,
    /// One does so no more.
    ProviderUnlinked,
}

const KINDS: [MailKind; 11] = [
    MailKind::ApiKeyMade,
    MailKind::PasswordChanged,
    MailKind::ResetPassword,
    MailKind::VerifyEmail,
    MailKind::SecondFactorOn,
    MailKind::SecondFactorOff,
    MailKind::SecondFactorTakenOff,
    MailKind::RecoveryCodesMade,
    MailKind::RecoveryCodeUsed,
    MailKind::ProviderLinked,
    MailKind::ProviderUnlinked,
];

impl MailKind {
    /// The text that storage keeps.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeyMade => "api_key_made",
            Self::PasswordChanged => "password_changed",
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::SecondFactorTakenOff => "second_factor_taken_off",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::ProviderLinked => "provider_linked",
            Self::ProviderUnlinked => "provider_unlinked",
        }
    }

    /// Reads what storage kept.
    pub(crate) fn from_text(text: &str) -> Result<Self, ValueError> {
        KINDS
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| ValueError::new("is no kind of mail"))
    }

    /// What the mail is about.
    pub(crate) const fn subject(self) -> &'static str {
        match self {
            Self::ApiKeyMade => "An API key was made",
            Self::PasswordChanged => "Your password was changed",
            Self::ResetPassword => "Set another password",
            Self::VerifyEmail => "Is this your address?",
            Self::SecondFactorOn => "Signing in asks for a code now",
            Self::SecondFactorOff | Self::SecondFactorTakenOff => {
                "Signing in does not ask for a code any more"
            }
            Self::RecoveryCodesMade => "You have other recovery codes",
            Self::RecoveryCodeUsed => "A recovery code was used",
            Self::ProviderLinked => "Another way to sign in was added",
            Self::ProviderUnlinked => "A way to sign in was taken away",
        }
    }

    /// What the mail says; the shop is seen at this address, and a link in it has this token.
    pub(crate) fn text(self, public_url: &str, token: &str) -> String {
        match self {
            Self::ApiKeyMade => format!(
                "Hello,\r\n\r\n\
                 an API key of your account at {public_url} was made, or got another secret.\r\n\
                 Whoever has it can act for you within its scopes.\r\n\r\n\
                 If this was not you, somebody else has got into your account:\r\n\
                 set another password at {public_url}/forgot-password, and then revoke the key.\r\n"
            ),
            Self::PasswordChanged => format!(
                "Hello,\r\n\r\n\
                 the password of your account at {public_url} was changed,\r\n\
                 and your other sign-ins have ended.\r\n\r\n\
                 If this was not you, somebody else has got into your account:\r\n\
                 set another password at {public_url}/forgot-password\r\n"
            ),
            Self::ResetPassword => format!(
                "Hello,\r\n\r\n\
                 with this link you set another password for your account:\r\n\r\n\
                 {public_url}/reset-password?token={token}\r\n\r\n\
                 It works once, and for a short time only. If you did not ask for it,\r\n\
                 nothing has happened and there is nothing to do.\r\n"
            ),
            Self::VerifyEmail => format!(
                "Hello,\r\n\r\n\
                 with this link you confirm that this address is yours:\r\n\r\n\
                 {public_url}/verify-email?token={token}\r\n\r\n\
                 If you have no account at {public_url}, somebody mistyped\r\n\
                 their address, and there is nothing to do.\r\n"
            ),
            Self::SecondFactorOn
            | Self::SecondFactorOff
            | Self::SecondFactorTakenOff
            | Self::RecoveryCodesMade
            | Self::RecoveryCodeUsed
            | Self::ProviderLinked
            | Self::ProviderUnlinked => self.notice(public_url),
        }
    }
}

impl MailKind {
    /// What a notice about ways to sign in says.
    fn notice(self, public_url: &str) -> String {
        let news = match self {
            Self::SecondFactorOn => {
                "asks for a code of your app from now on, whenever you sign in.\r\n\
                 Your other sign-ins have ended."
            }
            Self::SecondFactorOff => {
                "does not ask for a code any more when you sign in.\r\n\
                 Your other sign-ins have ended."
            }
            Self::SecondFactorTakenOff => {
                "does not ask for a code any more when you sign in: an admin of the\r\n\
                 shop has seen to that. Your sign-ins have ended. Turn it on again as\r\n\
                 soon as you have an app for it."
            }
            Self::RecoveryCodesMade => {
                "has other recovery codes. Those that you had are worth nothing any more."
            }
            Self::RecoveryCodeUsed => {
                "was opened, or changed, with one of your recovery codes. It is good no\r\n\
                 more; you make other ones where you change your password."
            }
            Self::ProviderLinked => {
                "can be signed in to by another provider from now on. Which ones there are\r\n\
                 stands where you change your password."
            }
            Self::ProviderUnlinked => {
                "cannot be signed in to any more by one of the providers that it had."
            }
            Self::ApiKeyMade | Self::PasswordChanged | Self::ResetPassword | Self::VerifyEmail => {
                ""
            }
        };
        format!(
            "Hello,\r\n\r\n\
             your account at {public_url}\r\n\
             {news}\r\n\r\n\
             If this was not you, somebody else has got into your account:\r\n\
             set another password at {public_url}/forgot-password\r\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        for kind in KINDS {
            assert_eq!(MailKind::from_text(kind.as_str()).unwrap(), kind);
        }
        assert!(MailKind::from_text("advertisement").is_err());
    }

    #[test]
    fn a_mail_names_the_shop_s_own_address() {
        let text = MailKind::ResetPassword.text("https://shop.example", "abc");
        let link = "\r\nhttps://shop.example/reset-password?token=abc\r\n";
        assert!(text.contains(link), "{text}");
        let text = MailKind::PasswordChanged.text("https://shop.example", "abc");
        assert!(!text.contains("abc"), "a notice opens nothing: {text}");
    }
}
