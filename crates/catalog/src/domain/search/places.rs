//! Places in a list, and the first of very many.

use std::{cmp::Ordering, collections::BinaryHeap};

/// A product's place in a list: the first is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a>(pub(super) &'a str, pub(super) i64, pub(super) i64);

impl Ord for Place<'_> {
    /// Of most sorts the texts are empty, and comparing nothing with nothing costs more than the numbers do.
    fn cmp(&self, other: &Self) -> Ordering {
        let texts = if self.0.is_empty() && other.0.is_empty() {
            Ordering::Equal
        } else {
            self.0.cmp(other.0)
        };
        texts.then(self.1.cmp(&other.1)).then(self.2.cmp(&other.2))
    }
}

impl PartialOrd for Place<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The first so many of all places that are shown to it: of very many, nearly all are passed over by one comparison.
pub(super) struct First<'a> {
    count: usize,
    kept: BinaryHeap<Place<'a>>,
}

impl<'a> First<'a> {
    pub(super) const fn of(count: usize) -> Self {
        Self {
            count,
            kept: BinaryHeap::new(),
        }
    }

    pub(super) fn see(&mut self, place: Place<'a>) {
        if self.kept.len() < self.count {
            self.kept.push(place);
        } else if let Some(mut last) = self.kept.peek_mut()
            && place < *last
        {
            *last = place;
        }
    }

    /// Those that are kept, the first of them first.
    pub(super) fn in_order(self) -> Vec<Place<'a>> {
        self.kept.into_sorted_vec()
    }
}
