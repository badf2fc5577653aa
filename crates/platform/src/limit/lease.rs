//! What one node knows of one caller between two questions to Redis: units it may give out on credit, units it
//! gave out and has not told, and how long the caller was refused for. Asks nobody anything.

use super::{Quota, Verdict};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Questions about one caller at a time: a crowd under one name waits here, where the answers to the first
/// decide for the rest, not in the line to Redis.
const QUESTIONS_AT_A_TIME: usize = 32;

/// One caller's, on one node.
#[derive(Debug)]
pub(super) struct Lease {
    state: Mutex<State>,
    pub(super) questions: Semaphore,
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
    /// Of those, units on their way to Redis.
    telling: u32,
    /// So many units are refused until then: nothing but time makes room.
    refused: Option<(u32, Instant)>,
}

/// Every caller that a node knows, in parts, so that few wait for each other.
pub(super) struct Leases {
    parts: Vec<Mutex<HashMap<String, Arc<Lease>>>>,
    hasher: RandomState,
}

/// Parts of a node's memory of callers.
const PARTS: usize = 64;
/// Callers of each part (about 300 bytes each). Who is forgotten has some credit again, no more.
const CALLERS_OF_A_PART: usize = 2_048;

impl Default for Leases {
    fn default() -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Leases {
    /// The caller's, made by `make` if it is new here.
    pub(super) fn of(
        &self,
        caller: &str,
        now: Instant,
        make: impl FnOnce() -> Lease,
    ) -> Arc<Lease> {
        let place = usize::try_from(self.hasher.hash_one(caller)).unwrap_or_default();
        let part = place
            .checked_rem(self.parts.len())
            .and_then(|place| self.parts.get(place));
        let Some(part) = part else {
            return Arc::new(make());
        };
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = part.get(caller) {
            return Arc::clone(known);
        }
        if part.len() >= CALLERS_OF_A_PART {
            part.retain(|_, lease| !lease.is_over(now));
            // So that a crowd of callers is not looked through for each of them.
            if part.len() > CALLERS_OF_A_PART / 2 {
                part.clear();
            }
        }
        let made = Arc::new(make());
        part.insert(caller.to_owned(), Arc::clone(&made));
        made
    }
}

/// Units that were given out and are being told; as long as this is held nobody knows whether they arrived.
#[derive(Debug)]
pub(super) struct Debt<'l> {
    pub(super) units: u32,
    pub(super) age: Duration,
    lease: &'l Lease,
}

impl Drop for Debt<'_> {
    fn drop(&mut self) {
        let mut state = self.lease.state();
        state.telling = state.telling.saturating_sub(self.units);
    }
}

/// What Redis said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) allowed: bool,
    pub(super) remaining: u32,
    pub(super) wait: Duration,
}

/// Units that may be given out before Redis is asked again, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Credit {
    pub(super) units: u32,
    pub(super) lasts: Duration,
}

impl Lease {
    /// For a caller who is new here: most ask for so little that it need not be told at all.
    pub(super) fn new(quota: Quota, credit: Credit, now: Instant) -> Self {
        let state = State {
            room: credit.units,
            ends_at: now.checked_add(credit.lasts),
            remaining: quota.units,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            questions: Semaphore::new(QUESTIONS_AT_A_TIME),
        }
    }

    /// Decides by what is known, if that is enough.
    pub(super) fn decide(&self, units: u32, quota: Quota, now: Instant) -> Option<Verdict> {
        let mut state = self.state();
        if let Some((refused, until)) = state.refused
            && units >= refused
            && now < until
        {
            return Some(refusal(until.saturating_duration_since(now)));
        }
        if units > state.room || state.ends_at.is_none_or(|ends_at| ends_at <= now) {
            return None;
        }
        state.room = state.room.saturating_sub(units);
        state.spent = state.spent.saturating_add(units);
        state.spent_from.get_or_insert(now);
        Some(state.verdict(quota))
    }

