//! Whose turn it is with a refund in this process. Spares double work only: that nothing is given back twice rests on
//! the store and the provider's keys.

use contracts::values::RefundId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

type Turn = tokio::sync::Mutex<()>;

/// The refunds that somebody works at or waits for.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<RefundId, Weak<Turn>>>);

impl Turns {
    /// The refunds that somebody works at or waits for.
    pub(super) fn held(&self) -> Vec<RefundId> {
        self.0.lock().map_or_else(
            |_| Vec::new(),
            |turns| {
                let held = turns.iter().filter(|(_, turn)| turn.strong_count() > 0);
                held.map(|(id, _)| *id).collect()
            },
        )
    }

    /// The lock of a refund; it is forgotten with its last holder.
    pub(super) fn of(&self, id: RefundId) -> Arc<Turn> {
        let Ok(mut turns) = self.0.lock() else {
            return Arc::default();
        };
        if let Some(turn) = turns.get(&id).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(id, Arc::downgrade(&turn));
        turn
    }
}
