//! What one node knows of one caller between two questions to Redis: units it may give out on credit, units it
//! gave out and has not told, and how long the caller was refused for. Asks nobody anything.

use super::{Quota, Verdict};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// One caller's, on one node.
#[derive(Debug, Default)]
pub(super) struct Lease {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Units that may be given out without asking, and until when.
    room: u32,
    ends_at: Option<Instant>,
    /// Units left when Redis was asked last.
    remaining: u32,
    /// Units given out since, the first of them then.
    spent: u32,
    spent_from: Option<Instant>,
    /// So many units are refused until then: nothing but time makes room.
    refused: Option<(u32, Instant)>,
}

/// Units that were given out and must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Debt {
    pub(super) units: u32,
    pub(super) age: Duration,
}

/// What Redis said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) allowed: bool,
    pub(super) remaining: u32,
    pub(super) wait: Duration,
}

impl Lease {
    /// Decides by what is known, if it is enough; else gives the debt that goes with the question.
    pub(super) fn decide(&self, units: u32, quota: Quota, now: Instant) -> Result<Verdict, Debt> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((refused, until)) = state.refused
            && units >= refused
            && now < until
        {
            return Ok(refusal(until.saturating_duration_since(now)));
        }
        if units <= state.room && state.ends_at.is_some_and(|ends_at| now < ends_at) {
            state.room = state.room.saturating_sub(units);
            state.spent = state.spent.saturating_add(units);
            state.spent_from.get_or_insert(now);
            return Ok(Verdict {
                allowed: true,
                remaining: state.remaining.saturating_sub(state.spent),
                wait_seconds: quota.window_seconds.max(1),
            });
        }
        let debt = Debt {
            units: std::mem::take(&mut state.spent),
            age: state
                .spent_from
                .take()
                .map_or(Duration::ZERO, |from| now.saturating_duration_since(from)),
        };
        state.room = 0;
        Err(debt)
    }

    /// Takes in what Redis said to a question about so many units; `credit` may be given out until `ends_at`.
    pub(super) fn learn(&self, units: u32, told: Told, credit: u32, lasts: Duration) -> Verdict {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.allowed {
            state.room = 0;
            state.refused = now.checked_add(told.wait).map(|until| (units, until));
            return refusal(told.wait);
        }
        state.remaining = told.remaining;
        state.refused = None;
        // Answers cross: what another question's credit was spent on has not been told yet.
        state.room = credit.saturating_sub(state.spent);
        state.ends_at = now.checked_add(lasts);
        Verdict {
            allowed: true,
            remaining: told.remaining.saturating_sub(state.spent),
            wait_seconds: 0,
        }
    }
}

fn refusal(wait: Duration) -> Verdict {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    Verdict {
        allowed: false,
        remaining: 0,
        wait_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota {
        units: 100,
        window_seconds: 60,
    };
    const LONG: Duration = Duration::from_secs(60);

    fn told(remaining: u32) -> Told {
        Told {
            allowed: true,
            remaining,
            wait: Duration::ZERO,
        }
    }

    #[test]
    fn credit_is_spent_here_and_told_with_the_next_question() {
        let (lease, now) = (Lease::default(), Instant::now());
        let nothing = Debt {
            units: 0,
            age: Duration::ZERO,
        };
        assert_eq!(lease.decide(1, QUOTA, now), Err(nothing));
        lease.learn(1, told(50), 3, LONG);
        let remaining: Vec<u32> = (0..3)
            .map(|_| lease.decide(1, QUOTA, now).unwrap().remaining)
            .collect();
        assert_eq!(remaining, [49, 48, 47]);
        let later = now + Duration::from_secs(2);
        let debt = lease.decide(1, QUOTA, later).unwrap_err();
        assert_eq!((debt.units, debt.age), (3, Duration::from_secs(2)));
    }

    #[test]
    fn answers_that_cross_never_add_up_to_more_credit() {
        let (lease, now) = (Lease::default(), Instant::now());
        for _ in 0..2 {
            lease.decide(1, QUOTA, now).unwrap_err();
        }
        lease.learn(1, told(50), 3, LONG);
        let mut given = (0..3)
            .filter(|_| lease.decide(1, QUOTA, now).is_ok())
            .count();
        lease.learn(1, told(50), 3, LONG);
        given += (0..3)
            .filter(|_| lease.decide(1, QUOTA, now).is_ok())
            .count();
        assert_eq!(given, 3);
    }

    #[test]
    fn a_refusal_holds_until_its_time_is_over_and_for_no_smaller_wish() {
        let (lease, now) = (Lease::default(), Instant::now());
        let refused = Told {
            allowed: false,
            remaining: 1,
            wait: Duration::from_secs(10),
        };
        let verdict = lease.learn(2, refused, 0, LONG);
        assert_eq!((verdict.allowed, verdict.wait_seconds), (false, 10));
        assert!(!lease.decide(2, QUOTA, now).unwrap().allowed);
        assert!(
            lease.decide(1, QUOTA, now).is_err(),
            "a smaller wish is asked for"
        );
        let over = now + Duration::from_secs(11);
        assert!(lease.decide(2, QUOTA, over).is_err());
    }
}
