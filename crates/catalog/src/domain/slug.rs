//! Slugs: the readable part of a page's address. Made from names, never guessed from ids.

use contracts::values::ValueError;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The longest slug.
pub(crate) const SLUG_CHARS_MAX: usize = 80;
/// Suffixes tried before a random one: a name that hundreds of products share stays cheap to store.
const SUFFIXES: u32 = 20;

/// Addresses beside the products' own, which no slug may hide behind.
const TAKEN: &[&str] = &["batch", "facets", "suggestions"];

/// Checks a slug that somebody chose.
pub(crate) fn check(text: &str) -> Result<String, ValueError> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if TAKEN.contains(&text) {
        Err(ValueError::new("is an address of the shop's own"))
    } else if (1..=SLUG_CHARS_MAX).contains(&text.len()) && plain {
        Ok(text.to_owned())
    } else {
        Err(ValueError::new("must be 1 to 80 of a-z, 0-9 and -"))
    }
}

/// A slug for a name: accents dropped, letters without an ASCII form written as their number, so that no
/// name of letters or digits comes out empty. Only punctuation gives an empty one.
pub(crate) fn of(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.nfkd().filter(|letter| !is_combining_mark(*letter)) {
        let room = SLUG_CHARS_MAX.saturating_sub(slug.len());
        let part = ascii(letter);
        match part {
            _ if room == 0 => break,
            Some(part) if part.len() <= room => slug.push_str(&part),
            Some(_) => break,
            None if slug.is_empty() || slug.ends_with('-') => {}
            None => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// The letter in ASCII; nothing for what only separates.
fn ascii(letter: char) -> Option<String> {
    let plain = match letter {
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'ł' | 'Ł' => "l",
        'þ' | 'Þ' => "th",
        'ı' => "i",
        _ if letter.is_ascii_alphanumeric() => {
            return Some(letter.to_ascii_lowercase().to_string());
        }
        _ if letter.is_alphanumeric() => {
            let lower = letter.to_lowercase().next().unwrap_or(letter);
            return Some(format!("{:x}", u32::from(lower)));
        }
        _ => return None,
    };
    Some(plain.to_owned())
}

/// What to try until one is free: the slug, then `-2`, `-3`..., at last a tail that nobody else has.
pub(crate) fn candidates(base: &str, unique: &str) -> impl Iterator<Item = String> {
    let with = |suffix: &str| {
        let room = SLUG_CHARS_MAX.saturating_sub(suffix.len().saturating_add(1));
        let kept: String = base.chars().take(room).collect();
        format!("{}-{suffix}", kept.trim_end_matches('-'))
    };
    let counted: Vec<String> = (2..=SUFFIXES).map(|n| with(&n.to_string())).collect();
    let free = !TAKEN.contains(&base);
    free.then(|| base.to_owned())
        .into_iter()
        .chain(counted)
        .chain(std::iter::once(with(unique)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_slug_that_is_made_is_one(name in "\\PC{0,120}") {
            let slug = of(&name);
            prop_assert!(slug.is_empty() || check(&slug).is_ok(), "{slug}");
            prop_assert_eq!(of(&slug), slug);
        }

        #[test]
        fn every_candidate_is_a_slug(name in "[a-z-]{1,120}") {
            let base = of(&name);
            prop_assume!(!base.is_empty());
            for candidate in candidates(&base, "0123456789abcdefghjkmnpqrs") {
                prop_assert!(check(&candidate).is_ok(), "{candidate}");
            }
        }
    }

    #[test]
    fn names_become_readable() {
        for (name, slug) in [
            ("Green tea", "green-tea"),
            ("  Crème brûlée & Co. ", "creme-brulee-co"),
            ("Straße Øl Łódź", "strasse-ol-lodz"),
            ("½ Ｔea", "1-2-tea"),
            ("茶", "8336"),
            ("!!!", ""),
        ] {
            assert_eq!(of(name), slug, "{name}");
        }
    }

    #[test]
    fn a_taken_slug_gets_a_number() {
        let all: Vec<String> = candidates("tea", "xyz").collect();
        assert_eq!(all[..3], ["tea", "tea-2", "tea-3"]);
        assert_eq!(all.last().map(String::as_str), Some("tea-xyz"));
    }

    #[test]
    fn no_slug_is_an_address_of_the_shop_s_own() {
        assert!(check("batch").is_err());
        assert_eq!(
            candidates("batch", "xyz").next().as_deref(),
            Some("batch-2")
        );
    }
}
