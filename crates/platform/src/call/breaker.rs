//! Whether an instance is asked at all: after some failures in a row it is left alone for a while, then one call
//! tries it out. Pure: it is told the time.

use std::time::Duration;
use tokio::time::Instant;

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Failures in a row.
    pub(super) failures: u32,
    /// How long nobody asks then.
    pub(super) open: Duration,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All may ask; so many failed in a row.
    Closed { failures: u32 },
    /// Nobody asks before this moment.
    Open { until: Instant },
    /// One call tries it out.
    HalfOpen,
}

/// The breaker of one instance.
#[derive(Debug, Clone)]
pub(super) struct Breaker {
    rules: Rules,
    state: State,
}

impl Breaker {
    pub(super) const fn new(rules: Rules) -> Self {
        Self {
            rules,
            state: State::Closed { failures: 0 },
        }
    }

    /// Whether a call would be let through now.
    pub(super) fn is_passable(&self, now: Instant) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until } => now >= until,
            State::HalfOpen => false,
        }
    }

    /// Lets a call through, or not. Whoever is let through tells how it ended.
    pub(super) fn pass(&mut self, now: Instant) -> bool {
        let passable = self.is_passable(now);
        if passable && matches!(self.state, State::Open { .. }) {
            self.state = State::HalfOpen;
        }
        passable
    }

    /// The instance answered; true if that closed the breaker.
    pub(super) fn answered(&mut self) -> bool {
        let closes = !matches!(self.state, State::Closed { .. });
        self.state = State::Closed { failures: 0 };
        closes
    }

    /// The instance failed; true if that opened the breaker, which was closed.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        let open = State::Open {
            until: now.checked_add(self.rules.open).unwrap_or(now),
        };
        match self.state {
            State::Closed { failures } => {
                let failures = failures.saturating_add(1);
                let opens = failures >= self.rules.failures;
                self.state = if opens {
                    open
                } else {
                    State::Closed { failures }
                };
                opens
            }
            State::HalfOpen => {
                self.state = open;
                false
            }
            // The failure of a call that began before it opened says nothing new.
            State::Open { .. } => false,
        }
    }

    /// Whoever was let through went away before the end: the next one may try.
    pub(super) fn abandoned(&mut self, now: Instant) {
        if self.state == State::HalfOpen {
            self.state = State::Open { until: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens, and what is expected of it.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Passes(bool),
        Answered,
        Failed,
        Abandoned,
        After(u64),
    }
    use Step::{Abandoned, After, Answered, Failed, Passes};

    fn play(steps: &[Step]) {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(Rules {
            failures: 2,
            open: Duration::from_millis(100),
        });
        for (index, step) in steps.iter().enumerate() {
            match step {
                Passes(expected) => {
                    assert_eq!(breaker.pass(now), *expected, "{index} of {steps:?}")
                }
                Answered => drop(breaker.answered()),
                Failed => drop(breaker.failed(now)),
                Abandoned => breaker.abandoned(now),
                After(ms) => now = now.checked_add(Duration::from_millis(*ms)).unwrap(),
            }
        }
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_call_try() {
        play(&[
            Passes(true),
            Failed,
            Passes(true),
            Answered,
            Failed,
            Passes(true),
        ]);
        play(&[Failed, Failed, Passes(false), After(99), Passes(false)]);
        let opened = [Failed, Failed, After(100), Passes(true), Passes(false)];
        play(&opened);
        let then = |more: &[Step]| play(&[&opened[..], more].concat());
        then(&[Answered, Passes(true), Passes(true), Failed, Passes(true)]);
        then(&[
            Failed,
            Passes(false),
            After(99),
            Passes(false),
            After(1),
            Passes(true),
        ]);
        then(&[Abandoned, Passes(true), Passes(false)]);
        // A straggler from before changes nothing.
        play(&[Failed, Failed, After(60), Failed, After(40), Passes(true)]);
    }
}
