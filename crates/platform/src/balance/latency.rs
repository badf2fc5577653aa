//! How slow an instance has been lately: a moving average that rises at once and falls slowly (peak EWMA), so
//! that one bad answer is not forgotten after the next good one. Whole numbers only; knows no clock.

/// A latency that is remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Latency {
    nanos: u64,
    at_us: u64,
}

impl Latency {
    /// Takes in what an answer took.
    pub(super) fn observe(&mut self, took_ns: u64, now_us: u64, decay_us: u64) {
        let excess = self.nanos.saturating_sub(took_ns);
        self.nanos = if excess == 0 {
            took_ns
        } else {
            took_ns.saturating_add(faded(excess, now_us.saturating_sub(self.at_us), decay_us))
        };
        self.at_us = now_us;
    }

    /// The latency as it counts now: what nobody has confirmed for a while counts less, so that whoever was
    /// slow once is asked again one day.
    pub(super) fn at(&self, now_us: u64, decay_us: u64) -> u64 {
        faded(self.nanos, now_us.saturating_sub(self.at_us), decay_us)
    }

    /// Whether anything was taken in yet.
    pub(super) const fn is_known(&self) -> bool {
        self.at_us > 0
    }
}

/// What is left of a value: half of it after each decay time, and evenly less in between.
fn faded(value: u64, passed_us: u64, decay_us: u64) -> u64 {
    let decay_us = decay_us.max(1);
    let halvings = passed_us.checked_div(decay_us).unwrap_or_default();
    let rest_us = passed_us.checked_rem(decay_us).unwrap_or_default();
    let halvings = u32::try_from(halvings).unwrap_or(u32::MAX);
    let left = value.checked_shr(halvings).unwrap_or_default();
    let next = u128::from(left / 2).saturating_mul(u128::from(rest_us));
    let gone = next.checked_div(u128::from(decay_us)).unwrap_or_default();
    left.saturating_sub(u64::try_from(gone).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const DECAY_US: u64 = 10_000_000;

    #[test]
    fn it_rises_at_once_and_falls_slowly() {
        let mut latency = Latency::default();
        latency.observe(2 * MS, 0, DECAY_US);
        latency.observe(900 * MS, 1_000, DECAY_US);
        assert_eq!(latency.at(1_000, DECAY_US), 900 * MS);
        latency.observe(2 * MS, 2_000, DECAY_US);
        let soon = latency.at(2_000, DECAY_US);
        assert!(soon > 890 * MS, "{soon}");
        for second in 1..200 {
            latency.observe(2 * MS, second * 1_000_000, DECAY_US);
        }
        // Nobody confirmed the two of the last second more than once.
        let late = latency.at(199_000_000, DECAY_US);
        assert!(late < 4 * MS, "{late}");
    }

    #[test]
    fn many_answers_in_one_moment_do_not_stop_it_from_falling() {
        let mut latency = Latency::default();
        latency.observe(100 * MS, 0, DECAY_US);
        for step in 0..1_000_000_u64 {
            latency.observe(MS, step * 100, DECAY_US);
        }
        let late = latency.at(100_000_000, DECAY_US);
        assert!(late < 3 * MS, "{late}");
    }

    #[test]
    fn who_is_not_asked_is_forgiven() {
        let mut latency = Latency::default();
        latency.observe(100 * MS, 0, DECAY_US);
        for (passed_us, left) in [
            (0, 100 * MS),
            (DECAY_US / 2, 75 * MS),
            (DECAY_US, 50 * MS),
            (2 * DECAY_US, 25 * MS),
            (60 * DECAY_US, 0),
            (900 * DECAY_US, 0),
        ] {
            assert_eq!(latency.at(passed_us, DECAY_US), left, "{passed_us}");
        }
    }
}
