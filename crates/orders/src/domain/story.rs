//! An order's story as its timeline and its events tell it: which statuses it reached, in order. Pure.

use contracts::orders::OrderStatus;

/// The statuses that an order reached, packed into one number, so that a million of them fit into little memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Story(u32);

/// Bits of a status.
const BITS: u32 = 3;
/// Ten statuses: more than any order can go through.
const ALL: u32 = (1 << 30) - 1;

impl Story {
    /// No order can go through so much: nothing tells it.
    const TOO_LONG: Self = Self(u32::MAX);

    /// The story goes on.
    #[must_use]
    pub(crate) fn and(self, status: OrderStatus) -> Self {
        if self.0 > ALL >> BITS {
            return Self::TOO_LONG;
        }
        Self((self.0 << BITS) | digit(status))
    }

    /// Whether this, told by events, is what happened. Events are let go of after some days, the oldest first: then
    /// the end of the story is enough.
    pub(crate) fn tells(self, happened: Self, beginnings_may_be_gone: bool) -> bool {
        if happened == Self::TOO_LONG {
            return false;
        }
        let mut end = happened.0;
        let mut mask = ALL;
        while mask != 0 && end != self.0 && beginnings_may_be_gone {
            mask >>= BITS;
            end = happened.0 & mask;
        }
        end == self.0
    }

    /// In words.
    pub(crate) fn words(self) -> String {
        let words: Vec<&str> = (0..u32::BITS.div_ceil(BITS))
            .rev()
            .filter_map(|place| {
                let found = (self.0 >> (place.saturating_mul(BITS))) & 0b111;
                OrderStatus::ALL
                    .into_iter()
                    .find(|status| digit(*status) == found)
            })
            .map(OrderStatus::as_str)
            .collect();
        if words.is_empty() {
            return "nothing".to_owned();
        }
        words.join(", ")
    }
}

const fn digit(status: OrderStatus) -> u32 {
    match status {
        OrderStatus::Pending => 1,
        OrderStatus::Paid => 2,
        OrderStatus::Shipped => 3,
        OrderStatus::Delivered => 4,
        OrderStatus::Cancelled => 5,
        OrderStatus::Refunded => 6,
    }
}

/// An entry of a timeline, as far as versions are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) sequence: i64,
    pub(crate) status: OrderStatus,
    pub(crate) version: i64,
}

/// Whether entries are numbered from 1 without gaps, and their versions count the moves up to the order's own.
pub(crate) fn versions_count_moves(entries: &[Entry], version: i64) -> bool {
    let mut moves = 1_i64;
    let mut before: Option<OrderStatus> = None;
    for (expected, entry) in (1_i64..).zip(entries) {
        if before.is_some_and(|before| before != entry.status) {
            moves = moves.saturating_add(1);
        }
        before = Some(entry.status);
        if entry.sequence != expected || entry.version != moves {
            return false;
        }
    }
    before.is_some() && version == moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::orders::OrderStatus::{Cancelled, Paid, Pending, Shipped};

    fn story(statuses: &[OrderStatus]) -> Story {
        statuses
            .iter()
            .fold(Story::default(), |story, status| story.and(*status))
    }

    #[test]
    fn events_tell_the_whole_story_in_its_order() {
        let happened = story(&[Pending, Paid, Shipped]);
        assert!(story(&[Pending, Paid, Shipped]).tells(happened, false));
        for other in [
            story(&[Pending, Paid]),
            story(&[Paid, Pending, Shipped]),
            story(&[Pending, Paid, Shipped, Shipped]),
            story(&[]),
        ] {
            assert!(!other.tells(happened, false), "{}", other.words());
        }
    }

    #[test]
    fn of_old_orders_the_end_of_the_story_is_enough_but_it_must_be_the_end() {
        let happened = story(&[Pending, Paid, Shipped]);
        for end in [&[Paid, Shipped] as &[_], &[Shipped], &[]] {
            assert!(story(end).tells(happened, true));
        }
        assert!(!story(&[Pending, Paid]).tells(happened, true));
        assert!(!story(&[Cancelled]).tells(happened, true));
    }

    #[test]
    fn a_story_longer_than_any_is_told_by_nothing() {
        let endless = story(&[Pending; 12]);
        assert!(!endless.tells(endless, true));
        assert_eq!(story(&[Pending, Cancelled]).words(), "pending, cancelled");
        assert_eq!(Story::default().words(), "nothing");
    }

    #[test]
    fn versions_count_moves_and_nothing_else() {
        let entry = |sequence, status, version| Entry {
            sequence,
            status,
            version,
        };
        let good = [
            entry(1, Pending, 1),
            entry(2, Pending, 1),
            entry(3, Paid, 2),
            entry(4, Paid, 2),
        ];
        assert!(versions_count_moves(&good, 2));
        assert!(!versions_count_moves(&good, 3), "a version without a move");
        assert!(
            !versions_count_moves(&good[1..], 2),
            "the first entry is gone"
        );
        assert!(!versions_count_moves(&[], 1), "no timeline");
        let jumped = [entry(1, Pending, 1), entry(2, Paid, 3)];
        assert!(!versions_count_moves(&jumped, 3), "a version was left out");
    }
}
