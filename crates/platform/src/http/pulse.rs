//! Whether this process keeps up: how late it is with work that is ready. A task that wants to run every few
//! milliseconds waits in the same queue as every request; the longer that queue, the later it is. It beats only while
//! somebody looks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

const BEAT: Duration = Duration::from_millis(5);
/// Beats that nobody looked at until it rests.
const UNSEEN_MAX: u32 = 200;
/// No beat is due.
const RESTS: u64 = u64::MAX;

/// The pulse of a process. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Instant,
    /// When the next beat is due, in microseconds after the origin.
    due_us: AtomicU64,
    /// How late the last one was.
    late_us: AtomicU64,
    beats: AtomicBool,
    unseen: AtomicU32,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            origin: Instant::now(),
            due_us: AtomicU64::new(RESTS),
            late_us: AtomicU64::new(0),
            beats: AtomicBool::new(false),
            unseen: AtomicU32::new(0),
        }))
    }

    /// Whether work that is ready waits for longer than this. Whoever looks first sets it going, and learns nothing
    /// yet.
    pub(super) fn is_later_than(&self, most: Duration) -> bool {
        let inner = &*self.0;
        inner.unseen.store(0, Relaxed);
        if !inner.beats.swap(true, Relaxed) {
            self.set_going();
            return false;
        }
        let overdue_us = inner
            .us(Instant::now())
            .saturating_sub(inner.due_us.load(Relaxed));
        // A beat that has not come yet is as late as it is already.
        overdue_us.max(inner.late_us.load(Relaxed)) > micros(most)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it holds nothing that anybody waits for, and ends by itself a second after the last look"
    )]
    fn set_going(&self) {
        tokio::spawn(beat(Arc::clone(&self.0)));
    }
}

impl Inner {
    fn us(&self, moment: Instant) -> u64 {
        micros(moment.saturating_duration_since(self.origin))
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

async fn beat(inner: Arc<Inner>) {
    while inner.unseen.fetch_add(1, Relaxed) < UNSEEN_MAX {
        let now = Instant::now();
        let due = now.checked_add(BEAT).unwrap_or(now);
        inner.due_us.store(inner.us(due), Relaxed);
        sleep_until(due).await;
        let late = Instant::now().saturating_duration_since(due);
        inner.late_us.store(micros(late), Relaxed);
    }
    inner.due_us.store(RESTS, Relaxed);
    inner.late_us.store(0, Relaxed);
    inner.beats.store(false, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const MOST: Duration = Duration::from_millis(40);

    #[tokio::test]
    async fn a_process_that_is_busy_with_something_else_is_late() {
        let pulse = Pulse::new();
        assert!(!pulse.is_later_than(MOST), "nobody knows yet");
        sleep(BEAT).await;
        // Nothing else runs on this thread meanwhile.
        let begun = std::time::Instant::now();
        while begun.elapsed() < 3 * MOST {
            std::hint::spin_loop();
        }
        assert!(pulse.is_later_than(MOST));
        let begun = Instant::now();
        while pulse.is_later_than(MOST) {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it never recovers"
            );
            sleep(BEAT).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_rests_when_nobody_looks_and_goes_on_when_somebody_does() {
        let pulse = Pulse::new();
        for _ in 0..2 {
            assert!(!pulse.is_later_than(MOST));
            sleep(BEAT).await;
            assert!(pulse.0.beats.load(Relaxed));
            sleep(BEAT * (UNSEEN_MAX + 2)).await;
            assert!(!pulse.0.beats.load(Relaxed), "it beats for nobody");
        }
    }
}
