//! The words of mails to buyers, as the settings have them: a shop says things its own way, in its own language. What
//! stands in braces is filled in; nothing else in a phrase has a meaning, so that nobody who writes one can break a
//! mail.

use contracts::orders::OrderMailKind;
use serde::{Deserialize, Serialize};

/// Characters that a phrase may have.
const LENGTH_MAX: usize = 500;

/// The section `[orders.mails.words]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each is said beside its default, in config.toml"
)]
pub struct Phrases {
    pub hello: String,
    pub subject: String,
    pub received_title: String,
    pub received_text: String,
    pub paid_title: String,
    pub paid_text: String,
    pub shipped_title: String,
    pub shipped_text: String,
    pub delivered_title: String,
    pub delivered_text: String,
    pub cancelled_title: String,
    pub cancelled_text: String,
    pub cancelled_why: String,
    pub refunded_title: String,
    pub refunded_text: String,
    pub some_money: String,
    pub return_approved_title: String,
    pub return_approved_text: String,
    pub return_refused_title: String,
    pub return_refused_text: String,
    pub total: String,
    pub tax_included: String,
    pub more_lines: String,
    pub carrier: String,
    pub tracking: String,
    pub follow: String,
    pub we_add: String,
    pub your_order: String,
}

/// A phrase: its key, its text, and what may be filled in.
type Phrase<'a> = (&'static str, &'a str, &'static [&'static str]);

impl Phrases {
    /// Refuses what no mail can be made of: a gap that nothing fills, a phrase that is empty, too long or of more than
    /// one line.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), String> {
        self.all().into_iter().try_for_each(|(key, text, gaps)| {
            check(text, gaps).map_err(|why| format!("orders.mails.words.{key}: {why}"))
        })
    }

    fn all(&self) -> [Phrase<'_>; 28] {
        [
            ("hello", &self.hello, &[]),
            ("subject", &self.subject, &["number", "title"]),
            ("received_title", &self.received_title, &[]),
            ("received_text", &self.received_text, &["number", "total"]),
            ("paid_title", &self.paid_title, &[]),
            ("paid_text", &self.paid_text, &["number", "total"]),
            ("shipped_title", &self.shipped_title, &[]),
            ("shipped_text", &self.shipped_text, &["number"]),
            ("delivered_title", &self.delivered_title, &[]),
            ("delivered_text", &self.delivered_text, &["number"]),
            ("cancelled_title", &self.cancelled_title, &[]),
            ("cancelled_text", &self.cancelled_text, &["number", "why"]),
            ("cancelled_why", &self.cancelled_why, &["reason"]),
            ("refunded_title", &self.refunded_title, &[]),
            ("refunded_text", &self.refunded_text, &["number", "amount"]),
            ("some_money", &self.some_money, &[]),
            ("return_approved_title", &self.return_approved_title, &[]),
            (
                "return_approved_text",
                &self.return_approved_text,
                &["number"],
            ),
            ("return_refused_title", &self.return_refused_title, &[]),
            (
                "return_refused_text",
                &self.return_refused_text,
                &["number"],
            ),
            ("total", &self.total, &[]),
            ("tax_included", &self.tax_included, &["title", "amount"]),
            ("more_lines", &self.more_lines, &["count"]),
            ("carrier", &self.carrier, &[]),
            ("tracking", &self.tracking, &[]),
            ("follow", &self.follow, &[]),
            ("we_add", &self.we_add, &[]),
            ("your_order", &self.your_order, &[]),
        ]
    }

    /// What a mail of this kind is called, and what it says first.
    pub(crate) fn of(&self, kind: OrderMailKind) -> (&str, &str) {
        match kind {
            OrderMailKind::Received => (&self.received_title, &self.received_text),
            OrderMailKind::Paid => (&self.paid_title, &self.paid_text),
            OrderMailKind::Shipped => (&self.shipped_title, &self.shipped_text),
            OrderMailKind::Delivered => (&self.delivered_title, &self.delivered_text),
            OrderMailKind::Cancelled => (&self.cancelled_title, &self.cancelled_text),
            OrderMailKind::Refunded => (&self.refunded_title, &self.refunded_text),
            OrderMailKind::ReturnApproved => {
                (&self.return_approved_title, &self.return_approved_text)
            }
            OrderMailKind::ReturnRefused => (&self.return_refused_title, &self.return_refused_text),
        }
    }
}

