//! Which passwords are accepted: any characters at all, exactly as received; not too short, not one of the
//! first that everybody tries, not one's own name.

use super::common::COMMON;
use contracts::values::{Email, Username, fold};

const SHORTEST: usize = 8;
const LONGEST: usize = 128;

/// Whose password it shall be.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) email: Option<&'a Email>,
    pub(crate) username: Option<&'a Username>,
    pub(crate) name: Option<&'a str>,
}

/// Checks a new password; the error says which rule it breaks.
pub(crate) fn check(password: &str, owner: Owner<'_>) -> Result<(), &'static str> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err("must have at least 8 characters");
    }
    if length > LONGEST {
        return Err("must have at most 128 characters");
    }
    if COMMON.contains(&password) {
        return Err("is one of the most common passwords");
    }
    let folded = fold(password);
    let folded = folded.trim();
    if is_own_name(folded, owner) {
        return Err("must not be your own name or address");
    }
    Ok(())
}

fn is_own_name(folded: &str, owner: Owner<'_>) -> bool {
    let address = owner.email.map(Email::key);
    let local_part = address.and_then(|address| address.split('@').next());
    let name = owner.name.map(fold);
    [
        address,
        local_part,
        owner.username.map(Username::key),
        name.as_deref(),
    ]
    .contains(&Some(folded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOBODY: Owner<'_> = Owner {
        email: None,
        username: None,
        name: None,
    };

    #[test]
    fn length_is_counted_in_characters_of_any_kind() {
        assert!(check("correct horse", NOBODY).is_ok());
        assert!(check(&"🐴".repeat(8), NOBODY).is_ok());
        assert!(check(&"🐴".repeat(128), NOBODY).is_ok());
        assert!(check("  \u{0} \n  x", NOBODY).is_ok(), "as received");
        assert!(check(&"🐴".repeat(7), NOBODY).is_err());
        assert!(check(&"x".repeat(129), NOBODY).is_err());
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for password in ["password", "12345678", "qwertyuiop", "iloveyou"] {
            assert!(check(password, NOBODY).is_err(), "{password}");
        }
        for password in ["PASSWORD", "password123", "secret123"] {
            assert!(check(password, NOBODY).is_ok(), "{password}");
        }
    }

    #[test]
    fn one_s_own_name_is_no_password() {
        let email = Email::parse("Ann.Smith@example.com").unwrap();
        let username = Username::parse("annsmith77").unwrap();
        let owner = Owner {
            email: Some(&email),
            username: Some(&username),
            name: Some("Ann Maria Smith"),
        };
        for password in [
            "ann.smith@EXAMPLE.com",
            "ann.smith",
            "AnnSmith77",
            "ann maria smith",
        ] {
            assert!(check(password, owner).is_err(), "{password}");
            assert!(check(password, NOBODY).is_ok(), "{password}");
        }
    }

    #[test]
    fn the_list_is_long_enough_and_without_doubles() {
        for (index, word) in COMMON.iter().enumerate() {
            assert!(word.chars().count() >= SHORTEST, "{word}");
            assert!(!COMMON[index + 1..].contains(word), "{word}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_fall_over(text in any::<String>()) {
            let accepted = check(&text, NOBODY).is_ok();
            prop_assert!(!accepted || (8..=128).contains(&text.chars().count()));
        }
    }
}
