//! The words of texts and searches: what is left of a text when everything but letters and digits separates.
//! Nothing in it can be an operator of any search language.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Words that a search looks for.
pub(crate) const WORDS_MAX: usize = 8;
/// What is read of a search; nobody means more.
const ASKED_CHARS_MAX: usize = 1_000;
const WORD_CHARS_MAX: usize = 40;

/// The first words of what somebody looks for, as they are compared, cut to a bound.
pub(crate) fn asked(text: &str) -> Vec<String> {
    let text: String = text.chars().take(ASKED_CHARS_MAX).collect();
    let mut words = all_folded(&text);
    words.truncate(WORDS_MAX);
    words
}

/// All words of a text that is looked into, as they are compared, each cut where a word of a search is.
pub(crate) fn all_folded(text: &str) -> Vec<String> {
    folded(text)
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_CHARS_MAX).collect())
        .collect()
}

/// Small letters without accents: what words are compared by.
fn folded(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .nfd()
        .filter(|letter| letter.is_alphanumeric() || !is_combining_mark(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_few_short_and_plain(text in "\\PC{0,400}") {
            let words = asked(&text);
            prop_assert!(words.len() <= WORDS_MAX);
            for word in words {
                prop_assert!((1..=WORD_CHARS_MAX).contains(&word.chars().count()));
                prop_assert!(word.chars().all(char::is_alphanumeric));
            }
        }
    }

    #[test]
    fn accents_and_capitals_do_not_tell_words_apart() {
        assert_eq!(
            all_folded("Crème BRÛLÉE, cre\u{300}me-77"),
            ["creme", "brulee", "creme", "77"]
        );
        assert_eq!(all_folded(&"É".repeat(90)), ["e".repeat(40)]);
    }

    #[test]
    fn operators_are_only_separators() {
        assert_eq!(
            asked("\"green* AND (tea) -name:x\""),
            ["green", "and", "tea", "name", "x"]
        );
        assert!(asked("%_*\"'--").is_empty());
    }
}
