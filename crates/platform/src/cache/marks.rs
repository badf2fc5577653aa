//! When what was dropped. Drops are numbered; each tag falls into one of some slots, which remembers the number of
//! its last drop. Whatever was begun at an earlier number is old. Tags that share a slot drop each other: that costs
//! a reading, never an answer that is too old.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};
use tokio::time::Instant;

/// 256 KiB for both numbers of each.
const SLOTS: u16 = 16_384;

/// Where a tag falls.
pub(crate) type Slot = u16;

/// The slot of a tag, within this process.
pub(crate) fn slot(tag: &str) -> Slot {
    let mut hasher = DefaultHasher::new();
    tag.hash(&mut hasher);
    let place = hasher.finish().checked_rem(u64::from(SLOTS));
    place
        .and_then(|place| u16::try_from(place).ok())
        .unwrap_or_default()
}

pub(crate) struct Marks {
    /// The number of the last drop.
    last: AtomicU64,
    slots: Box<[Mark]>,
    everything: Mark,
    started_at: Instant,
}

#[derive(Debug, Default)]
struct Mark {
    number: AtomicU64,
    /// Milliseconds after the start, plus one; 0 if never.
    at_ms: AtomicU64,
}

impl Default for Marks {
    fn default() -> Self {
        let marks = Self {
            last: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| Mark::default()).collect(),
            everything: Mark::default(),
            started_at: Instant::now(),
        };
        // What this process changed before it was started again, it does not know.
        marks.drop_all();
        marks
    }
}

impl Marks {
    /// The number of the last drop: what is begun now is newer than it.
    pub(crate) fn now(&self) -> u64 {
        self.last.load(SeqCst)
    }

    pub(crate) fn drop_tag(&self, tag: &str) {
        self.drop_slot(slot(tag));
    }

    pub(crate) fn drop_slot(&self, slot: Slot) {
        if let Some(mark) = self.mark(slot) {
            self.set(mark);
        }
    }

    pub(crate) fn drop_all(&self) {
        self.set(&self.everything);
    }

    /// Whether nothing that an answer depends on was dropped after it was begun.
    pub(crate) fn allow(&self, begun: u64, slots: &[Slot]) -> bool {
        self.everything.number.load(SeqCst) <= begun
            && slots.iter().all(|slot| {
                self.mark(*slot)
                    .is_some_and(|mark| mark.number.load(SeqCst) <= begun)
            })
    }

    /// Whether anything that an answer depends on was dropped so lately.
    pub(crate) fn dropped_within(&self, slots: &[Slot], time: Duration) -> bool {
        let now_ms = self.now_ms();
        let time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let lately = |mark: &Mark| {
            let at_ms = mark.at_ms.load(SeqCst);
            at_ms != 0 && now_ms.saturating_sub(at_ms) <= time_ms
        };
        lately(&self.everything) || slots.iter().any(|slot| self.mark(*slot).is_none_or(lately))
    }

    fn set(&self, mark: &Mark) {
        let number = self.last.fetch_add(1, SeqCst).saturating_add(1);
        mark.at_ms.fetch_max(self.now_ms(), SeqCst);
        mark.number.fetch_max(number, SeqCst);
    }

    fn mark(&self, slot: Slot) -> Option<&Mark> {
        self.slots.get(usize::from(slot))
    }

    fn now_ms(&self) -> u64 {
        let since = self.started_at.elapsed().as_millis();
        u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
    }
}
