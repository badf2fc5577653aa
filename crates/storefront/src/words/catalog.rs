//! The translations, read once from their file, which is one of gettext's (`.po`), so that people can work on it with
//! the tools they know. Of that format it reads what is used here: `msgid`, `msgid_plural`, `msgstr`, `msgstr[N]`,
//! `msgctxt`, comments, and texts over several lines.

use super::{
    Language, current,
    fill::{Filled, Piece, pieces},
};
use std::{collections::HashMap, fmt::Display, sync::LazyLock};

/// The German file.
pub(super) const GERMAN: &str = include_str!("../../locales/de.po");

/// What the API says in English when it refuses something, in its context: texts of other crates, that come filled.
const REFUSAL: &str = "refusal";

static READ: LazyLock<Catalog> = LazyLock::new(|| Catalog::read(GERMAN));

/// What the German file says instead of a text.
pub(super) fn german(text: &str) -> Option<&'static str> {
    READ.texts.get(text).copied()
}

/// A refusal of the API's in the reader's language; as it came where nobody has translated it.
pub(crate) fn refusal(detail: &str) -> String {
    match current() {
        Language::English => detail.to_owned(),
        Language::German => READ.refusal(detail),
    }
}

/// An entry of the file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) context: String,
    /// The text, and the one for several, if there is one.
    pub(super) ids: Vec<String>,
    /// What is said instead of each.
    pub(super) texts: Vec<String>,
}

struct Catalog {
    texts: HashMap<&'static str, &'static str>,
    /// Refusals with places in them, and what is said instead, in the file's order.
    refusals: Vec<(&'static str, &'static str)>,
}

impl Catalog {
    fn read(file: &str) -> Self {
        let mut read = Self {
            texts: HashMap::new(),
            refusals: Vec::new(),
        };
        for entry in entries(file) {
            for (id, text) in entry.ids.into_iter().zip(entry.texts) {
                if id.is_empty() || text.is_empty() {
                    continue;
                }
                // Once for a process: they live as long as it does.
                let (id, text): (&'static str, &'static str) = (id.leak(), text.leak());
                if entry.context == REFUSAL {
                    read.refusals.push((id, text));
                } else {
                    read.texts.insert(id, text);
                }
            }
        }
        read
    }

    fn refusal(&self, detail: &str) -> String {
        if let Some(text) = self.texts.get(detail) {
            return (*text).to_owned();
        }
        for (id, text) in &self.refusals {
            if let Some(found) = taken_apart(id, detail) {
                // What stands in a place may be a word of ours, as a status.
                let found: Vec<&str> = found
                    .into_iter()
                    .map(|value| self.texts.get(value).copied().unwrap_or(value))
                    .collect();
                let values: Vec<&dyn Display> =
                    found.iter().map(|value| value as &dyn Display).collect();
                let values = &values;
                return Filled { text, values }.to_string();
            }
        }
        self.of_a_field(detail).unwrap_or_else(|| detail.to_owned())
    }

    /// `name must not be empty`: a field's name, and what is wrong with it.
    fn of_a_field(&self, detail: &str) -> Option<String> {
        let (field, reason) = detail.split_once(' ')?;
        let is_name = |letter: u8| letter.is_ascii_lowercase() || b"_.".contains(&letter);
        if field.is_empty() || !field.bytes().all(is_name) {
            return None;
        }
        let said = self.refusal(reason);
        (said != reason).then(|| format!("{field} {said}"))
    }
}

/// The values in a text that was made of this one, if it was.
fn taken_apart<'d>(id: &str, detail: &'d str) -> Option<Vec<&'d str>> {
    let mut values = Vec::new();
    let mut rest = detail;
    let mut is_open = false;
    for piece in pieces(id) {
        let Piece::Words(words) = piece else {
            is_open = true;
            continue;
        };
        if is_open {
            let (value, after) = rest.split_once(words)?;
            values.push(value);
            rest = after;
        } else {
            rest = rest.strip_prefix(words)?;
        }
        is_open = false;
    }
    if is_open {
        values.push(rest);
    } else if !rest.is_empty() {
        return None;
    }
    Some(values)
}

