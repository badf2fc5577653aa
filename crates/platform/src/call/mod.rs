//! The edge outwards: calls to the same shop's other services, and the door's requests to them. Every call has a
//! deadline that shrinks on the way, is repeated only where that is safe, and leaves instances alone that fail.
//! Plain HTTP within a private network: encryption between nodes is the network's work (ADR 29).

mod breaker;
mod budget;
mod instance;
mod metrics;
mod peer;
pub mod signature;

pub use peer::{Answer, Ask, Patience, Peer};

pub(crate) use metrics::register;

use contracts::{BoxError, Outage};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// Where calls are answered: `/internal/SERVICE/CALL`.
pub const ROOT: &str = "/internal";

/// The section `[calls]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How long a call may take with all its tries, if its caller has no deadline that is earlier.
    pub timeout_ms: u64,
    /// The same for a call that reads whole books.
    pub long_timeout_ms: u64,
    /// How long one try may take of a call that is safe to repeat.
    pub try_timeout_ms: u64,
    /// How long a connection may take to be made.
    pub connect_timeout_ms: u64,
    /// What of the deadline is kept for the way back, on each hop.
    pub hop_ms: u64,
    /// Tries after the first.
    pub retries_max: u32,
    /// The longest wait before the first retry; doubled for the next one.
    pub retry_wait_ms: u64,
    /// Retries for each hundred calls to a service...
    pub retry_percent: u32,
    /// ...and how many more at once.
    pub retry_reserve: u32,
    /// Failures in a row after which an instance is left alone.
    pub breaker_failures: u32,
    /// For how long.
    pub breaker_open_ms: u64,
    /// Calls at a time to one instance.
    pub in_flight_max: u32,
    /// Connections that are kept open to one instance while nobody calls.
    pub idle_connections_max: u32,
    /// The largest answer.
    pub answer_bytes_max: u32,
}

/// Whether a call may be made again when its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It changes nothing.
    Read,
    /// It changes something, once, however often it is made.
    Repeatable,
    /// Made twice it may have two effects.
    Once,
}

/// A call by name, with what goes there (`A`) and what comes back (`B`). Both sides of a service use the same one,
/// so that they cannot differ.
pub struct Call<A, B> {
    name: &'static str,
    kind: Kind,
    patience: Patience,
    shape: PhantomData<fn(A) -> B>,
}

impl<A, B> Clone for Call<A, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, B> Copy for Call<A, B> {}

impl<A, B> Call<A, B> {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            patience: Patience::Usual,
            shape: PhantomData,
        }
    }

    /// A call that changes nothing.
    #[must_use]
    pub const fn read(name: &'static str) -> Self {
        Self::new(name, Kind::Read)
    }

    /// A call that has its effect once, however often it is made.
    #[must_use]
    pub const fn repeatable(name: &'static str) -> Self {
        Self::new(name, Kind::Repeatable)
    }

    /// A call that is made once: an answer that is lost stays lost.
    #[must_use]
    pub const fn once(name: &'static str) -> Self {
        Self::new(name, Kind::Once)
    }

    /// The same call, repeatable if it carries a key.
    #[must_use]
    pub const fn repeatable_if(mut self, keyed: bool) -> Self {
        if keyed {
            self.kind = Kind::Repeatable;
        }
        self
    }

    /// The same call, whose work may take as long as its caller waits.
    #[must_use]
    pub const fn patient(mut self) -> Self {
        self.patience = Patience::Whole;
        self
    }

    /// The same call, which reads whole books.
    #[must_use]
    pub const fn long(mut self) -> Self {
        self.patience = Patience::Long;
        self
    }

    /// Its name, the last part of its path.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
#[error("{peer} {what}: {why}")]
pub struct CallError {
    /// Who was asked.
    pub peer: &'static str,
    /// For what.
    pub what: String,
    /// What went wrong.
    pub why: Why,
    /// What callers hear of it.
    #[source]
    pub outage: Option<Outage>,
}

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The caller waits no longer, or no instance has room.
    #[error("it was not begun: {0}")]
    NotBegun(&'static str),
    /// No instance could be reached.
    #[error("nobody could be reached: {0}")]
    Unreachable(String),
    /// The answer is lost, or came too late.
    #[error("no answer came: {0}")]
    Unanswered(String),
    /// It answered something else than an answer.
    #[error("it answered {0}")]
    Refused(u16),
    /// What was sent or came cannot be written or read.
    #[error("a body cannot be used: {0}")]
    Unreadable(BoxError),
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Options;

    /// Short times, so that tests need not wait.
    pub(crate) fn options() -> Options {
        Options {
            timeout_ms: 2_000,
            long_timeout_ms: 2_000,
            try_timeout_ms: 500,
            connect_timeout_ms: 500,
            hop_ms: 10,
            retries_max: 2,
            retry_wait_ms: 1,
            retry_percent: 10,
            retry_reserve: 10,
            breaker_failures: 5,
            breaker_open_ms: 50,
            in_flight_max: 64,
            idle_connections_max: 8,
            answer_bytes_max: 1_048_576,
        }
    }
}
