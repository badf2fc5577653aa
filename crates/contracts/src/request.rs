//! What every request may carry besides its body: a key that makes it safe to repeat, the version it
//! means to change, and whether the answer is a repetition.

use crate::{
    problem::{Code, Problem},
    values::{ValueError, Version},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A caller's name for one piece of work: 1 to 128 visible ASCII characters (`Idempotency-Key`, IETF draft).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a key, bare or as a quoted structured-field string.
    ///
    /// # Errors
    /// [`ValueError`] when it is empty, over 128 characters, or holds anything but visible ASCII.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let bare = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        Self::bare(bare)
    }

    fn bare(text: &str) -> Result<Self, ValueError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if (1..=128).contains(&text.len()) && visible {
            Ok(Self(text.to_owned()))
        } else {
            Err(ValueError::new("must be 1 to 128 visible ASCII characters"))
        }
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Cow<'_, str>> for IdempotencyKey {
    type Error = ValueError;
    /// Between services a key is bare already: quotes that are left are part of it.
    fn try_from(text: Cow<'_, str>) -> Result<Self, ValueError> {
        Self::bare(&text)
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> String {
        key.0
    }
}

/// An answer, and whether it is the repetition of one given before (`Idempotent-Replayed: true`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// Whether an earlier request with the same key had this effect already.
    pub replayed: bool,
}

impl<T> Answered<T> {
    /// The answer to work that was done now.
    pub const fn fresh(value: T) -> Self {
        Self {
            value,
            replayed: false,
        }
    }

    /// The answer to work that was done before.
    pub const fn replayed(value: T) -> Self {
        Self {
            value,
            replayed: true,
        }
    }

    /// The same answer in another form.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Answered<U> {
        Answered {
            value: form(self.value),
            replayed: self.replayed,
        }
    }
}

/// Which state a change means to replace, and how the caller said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// `If-Match`: a stale one is 412.
    Header(Version),
    /// `version` in the body: a stale one is 409.
    Body(Version),
    /// None, on addresses that promise "last writer wins" (the seeds').
    LastWriterWins,
}

impl Precondition {
    /// The version that must still be current, if one was named.
    #[must_use]
    pub const fn version(self) -> Option<Version> {
        match self {
            Self::Header(version) | Self::Body(version) => Some(version),
            Self::LastWriterWins => None,
        }
    }

    /// What to answer when another version is current.
    #[must_use]
    pub fn stale(self, current: Version) -> Problem {
        let code = match self {
            Self::Header(_) => Code::PreconditionFailed,
            Self::Body(_) | Self::LastWriterWins => Code::VersionConflict,
        };
        let problem = Problem::new(code)
            .detail(format!("the current version is {}", current.get()))
            .fact("current_version", current.get());
        match self.version() {
            Some(sent) => problem.fact("sent_version", sent.get()),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_bare_and_quoted() {
        assert_eq!(IdempotencyKey::parse("\"k1\""), IdempotencyKey::parse("k1"));
        for text in ["", "\"\"", "a b", "ключ", &"k".repeat(129)] {
            assert!(IdempotencyKey::parse(text).is_err(), "{text:?}");
        }
        assert!(IdempotencyKey::parse(&"k".repeat(128)).is_ok());
    }
}
