//! How a saga is getting on: who works at it, under which fencing number, and when it is tried again. Pure.

use contracts::values::Timestamp;

/// How long whoever works at a saga is left alone with it before another takes it up.
const LEASE_MS: i64 = 8_000;

/// How often a step may be refused for a reason that no waiting mends.
pub const REFUSALS_MAX: u32 = 5;

const RETRY_DELAY_MAX_MS: i64 = 60_000;

/// The state of the work at a saga, beside the state of the saga itself. Whoever takes a saga up raises its fence;
/// every change names the fence it was read with, so that a process that slept through its lease changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The process that works at it; none while it waits.
    pub owner: Option<String>,
    /// Counts its owners.
    pub fence: i64,
    /// How often the next step was tried without an outcome.
    pub tries: u32,
    /// When the next try is due, or the owner's lease ends.
    pub next_try_at: Timestamp,
    /// Whether it waits for a person.
    pub parked: bool,
    /// Why it waits.
    pub reason: Option<String>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            owner: None,
            fence: 0,
            tries: 0,
            next_try_at: Timestamp::from_ms(0),
            parked: false,
            reason: None,
        }
    }
}

/// The moment beyond which no next try can lie, as no wait is that long, unless the clock was put back.
pub fn absurd_after(now: Timestamp) -> Timestamp {
    later(now, RETRY_DELAY_MAX_MS.saturating_mul(2))
}

/// When a lease that begins now ends.
pub fn lease_end(now: Timestamp) -> Timestamp {
    later(now, LEASE_MS)
}

/// After how long to try again: 1, 2, 4 ... 60 seconds.
pub fn retry_delay_ms(tries: u32) -> i64 {
    2_i64
        .saturating_pow(tries.min(6))
        .saturating_mul(1_000)
        .min(RETRY_DELAY_MAX_MS)
}

/// This many milliseconds later.
pub const fn later(at: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_ms(at.as_ms().saturating_add(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_slow_down_to_one_a_minute() {
        let delays: Vec<i64> = (0..9).map(|tries| retry_delay_ms(tries) / 1_000).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
