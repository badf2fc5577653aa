//! Typing errors: which words somebody may have meant. A letter too much, too few, another, or two in the wrong order
//! is one error. Short words and whatever holds digits are taken as they are.

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
    let mut errors = Errors::from(typed);
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

/// Counts the errors between one word and many others, in the same memory.
struct Errors {
    one: Vec<char>,
    other: Vec<char>,
    /// Rows of the table of distances: the one before the last, the last, and the one that is being made.
    rows: [Vec<u8>; 3],
}

impl Errors {
    fn from(one: &str) -> Self {
        Self {
            one: one.chars().collect(),
            other: Vec::new(),
            rows: Default::default(),
        }
    }

    /// The errors to another word, if there are no more than `most` (the optimal string alignment distance).
    fn to(&mut self, other: &str, most: u8) -> Option<u8> {
        self.other.clear();
        self.other.extend(other.chars());
        let [before, last, now] = &mut self.rows;
        before.clear();
        last.clear();
        last.extend((0..=u8::MAX).take(self.other.len().saturating_add(1)));
        let mut above: Option<char> = None;
        for (row, letter) in (1..=u8::MAX).zip(&self.one) {
            now.clear();
            now.push(row);
            let (mut left, mut least) = (row, row);
            let mut beside: Option<char> = None;
            for (column, (facing, pair)) in self.other.iter().zip(last.windows(2)).enumerate() {
                let [diagonal, up] = pair else { return None };
                let changed = diagonal.saturating_add(u8::from(letter != facing));
                let mut one = (*up).min(left).saturating_add(1).min(changed);
                let swapped = above == Some(*facing) && beside == Some(*letter);
                if let Some(two) = column.checked_sub(1).and_then(|column| before.get(column))
                    && swapped
                {
                    one = one.min(two.saturating_add(1));
                }
                now.push(one);
                left = one;
                least = least.min(one);
                beside = Some(*facing);
            }
            if least > most {
                return None;
            }
            above = Some(*letter);
            std::mem::swap(before, last);
            std::mem::swap(last, now);
        }
        last.last().copied().filter(|errors| *errors <= most)
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
            // What it was asked before changes nothing.
            let mut used = Errors::from(&one);
            used.to("porcelain", 2);
            prop_assert_eq!(errors, used.to(&other, 2));
        }
    }
}
