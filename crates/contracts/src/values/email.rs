//! E-mail addresses and user names: the text as given, and the folded form that must be unique.
//! They hold personal data, so `Debug` shows none of it.

use super::{ValueError, bounded_text, fold, schema::plain_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

macro_rules! folded_text {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "Cow<'_, str>", into = "String")]
        pub struct $name { shown: String, key: String }

        impl $name {
            /// Checks a text.
            ///
            /// # Errors
            /// [`ValueError`] that says which rule was broken.
            pub fn parse(text: &str) -> Result<Self, ValueError> {
                let shown = $check(text)?;
                Ok(Self { key: fold(&shown), shown })
            }

            /// The text as it was given, trimmed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.shown
            }

            /// The folded text: equal for all spellings of one name.
            #[must_use]
            pub fn key(&self) -> &str {
                &self.key
            }
        }

        impl TryFrom<Cow<'_, str>> for $name {
            type Error = ValueError;
            fn try_from(text: Cow<'_, str>) -> Result<Self, ValueError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.shown
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }
    };
}

fn check_email(text: &str) -> Result<String, ValueError> {
    let text = bounded_text(text, 3, 254)?;
    let wrong = || ValueError::new("must be an e-mail address");
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let local_is_fine = !local.is_empty()
        && local.len() <= 64
        && !local.contains(|c: char| {
            c.is_whitespace() || c.is_control() || "@<>(),;:\\\"[]".contains(c)
        });
    let domain_is_fine = domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    });
    if local_is_fine && domain_is_fine {
        Ok(text)
    } else {
        Err(wrong())
    }
}

fn check_username(text: &str) -> Result<String, ValueError> {
    let text = bounded_text(text, 1, 64)?;
    if text
        .chars()
        .all(|c| c.is_alphanumeric() || "._-+ ".contains(c))
    {
        Ok(text)
    } else {
        Err(ValueError::new(
            "may hold letters, digits, spaces and . _ - +",
        ))
    }
}

folded_text! {
    /// An e-mail address: one `@`, a plain local part, a dotted domain; unique by its folded form.
    Email, check_email
}
folded_text! {
    /// A user name: 1 to 64 letters, digits, spaces and `. _ - +` (so never an e-mail address).
    Username, check_username
}

plain_schema!(
    Email,
    String,
    max_length(Some(254)),
    examples(["ann@example.com"])
);
plain_schema!(Username, String, max_length(Some(64)), examples(["ann"]));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_share_a_key() {
        let plain = Email::parse("ann@example.com").unwrap();
        assert_eq!(
            Email::parse("  ANN@Example.COM ").unwrap().key(),
            plain.key()
        );
        assert_eq!(
            Email::parse("ａｎｎ@example.com").unwrap().key(),
            plain.key(),
            "full width"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ann",
            "@b.c",
            "ann@",
            "a b@c.d",
            "ann@x..y",
            "ann@-x.y",
            "a\r\nb@c.d",
            "<a>@c.d",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
        assert!(
            Username::parse("ann@example.com").is_err(),
            "never an address"
        );
    }

    #[test]
    fn debug_shows_no_personal_data() {
        assert_eq!(
            format!("{:?}", Email::parse("ann@example.com").unwrap()),
            "Email(hidden)"
        );
    }
}
