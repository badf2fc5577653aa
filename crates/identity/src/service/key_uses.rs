//! When API keys were last used: noted off the way of the requests that use them, once a minute a key. What finds no
//! room in the queue is not noted; the next use is.

use super::Service;
use crate::store::api_keys::KeyUse;
use contracts::values::Timestamp;
use platform::tasks::Tasks;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Uses of a key that are nearer to one another are one.
const APART_MS: i64 = 60_000;
/// Uses that share a commit.
const BATCH_MAX: usize = 64;

/// What waits to be noted.
pub(super) struct Uses {
    sender: Sender<KeyUse>,
    /// Until somebody notes them.
    waiting: Mutex<Option<Receiver<KeyUse>>>,
}

impl Uses {
    /// No more than so many wait.
    pub(super) fn new(queue_max: usize) -> Self {
        let (sender, waiting) = channel(queue_max.max(1));
        Self {
            sender,
            waiting: Mutex::new(Some(waiting)),
        }
    }

    pub(super) fn note(&self, one: KeyUse, last: Option<Timestamp>) {
        let is_news = |last: Timestamp| one.at.as_ms().saturating_sub(last.as_ms()) >= APART_MS;
        if last.is_none_or(is_news) && self.sender.try_send(one).is_err() {
            tracing::debug!(api_key.id = %one.id, "a use of a key is not noted: too many wait");
        }
    }
}

/// Notes uses until the tasks stop, and then what is left of them.
pub(super) fn start(service: &Arc<Service>, tasks: &Tasks) {
    let waiting = service.uses.waiting.lock().ok();
    let Some(mut waiting) = waiting.and_then(|mut waiting| waiting.take()) else {
        return;
    };
    let store = service.store.clone();
    tasks.start("identity-key-uses", |stop| async move {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                taken = waiting.recv_many(&mut batch, BATCH_MAX) => if taken == 0 { return Ok(()) },
                () = stop.cancelled() => return Ok(()),
            }
            if let Err(error) = store.note_key_uses(batch).await {
                tracing::warn!(error = %error, "the last uses of API keys could not be noted");
            }
        }
    });
}
