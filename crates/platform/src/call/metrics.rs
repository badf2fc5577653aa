//! What is counted of calls. Labels are names of services and ends of calls.

use crate::metrics::{Counter, Family, Gauge, Histogram, Registry, seconds};
use std::sync::LazyLock;

type Peer = [(&'static str, &'static str); 1];
type End = [(&'static str, &'static str); 2];

pub(super) struct Calls {
    seconds: Family<Peer, Histogram, fn() -> Histogram>,
    ended: Family<End, Counter>,
    retries: Family<Peer, Counter>,
    left_alone: Family<Peer, Gauge>,
}

static CALLS: LazyLock<Calls> = LazyLock::new(|| Calls {
    seconds: Family::new_with_constructor(seconds),
    ended: Family::default(),
    retries: Family::default(),
    left_alone: Family::default(),
});

/// The handles of one peer, made once.
pub(super) struct Handles {
    pub(super) seconds: Histogram,
    pub(super) answered: Counter,
    pub(super) failed: Counter,
    pub(super) retries: Counter,
    pub(super) left_alone: Gauge,
}

impl Handles {
    pub(super) fn of(peer: &'static str) -> Self {
        let label = [("peer", peer)];
        let end = |end| {
            CALLS
                .ended
                .get_or_create_owned(&[("peer", peer), ("end", end)])
        };
        Self {
            seconds: CALLS.seconds.get_or_create_owned(&label),
            answered: end("answered"),
            failed: end("failed"),
            retries: CALLS.retries.get_or_create_owned(&label),
            left_alone: CALLS.left_alone.get_or_create_owned(&label),
        }
    }
}

pub(crate) fn register(registry: &mut Registry) {
    let Calls {
        seconds,
        ended,
        retries,
        left_alone,
    } = &*CALLS;
    registry.register(
        "souk_call_seconds",
        "From a call to another service until its answer, with all tries",
        seconds.clone(),
    );
    registry.register("souk_calls", "Calls to other services", ended.clone());
    registry.register(
        "souk_call_retries",
        "Calls to other services that were tried again",
        retries.clone(),
    );
    registry.register(
        "souk_call_instances_left_alone",
        "Instances that are not asked since they failed",
        left_alone.clone(),
    );
}