    /// Ends the credit; what was given out of it goes with the next question.
    pub(super) fn settle(&self, now: Instant) -> Debt<'_> {
        let mut state = self.state();
        state.room = 0;
        let units = std::mem::take(&mut state.spent);
        state.telling = state.telling.saturating_add(units);
        let from = state.spent_from.take();
        Debt {
            units,
            age: from.map_or(Duration::ZERO, |from| now.saturating_duration_since(from)),
            lease: self,
        }
    }

    /// Takes in what Redis said to a question about so many units.
    pub(super) fn learn(&self, units: u32, told: Told, quota: Quota, credit: Credit) -> Verdict {
        let now = Instant::now();
        let mut state = self.state();
        if !told.allowed {
            state.room = 0;
            state.refused = now.checked_add(told.wait).map(|until| (units, until));
            return refusal(told.wait);
        }
        state.remaining = told.remaining;
        state.refused = None;
        // Answers cross: what was given out meanwhile may not be in this one.
        let untold = state.spent.saturating_add(state.telling);
        state.room = credit.units.saturating_sub(untold);
        state.ends_at = now.checked_add(credit.lasts);
        state.verdict(quota)
    }

    /// Whether there is nothing to remember: asking costs no more than it would for somebody new.
    fn is_over(&self, now: Instant) -> bool {
        let state = self.state();
        state.ends_at.is_none_or(|ends_at| ends_at <= now)
            && state.refused.is_none_or(|(_, until)| until <= now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn verdict(&self, quota: Quota) -> Verdict {
        Verdict {
            allowed: true,
            remaining: self.remaining.saturating_sub(self.spent),
            wait_seconds: quota.window_seconds.max(1),
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
    const CREDIT: Credit = Credit {
        units: 3,
        lasts: Duration::from_secs(60),
    };

    fn told(remaining: u32) -> Told {
        Told {
            allowed: true,
            remaining,
            wait: Duration::ZERO,
        }
    }

    const NONE: Credit = Credit { units: 0, ..CREDIT };

    fn lease(credit: Credit) -> (Lease, Instant) {
        let now = Instant::now();
        (Lease::new(QUOTA, credit, now), now)
    }

    #[test]
    fn callers_are_remembered_and_a_crowd_of_them_is_bounded() {
        let (leases, now) = (Leases::default(), Instant::now());
        let of = |caller: &str| leases.of(caller, now, || Lease::new(QUOTA, CREDIT, now));
        assert!(Arc::ptr_eq(&of("ann"), &of("ann")));
        assert!(!Arc::ptr_eq(&of("ann"), &of("bob")));
        for number in 0..PARTS * CALLERS_OF_A_PART * 2 {
            of(&number.to_string());
        }
        for part in &leases.parts {
            assert!(part.lock().unwrap().len() <= CALLERS_OF_A_PART);
        }
    }

    #[test]
    fn a_newcomer_has_credit_and_what_it_took_is_told() {
        let (lease, now) = lease(CREDIT);
        assert_eq!(lease.decide(1, QUOTA, now).unwrap().remaining, 99);
        assert_eq!(spend(&lease, now), 2);
        assert_eq!(lease.settle(now).units, 3);
    }

    fn spend(lease: &Lease, now: Instant) -> usize {
        (0..10)
            .filter(|_| lease.decide(1, QUOTA, now).is_some())
            .count()
    }

    #[test]
    fn credit_is_spent_here_and_told_with_the_next_question() {
        let (lease, now) = lease(NONE);
        assert_eq!(lease.decide(1, QUOTA, now), None, "nothing is known yet");
        lease.learn(1, told(50), QUOTA, CREDIT);
        assert_eq!(lease.decide(2, QUOTA, now).unwrap().remaining, 48);
        assert_eq!(lease.decide(2, QUOTA, now), None);
        assert_eq!(lease.decide(1, QUOTA, now).unwrap().remaining, 47);
        let debt = lease.settle(now + Duration::from_secs(2));
        assert_eq!((debt.units, debt.age), (3, Duration::from_secs(2)));
        assert_eq!(lease.settle(now).units, 0, "it is told once");
        lease.learn(1, told(50), QUOTA, CREDIT);
        assert_eq!(spend(&lease, now), 0, "it may not have arrived yet");
        drop(debt);
        lease.learn(1, told(50), QUOTA, CREDIT);
        assert_eq!(spend(&lease, now), 3);
    }

    #[test]
    fn answers_that_cross_never_add_up_to_more_credit() {
        let (lease, now) = lease(NONE);
        lease.learn(1, told(50), QUOTA, CREDIT);
        assert_eq!(spend(&lease, now), 3);
        lease.learn(1, told(50), QUOTA, CREDIT);
        assert_eq!(spend(&lease, now), 0);
    }

    #[test]
    fn credit_ends_with_its_time() {
        let (lease, now) = lease(NONE);
        lease.learn(1, told(50), QUOTA, CREDIT);
        assert_eq!(spend(&lease, now + Duration::from_secs(61)), 0);
    }

    #[test]
    fn a_refusal_holds_until_its_time_is_over_and_for_no_smaller_wish() {
        let (lease, now) = lease(NONE);
        let refused = Told {
            allowed: false,
            remaining: 1,
            wait: Duration::from_secs(10),
        };
        let verdict = lease.learn(2, refused, QUOTA, CREDIT);
        assert_eq!((verdict.allowed, verdict.wait_seconds), (false, 10));
        assert!(!lease.decide(2, QUOTA, now).unwrap().allowed);
        assert_eq!(lease.decide(1, QUOTA, now), None, "this must be asked");
        let over = now + Duration::from_secs(11);
        assert_eq!(lease.decide(2, QUOTA, over), None);
    }
}
