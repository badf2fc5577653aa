//! The instances of a peer, and which one is asked next.

use super::{
    Options,
    breaker::{Breaker, Rules},
    metrics::Handles,
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// One instance.
pub(super) struct Instance {
    /// As `http://127.0.0.1:7001`.
    pub(super) address: String,
    in_flight: AtomicU32,
    breaker: Mutex<Breaker>,
}

/// All instances of a peer.
pub(super) struct Instances {
    all: Vec<Arc<Instance>>,
    in_flight_max: u32,
    turn: AtomicUsize,
}

/// Why nobody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nobody {
    /// None is known, or all are left alone.
    IsWell,
    /// Those that are well have as much to do as they may.
    HasRoom,
}

/// A call to an instance while it is under way.
pub(super) struct Visit {
    pub(super) instance: Arc<Instance>,
    is_settled: bool,
}

impl Instances {
    pub(super) fn new(addresses: &[String], options: &Options) -> Self {
        let rules = Rules {
            failures: options.breaker_failures.max(1),
            open: Duration::from_millis(options.breaker_open_ms),
        };
        let all = addresses.iter().map(|address| {
            Arc::new(Instance {
                address: address.trim_end_matches('/').to_owned(),
                in_flight: AtomicU32::new(0),
                breaker: Mutex::new(Breaker::new(rules)),
            })
        });
        Self {
            all: all.collect(),
            in_flight_max: options.in_flight_max,
            turn: AtomicUsize::new(0),
        }
    }

    /// The one to ask next: the one with the least to do of those that are well, each in turn where that is equal.
    pub(super) fn pick(&self) -> Result<Visit, Nobody> {
        let now = Instant::now();
        let start = self.turn.fetch_add(1, Ordering::Relaxed);
        let (before, from) = match start.checked_rem(self.all.len()) {
            Some(start) => self.all.split_at(start),
            None => return Err(Nobody::IsWell),
        };
        let mut nobody = Nobody::IsWell;
        // Another call may take an instance's one try in between: then the next one is looked for.
        for _ in 0..self.all.len() {
            let well = from.iter().chain(before);
            let well = well.filter(|one| one.breaker().is_passable(now));
            let Some(least) = well.min_by_key(|one| one.in_flight.load(Ordering::Relaxed)) else {
                break;
            };
            if least.in_flight.load(Ordering::Relaxed) >= self.in_flight_max {
                nobody = Nobody::HasRoom;
                break;
            }
            if least.breaker().pass(now) {
                return Ok(Visit::begin(least));
            }
        }
        Err(nobody)
    }
}

impl Instance {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    fn begin(instance: &Arc<Instance>) -> Self {
        instance.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            instance: Arc::clone(instance),
            is_settled: false,
        }
    }

    /// The instance answered, whatever it said.
    pub(super) fn answered(mut self, handles: &Handles) {
        self.is_settled = true;
        if self.instance.breaker().answered() {
            handles.left_alone.dec();
        }
    }

    /// The instance failed.
    pub(super) fn failed(mut self, handles: &Handles) {
        self.is_settled = true;
        if self.instance.breaker().failed(Instant::now()) {
            handles.left_alone.inc();
            tracing::warn!(
                peer.address = self.instance.address,
                "an instance failed too often and is left alone for a while"
            );
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.instance.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.is_settled {
            self.instance.breaker().abandoned(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            breaker_failures: 1,
            breaker_open_ms: 60_000,
            in_flight_max: 2,
            ..crate::call::tests::options()
        }
    }

    fn two() -> Instances {
        Instances::new(&["http://a/".to_owned(), "http://b".to_owned()], &options())
    }

    #[test]
    fn whoever_has_the_least_to_do_is_asked_and_nobody_beyond_their_room() {
        let instances = two();
        let visits: Vec<Visit> = (0..4)
            .map(|_| instances.pick().unwrap_or_else(|_| panic!()))
            .collect();
        let at = |address| {
            visits
                .iter()
                .filter(|one| one.instance.address == address)
                .count()
        };
        assert_eq!((at("http://a"), at("http://b")), (2, 2));
        assert_eq!(instances.pick().err(), Some(Nobody::HasRoom));
        drop(visits);
        assert!(instances.pick().is_ok());
    }

    #[test]
    fn whoever_failed_is_left_alone() {
        let (instances, handles) = (two(), Handles::of("somebody"));
        let first = instances.pick().unwrap_or_else(|_| panic!());
        let failed = first.instance.address.clone();
        first.failed(&handles);
        for _ in 0..3 {
            let next = instances.pick().unwrap_or_else(|_| panic!());
            assert_ne!(next.instance.address, failed);
            next.answered(&handles);
        }
        instances
            .pick()
            .unwrap_or_else(|_| panic!())
            .failed(&handles);
        assert_eq!(instances.pick().err(), Some(Nobody::IsWell));
        assert_eq!(handles.left_alone.get(), 2);
        assert_eq!(
            Instances::new(&[], &options()).pick().err(),
            Some(Nobody::IsWell)
        );
    }
}
