//! One instance of a role: where it is, what it has to do, and what is thought of it. It sends nothing itself.

use super::{
    health::{Found, Probed, Suspicion, Word},
    latency::Latency,
    metrics::Slot,
    options::Options,
    pick::Standing,
};
use serde::Serialize;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// The least of its share that an instance gets while it warms up.
const COLDEST_PERCENT: u64 = 5;

/// An instance, for as long as discovery names it, and until its last request has ended.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) address: SocketAddr,
    pub(super) slot: usize,
    in_flight: AtomicU32,
    state: Mutex<State>,
    metrics: Slot,
}

#[derive(Debug, Default)]
struct State {
    latency: Latency,
    suspicion: Suspicion,
    probed: Probed,
    /// Since when it warms up; 0 for whoever was there from the beginning.
    cold_since_ms: u64,
}

/// What an operator may know of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceView {
    /// Where it is.
    pub address: SocketAddr,
    /// Its number in the metrics.
    pub slot: usize,
    /// What it says of itself.
    pub state: Word,
    /// Whether it is left out because its answers failed.
    pub ejected: bool,
    /// For how long it still is, in milliseconds.
    pub ejected_for_ms: u64,
    /// Requests at work.
    pub in_flight: u32,
    /// How slow it has been lately, in microseconds.
    pub latency_us: u64,
    /// How much of its share it gets.
    pub weight_percent: u32,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// It answered that it cannot: no sign of being broken, but work is done faster elsewhere.
    Refused,
    Bad,
}

impl Instance {
    pub(super) fn new(
        address: SocketAddr,
        slot: usize,
        cold_since_ms: u64,
        metrics: Slot,
    ) -> Arc<Self> {
        let state = State {
            cold_since_ms,
            ..State::default()
        };
        Arc::new(Self {
            address,
            slot,
            in_flight: AtomicU32::new(0),
            state: Mutex::new(state),
            metrics,
        })
    }

    pub(super) fn word(&self) -> Word {
        self.state().probed.word()
    }

    pub(super) fn is_ejected(&self, now_ms: u64) -> bool {
        self.state().suspicion.is_ejected(now_ms)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// One request more, as long as the guard lives.
    pub(super) fn occupy(self: &Arc<Self>) -> Occupied {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.metrics.in_flight.inc();
        Occupied(Arc::clone(self))
    }

    /// As it stands in a choice.
    pub(super) fn standing(&self, now_us: u64, options: &Options) -> Standing {
        let state = self.state();
        let decay_us = options.decay_ms.saturating_mul(1_000);
        let latency = state.latency;
        Standing {
            in_flight: self.in_flight(),
            latency_ns: latency.is_known().then(|| latency.at(now_us, decay_us)),
            weight_percent: state.weight_percent(now_us / 1_000, options),
        }
    }

    /// Notes how a request went, and what it took; answers whether the instance should be left out.
    pub(super) fn note(
        &self,
        verdict: Verdict,
        took_ns: u64,
        now_us: u64,
        options: &Options,
    ) -> bool {
        let mut state = self.state();
        let decay_us = options.decay_ms.saturating_mul(1_000);
        // A quick failure must not look like a quick answer, or it would draw all work to itself.
        let cost_ns = match verdict {
            Verdict::Good => took_ns,
            Verdict::Refused | Verdict::Bad => {
                took_ns.max(options.retry.try_ms.saturating_mul(1_000_000))
            }
        };
        state.latency.observe(cost_ns, now_us, decay_us);
        let is_good = verdict != Verdict::Bad;
        state
            .suspicion
            .note(is_good, now_us / 1_000, &options.eject)
    }

    pub(super) fn eject(&self, now_ms: u64, options: &Options) {
        self.state().suspicion.eject(now_ms, &options.eject);
        tracing::warn!(
            instance.address = %self.address, instance.slot = self.slot,
            "an instance is left out: its answers fail"
        );
    }

    /// Notes what a probe found.
    pub(super) fn probed(&self, found: Found, now_ms: u64, options: &Options) {
        let mut state = self.state();
        let before = state.probed.word();
        if state.probed.note(found, &options.probe) {
            state.cold_since_ms = now_ms;
        }
        let after = state.probed.word();
        drop(state);
        if before != after {
            tracing::info!(
                instance.address = %self.address, instance.slot = self.slot,
                instance.before = ?before, instance.after = ?after, "an instance has changed"
            );
        }
    }

    pub(super) fn view(&self, now_us: u64, options: &Options) -> InstanceView {
        let state = self.state();
        let now_ms = now_us / 1_000;
        let decay_us = options.decay_ms.saturating_mul(1_000);
        InstanceView {
            address: self.address,
            slot: self.slot,
            state: state.probed.word(),
            ejected: state.suspicion.is_ejected(now_ms),
            ejected_for_ms: state.suspicion.ejected_until_ms().saturating_sub(now_ms),
            in_flight: self.in_flight(),
            latency_us: state.latency.at(now_us, decay_us) / 1_000,
            weight_percent: state.weight_percent(now_ms, options),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How much of its share it gets: more and more since it came, or came back.
    fn weight_percent(&self, now_ms: u64, options: &Options) -> u32 {
        let since_ms = self.cold_since_ms.max(self.suspicion.ejected_until_ms());
        if since_ms == 0 {
            return 100;
        }
        let warm_ms = now_ms.saturating_sub(since_ms);
        let percent = warm_ms
            .saturating_mul(100)
            .checked_div(options.slow_start_ms)
            .unwrap_or(100);
        u32::try_from(percent.clamp(COLDEST_PERCENT, 100)).unwrap_or(100)
    }
}

/// A request at work at an instance.
#[derive(Debug)]
pub(super) struct Occupied(Arc<Instance>);

impl Occupied {
    pub(super) fn instance(&self) -> &Arc<Instance> {
        &self.0
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.in_flight.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::{super::options::defaults, *};

    fn instance(cold_since_ms: u64) -> Arc<Instance> {
        let address = "127.0.0.1:1".parse().unwrap();
        Instance::new(address, 0, cold_since_ms, Slot::of("test", 0))
    }

    #[test]
    fn a_new_instance_gets_more_and_more_of_its_share() {
        let options = Options {
            slow_start_ms: 1_000,
            ..defaults()
        };
        let new = instance(10_000);
        for (now_ms, percent) in [
            (10_000, 5),
            (10_100, 10),
            (10_500, 50),
            (11_000, 100),
            (60_000, 100),
        ] {
            let standing = new.standing(now_ms * 1_000, &options);
            assert_eq!(standing.weight_percent, percent, "{now_ms}");
        }
        let old = instance(0).standing(1_000, &options);
        assert_eq!(old.weight_percent, 100);
    }

    #[test]
    fn who_comes_back_from_being_left_out_warms_up_again() {
        let options = Options {
            slow_start_ms: 1_000,
            ..defaults()
        };
        let one = instance(0);
        one.eject(1_000, &options);
        let back_ms = 1_000 + options.eject.first_ms;
        let weight = |ms| one.standing(ms * 1_000, &options).weight_percent;
        assert_eq!((weight(back_ms), weight(back_ms + 1_000)), (5, 100));
    }

    #[test]
    fn a_quick_refusal_draws_no_work() {
        let options = defaults();
        let (good, refusing) = (instance(0), instance(0));
        good.note(Verdict::Good, 5_000_000, 1, &options);
        refusing.note(Verdict::Refused, 1_000, 1, &options);
        let latency = |instance: &Instance| instance.standing(1, &options).latency_ns;
        assert_eq!(latency(&good), Some(5_000_000));
        assert!(latency(&refusing) > Some(500_000_000));
    }
}
