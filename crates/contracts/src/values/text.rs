//! Bounded, clean text. Nothing here trims meaning away: what is refused is refused by name.

use unicode_normalization::UnicodeNormalization;

/// A value that breaks its own rule; the message is fit for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub String);

impl ValueError {
    /// An error with a message for the caller.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Trims outer white space, and refuses text that is empty, too long (in characters), or holds control
/// characters other than line breaks and tabs.
///
/// # Errors
/// [`ValueError`] that says which rule was broken.
pub fn bounded_text(text: &str, shortest: usize, longest: usize) -> Result<String, ValueError> {
    let text = text.trim();
    let length = text.chars().count();
    if length < shortest {
        return Err(ValueError::new(if shortest == 1 {
            "must not be empty".to_owned()
        } else {
            format!("must have at least {shortest} characters")
        }));
    }
    if length > longest {
        return Err(ValueError::new(format!(
            "must have at most {longest} characters"
        )));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(ValueError::new("must not hold control characters"));
    }
    Ok(text.to_owned())
}

/// The same for a text of one line: what ends one is refused as other control characters are.
///
/// # Errors
/// [`ValueError`] that says which rule was broken.
pub fn one_line(text: &str, shortest: usize, longest: usize) -> Result<String, ValueError> {
    let ends_a_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.trim().contains(ends_a_line) {
        return Err(ValueError::new(
            "must be one line without control characters",
        ));
    }
    bounded_text(text, shortest, longest)
}

/// The form in which two spellings of one name are equal: NFKC, lower case, NFKC again.
///
/// ```
/// use contracts::values::fold;
/// assert_eq!(fold("ＡＮＮ@example.com"), fold("ann@Example.com"));
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}
