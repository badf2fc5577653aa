//! Values in the places of a text. A place is `{}`, which takes the next value, or `{2}`, which takes the second: a
//! translation may need another order. A place without a value stays empty.

use std::fmt::{Display, Formatter, Result, Write as _};

/// A text in the reader's language, with values in its places: `say!("Only {} left", left)`.
macro_rules! say {
    ($text:literal, $($value:expr),+ $(,)?) => {{
        let said = $crate::words::filled($text, &[$(&$value as &dyn std::fmt::Display),+]);
        said
    }};
}
pub(crate) use say;

/// What `say!` does.
pub(crate) fn filled(text: &str, values: &[&dyn Display]) -> String {
    let text = super::say(text);
    let mut said = String::with_capacity(text.len().saturating_add(16));
    let written = write!(said, "{}", Filled { text, values });
    // Only a value can fail, and what it wrote until then is what there is to say.
    debug_assert!(written.is_ok());
    said
}

/// The same without a `String` of its own.
pub(super) struct Filled<'t, 'v> {
    pub(super) text: &'t str,
    pub(super) values: &'v [&'v dyn Display],
}

impl Display for Filled<'_, '_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let mut next = 0_usize;
        for piece in pieces(self.text) {
            let place = match piece {
                Piece::Words(words) => {
                    out.write_str(words)?;
                    continue;
                }
                Piece::Next => next,
                Piece::Place(place) => place,
            };
            next = next.saturating_add(1);
            if let Some(value) = self.values.get(place) {
                write!(out, "{value}")?;
            }
        }
        Ok(())
    }
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Words(&'t str),
    /// `{}`.
    Next,
    /// `{1}` is 0.
    Place(usize),
}

/// The parts of a text in their order.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((before, after)) = rest.split_once('{') else {
            return Some(Piece::Words(std::mem::take(&mut rest)));
        };
        if !before.is_empty() {
            rest = rest.get(before.len()..).unwrap_or_default();
            return Some(Piece::Words(before));
        }
        let (place, after) = after.split_once('}').unwrap_or((after, ""));
        rest = after;
        Some(match place.parse::<usize>() {
            Ok(number) => Piece::Place(number.saturating_sub(1)),
            Err(_) => Piece::Next,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_text_wants_them() {
        let said = |text, values: &[&dyn Display]| Filled { text, values }.to_string();
        assert_eq!(said("{} of {}", &[&1, &"2"]), "1 of 2");
        assert_eq!(said("{2} {1}!", &[&"world", &"hello"]), "hello world!");
        assert_eq!(said("none", &[&1]), "none");
        assert_eq!(said("{} and {}", &[&1]), "1 and ");
        assert_eq!(said("open {", &[&1]), "open 1");
        assert_eq!(said("", &[]), "");
    }
}