fn check(text: &str, gaps: &[&str]) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("must say something".to_owned());
    }
    if text.chars().count() > LENGTH_MAX {
        return Err(format!("may have {LENGTH_MAX} characters at most"));
    }
    if text.chars().any(char::is_control) {
        return Err("must be one line".to_owned());
    }
    let unknown = parts(text).find_map(|part| match part {
        Part::Gap(name) if !gaps.contains(&name) => Some(name),
        Part::Gap(_) | Part::Text(_) => None,
    });
    match unknown {
        None => Ok(()),
        Some(name) if gaps.is_empty() => Err(format!("nothing is filled in there: {{{name}}}")),
        Some(name) => Err(format!(
            "{{{name}}} is not filled in there; {{{}}} may be",
            gaps.join("}, {")
        )),
    }
}

/// A phrase with its gaps filled. What is filled in is text: a brace in it opens nothing.
pub(crate) fn filled(phrase: &str, values: &[(&str, &str)]) -> String {
    let part = |part| match part {
        Part::Text(text) => text,
        Part::Gap(name) => {
            let value = values.iter().find(|(gap, _)| *gap == name);
            value.map_or("", |(_, value)| value)
        }
    };
    parts(phrase).map(part).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Gap(&'a str),
}

/// What a phrase is made of. A brace without its other one is text.
fn parts(phrase: &str) -> impl Iterator<Item = Part<'_>> {
    phrase.split_inclusive('}').flat_map(|piece| {
        let gap = piece
            .strip_suffix('}')
            .and_then(|piece| piece.rsplit_once('{'));
        match gap {
            Some((before, name)) => [Part::Text(before), Part::Gap(name)],
            None => [Part::Text(piece), Part::Text("")],
        }
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use platform::config::{Sources, load};

    #[derive(Deserialize)]
    struct File {
        orders: crate::Config,
    }

    /// The words of a shop that sets none.
    pub(crate) fn documented() -> Phrases {
        let sources = Sources {
            defaults: crate::DEFAULTS,
            file: None,
            environment: false,
        };
        let file: File = load(&sources, serde_json::json!({})).unwrap();
        *file.orders.mails.words
    }

    #[test]
    fn gaps_are_filled_once_and_everything_else_is_text() {
        let values = [("number", "7"), ("title", "{number} {x")];
        for (phrase, said) in [
            ("Order {number}: {title}", "Order 7: {number} {x"),
            ("{number}{number}", "77"),
            ("a } b { c", "a } b { c"),
            ("{ {number}", "{ 7"),
            ("", ""),
        ] {
            assert_eq!(filled(phrase, &values), said, "{phrase}");
        }
    }

    #[test]
    fn the_documented_words_are_fine_and_a_mistake_is_named() {
        let words = documented();
        assert_eq!(words.check(), Ok(()));
        let mut keys: Vec<&str> = words.all().iter().map(|(key, ..)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        let fields = serde_json::to_value(&words).unwrap();
        let mut fields: Vec<&str> = fields
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        assert_eq!(keys, fields, "every one is checked");
        for (text, why) in [
            (
                "{sum} is paid",
                "{sum} is not filled in there; {number}, {total} may be",
            ),
            (" ", "must say something"),
            ("one\ntwo", "must be one line"),
            ("{}", "{} is not filled in there"),
        ] {
            let wrong = Phrases {
                paid_text: text.to_owned(),
                ..words.clone()
            };
            let line = wrong.check().unwrap_err();
            let begin = format!("orders.mails.words.paid_text: {why}");
            assert!(line.starts_with(&begin), "{line}");
        }
        let long = Phrases {
            hello: "o".repeat(LENGTH_MAX + 1),
            ..words.clone()
        };
        assert!(long.check().unwrap_err().contains("500 characters"));
        let gap = Phrases {
            hello: "Hello {name}".to_owned(),
            ..words
        };
        assert!(
            gap.check()
                .unwrap_err()
                .contains("nothing is filled in there: {name}")
        );
    }
}
