//! What a shop answered, step by step, without what differs from run to run: ids by the order in which they appear,
//! times, tokens and addresses by a word.

use serde_json::{Value, json};
use std::collections::HashMap;
use testkit::Answer;

/// Header fields that are part of an answer.
const HEADERS: [&str; 9] = [
    "content-type",
    "cache-control",
    "etag",
    "idempotent-replayed",
    "link",
    "location",
    "retry-after",
    "www-authenticate",
    "allow",
];

/// Members whose text is of one run only.
const OF_ONE_RUN: [&str; 14] = [
    "token",
    "cart_token",
    "access_token",
    "refresh_token",
    "order_token",
    "secret",
    "uri",
    "challenge",
    "recovery_codes",
    "request_id",
    "took_ms",
    "fence",
    "owner",
    "type",
];

/// Letters of an id behind its kind.
const ID_CHARS: usize = 26;

/// Steps and their answers.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    lines: Vec<String>,
    known: HashMap<String, String>,
}

impl Transcript {
    /// Notes what a step was answered.
    pub(crate) fn note(&mut self, step: &str, answer: &Answer) {
        let headers: Vec<String> = HEADERS
            .iter()
            .map(|name| (name, answer.header(name)))
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| match *name {
                "etag" => format!("{name}: {}", version_of(value)),
                _ => format!("{name}: {}", self.plain(value)),
            })
            .collect();
        let body = if answer.header("content-type").contains("json") {
            let mut json = answer.json.clone();
            self.plain_json(&mut json);
            json.to_string()
        } else {
            format!("{} lines", answer.text.lines().count())
        };
        let (step, status) = (self.plain(step), answer.status);
        self.lines
            .push(format!("{step}: {status} {headers:?} {body}"));
    }

    /// All lines.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    fn plain_json(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.plain(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.plain_json(item)),
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    if OF_ONE_RUN.contains(&name.as_str()) {
                        *member = json!(name);
                    } else {
                        self.plain_json(member);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text with ids by number and times by a word.
    fn plain(&mut self, text: &str) -> String {
        let mut plain = String::new();
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-:.".contains(c);
        for piece in text.split_inclusive(|c: char| !is_part(c)) {
            let word = piece.trim_end_matches(|c: char| !is_part(c));
            let rest = piece.strip_prefix(word).unwrap_or_default();
            plain.push_str(&self.word(word));
            plain.push_str(rest);
        }
        plain
    }

    fn word(&mut self, word: &str) -> String {
        let id = word.split_once('_').filter(|(kind, id)| {
            matches!(kind.len(), 3 | 4)
                && id.len() == ID_CHARS
                && id.chars().all(|c| c.is_ascii_alphanumeric())
        });
        if let Some((kind, _)) = id {
            let number = self.known.len();
            let name = self.known.entry(word.to_owned());
            return name.or_insert_with(|| format!("{kind}_{number}")).clone();
        }
        // A moment, as 2026-01-31T12:00:00.123Z.
        if word.len() >= 20 && word.ends_with('Z') && word.contains('T') && word.starts_with("20") {
            return "MOMENT".to_owned();
        }
        word.to_owned()
    }
}

/// Of an entity tag what is equal in every run: a version, but not the print of what is shown, ids and times included.
fn version_of(tag: &str) -> String {
    /// Letters of a print.
    const PRINT: usize = 20;
    let inside = tag.trim_matches('"');
    match inside.len().checked_sub(PRINT) {
        Some(length) => format!("{}PRINT", inside.split_at(length).0),
        None => tag.to_owned(),
    }
}
