//! How many there are of something that is counted as far as a bound, and no further.

use serde::{Deserialize, Serialize};

/// So many, or more than that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// How many there are; of very many, so many at least.
    pub count: i64,
    /// Whether there are more than that.
    pub is_more: bool,
}

impl Counted {
    /// What is counted of anything that people look at a counter of.
    pub const MAX: i64 = 100_000;
    /// How many rows a store looks for: one more tells that there are more.
    pub const LOOKED_FOR: i64 = 100_001;

    /// So many were found by whoever looked for [`Self::LOOKED_FOR`].
    #[must_use]
    pub const fn of(found: i64) -> Self {
        Self::up_to(Self::MAX, found)
    }

    /// So many were found by whoever looked for one more than this bound.
    #[must_use]
    pub const fn up_to(most: i64, found: i64) -> Self {
        let is_more = found > most;
        Self {
            count: if is_more { most } else { found },
            is_more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_bound_is_said_to_be_there() {
        let told = |found| (Counted::of(found).count, Counted::of(found).is_more);
        assert_eq!(told(0), (0, false));
        assert_eq!(told(Counted::MAX), (100_000, false));
        assert_eq!(told(Counted::LOOKED_FOR), (100_000, true));
        assert_eq!(Counted::up_to(7, 8).count, 7);
    }
}