/// The entries of a file, in their order. A line that is none of the format's is passed over.
pub(super) fn entries(file: &str) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut entry = Entry::default();
    let mut at = At::Nothing;
    for line in file.lines().map(str::trim).chain([""]) {
        if line.is_empty() {
            if !entry.ids.is_empty() {
                all.push(std::mem::take(&mut entry));
            }
            entry = Entry::default();
            at = At::Nothing;
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let (word, quoted) = line.split_once('"').unwrap_or((line, ""));
        let text = unquoted(quoted);
        match word.trim_end() {
            "" => {}
            "msgctxt" => at = At::Context,
            "msgid" | "msgid_plural" => {
                entry.ids.push(String::new());
                at = At::Id;
            }
            word if word.starts_with("msgstr") => {
                entry.texts.push(String::new());
                at = At::Text;
            }
            _ => at = At::Nothing,
        }
        let into = match at {
            At::Nothing => None,
            At::Context => Some(&mut entry.context),
            At::Id => entry.ids.last_mut(),
            At::Text => entry.texts.last_mut(),
        };
        if let Some(into) = into {
            into.push_str(&text);
        }
    }
    all
}

/// What the lines of an entry go on with.
#[derive(Clone, Copy)]
enum At {
    Nothing,
    Context,
    Id,
    Text,
}

/// A text without its closing quote and escapes.
fn unquoted(text: &str) -> String {
    let text = text.trim_end();
    let mut said = String::with_capacity(text.len());
    let mut letters = text.strip_suffix('"').unwrap_or(text).chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => said.push('\n'),
                Some(escaped) => said.push(escaped),
                None => {}
            },
            plain => said.push(plain),
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::speaking;

    const FILE: &str = "\
# made by hand
msgid \"\"
msgstr \"Language: de\\n\"

#: cart.html
msgid \"Say \\\"it\\\"\"
msgstr \"\"
\"Sag \"
\"es\"

msgid \"One order\"
msgid_plural \"{} orders\"
msgstr[0] \"Eine Bestellung\"
msgstr[1] \"{} Bestellungen\"

msgctxt \"refusal\"
msgid \"{} has only {} available\"
msgstr \"von {} sind nur {} da\"

msgid \"not yet\"
msgstr \"\"
";

    #[test]
    fn the_format_is_read_with_plurals_contexts_and_texts_over_several_lines() {
        let all = entries(FILE);
        assert_eq!(all.len(), 5);
        assert_eq!(all[1].ids, ["Say \"it\""]);
        assert_eq!(all[1].texts, ["Sag es"]);
        assert_eq!(all[2].ids, ["One order", "{} orders"]);
        assert_eq!(all[3].context, "refusal");
        let read = Catalog::read(FILE);
        assert_eq!(read.texts["{} orders"], "{} Bestellungen");
        assert!(!read.texts.contains_key("not yet"), "nobody said it yet");
    }

    #[test]
    fn a_refusal_is_known_by_its_words_whatever_its_values() {
        let read = Catalog::read(FILE);
        assert_eq!(
            read.refusal("TEA-1 has only 3 available"),
            "von TEA-1 sind nur 3 da"
        );
        assert_eq!(read.refusal("TEA-1 has gone"), "TEA-1 has gone");
        assert_eq!(taken_apart("a {} c", "a b d"), None);
        assert_eq!(taken_apart("a {}", "a b"), Some(vec!["b"]));
        assert_eq!(taken_apart("a", "ab"), None);
    }

    #[test]
    fn refusals_are_left_alone_for_those_who_read_english() {
        assert_eq!(refusal("must not be empty"), "must not be empty");
        speaking(Language::German, || {
            assert_eq!(refusal("must not be empty"), "darf nicht leer sein");
            assert_eq!(
                refusal("must have at most 100 characters"),
                "darf höchstens 100 Zeichen haben"
            );
        });
    }
}
