//! How many retries there may be: a share of the calls, and a small reserve. A peer that is down must not be asked
//! three times as often as one that is well. Pure: no clock, no lock.

/// What a retry costs, in parts of one.
const RETRY: u32 = 100;

/// What may still be spent on retries.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    left: u32,
    most: u32,
    share: u32,
}

impl Budget {
    /// A full one: so many retries at once, and so many for each hundred calls.
    pub(super) const fn new(reserve: u32, percent: u32) -> Self {
        let most = reserve.saturating_mul(RETRY);
        Self {
            left: most,
            most,
            share: percent,
        }
    }

    /// A call, which earns its share of a retry.
    pub(super) fn earn(&mut self) {
        self.left = self.left.saturating_add(self.share).min(self.most);
    }

    /// Pays for a retry, if there is enough left.
    pub(super) const fn spend(&mut self) -> bool {
        match self.left.checked_sub(RETRY) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_the_reserve_and_a_tenth_of_the_calls() {
        for (reserve, percent, calls, expected) in [
            (0, 10, 1_000, 0),
            (1, 10, 1_000, 100),
            (10, 10, 1_000, 109),
            (10, 10, 9, 10),
            (10, 0, 1_000, 10),
            (2, 100, 50, 51),
        ] {
            let mut budget = Budget::new(reserve, percent);
            let mut retries = 0;
            for _ in 0..calls {
                budget.earn();
                // Every call fails and would be tried again.
                if budget.spend() {
                    retries += 1;
                }
            }
            // What was not spent on the way is spent at the end.
            while budget.spend() {
                retries += 1;
            }
            assert_eq!(retries, expected, "{reserve} {percent} {calls}");
        }
    }
}
