//! How far delivery is behind, for whoever watches: measured now and then by the relay that delivers, never by the
//! writes that events come from.

use crate::metrics::{Family, Gauge, Registry};
use contracts::values::Timestamp;
use std::sync::LazyLock;

/// From one look to the next, in milliseconds.
pub(super) const LOOK_EVERY_MS: i64 = 5_000;
/// Events that are counted, at most: more is as bad.
pub(super) const COUNTED_MAX: u32 = 10_000;

type Outbox = [(&'static str, &'static str); 1];

#[derive(Default)]
struct Behind {
    pending: Family<Outbox, Gauge>,
    lag_seconds: Family<Outbox, Gauge>,
}

static BEHIND: LazyLock<Behind> = LazyLock::new(Behind::default);

/// Adds them to a registry.
pub fn register(registry: &mut Registry) {
    registry.register(
        "souk_outbox_pending",
        "Events that were not delivered yet, those that are tried again included; counted up to 10000",
        BEHIND.pending.clone(),
    );
    registry.register(
        "souk_outbox_lag_seconds",
        "How long ago the oldest event came about that was not delivered yet; 0 if there is none",
        BEHIND.lag_seconds.clone(),
    );
}

/// What waits in an outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    pub(super) pending: i64,
    pub(super) oldest: Option<Timestamp>,
}

/// The handles of one outbox.
pub(super) struct Gauges {
    pending: Gauge,
    lag_seconds: Gauge,
}

impl Gauges {
    pub(super) fn of(outbox: &'static str) -> Self {
        let outbox = [("outbox", outbox)];
        Self {
            pending: BEHIND.pending.get_or_create_owned(&outbox),
            lag_seconds: BEHIND.lag_seconds.get_or_create_owned(&outbox),
        }
    }

    pub(super) fn set(&self, backlog: Backlog, now: Timestamp) {
        let age = |oldest: Timestamp| now.as_ms().saturating_sub(oldest.as_ms()).max(0);
        let lag_ms = backlog.oldest.map_or(0, age);
        self.pending.set(backlog.pending);
        self.lag_seconds.set(lag_ms.div_euclid(1_000));
    }
}
