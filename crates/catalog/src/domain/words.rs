//! The words of a search: what is left of a text when everything but letters and digits separates.
//! Nothing in it can be an operator of any search language.

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
                prop_assert!((1..=WORD_CHARS_MAX).contains(&word.chars().count()));
                prop_assert!(word.chars().all(char::is_alphanumeric));
            }
        }
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
