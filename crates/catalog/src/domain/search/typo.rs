//! Typing errors: which words somebody may have meant. A letter too much, too few, another, or two in the wrong order
//! is one error. Short words and whatever holds digits are taken as they are.

use rapidfuzz::distance::osa::{self, BatchComparator};

/// Words of fewer letters are taken as they were typed.
const ONE_ERROR_CHARS: usize = 4;
/// Words of so many letters may have two errors.
const TWO_ERRORS_CHARS: usize = 8;
/// Words that one that was typed may stand for.
const MEANT_MAX: usize = 24;

/// What can be told of a word at a glance: its length, and which letters it may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    letters: u32,
    length: u8,
}

impl Shape {
    /// Of a word that nobody can have meant.
    pub(super) const NEVER: Self = Self {
        letters: 0,
        length: 0,
    };

    pub(super) fn of(word: &str) -> Self {
        let length = word.chars().count();
        if length < ONE_ERROR_CHARS.saturating_sub(1) || word.chars().any(char::is_numeric) {
            return Self::NEVER;
        }
        let letters = word.chars().fold(0, |letters, letter| {
            letters | 1_u32.rotate_left(u32::from(letter) % 32)
        });
        Self {
            letters,
            length: u8::try_from(length).unwrap_or(u8::MAX),
        }
    }

    /// Whether it may be this far away. An error changes the length by one at most, and two letters at most.
    fn may_be(self, other: Self, errors: u8) -> bool {
        self.length.abs_diff(other.length) <= errors
            && (self.letters ^ other.letters).count_ones() <= u32::from(errors).saturating_mul(2)
    }
}

/// How many errors a word may have.
fn errors_in(word: &str) -> u8 {
    if Shape::of(word).length == 0 {
        return 0;
    }
    match word.chars().count() {
        0..ONE_ERROR_CHARS => 0,
        ONE_ERROR_CHARS..TWO_ERRORS_CHARS => 1,
        _ => 2,
    }
}

/// Numbers of the words that may have been meant, nearest first, each with its errors.
pub(super) fn meant<T: AsRef<str>>(typed: &str, shapes: &[Shape], texts: &[T]) -> Vec<(u32, u8)> {
    let most = errors_in(typed);
    if most == 0 {
        return Vec::new();
    }
    let shape = Shape::of(typed);
    let errors = Errors::from(typed);
    let mut meant: Vec<(u8, &str, u32)> = (0_u32..)
        .zip(shapes.iter().zip(texts))
        .filter(|(_, (other, _))| other.length > 0 && shape.may_be(**other, most))
        .filter_map(|(number, (_, text))| {
            let errors = errors.to(text.as_ref(), most)?;
            Some((errors, text.as_ref(), number))
        })
        .collect();
    meant.sort_unstable();
    meant.truncate(MEANT_MAX);
    meant
        .into_iter()
        .map(|(errors, _, number)| (number, errors))
        .collect()
}

/// Counts the errors between one word and many others, a letter of the other at a time (Hyyrö 2003).
struct Errors(BatchComparator<char>);

impl Errors {
    fn from(one: &str) -> Self {
        Self(BatchComparator::new(one.chars()))
    }

    /// The errors to another word, if there are no more than `most` (the optimal string alignment distance).
    fn to(&self, other: &str, most: u8) -> Option<u8> {
        let most = osa::Args::default().score_cutoff(usize::from(most));
        let errors = self.0.distance_with_args(other.chars(), &most)?;
        u8::try_from(errors).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORDS: [&str; 8] = [
        "kettle",
        "nettle",
        "teapot",
        "tea",
        "cup",
        "porcelain",
        "porcelains",
        "t34pot",
    ];

    fn corrected(typed: &str) -> Vec<(&'static str, u8)> {
        let shapes = WORDS.map(Shape::of);
        meant(typed, &shapes, &WORDS)
            .into_iter()
            .map(|(number, errors)| (WORDS[usize::try_from(number).unwrap()], errors))
            .collect()
    }

    #[test]
    fn near_words_are_meant_the_nearest_first() {
        assert_eq!(corrected("ketle"), [("kettle", 1)]);
        assert_eq!(corrected("tepaot"), [("teapot", 1)]);
        assert_eq!(corrected("teapott"), [("teapot", 1)]);
        assert_eq!(corrected("mettle"), [("kettle", 1), ("nettle", 1)]);
        assert_eq!(
            corrected("porzelain"),
            [("porcelain", 1), ("porcelains", 2)]
        );
        assert_eq!(corrected("kett"), []);
    }

    #[test]
    fn short_words_and_digits_are_taken_as_they_are() {
        assert_eq!(corrected("cap"), []);
        assert_eq!(corrected("teapot7"), []);
        assert_eq!(corrected("t35pot"), []);
    }

    proptest! {
        #[test]
        fn a_glance_rules_nothing_out_that_is_near(one in "[a-f]{4,12}", other in "[a-f]{3,13}") {
            let errors = Errors::from(&one).to(&other, 2);
            if let Some(errors) = errors {
                prop_assert!(Shape::of(&one).may_be(Shape::of(&other), errors));
            }
            prop_assert_eq!(errors, Errors::from(&other).to(&one, 2));
        }
    }
}
