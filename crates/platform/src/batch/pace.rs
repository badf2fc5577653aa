//! How much a batch may weigh, learnt from how long batches take: more while they are quick, half as much after
//! one whose weight made it slow. Pure; it knows no clock.

use std::time::Duration;

/// What the weight of a batch may add to the time that its commits take anyhow. Two batches are under way and
/// one gathers, so whoever waits the longest waits for three: three times this stays below what people notice.
const SLOW: Duration = Duration::from_millis(15);
/// Of the most that may ever be, the part that is always allowed, and the part that is added at a time.
const STEPS: usize = 16;

/// The weight that the next batch may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    weight_max: usize,
    now: usize,
    quickest: Option<Duration>,
}

impl Pace {
    /// Begins with all that is allowed.
    pub(super) fn new(weight_max: usize) -> Self {
        Self {
            weight_max,
            now: weight_max,
            quickest: None,
        }
    }

    /// The most that a batch may weigh now.
    pub(super) fn weight_now(&self) -> usize {
        self.now
    }

    /// Learns from a batch that took so long. On a slow disk the quickest batches are slow too, and making
    /// batches smaller would only make more of them: so only the time above the quickest counts.
    pub(super) fn learn(&mut self, took: Duration) {
        let before = self.quickest.unwrap_or(took);
        let above = took.saturating_sub(before);
        let step = self.weight_max.div_ceil(STEPS);
        self.now = if above > SLOW {
            (self.now / 2).max(step)
        } else {
            self.now.saturating_add(step).min(self.weight_max)
        };
        // What was quick once is forgotten in the course of some hundred batches, so that a disk may slow down.
        let forgotten = before.saturating_add(above.checked_div(128).unwrap_or_default());
        self.quickest = Some(took.min(forgotten));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(took_ms: &[u64]) -> usize {
        let mut pace = Pace::new(1_600);
        for ms in took_ms {
            pace.learn(Duration::from_millis(*ms));
        }
        pace.weight_now()
    }

    #[test]
    fn batches_grow_by_steps_and_shrink_by_halves_within_their_bounds() {
        for (took_ms, expected) in [
            (&[] as &[u64], 1_600),
            (&[2, 3, 2], 1_600),
            (&[2, 18], 800),
            (&[2, 16], 1_600),
            (&[2, 30, 30], 400),
            (&[2, 30, 4], 900),
            (&[2, 30, 4, 4], 1_000),
            (&[2, 99, 99, 99, 99, 99, 99], 100),
        ] {
            assert_eq!(after(took_ms), expected, "{took_ms:?}");
        }
    }

    #[test]
    fn a_disk_that_is_slow_as_such_makes_no_batch_smaller() {
        assert_eq!(after(&[80; 20]), 1_600);
        assert_eq!(after(&[80, 90, 85, 92, 80]), 1_600);
    }

    #[test]
    fn a_disk_that_becomes_slow_is_believed_after_a_while() {
        let mut slower = vec![2];
        slower.extend([40; 400]);
        assert_eq!(after(&slower), 1_600);
    }

    #[test]
    fn a_batch_may_always_weigh_something() {
        let mut pace = Pace::new(1);
        for _ in 0..10 {
            pace.learn(Duration::from_millis(1));
            pace.learn(Duration::from_millis(500));
            assert_eq!(pace.weight_now(), 1);
        }
    }
}
