//! Whether everything is said in every language: each text of a template or of a page's code has a translation, each
//! translation a text, and the same places for values. The source is read: a new text is found where it stands.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test of a source that is at hand"
)]

use super::{
    catalog::{Entry, GERMAN, entries},
    fill::{Piece, pieces},
};
use contracts::problem::Code;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What looks like a text in page code and is none, by how it begins.
const NO_TEXT: &[&str] = &[
    "/",
    "http://",
    "https://",
    "<?xml",
    "User-agent",
    "{}: a shop, powered by Souk",
    "Accept, ",
    "Bearer",
    "+Inf",
    "default-src ",
    "shipping ",
    // Words of schema.org.
    "@",
    "AggregateRating",
    "Offer",
    "aggregateRating",
    "priceCurrency",
    "ratingValue",
    "reviewCount",
];
/// Dates say them by themselves, in each language.
const MONTHS: &str = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Januar Februar März April Mai Juni Juli August \
    September Oktober November Dezember";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// All files below a folder with this ending, by their names.
fn files(folder: &Path, ending: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            found.insert(path.clone(), fs::read_to_string(path).unwrap());
        }
    }
    found
}

/// The string literals of a source, as they are meant, each with what stands before it; without those of its tests.
fn literals(source: &str) -> Vec<(&str, String)> {
    let end = source
        .find("#[cfg(test)]\nmod tests")
        .unwrap_or(source.len());
    let (source, mut at, mut found) = (&source[..end], 0, Vec::new());
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\'") {
            at += 3;
        } else if let Some(inside) = rest.strip_prefix('"') {
            let mut text = String::new();
            let mut letters = inside.char_indices();
            let length = loop {
                match letters.next().unwrap() {
                    (index, '"') => break index + 2,
                    (_, '\\') => match letters.next().unwrap().1 {
                        'n' => text.push('\n'),
                        // The line goes on in the next one.
                        '\n' => text.push('\r'),
                        escaped => text.push(escaped),
                    },
                    (_, letter) => text.push(letter),
                }
            };
            let mut parts = text.split('\r');
            let first = parts.next().unwrap().to_owned();
            let text = parts.fold(first, |text, part| text + part.trim_start());
            found.push((&source[..at], text));
            at += length;
        } else {
            at += rest.chars().next().unwrap().len_utf8();
        }
    }
    found
}

/// Whether a literal is meant for people: words, or one with a capital.
fn is_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let letters = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    (0..bytes.len()).any(|at| {
        let is_between = bytes[at] == b' ' && at > 1 && letters(at - 2);
        let is_name =
            bytes[at].is_ascii_uppercase() && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        is_name || (is_between && letters(at - 1) && letters(at + 1))
    })
}

/// The texts of page code, each with its file.
fn of_code() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut sources = files(&root().join("src/pages"), "rs");
    sources.retain(|path, _| !path.ends_with("samples.rs"));
    sources.extend(
        files(&root().join("src"), "rs")
            .into_iter()
            .filter(|(path, _)| path.ends_with("src/view.rs")),
    );
    for (path, source) in &sources {
        for (before, text) in literals(source) {
            let is_said = ["say(", "say!("]
                .iter()
                .any(|call| before.trim_end().ends_with(call));
            let statement = before.rsplit([';', '{', '}']).next().unwrap_or_default();
            let is_for_us = statement.contains("tracing::") || before.ends_with("reason = ");
            let is_month =
                path.ends_with("view.rs") && MONTHS.split(' ').any(|month| month == text);
            let is_none = is_month || NO_TEXT.iter().any(|start| text.starts_with(start));
            if is_said || (is_text(&text) && !is_none && !is_for_us) {
                // A column's title begins with a mark if numbers stand below it.
                let text = text.trim_start_matches(['#', '~']).to_owned();
                found.insert(text, path.display().to_string());
            }
        }
    }
    found
}

/// The texts of templates, each with its file, and what is in none of our filters.
fn of_templates() -> (BTreeMap<String, String>, Vec<String>) {
    let (mut found, mut bare) = (BTreeMap::new(), Vec::new());
    for (path, source) in files(&root().join("templates"), "html") {
        let name = path.display().to_string();
        // Attributes hold quotes in quotes: a text is known by the filter behind it, or by the call before it.
        let filtered = source.match_indices("\"|crate::");
        let filtered = filtered.map(|(end, _)| source[..end].rsplit('"').next().unwrap());
        let around = source.split("crate::around(\"").skip(1);
        let around = around.map(|rest| rest.split('"').next().unwrap());
        let labels = source.split("macros::password(").skip(1);
        let labels = labels.map(|rest| rest.split('"').nth(5).unwrap());
        found.extend(
            filtered
                .chain(around)
                .chain(labels)
                .map(|text| (text.to_owned(), name.clone())),
        );
        bare.extend(
            outside(&source)
                .into_iter()
                .map(|text| format!("{name}: {text}")),
        );
    }
    (found, bare)
}

