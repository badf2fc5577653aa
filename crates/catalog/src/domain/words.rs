//! The words of a search: what is left of a text when everything but letters and digits separates.
//! Nothing in it can be an operator of any search language.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

const WORDS_MAX: usize = 8;
const WORD_CHARS_MAX: usize = 40;

/// The first words of a text, cut to a bound.
pub(crate) fn of(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .map(|word| word.chars().take(WORD_CHARS_MAX).collect())
        .collect()
}

/// All words of a text that is looked into, as they are compared, each cut where a word of a search is.
pub(crate) fn all_folded(text: &str) -> Vec<String> {
    folded(text)
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_CHARS_MAX).collect())
        .collect()
}

/// Small letters without accents: what words are compared by, where the database does not do it.
pub(crate) fn folded(text: &str) -> String {
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
            let words = of(&text);
            prop_assert!(words.len() <= WORDS_MAX);
            for word in words {
                prop_assert!(!folded(&word).is_empty() && folded(&word).chars().all(char::is_alphanumeric));
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
            of("\"green* AND (tea) -name:x\""),
            ["green", "AND", "tea", "name", "x"]
        );
        assert!(of("%_*\"'--").is_empty());
    }
}
