//! The languages of the pages. A text stands in English where it is used, and is its own key, as with gettext; what
//! another language says instead is in `locales`. A text without a translation is said in English: nothing breaks.
//! Texts of the shop's own (names, descriptions, notes) are never looked up.

mod catalog;
#[cfg(test)]
mod complete;
mod fill;
mod filters;
mod reader;

pub(crate) use catalog::refusal;
pub(crate) use fill::{filled, say};
pub(crate) use filters::{around, marked, t, t1, t2};
pub(crate) use reader::{COOKIE_SECONDS, in_the_readers_language};

use serde::{Deserialize, Serialize};

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// `en`, in which all texts are written.
    #[default]
    #[serde(rename = "en")]
    English,
    /// `de`.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What it calls itself.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// The language of a tag, whatever its region.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = tag.split('-').next()?;
        let alike = |known: &Self| known.tag().eq_ignore_ascii_case(language);
        Self::ALL.into_iter().find(alike)
    }
}

tokio::task_local! {
    /// What the request that this task answers is answered in.
    static SPOKEN: Language;
}

/// The reader's language; English where nobody reads.
pub(crate) fn current() -> Language {
    SPOKEN.try_with(|language| *language).unwrap_or_default()
}

/// What else a reader may choose.
pub(crate) fn others() -> impl Iterator<Item = Language> {
    let spoken = current();
    Language::ALL
        .into_iter()
        .filter(move |language| *language != spoken)
}

/// Does something in a language.
#[cfg(test)]
pub(crate) fn speaking<T>(language: Language, what: impl FnOnce() -> T) -> T {
    SPOKEN.sync_scope(language, what)
}

/// A text in the reader's language.
pub(crate) fn say(text: &str) -> &str {
    match current() {
        Language::English => text,
        Language::German => catalog::german(text).unwrap_or(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_said_in_the_readers_language_and_in_english_where_it_has_no_other() {
        assert_eq!(say("Cart"), "Cart");
        speaking(Language::German, || {
            assert_eq!(say("Cart"), "Warenkorb");
            assert_eq!(say("Nobody translated this."), "Nobody translated this.");
            assert_eq!(say!("Only {} left", 3), "Nur noch 3 da");
        });
        assert_eq!(say!("Only {} left", 3), "Only 3 left");
    }

    #[test]
    fn a_tag_is_read_without_its_region_and_names_one_language() {
        assert_eq!(Language::from_tag("de-AT"), Some(Language::German));
        assert_eq!(Language::from_tag("EN"), Some(Language::English));
        assert_eq!(Language::from_tag("den"), None);
        assert_eq!(Language::from_tag(""), None);
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }
}
