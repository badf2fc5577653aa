//! What balancing counts. Labels are roles, results and slots, which are all closed sets: a slot is the number
//! of an instance within its role, and the operators' list says whose it is. Never an address.

use super::health::Word;
use crate::metrics::{Counter, Family, Gauge, Histogram, Registry, seconds};
use std::sync::LazyLock;

type Role = [(&'static str, &'static str); 1];
type RoleAnd = [(&'static str, &'static str); 2];
type RoleAndSlot = [(&'static str, String); 2];
type Seconds = Family<Role, Histogram, fn() -> Histogram>;

struct Balance {
    requests: Family<RoleAnd, Counter>,
    retries: Family<RoleAnd, Counter>,
    ejections: Family<Role, Counter>,
    discovery_failures: Family<Role, Counter>,
    instances: Family<RoleAnd, Gauge>,
    in_flight: Family<RoleAndSlot, Gauge>,
    seconds: Seconds,
}

static BALANCE: LazyLock<Balance> = LazyLock::new(|| Balance {
    requests: Family::default(),
    retries: Family::default(),
    ejections: Family::default(),
    discovery_failures: Family::default(),
    instances: Family::default(),
    in_flight: Family::default(),
    seconds: Family::new_with_constructor(seconds),
});

/// Adds what balancing counts to a registry.
pub fn register_metrics(registry: &mut Registry) {
    let balance = &*BALANCE;
    registry.register(
        "souk_upstream_attempts",
        "Attempts at an instance, by how they ended",
        balance.requests.clone(),
    );
    registry.register(
        "souk_upstream_retries",
        "Wishes to try again at another instance, and whether the budget allowed it",
        balance.retries.clone(),
    );
    registry.register(
        "souk_upstream_ejections",
        "How often an instance was left out because its answers failed",
        balance.ejections.clone(),
    );
    registry.register(
        "souk_upstream_discovery_failures",
        "How often instances could not be looked for",
        balance.discovery_failures.clone(),
    );
    registry.register(
        "souk_upstream_instances",
        "Instances, by what they say of themselves",
        balance.instances.clone(),
    );
    registry.register(
        "souk_upstream_in_flight",
        "Requests at work at an instance",
        balance.in_flight.clone(),
    );
    registry.register(
        "souk_upstream_answer_seconds",
        "From a request until its answer begins, all tries together",
        balance.seconds.clone(),
    );
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was answered.
    Answered,
    /// It was answered with a failure: 5xx.
    Failed,
    /// No connection was made.
    Refused,
    /// The connection broke before an answer came.
    Broken,
    /// No answer came in time.
    Late,
    /// The caller went away before.
    Left,
}

impl Ended {
    const ALL: [Self; 6] = [
        Self::Answered,
        Self::Failed,
        Self::Refused,
        Self::Broken,
        Self::Late,
        Self::Left,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::Late => "late",
            Self::Left => "left",
        }
    }
}

/// The handles of one role, made once.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    attempts: [Counter; 6],
    pub(super) retries: Counter,
    pub(super) retries_refused: Counter,
    pub(super) ejections: Counter,
    pub(super) discovery_failures: Counter,
    instances: [(Word, Gauge); 4],
    pub(super) seconds: Histogram,
}

impl Metrics {
    pub(super) fn of(role: &'static str) -> Self {
        let retries = |result| {
            let labels = [("role", role), ("result", result)];
            BALANCE.retries.get_or_create_owned(&labels)
        };
        let attempts = Ended::ALL.map(|ended| {
            let labels = [("role", role), ("result", ended.label())];
            BALANCE.requests.get_or_create_owned(&labels)
        });
        let instances = [
            (Word::Unknown, "unknown"),
            (Word::Ready, "ready"),
            (Word::Draining, "draining"),
            (Word::Down, "down"),
        ];
        Self {
            attempts,
            retries: retries("tried"),
            retries_refused: retries("over_budget"),
            ejections: BALANCE.ejections.get_or_create_owned(&[("role", role)]),
            discovery_failures: BALANCE
                .discovery_failures
                .get_or_create_owned(&[("role", role)]),
            instances: instances.map(|(word, state)| {
                let labels = [("role", role), ("state", state)];
                (word, BALANCE.instances.get_or_create_owned(&labels))
            }),
            seconds: BALANCE.seconds.get_or_create_owned(&[("role", role)]),
        }
    }

    /// Counts an attempt.
    pub(super) fn attempt(&self, ended: Ended) {
        let mut pairs = Ended::ALL.iter().zip(&self.attempts);
        if let Some((_, counter)) = pairs.find(|(one, _)| **one == ended) {
            counter.inc();
        }
    }

    /// Shows how many instances there are of each state.
    pub(super) fn show(&self, words: &[Word]) {
        for (word, gauge) in &self.instances {
            let count = words.iter().filter(|one| *one == word).count();
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// The handles of one instance.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) in_flight: Gauge,
}

impl Slot {
    pub(super) fn of(role: &'static str, slot: usize) -> Self {
        let labels = [("role", role.to_owned()), ("slot", slot.to_string())];
        Self {
            in_flight: BALANCE.in_flight.get_or_create_owned(&labels),
        }
    }
}