/// Words of a template that stand in no filter: between tags, or in an attribute that is read aloud.
fn outside(source: &str) -> Vec<String> {
    let mut page = String::new();
    let mut rest = source;
    // What is said by an expression or a block is not the template's own text.
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        page.push_str(&rest[..start]);
        let end = if rest[start..].starts_with("{{") {
            "}}"
        } else {
            "%}"
        };
        rest = &rest[start + rest[start..].find(end).unwrap() + 2..];
    }
    page.push_str(rest);
    let is_word = |text: &str| {
        let letters = text.split(|letter: char| !letter.is_alphabetic());
        letters.into_iter().any(|word| word.len() > 1)
    };
    let mut found = Vec::new();
    for part in page.split('<') {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        if is_word(text) {
            found.push(text.trim().to_owned());
        }
        for name in ["aria-label=\"", "placeholder=\"", "alt=\"", " title=\""] {
            let value = tag.split_once(name).map(|(_, rest)| rest.split('"').next());
            found.extend(
                value
                    .flatten()
                    .filter(|value| is_word(value))
                    .map(str::to_owned),
            );
        }
    }
    found
}

/// What is said elsewhere and translated here: titles of problems, words that the API knows, and its refusals.
fn elsewhere() -> String {
    let mut all = String::new();
    for folder in [
        "contracts",
        "catalog",
        "identity",
        "orders",
        "payments",
        "webhooks",
    ] {
        let sources = files(&root().join("..").join(folder).join("src"), "rs");
        all.extend(sources.into_values());
    }
    all.extend(files(&root().join("../../server/src"), "rs").into_values());
    // A literal over several lines is one text.
    let mut parts = all.split("\\\n");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.trim_start())
}

fn places(text: &str) -> Vec<usize> {
    let mut next = 0;
    let mut found: Vec<usize> = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Words(_) => continue,
            Piece::Next => found.push(next),
            Piece::Place(place) => found.push(place),
        }
        next += 1;
    }
    found.sort_unstable();
    found
}

fn texts(context: &str) -> BTreeMap<String, String> {
    let all = entries(GERMAN).into_iter();
    let own = all.filter(|entry| entry.context == context);
    let pairs = own.flat_map(|entry: Entry| entry.ids.into_iter().zip(entry.texts));
    pairs.filter(|(id, _)| !id.is_empty()).collect()
}

#[test]
fn every_text_of_a_page_is_said_in_german() {
    let (templates, bare) = of_templates();
    assert_eq!(bare, Vec::<String>::new(), "put these into `|crate::t`");
    let refusals = texts("refusal");
    let known = texts("");
    let used: BTreeMap<_, _> = templates.into_iter().chain(of_code()).collect();
    assert!(used.len() > 600, "the source was not read: {}", used.len());
    let missing: Vec<_> = used
        .iter()
        .filter(|(text, _)| !known.contains_key(*text) && !refusals.contains_key(*text))
        .collect();
    assert!(missing.is_empty(), "not in locales/de.po: {missing:#?}");
    let titles = Code::ALL.iter().map(|code| code.title());
    let missing: Vec<_> = titles.filter(|title| !known.contains_key(*title)).collect();
    assert!(missing.is_empty(), "not in locales/de.po: {missing:#?}");
}

#[test]
fn every_german_text_is_said_somewhere() {
    let (templates, _) = of_templates();
    let used: BTreeSet<String> = templates.into_keys().chain(of_code().into_keys()).collect();
    let elsewhere = elsewhere();
    let unused: Vec<_> = texts("")
        .into_keys()
        .filter(|text| {
            let word = text.to_lowercase().replace(' ', "_");
            !used.contains(text)
                && !elsewhere.contains(&format!("\"{word}\""))
                && !elsewhere.contains(&format!("`{word}`"))
                && !elsewhere.contains(&format!("\"{text}\""))
        })
        .collect();
    assert!(unused.is_empty(), "nobody says: {unused:#?}");
    let unused: Vec<_> = texts("refusal")
        .into_keys()
        .filter(|text| {
            let words = pieces(text).filter_map(|piece| match piece {
                Piece::Words(words) => Some(words),
                Piece::Next | Piece::Place(_) => None,
            });
            !words.into_iter().all(|words| elsewhere.contains(words))
        })
        .collect();
    assert!(unused.is_empty(), "no service says: {unused:#?}");
}

#[test]
fn german_texts_are_whole_have_the_same_places_and_no_marks() {
    for entry in entries(GERMAN).iter().skip(1) {
        assert_eq!(entry.ids.len(), entry.texts.len(), "{entry:?}");
        for (id, text) in entry.ids.iter().zip(&entry.texts) {
            assert!(!text.trim().is_empty(), "{id}");
            assert_eq!(places(id), places(text), "{id}: {text}");
            assert!(!text.contains(['<', '>']), "{text}");
            assert_eq!(id.matches('`').count(), text.matches('`').count(), "{id}");
        }
    }
    let ids = entries(GERMAN).into_iter();
    let ids: Vec<_> = ids
        .flat_map(|entry| {
            entry
                .ids
                .into_iter()
                .map(move |id| (entry.context.clone(), id))
        })
        .collect();
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len(), "a text is there twice");
}

#[test]
fn words_outside_of_filters_are_found() {
    let page = "<p title=\"Words\">{{ \"Cart\"|crate::t }} {% if x %}<b>of ours</b>{% endif %} {{ x }}, 1 a</p>";
    assert_eq!(outside(page), ["Words", "of ours"]);
    let code =
        "say(\"a\"); x(\"Only {left} left\"); // \"No\"\n \"Split \\\n   in two\" \"kind_of\"";
    let found: Vec<_> = literals(code).into_iter().map(|(_, text)| text).collect();
    assert_eq!(found, ["a", "Only {left} left", "Split in two", "kind_of"]);
    assert!(is_text("Only {left} left") && is_text("to ship") && is_text("Price"));
    assert!(!is_text("kind_of") && !is_text("a-b") && !is_text("{} × {}"));
}
