//! Which rows changed since when: whoever keeps what they read of a row asks whether it still holds. Rows are marked
//! after their commit and before whoever made it hears of it, so that nobody who was told of a change is shown what was
//! before. Of what another process writes nothing is heard: what was read is old after a moment, whatever is marked.

use crate::cache::{
    Holds,
    marks::{self, Marks, Slot},
};
use rusqlite::Connection;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long what was read of a row may hold: another process may have written it (`souk events republish`).
const AGE_MAX: Duration = Duration::from_secs(2);

/// The rows of some tables, which have their numbers in common. Clones are the same ones.
#[derive(Clone)]
pub struct Rows(Arc<Inner>);

struct Inner {
    marks: Marks,
    /// What was changed, and is not marked yet.
    changed: Mutex<Vec<i64>>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

/// When somebody began to read.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    mark: u64,
    at: Instant,
}

/// What was read of a row.
#[derive(Debug)]
pub struct Row {
    rows: Rows,
    begun: Begun,
    slot: Slot,
}

impl Rows {
    /// Those of these tables, whose numbers are their rows' ids, of what this connection writes from now on.
    pub(super) fn of(
        connection: &mut Connection,
        tables: &'static [&'static str],
    ) -> rusqlite::Result<Self> {
        let rows = Self(Arc::new(Inner {
            marks: Marks::default(),
            changed: Mutex::default(),
        }));
        let inner = Arc::clone(&rows.0);
        connection.update_hook(Some(move |_, _: &str, table: &str, row: i64| {
            if tables.contains(&table) {
                inner.changed().push(row);
            }
        }))?;
        Ok(rows)
    }

    /// Where changes are now: whoever reads says so before they begin.
    #[must_use]
    pub fn now(&self) -> Begun {
        Begun {
            mark: self.0.marks.now(),
            at: Instant::now(),
        }
    }

    /// What was read of the row with this number by whoever began then.
    #[must_use]
    pub fn read(&self, begun: Begun, row: i64) -> Row {
        Row {
            rows: self.clone(),
            begun,
            slot: slot(row),
        }
    }

    /// Marks what was changed. One mark too many costs a reading, one too few shows what is no more: so it is done
    /// whatever came of the commit.
    pub(super) fn mark(&self) {
        for row in self.0.changed().drain(..) {
            self.0.marks.drop_slot(slot(row));
        }
    }
}

impl Inner {
    fn changed(&self) -> MutexGuard<'_, Vec<i64>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holds for Row {
    fn holds(&self) -> bool {
        let Begun { mark, at } = self.begun;
        at.elapsed() < AGE_MAX && self.rows.0.marks.allow(mark, &[self.slot])
    }

    /// Nobody counts these.
    fn given(&self) {}
}

fn slot(row: i64) -> Slot {
    marks::slot(&row.to_string())
}
