//! The bus of a single process: a list of consumers, called one after the other.

use super::{Bus, Consumer};
use async_trait::async_trait;
use contracts::{BoxError, event::Envelope};
use std::sync::{Arc, RwLock};

/// A bus within the process.
#[derive(Default)]
pub struct MemoryBus {
    consumers: RwLock<Vec<Arc<dyn Consumer>>>,
}

impl MemoryBus {
    fn who_wants(&self, name: &str) -> Vec<Arc<dyn Consumer>> {
        let Ok(consumers) = self.consumers.read() else {
            return Vec::new();
        };
        consumers
            .iter()
            .filter(|consumer| consumer.wants().contains(&name))
            .cloned()
            .collect()
    }
}

#[async_trait]
impl Bus for MemoryBus {
    fn subscribe(&self, consumer: Arc<dyn Consumer>) {
        if let Ok(mut consumers) = self.consumers.write() {
            consumers.push(consumer);
        }
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.consumers.read().is_ok_and(|consumers| {
            let mut wants = consumers.iter().map(|consumer| consumer.wants());
            wants.any(|names| names.contains(&name))
        })
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BoxError> {
        // One that fails keeps the event from nobody else.
        let mut outcome: Result<(), BoxError> = Ok(());
        for consumer in self.who_wants(&envelope.name) {
            if let Err(error) = consumer.consume(envelope).await {
                outcome = outcome.and(Err(format!("{}: {error}", consumer.name()).into()));
            }
        }
        outcome
    }
}
