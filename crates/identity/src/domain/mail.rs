//! What the shop writes to the owners of accounts. Plain text and fixed words: nothing that somebody typed is in it,
//! so that nobody can make the shop say something.

use contracts::values::ValueError;

/// Why a mail is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailKind {
    /// The password is another one now.
    PasswordChanged,
}

impl MailKind {
    /// The text that storage keeps.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
        }
    }

    /// Reads what storage kept.
    pub(crate) fn from_text(text: &str) -> Result<Self, ValueError> {
        [Self::PasswordChanged]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| ValueError::new("is no kind of mail"))
    }

    /// What the mail is about.
    pub(crate) const fn subject(self) -> &'static str {
        match self {
            Self::PasswordChanged => "Your password was changed",
        }
    }

    /// What the mail says; the shop is seen at this address.
    pub(crate) fn text(self, public_url: &str) -> String {
        match self {
            Self::PasswordChanged => format!(
                "Hello,\r\n\r\n\
                 the password of your account at {public_url} was changed,\r\n\
                 and your other sign-ins have ended.\r\n\r\n\
                 If this was not you, somebody else has got into your account.\r\n"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        let kind = MailKind::PasswordChanged;
        assert_eq!(MailKind::from_text(kind.as_str()).unwrap(), kind);
        assert!(MailKind::from_text("advertisement").is_err());
    }

    #[test]
    fn a_mail_names_the_shop_s_own_address() {
        let text = MailKind::PasswordChanged.text("https://shop.example");
        assert!(text.contains("at https://shop.example was"), "{text}");
    }
}
