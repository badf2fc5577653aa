//! How often a password may be guessed: after some wrong tries an account has to wait, longer each time, and
//! never for good. Who comes from where its owner does waits for what was tried from there only (ADR 105). Accounts are
//! known by a hash: no name is kept here.

use contracts::values::Timestamp;
use std::collections::HashMap;

/// The first wait.
const FIRST_WAIT_SECONDS: u32 = 2;

/// An account, or a name that has none: both are treated alike.
pub(crate) type Account = [u8; 32];

/// What a try is counted by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tried {
    pub(crate) account: Account,
    /// The account as it is tried from the network that this try comes from, where that is known.
    pub(crate) here: Option<Account>,
    /// Whether its owner comes from there.
    pub(crate) at_home: bool,
}

/// The bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) failures_max: u32,
    pub(crate) window_seconds: u32,
    pub(crate) wait_seconds_max: u32,
    pub(crate) accounts_max: usize,
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    failures: u32,
    last_at: Timestamp,
}

/// The wrong tries of late.
#[derive(Debug)]
pub(crate) struct Throttle {
    rules: Rules,
    tries: HashMap<Account, Tries>,
}

impl Throttle {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            tries: HashMap::new(),
        }
    }

    /// How many seconds this try has to wait, if it has to.
    pub(crate) fn wait(&self, tried: &Tried, now: Timestamp) -> Option<u32> {
        let wait = self.wait_seconds(&tried.account, now)?;
        match tried.here.filter(|_| tried.at_home) {
            Some(here) => self.wait_seconds(&here, now),
            None => Some(wait),
        }
    }

    /// Counts a wrong password.
    pub(crate) fn failed(&mut self, tried: &Tried, now: Timestamp) {
        for account in [Some(tried.account), tried.here].into_iter().flatten() {
            self.count(account, now);
        }
    }

    /// Forgets the wrong passwords of somebody who knew the right one.
    pub(crate) fn succeeded(&mut self, tried: &Tried) {
        for account in [Some(tried.account), tried.here].into_iter().flatten() {
            self.tries.remove(&account);
        }
    }

    fn wait_seconds(&self, account: &Account, now: Timestamp) -> Option<u32> {
        let tries = self.tries.get(account)?;
        let wait = self.wait_after(tries.failures)?;
        let until = tries.last_at.plus_seconds(i64::from(wait));
        let left_ms = until.as_ms().saturating_sub(now.as_ms());
        let left_seconds = u32::try_from(left_ms.saturating_add(999).div_euclid(1_000)).ok()?;
        // Never longer than the wait itself, even if the clock was set back.
        (left_seconds > 0).then(|| left_seconds.min(wait))
    }

    /// Whether wrong passwords are counted on it.
    pub(crate) fn is_tried(&self, account: &Account, now: Timestamp) -> bool {
        let forgotten = self.forgotten_before(now);
        let tries = self.tries.get(account);
        tries.is_some_and(|tries| tries.last_at >= forgotten)
    }

    fn wait_after(&self, failures: u32) -> Option<u32> {
        let further = failures.checked_sub(self.rules.failures_max)?;
        let doubled = 2_u32
            .checked_pow(further)
            .and_then(|factor| factor.checked_mul(FIRST_WAIT_SECONDS))
            .unwrap_or(u32::MAX);
        Some(doubled.min(self.rules.wait_seconds_max))
    }

    fn count(&mut self, account: Account, now: Timestamp) {
        self.make_room(&account, now);
        let forgotten = self.forgotten_before(now);
        let tries = self.tries.entry(account).or_insert(Tries {
            failures: 0,
            last_at: now,
        });
        if tries.last_at < forgotten {
            tries.failures = 0;
        }
        tries.failures = tries.failures.saturating_add(1);
        tries.last_at = now;
    }

    fn forgotten_before(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(i64::from(self.rules.window_seconds).saturating_neg())
    }

    /// A wrong try costs a whole hash, so hashing itself keeps this map small; the bound is for certainty.
    fn make_room(&mut self, account: &Account, now: Timestamp) {
        if self.tries.contains_key(account) || self.tries.len() < self.rules.accounts_max {
            return;
        }
        let forgotten = self.forgotten_before(now);
        self.tries.retain(|_, tries| tries.last_at >= forgotten);
        if self.tries.len() >= self.rules.accounts_max {
            let oldest = self.tries.iter().min_by_key(|(_, tries)| tries.last_at);
            if let Some(oldest) = oldest.map(|(account, _)| *account) {
                self.tries.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: Rules = Rules {
        failures_max: 10,
        window_seconds: 900,
        wait_seconds_max: 60,
        accounts_max: 60,
    };
    const ANN: Tried = of(1);

    /// Tried from nowhere in particular.
    const fn of(who: u8) -> Tried {
        Tried {
            account: [who; 32],
            here: None,
            at_home: false,
        }
    }

    /// Ann's account, tried from this network.
    const fn from(network: u8, at_home: bool) -> Tried {
        Tried {
            here: Some([network; 32]),
            at_home,
            ..ANN
        }
    }

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(0).plus_seconds(seconds)
    }

    fn after_failures(count: u32, now: Timestamp) -> Throttle {
        let mut throttle = Throttle::new(RULES);
        for _ in 0..count {
            throttle.failed(&ANN, now);
        }
        throttle
    }

    #[test]
    fn the_wait_begins_after_ten_failures_and_doubles_up_to_its_bound() {
        assert_eq!(after_failures(9, at(0)).wait(&ANN, at(0)), None);
        let waits: Vec<_> = (10..18)
            .map(|count| after_failures(count, at(0)).wait(&ANN, at(0)).unwrap())
            .collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(
            after_failures(200, at(0)).wait(&ANN, at(60)),
            None,
            "never for good"
        );
        assert_eq!(
            after_failures(50, at(0)).wait(&of(2), at(0)),
            None,
            "only that one"
        );
    }

    #[test]
    fn success_and_time_forget() {
        let mut throttle = after_failures(50, at(0));
        throttle.succeeded(&ANN);
        assert_eq!(throttle.wait(&ANN, at(0)), None);
        let mut throttle = after_failures(50, at(0));
        throttle.failed(&ANN, at(901));
        assert_eq!(throttle.wait(&ANN, at(901)), None);
    }

    #[test]
    fn nobody_waits_at_home_for_what_is_tried_elsewhere_and_everybody_for_what_is_tried_there() {
        let mut throttle = Throttle::new(RULES);
        for network in 10..60 {
            throttle.failed(&from(network, false), at(0));
        }
        assert_eq!(throttle.wait(&from(10, false), at(0)), Some(60));
        assert_eq!(throttle.wait(&from(99, false), at(0)), Some(60));
        assert_eq!(throttle.wait(&from(99, true), at(0)), None);
        for _ in 0..9 {
            throttle.failed(&from(99, true), at(0));
            assert_eq!(throttle.wait(&from(99, true), at(0)), None);
        }
        throttle.failed(&from(99, true), at(0));
        assert_eq!(throttle.wait(&from(99, true), at(0)), Some(2));
        assert_eq!(throttle.wait(&from(98, true), at(0)), None, "another home");
        throttle.succeeded(&from(99, true));
        assert_eq!(throttle.wait(&from(99, true), at(0)), None);
    }

    #[test]
    fn an_attacker_gets_fewer_than_a_hundred_tries_an_hour() {
        let mut throttle = Throttle::new(RULES);
        let tries = (0..3_600).filter(|second| {
            let free = throttle.wait(&ANN, at(*second)).is_none();
            if free {
                throttle.failed(&ANN, at(*second));
            }
            free
        });
        assert!(tries.count() <= 100);
    }

    proptest! {
        #[test]
        fn memory_and_waits_are_bounded(steps in proptest::collection::vec((0_u8..9, 0_i64..4_000), 0..200)) {
            let mut throttle = Throttle::new(Rules { accounts_max: 3, ..RULES });
            for (who, second) in steps {
                throttle.failed(&of(who), at(second));
                prop_assert!(throttle.tries.len() <= 3);
                prop_assert!(throttle.wait(&of(who), at(0)).unwrap_or(0) <= 60);
            }
        }
    }
}
