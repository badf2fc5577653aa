//! The bus of a single process: consumers and listeners, called one after the other. It keeps nothing and
//! loses nothing: whatever a consumer refuses stays in the outbox.

use super::{Bus, Consumer, Listener, hand};
use async_trait::async_trait;
use contracts::{BoxError, event::Envelope};
use std::sync::{Arc, RwLock};

/// A bus within the process.
#[derive(Default)]
pub struct MemoryBus {
    consumers: RwLock<Vec<Arc<dyn Consumer>>>,
    listeners: RwLock<Vec<Arc<dyn Listener>>>,
}

/// A copy of those that want an event, so that no lock is held while they work.
fn chosen<T: Clone>(all: &RwLock<Vec<T>>, wants: impl Fn(&T) -> bool) -> Vec<T> {
    all.read()
        .map(|all| all.iter().filter(|one| wants(one)).cloned().collect())
        .unwrap_or_default()
}

fn has<T>(all: &RwLock<Vec<T>>, wants: impl Fn(&T) -> bool) -> bool {
    all.read().is_ok_and(|all| all.iter().any(wants))
}

#[async_trait]
impl Bus for MemoryBus {
    fn subscribe(&self, consumer: Arc<dyn Consumer>) {
        if let Ok(mut consumers) = self.consumers.write() {
            consumers.push(consumer);
        }
    }

    fn listen(&self, listener: Arc<dyn Listener>) {
        if let Ok(mut listeners) = self.listeners.write() {
            listeners.push(listener);
        }
    }

    fn is_wanted(&self, name: &str) -> bool {
        has(&self.consumers, |one| one.wants().contains(&name))
            || has(&self.listeners, |one| one.wants().contains(&name))
    }

    async fn tell(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let name = envelope.name.as_str();
        for listener in chosen(&self.listeners, |one| one.wants().contains(&name)) {
            listener.hear(envelope).await;
        }
        Ok(())
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let name = envelope.name.as_str();
        self.tell(envelope).await?;
        // One that fails keeps the event from nobody else.
        let mut outcome: Result<(), BoxError> = Ok(());
        for consumer in chosen(&self.consumers, |one| one.wants().contains(&name)) {
            if let Err(error) = hand(&*consumer, envelope).await {
                outcome = outcome.and(Err(format!("{}: {error}", consumer.name()).into()));
            }
        }
        outcome
    }
}
