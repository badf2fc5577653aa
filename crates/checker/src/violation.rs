//! What can be wrong, by name.

use std::fmt;

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// What came in is what is there, held, or sold; nothing is ever below zero.
    Stock,
    /// Each captured charge pays exactly one order of exactly its amount, and the other way round.
    Money,
    /// No paid order without money, no money left on a cancelled one.
    NoMoneyLeft,
    /// A key has one effect, and one answer.
    Keys,
    /// A total is the sum of its lines and parts, each line at a price that was in force; limits of discounts hold.
    Price,
    /// What was acknowledged is there.
    Durability,
    /// What is there was asked for.
    NoPhantom,
    /// A refused request left nothing.
    FailedMeansNothing,
    /// Acknowledged versions are distinct, without gaps, and in the order of time.
    Versions,
    /// The double-entry ledger sums to zero and tells what the provider tells.
    Ledger,
    /// A reservation ends once, and as its order does.
    Reservations,
    /// An order moves along the declared table only.
    Moves,
    /// Events of a subject are delivered in its order, without a gap.
    Events,
    /// Nothing waits in a queue for ever.
    Queues,
    /// Every request is answered, every payment decided, every hold ends.
    Liveness,
    /// A refusal is a problem with a known code; our own faults happen under faults only.
    ErrorShape,
}

impl Invariant {
    /// Its number in our papers.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::Stock => "I-1",
            Self::Money => "I-2",
            Self::NoMoneyLeft => "I-3",
            Self::Keys => "I-4",
            Self::Price => "I-5",
            Self::Durability => "I-6",
            Self::NoPhantom => "I-7",
            Self::FailedMeansNothing => "I-8",
            Self::Versions => "I-9",
            Self::Ledger => "I-11",
            Self::Reservations => "I-12",
            Self::Moves => "I-13",
            Self::Events => "I-16",
            Self::Queues => "I-17",
            Self::Liveness => "I-20",
            Self::ErrorShape => "I-21",
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Money => "money",
            Self::NoMoneyLeft => "no money left",
            Self::Keys => "keys",
            Self::Price => "price",
            Self::Durability => "durability",
            Self::NoPhantom => "no phantom",
            Self::FailedMeansNothing => "failed means nothing",
            Self::Versions => "versions",
            Self::Ledger => "ledger",
            Self::Reservations => "reservations",
            Self::Moves => "moves",
            Self::Events => "events",
            Self::Queues => "queues",
            Self::Liveness => "liveness",
            Self::ErrorShape => "error shape",
        }
    }
}

/// A promise that did not hold, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub invariant: Invariant,
    /// What was found.
    pub what: String,
}

impl Violation {
    /// A violation in words.
    pub fn new(invariant: Invariant, what: impl Into<String>) -> Self {
        Self {
            invariant,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({} {})",
            self.what,
            self.invariant.number(),
            self.invariant.name()
        )
    }
}

/// Gathers violations.
#[derive(Debug, Default)]
pub(crate) struct Found(Vec<Violation>);

impl Found {
    /// Notes a violation unless this holds. The words are made only when they are needed.
    pub(crate) fn unless(
        &mut self,
        holds: bool,
        invariant: Invariant,
        what: impl FnOnce() -> String,
    ) {
        if !holds {
            self.0.push(Violation::new(invariant, what()));
        }
    }

    pub(crate) fn all(self) -> Vec<Violation> {
        self.0
    }
}
