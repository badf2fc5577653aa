//! How often requests may be tried again: a part of what is asked at all, so that a shop in trouble is never
//! asked many times over. Pure counting.

use super::options::Retry;
use std::sync::atomic::{AtomicU32, Ordering};

/// What one try again costs, in hundredths.
const COST: u32 = 100;

/// Tries again that are left. Every request earns a part of one.
#[derive(Debug)]
pub(super) struct Budget {
    hundredths: AtomicU32,
    earns: u32,
    most: u32,
}

impl Budget {
    pub(super) fn new(retry: &Retry) -> Self {
        let most = retry.reserve.saturating_mul(COST);
        Self {
            hundredths: AtomicU32::new(most),
            earns: retry.budget_percent,
            most,
        }
    }

    /// A request came.
    pub(super) fn earn(&self) {
        let add = |left: u32| Some(left.saturating_add(self.earns).min(self.most));
        let earned = self
            .hundredths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        debug_assert!(earned.is_ok(), "there is always something to write");
    }

    /// Takes one try again, if one is left.
    pub(super) fn spend(&self) -> bool {
        let take = |left: u32| left.checked_sub(COST);
        self.hundredths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_what_is_asked_may_be_tried_again() {
        let budget = Budget::new(&Retry {
            tries_max: 3,
            try_ms: 1,
            budget_percent: 10,
            reserve: 3,
            body_bytes_max: 1,
        });
        let spent = |budget: &Budget| (0..50).filter(|_| budget.spend()).count();
        assert_eq!(spent(&budget), 3, "the reserve");
        for _ in 0..9 {
            budget.earn();
        }
        assert_eq!(spent(&budget), 0);
        budget.earn();
        assert_eq!(spent(&budget), 1, "ten requests earn one");
        for _ in 0..1_000 {
            budget.earn();
        }
        assert_eq!(spent(&budget), 3, "it does not pile up");
    }
}
