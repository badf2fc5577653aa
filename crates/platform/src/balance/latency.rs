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
}

/// What is left of a value: half of it once the decay time has passed.
fn faded(value: u64, passed_us: u64, decay_us: u64) -> u64 {
    let decay = u128::from(decay_us.max(1));
    let whole = decay.saturating_add(u128::from(passed_us));
    let left = u128::from(value).saturating_mul(decay).checked_div(whole);
    left.and_then(|left| u64::try_from(left).ok())
        .unwrap_or(value)
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
        for second in 1..60 {
            latency.observe(2 * MS, second * 1_000_000, DECAY_US);
        }
        let late = latency.at(59_000_000, DECAY_US);
        assert!(late < 10 * MS, "{late}");
    }

    #[test]
    fn many_answers_in_one_moment_do_not_stop_it_from_falling() {
        let mut latency = Latency::default();
        latency.observe(100 * MS, 0, DECAY_US);
        for step in 0..400_000_u64 {
            latency.observe(MS, step * 100, DECAY_US);
        }
        let late = latency.at(40_000_000, DECAY_US);
        assert!(late < 4 * MS, "{late}");
    }

    #[test]
    fn who_is_not_asked_is_forgiven() {
        let mut latency = Latency::default();
        latency.observe(100 * MS, 0, DECAY_US);
        assert_eq!(latency.at(DECAY_US, DECAY_US), 50 * MS);
        assert_eq!(latency.at(9 * DECAY_US, DECAY_US), 10 * MS);
    }
}
