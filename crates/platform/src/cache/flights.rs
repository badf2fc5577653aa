//! Readings that are under way, by key: whoever wants the same waits for the first instead of reading too. If the
//! first gives up, the next one reads. Keeps nothing beyond that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// What came of a reading; nothing if it failed.
type Cell<E> = OnceCell<Option<Arc<E>>>;

pub(super) struct Flights<E> {
    by_key: Mutex<HashMap<String, Arc<Cell<E>>>>,
}

impl<E> Default for Flights<E> {
    fn default() -> Self {
        Self {
            by_key: Mutex::default(),
        }
    }
}

/// Somebody's part in a reading. When the last one lets go, or it has come to an end, nobody joins any more.
pub(super) struct Flight<'f, E> {
    flights: &'f Flights<E>,
    key: String,
    cell: Arc<Cell<E>>,
}

impl<E> Flights<E> {
    pub(super) fn join(&self, key: &str) -> Flight<'_, E> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = match by_key.get(key) {
            Some(cell) => Arc::clone(cell),
            None => {
                let cell = Arc::<Cell<E>>::default();
                by_key.insert(key.to_owned(), Arc::clone(&cell));
                cell
            }
        };
        Flight {
            flights: self,
            key: key.to_owned(),
            cell,
        }
    }
}

impl<E> Flight<'_, E> {
    pub(super) fn cell(&self) -> &Cell<E> {
        &self.cell
    }
}

impl<E> Drop for Flight<'_, E> {
    fn drop(&mut self) {
        let by_key = &self.flights.by_key;
        let mut by_key = by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = by_key
            .get(&self.key)
            .is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        // One for the map, one for us.
        if is_ours && (self.cell.initialized() || Arc::strong_count(&self.cell) <= 2) {
            by_key.remove(&self.key);
        }
    }
}
