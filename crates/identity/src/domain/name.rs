//! What people want to be called. Kept as written, but one line, since it ends up in mail and on labels.

use contracts::values::{ValueError, one_line};

const LONGEST: usize = 200;

/// Checks a name.
pub(crate) fn display_name(text: &str) -> Result<String, ValueError> {
    one_line(text, 1, LONGEST)
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
