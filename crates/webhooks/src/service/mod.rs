//! The use cases of webhooks, a file each: what people do with them, gathering events, delivering them.

mod deliver;
mod endpoints;
mod gather;
mod log;

use crate::{Source, config::Config, store::Store};
use contracts::{
    BoxError,
    values::{EventId, Timestamp},
    webhooks::WebhookError,
};
use platform::{
    clock::Clock,
    db::{Abort, StoreError},
    outward::Outward,
    tasks::Tasks,
};
use std::sync::{Arc, OnceLock};

/// Webhooks, near.
pub struct Service {
    store: Arc<dyn Store>,
    config: Config,
    clock: Clock,
    /// Made when somebody is told for the first time: it holds the world's root certificates.
    way: OnceLock<Outward>,
    /// This process, to the others that share its store.
    owner: [u8; 16],
}

impl Service {
    pub(crate) fn new(store: Arc<dyn Store>, config: Config, clock: Clock) -> Self {
        Self {
            store,
            config,
            clock,
            way: OnceLock::new(),
            owner: *EventId::generate().as_bytes(),
        }
    }

    /// Starts gathering and delivering, until the tasks stop.
    pub fn start(self: &Arc<Self>, tasks: &Tasks, sources: Vec<Source>) {
        let service = Arc::clone(self);
        tasks.start("webhooks-feed", move |stop| {
            gather::run(service, sources, stop)
        });
        let service = Arc::clone(self);
        tasks.start("webhooks", move |stop| deliver::run(service, stop));
    }

    /// Whether the store can be read.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check(&self) -> Result<(), BoxError> {
        Ok(self.store.feed(i64::MAX, 1).await.map(drop)?)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn way(&self) -> Result<Outward, BoxError> {
        if let Some(way) = self.way.get() {
            return Ok(way.clone());
        }
        let fresh = Outward::new(self.config.outward.clone())?;
        Ok(self.way.get_or_init(|| fresh).clone())
    }
}

fn failure(error: StoreError) -> WebhookError {
    refusal(error.into())
}

fn refusal(abort: Abort<WebhookError>) -> WebhookError {
    abort.into_refusal(|| WebhookError::Overloaded, WebhookError::Internal)
}
