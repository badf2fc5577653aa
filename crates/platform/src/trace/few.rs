//! How many traces a process begins in a second, where nobody said which it shall tell of (ADR 96): a shop that answers
//! tens of thousands of reads a second would otherwise do little but tell of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Of requests that only read: they are many, and alike.
const READS_MAX: u64 = 100;
/// Of all others: more than a shop of people has.
const CHANGES_MAX: u64 = 500;

/// What requests are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To read something.
    Read,
    /// To change something.
    Change,
}

/// Traces that are begun.
#[derive(Debug, Default)]
pub(super) struct Few {
    reads: Second,
    changes: Second,
}

impl Few {
    /// Whether one more may begin in this second.
    pub(super) fn takes(&self, purpose: Purpose, second: u64) -> bool {
        match purpose {
            Purpose::Read => self.reads.takes(second, READS_MAX),
            Purpose::Change => self.changes.takes(second, CHANGES_MAX),
        }
    }
}

#[derive(Debug, Default)]
struct Second {
    number: AtomicU64,
    taken: AtomicU64,
}

impl Second {
    /// Two that see a new second at once may let a few more through: nobody needs it exact.
    fn takes(&self, number: u64, most: u64) -> bool {
        if self.number.load(Relaxed) != number {
            self.number.store(number, Relaxed);
            self.taken.store(0, Relaxed);
        }
        // Looked at before it is written: a crowd that is refused does not fight for it.
        self.taken.load(Relaxed) < most && self.taken.fetch_add(1, Relaxed) < most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_of_reads_has_its_few_each_second_and_takes_none_from_what_changes() {
        let few = Few::default();
        for second in [0, 1, 7] {
            let taken = (0..10_000).filter(|_| few.takes(Purpose::Read, second));
            assert_eq!(taken.count(), 100);
            let taken = (0..10_000).filter(|_| few.takes(Purpose::Change, second));
            assert_eq!(taken.count(), 500);
        }
    }
}
