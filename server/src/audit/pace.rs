//! How fast the books are read: as fast as can be, or part after part, with rests between pages of stock. Nobody waits
//! for verification by the clock; as soon as somebody does, it rests no more. What is held against what another service
//! says is read without rests: the longer lies between the two, the more has happened meanwhile.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// A rest is so many times as long as what was done before,
const TIMES: u32 = 3;
/// and at most this long: so does whoever comes to wait for it wait for a rest.
const LONGEST: Duration = Duration::from_secs(1);

/// How fast the books are read, for all who read them at a time.
#[derive(Debug)]
pub(crate) struct Pace {
    rests: AtomicBool,
}

impl Pace {
    /// As fast as can be.
    pub(super) const fn quick() -> Self {
        let rests = AtomicBool::new(false);
        Self { rests }
    }

    /// With rests, until somebody is in a hurry.
    pub(super) const fn easy() -> Self {
        let rests = AtomicBool::new(true);
        Self { rests }
    }

    /// As fast as can be, from now on.
    pub(super) fn hurry(&self) {
        self.rests.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_easy(&self) -> bool {
        self.rests.load(Ordering::Relaxed)
    }

    /// Rests from what took so long, if it is time for that.
    pub(super) async fn rest(&self, worked: Duration) {
        if self.is_easy() {
            tokio::time::sleep(worked.saturating_mul(TIMES).min(LONGEST)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_easily_rests_three_times_as_long_and_never_once_somebody_waits() {
        let rested = async |pace: &Pace, worked_ms| {
            let begun = Instant::now();
            pace.rest(Duration::from_millis(worked_ms)).await;
            begun.elapsed().as_millis()
        };
        assert_eq!(rested(&Pace::quick(), 100).await, 0);
        let easy = Pace::easy();
        assert_eq!(rested(&easy, 100).await, 300);
        assert_eq!(rested(&easy, 10_000).await, 1_000);
        easy.hurry();
        assert_eq!(rested(&easy, 100).await, 0);
    }
}
