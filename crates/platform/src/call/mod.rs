//! The edge outwards: calls to the same shop's other services. Every call has a deadline that shrinks on the way, and
//! is signed; instances are found, chosen, left out and asked again by [`crate::balance`], which repeats only what this
//! module says is safe. Plain HTTP within a private network: encryption between nodes is the network's work (ADR 29).

pub(crate) mod peer;
pub mod signature;

pub use peer::{Limits, Peer};

use contracts::{BoxError, Outage};
use std::marker::PhantomData;

/// Where calls are answered: `/internal/SERVICE/CALL`.
pub const ROOT: &str = "/internal";

/// Whether a call may be made again when its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It changes nothing.
    Read,
    /// It changes something, once, however often it is made.
    Repeatable,
    /// Made twice it may have two effects, or twice the cost.
    Once,
}

/// A call by name, with what goes there (`A`) and what comes back (`B`). Both sides of a service use the same one,
/// so that they cannot differ.
pub struct Call<A, B> {
    name: &'static str,
    kind: Kind,
    is_long: bool,
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
            is_long: false,
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

    /// A call that is made once: whoever loses its answer must look, or ask again by itself.
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

    /// The same call, which reads whole books and may take its time.
    #[must_use]
    pub const fn long(mut self) -> Self {
        self.is_long = true;
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
#[error("{peer}/{call} was not answered: {why}")]
pub struct CallError {
    /// Who was asked.
    pub peer: &'static str,
    /// For what.
    pub call: &'static str,
    /// What went wrong.
    pub why: Why,
    /// What callers hear of it.
    #[source]
    pub outage: Option<Outage>,
}

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// Nobody was there, nobody had time, or the answer did not come.
    #[error("{0}")]
    Refused(String),
    /// What was sent or came cannot be written or read.
    #[error("a body cannot be used: {0}")]
    Unreadable(BoxError),
}
