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
}

impl MailKind {
    /// The text that storage keeps.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeyMade => "api_key_made",
            Self::PasswordChanged => "password_changed",
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
        }
    }

    /// Reads what storage kept.
    pub(crate) fn from_text(text: &str) -> Result<Self, ValueError> {
        [
            Self::ApiKeyMade,
            Self::PasswordChanged,
            Self::ResetPassword,
            Self::VerifyEmail,
        ]
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        for kind in [
            MailKind::ApiKeyMade,
            MailKind::PasswordChanged,
            MailKind::ResetPassword,
            MailKind::VerifyEmail,
        ] {
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
