//! The words of texts and searches: what is left of a text when everything but letters and digits separates. Whoever
//! finds by them and whoever shows what was found reads them alike. Nothing in it can be an operator of any search
//! language.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Words that a search looks for.
pub const WORDS_MAX: usize = 8;
/// What is read of a search; nobody means more.
const ASKED_CHARS_MAX: usize = 1_000;
const WORD_CHARS_MAX: usize = 40;

/// The first words of what somebody looks for, as they are compared, cut to a bound.
#[must_use]
pub fn asked(text: &str) -> Vec<String> {
    let text: String = text.chars().take(ASKED_CHARS_MAX).collect();
    let mut words = all_folded(&text);
    words.truncate(WORDS_MAX);
    words
}

/// All words of a text that is looked into, as they are compared, each cut where a word of a search is.
#[must_use]
pub fn all_folded(text: &str) -> Vec<String> {
    folded(text)
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_CHARS_MAX).collect())
        .collect()
}

/// A stretch of a text, as it is written, and whether what somebody looks for stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'t> {
    /// The stretch; never empty.
    pub text: &'t str,
    /// Whether a word of the search is in it.
    pub found: bool,
}

/// A text in the parts that it is made of: where words that were [`asked`] for stand in it, whole or at a beginning,
/// and what is between. Accents and capitals tell nothing apart, and stay as they are written. What was found by
/// forgiving a typing error is not pointed out: only the index knows which word was meant then.
#[must_use]
pub fn parts<'t>(text: &'t str, asked: &[String]) -> Vec<Part<'t>> {
    let mut parts = Vec::new();
    let mut add = |from: usize, to: usize, found: bool| {
        let part = text.get(from..to).filter(|part| !part.is_empty());
        parts.extend(part.map(|text| Part { text, found }));
    };
    let mut seen = 0;
    for word in standing(text) {
        let begins = |asked: &&String| word.folded.starts_with(asked.as_str());
        let letters = asked
            .iter()
            .filter(begins)
            .map(|asked| asked.chars().count());
        let last = letters.max().and_then(|letters| letters.checked_sub(1));
        let Some(end) = last.and_then(|last| word.ends.get(last)) else {
            continue;
        };
        add(seen, word.start, false);
        add(word.start, *end, true);
        seen = *end;
    }
    add(seen, text.len(), false);
    parts
}

/// A word where it stands in a text.
struct Standing {
    start: usize,
    folded: String,
    /// By letter of `folded`: where what it was folded from ends.
    ends: Vec<usize>,
}

/// A text's words where they stand, letter by letter: an accent belongs to the letter before it.
fn standing(text: &str) -> Vec<Standing> {
    let mut words = Vec::new();
    let mut open: Option<Standing> = None;
    let ends = text.char_indices().map(|(at, _)| at).skip(1);
    let ends = ends.chain([text.len()]);
    for ((start, letter), end) in text.char_indices().zip(ends) {
        let letters = folded(letter.encode_utf8(&mut [0; 4]));
        if letters.is_empty() {
            if let Some(last) = open.as_mut().and_then(|word| word.ends.last_mut()) {
                *last = end;
            }
        } else if letters.chars().all(char::is_alphanumeric) {
            let word = open.get_or_insert_with(|| Standing {
                start,
                folded: String::new(),
                ends: Vec::new(),
            });
            word.ends.extend(letters.chars().map(|_| end));
            word.folded.push_str(&letters);
        } else {
            words.extend(open.take());
        }
    }
    words.extend(open);
    words
}

/// Small letters without accents, wide ones and those that are set as one like any others: what words are compared by.
fn folded(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .nfkd()
        .flat_map(char::to_lowercase)
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

        #[test]
        fn parts_are_the_whole_text_and_what_is_found_begins_as_it_was_asked_for(
            text in "[a-cA-CéÉßİ간가\u{300} <>&;'-]{0,60}",
            search in "[a-cÉß가\u{300} <-]{0,12}",
        ) {
            let asked = asked(&search);
            let parts = parts(&text, &asked);
            let whole: String = parts.iter().map(|part| part.text).collect();
            prop_assert_eq!(whole, text.clone());
            for part in &parts {
                let words = all_folded(part.text);
                let begins = words.first().is_some_and(|word| asked.iter().any(|one| word.starts_with(one)));
                prop_assert!(!part.text.is_empty() && (begins || !part.found), "{:?}", part);
            }
            let found = parts.iter().filter(|part| part.found).count();
            let words = all_folded(&text);
            let begins = words.iter().filter(|word| asked.iter().any(|one| word.starts_with(one)));
            prop_assert_eq!(found, begins.count());
        }
    }

    fn pointed_out(text: &str, search: &str) -> String {
        let asked = asked(search);
        let parts = parts(text, &asked).into_iter();
        let parts = parts.map(|part| match part.found {
            true => format!("[{}]", part.text),
            false => part.text.to_owned(),
        });
        parts.collect()
    }

    #[test]
    fn what_was_looked_for_is_pointed_out_as_it_is_written() {
        for (text, search, parts) in [
            ("Crème brûlée", "creme BRU", "[Crème] [brû]lée"),
            ("cre\u{300}me", "cre", "[cre\u{300}]me"),
            ("Green teapot", "tea", "Green [tea]pot"),
            ("Teapot for tea", "tea teap", "[Teap]ot for [tea]"),
            ("iced-tea, iced", "tea", "iced-[tea], iced"),
            ("ＴＥＡ cup", "tea", "[ＴＥＡ] cup"),
            ("ﬁne tea", "ＦＩＮＥ", "[ﬁne] tea"),
            ("ℌut", "hut", "[ℌut]"),
            ("steam", "tea", "steam"),
            ("Straße", "STRASS", "Straße"),
            ("간장", "가", "[간]장"),
            ("<b>Tea</b> &amp;", "b amp", "<[b]>Tea</[b]> &[amp];"),
            ("Tea", "", "Tea"),
            ("", "tea", ""),
        ] {
            assert_eq!(pointed_out(text, search), parts, "{text:?} by {search:?}");
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
