//! Names at the broker. A subject says which event it is and whom it is about, and nothing else: no address, no
//! name of a person. They never change: events of the previous release are read by this one.

use contracts::event::Envelope;
use std::fmt::Write;

/// Into how many lanes events are divided, by whom they are about. In a lane one event is at work at a time.
/// All nodes of all releases must agree on it.
pub(super) const LANES: u64 = 8;

/// Whether a text can stand at the front of names.
pub(super) fn is_prefix(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(fits)
}

/// The names of one shop.
#[derive(Debug, Clone)]
pub(super) struct Subjects {
    prefix: String,
}

impl Subjects {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// The stream of all events.
    pub(super) fn events_stream(&self) -> String {
        format!("{}_EVENTS", self.prefix.to_ascii_uppercase())
    }

    /// The stream of those that wait to be tried again.
    pub(super) fn waiting_stream(&self) -> String {
        format!("{}_WAITING", self.prefix.to_ascii_uppercase())
    }

    /// The stream of dead letters.
    pub(super) fn dead_stream(&self) -> String {
        format!("{}_DEAD", self.prefix.to_ascii_uppercase())
    }

    pub(super) fn all_events(&self) -> String {
        format!("{}.event.>", self.prefix)
    }

    pub(super) fn all_waiting(&self) -> String {
        format!("{}.wait.>", self.prefix)
    }

    pub(super) fn all_dead(&self) -> String {
        format!("{}.dead.>", self.prefix)
    }

    /// Where an event goes.
    pub(super) fn event(&self, envelope: &Envelope) -> String {
        let key = key(&envelope.subject);
        let (lane, name) = (lane(&key), words(&envelope.name));
        format!("{}.event.{lane}.{name}.{key}", self.prefix)
    }

    /// Events of a name in a lane.
    pub(super) fn in_lane(&self, lane: u64, name: &str) -> String {
        format!("{}.event.{lane}.{}.*", self.prefix, words(name))
    }

    /// A whole lane.
    pub(super) fn lane(&self, lane: u64) -> String {
        format!("{}.event.{lane}.>", self.prefix)
    }

    /// Events of a name, in any lane.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{}.event.*.{}.*", self.prefix, words(name))
    }

    /// Where news of a name are told. No stream keeps them.
    pub(super) fn news(&self, name: &str) -> String {
        format!("{}.news.{}", self.prefix, words(name))
    }

    /// Where what a consumer must try again waits.
    pub(super) fn waiting(&self, consumer: &str, key: &str) -> String {
        format!("{}.wait.{consumer}.{key}", self.prefix)
    }

    /// Where what a consumer gave up lies.
    pub(super) fn dead(&self, consumer: &str, key: &str) -> String {
        format!("{}.dead.{consumer}.{key}", self.prefix)
    }
}

/// Whom a message is about: the last word of its subject.
pub(super) fn key_of(subject: &str) -> &str {
    subject.rsplit('.').next().unwrap_or_default()
}

/// The consumer that a waiting or dead message is for: the word before.
pub(super) fn consumer_of(subject: &str) -> &str {
    subject.rsplit('.').nth(1).unwrap_or_default()
}

/// Any text as one word: what a subject may not hold is written as `=` and two digits.
pub(super) fn key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            key.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(key, "={byte:02X}");
        }
    }
    if key.is_empty() {
        key.push('=');
    }
    key
}

fn words(name: &str) -> String {
    name.split('.').map(key).collect::<Vec<_>>().join(".")
}

/// FNV-1a: the same on every machine, for ever.
fn lane(key: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    key.bytes().fold(0xcbf2_9ce4_8422_2325, mix) % LANES
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::{EventId, Timestamp};

    fn envelope(subject: &str) -> Envelope {
        Envelope {
            id: EventId::generate(),
            name: "orders.cancelled.v1".to_owned(),
            subject: subject.to_owned(),
            at: Timestamp::from_ms(0),
            payload: serde_json::Value::Null,
            trace: None,
        }
    }

    #[test]
    fn a_subject_has_a_lane_a_name_and_a_key() {
        let subjects = Subjects::new("souk");
        assert_eq!(
            subjects.event(&envelope("a-1")),
            "souk.event.6.orders.cancelled.v1.a-1"
        );
        assert_eq!(
            subjects.named("orders.cancelled.v1"),
            "souk.event.*.orders.cancelled.v1.*"
        );
    }

    #[test]
    fn whatever_a_subject_may_not_hold_is_written_out_and_nothing_falls_together() {
        assert_eq!(key("a.b*> c"), "a=2Eb=2A=3E=20c");
        assert_eq!(key("=2E"), "=3D2E");
        assert_eq!(key("é"), "=C3=A9");
        assert_eq!(key(""), "=");
    }

    #[test]
    fn all_lanes_are_used_and_no_other() {
        let lanes: std::collections::BTreeSet<u64> =
            (0..1_000).map(|n| lane(&n.to_string())).collect();
        assert_eq!(lanes, (0..LANES).collect());
    }

    #[test]
    fn a_waiting_message_says_whose_it_is() {
        let subject = Subjects::new("souk").waiting("catalog", "a-1");
        assert_eq!(
            (consumer_of(&subject), key_of(&subject)),
            ("catalog", "a-1")
        );
    }
}
