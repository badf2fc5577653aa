//! Texts of a document and their bounds. What is refused is refused by name, nothing is cut silently.

use contracts::{
    catalog::EditError,
    values::{Money, ValueError, bounded_text, fold, one_line},
};

const NAME_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 20_000;
const SKU_CHARS_MAX: usize = 64;
const IMAGE_URL_CHARS_MAX: usize = 2_000;
/// Dear enough for a ship, and a thousand lines of a million units each still fit into 128 bits of sums.
const PRICE_MINOR_MAX: i64 = 1_000_000_000_000;
/// What is sorted by: short enough that a cursor always holds it.
const SORT_KEY_CHARS: usize = 60;

/// The refusal of a field, by its JSON pointer.
pub(crate) fn invalid(field: &str, error: ValueError) -> EditError {
    EditError::Invalid {
        field: field.to_owned(),
        reason: error.0,
    }
}

pub(crate) fn name(text: &str) -> Result<String, ValueError> {
    one_line(text, 1, NAME_CHARS_MAX)
}

pub(crate) fn description(text: &str) -> Result<String, ValueError> {
    bounded_text(text, 0, DESCRIPTION_CHARS_MAX)
}

pub(crate) fn sku(text: &str) -> Result<String, ValueError> {
    one_line(text, 1, SKU_CHARS_MAX)
}

pub(crate) fn price(price: Money) -> Result<Money, ValueError> {
    if price.minor < 0 {
        Err(ValueError::new("must not be negative"))
    } else if price.minor > PRICE_MINOR_MAX {
        Err(ValueError::new(format!(
            "must be at most {PRICE_MINOR_MAX} minor units"
        )))
    } else {
        Ok(price)
    }
}

/// An `https` address or a path of this shop. The shop itself never fetches it.
pub(crate) fn image_url(text: &str) -> Result<String, ValueError> {
    let text = one_line(text, 1, IMAGE_URL_CHARS_MAX)?;
    // Browsers read a backslash as a slash, so that `/\host` would leave the shop.
    let plain = !text.contains(|c: char| c.is_whitespace() || "\\\"<>".contains(c));
    let own_path = text.starts_with('/') && !text.starts_with("//");
    let secure = text
        .strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if plain && (own_path || secure) {
        Ok(text)
    } else {
        Err(ValueError::new(
            "must be an https address or a path that starts with one /",
        ))
    }
}

/// What a name is sorted by.
pub(crate) fn sort_key(name: &str) -> String {
    fold(name).chars().take(SORT_KEY_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_image_addresses_are_taken() {
        for text in ["https://cdn.example/a.png", "/images/a.png"] {
            assert_eq!(image_url(text), Ok(text.to_owned()));
        }
        for text in [
            "",
            "http://cdn.example/a.png",
            "file:///etc/passwd",
            "//evil.example/a.png",
            "/\\evil.example",
            "javascript:alert(1)",
            "data:image/png;base64,x",
            "https://",
            "https:///a",
            "https://a b",
            "https://a\"onerror=",
            "a.png",
        ] {
            assert!(image_url(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(name("  Green tea "), Ok("Green tea".to_owned()));
        for text in ["", "   ", "a\nb", "a\tb", "a\u{0}b", &"x".repeat(201)] {
            assert!(name(text).is_err(), "{text:?}");
        }
        assert!(name(&"é".repeat(200)).is_ok(), "characters, not bytes");
    }
}
