//! What people want to be called. Kept as written, but one line, since it ends up in mail and on labels.

use contracts::values::{ValueError, bounded_text};

const LONGEST: usize = 200;

/// Checks a name.
pub(crate) fn display_name(text: &str) -> Result<String, ValueError> {
    let name = bounded_text(text, 1, LONGEST)?;
    if name.chars().any(char::is_control) {
        return Err(ValueError::new("must be one line"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_1_to_200_characters() {
        assert_eq!(display_name(" Ann <b> ").unwrap(), "Ann <b>");
        for text in ["", "  ", "a\r\nBcc: b@c.d", "a\u{0}", &"x".repeat(201)] {
            assert!(display_name(text).is_err(), "{text:?}");
        }
    }
}
