//! How much is at work at a door, and whether this process keeps up with it.

use super::{
    pulse::{Pulse, micros},
    stack::Options,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// With fewer requests at work it is not they that make a process late.
const MANY: usize = 128;
/// As many as a door that was late lets be at work: enough for the batches that orders are written in, and no more
/// wait for each other than that.
const FEW: usize = 64;

/// How long it is so careful after it was late last: in the moment in which it is not late any more all who wait would
/// come in, and it would be late again by all of them.
const CAREFUL: Duration = Duration::from_secs(1);

/// The load of a door. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Load {
    permits: Arc<Semaphore>,
    permits_max: usize,
    pulse: Pulse,
    late_max: Duration,
    origin: Instant,
    /// Until when it is careful, in microseconds after the origin.
    careful_until: Arc<AtomicU64>,
}

impl Load {
    /// Within these bounds; nothing is at work yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let permits_max = usize::try_from(options.in_flight_max)
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(permits_max)),
            permits_max,
            pulse: Pulse::new(),
            late_max: Duration::from_millis(options.late_ms_max.into()),
            origin: Instant::now(),
            careful_until: Arc::default(),
        }
    }

    /// One more is at work as long as this is held; nothing, if there is no room.
    pub(super) fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.try_acquire().ok()
    }

    /// Whether more is at work than this process keeps up with, or kept up with of late. Then whoever comes is better
    /// off to hear so at once, and so are those who wait already: they would wait behind them.
    pub(super) fn is_late(&self) -> bool {
        let at_work = self
            .permits_max
            .saturating_sub(self.permits.available_permits());
        if self.late_max.is_zero() || at_work < FEW {
            return false;
        }
        let now = micros(self.origin.elapsed());
        let is_careful = now < self.careful_until.load(Relaxed);
        let may_be_late = is_careful || at_work >= MANY;
        let is_late = may_be_late && self.pulse.is_later_than(self.late_max);
        if is_late {
            let until = now.saturating_add(micros(CAREFUL));
            self.careful_until.store(until, Relaxed);
        }
        is_late || is_careful
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tokio::time::{advance, sleep};

    /// A door with this many at work, at a process that has done something else for a while.
    pub(in crate::http) async fn late(load: &Load, at_work: usize) {
        for _ in 0..at_work {
            load.enter().expect("room").forget();
        }
        load.is_late();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let begun = std::time::Instant::now();
        let twice = load.late_max.saturating_mul(2);
        let enough = twice.saturating_add(Duration::from_millis(20));
        while begun.elapsed() < enough {
            std::hint::spin_loop();
        }
    }

    pub(in crate::http) fn load(late_ms_max: u32) -> Load {
        Load::new(&Options {
            timeout_ms: 1_000,
            in_flight_max: 1_000,
            late_ms_max,
            body_bytes_max: 100,
        })
    }

    #[tokio::test]
    async fn a_door_is_late_with_much_at_work_unless_it_may_be() {
        for (most, at_work, expected) in [
            (2, MANY, true),
            (2, MANY + 1, true),
            (2, MANY - 1, false),
            (0, MANY, false),
        ] {
            let load = load(most);
            late(&load, at_work).await;
            assert_eq!(load.is_late(), expected, "{most} {at_work}");
        }
    }

    const LATE_MS: u32 = 100;

    /// Such a door with so many at work, at a process that has done something else for a while. The clock stands still
    /// but for this and for sleeping.
    async fn behind(at_work: usize) -> Load {
        let load = load(LATE_MS);
        for _ in 0..at_work {
            load.enter().expect("room").forget();
        }
        stall(&load).await;
        load
    }

    async fn stall(load: &Load) {
        load.is_late();
        sleep(Duration::from_millis(5)).await;
        advance(load.late_max.saturating_mul(2)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_door_that_was_late_lets_few_be_at_work_for_a_while() {
        let load = behind(MANY).await;
        assert!(load.is_late());
        sleep(CAREFUL / 2).await;
        assert!(load.is_late(), "it has caught up, and is careful");
        load.permits.add_permits(MANY - FEW);
        assert!(load.is_late(), "no more than {FEW}");
        load.permits.add_permits(1);
        assert!(!load.is_late(), "one less");
        load.permits.acquire().await.expect("room").forget();
        sleep(CAREFUL / 2).await;
        assert!(!load.is_late(), "few were not what made it late");
    }

    #[tokio::test(start_paused = true)]
    async fn it_stays_careful_as_long_as_it_is_late_nevertheless() {
        let load = behind(MANY).await;
        assert!(load.is_late());
        load.permits.add_permits(MANY - FEW);
        sleep(CAREFUL / 2).await;
        stall(&load).await;
        assert!(load.is_late());
        sleep(CAREFUL * 3 / 4).await;
        assert!(load.is_late(), "its second began anew");
    }
}
