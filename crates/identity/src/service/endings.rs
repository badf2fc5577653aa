//! What ended before its tokens did, marked for the door of this process. A user's epoch only ever rises
//! here: two changes that commit in one order may be marked in the other.

use contracts::values::{ApiKeyId, SessionId, Timestamp, UserId};
use platform::http::Revocations;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::time::Instant;

/// Longer than any access token lives.
pub(super) const KEEP_SECONDS: i64 = 3_600;

/// Marks endings. Clones share them.
#[derive(Clone)]
pub(crate) struct Endings {
    revocations: Revocations,
    epochs: Arc<Mutex<HashMap<UserId, (i64, Timestamp)>>>,
}

impl Endings {
    pub(super) fn new(revocations: Revocations) -> Self {
        Self {
            revocations,
            epochs: Arc::default(),
        }
    }

    /// The store was asked for all that ended, by a question that began then.
    pub(super) fn heard(&self, asked_at: Instant) {
        self.revocations.heard(asked_at);
    }

    pub(crate) fn end_session(&self, id: SessionId, at: Timestamp) {
        self.revocations.end_session(id, at);
    }

    pub(crate) fn end_key(&self, id: ApiKeyId, at: Timestamp) {
        self.revocations.end_key(id, at);
    }

    /// Ends the user's access tokens of earlier epochs.
    pub(crate) fn end_user_before(&self, id: UserId, epoch: i64, at: Timestamp) {
        let Ok(mut epochs) = self.epochs.lock() else {
            return self.revocations.end_user_before(id, epoch, at);
        };
        if epochs.get(&id).is_some_and(|(known, _)| *known >= epoch) {
            return;
        }
        let forgotten = at.plus_seconds(KEEP_SECONDS.saturating_neg());
        epochs.retain(|_, (_, ended_at)| *ended_at >= forgotten);
        epochs.insert(id, (epoch, at));
        self.revocations.end_user_before(id, epoch, at);
    }
}
