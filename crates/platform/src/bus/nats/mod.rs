//! The bus on NATS JetStream, for shops of several nodes. The broker carries and truth stays in the outbox: it
//! may be away, and it may forget everything. Nothing above the port learns any of its names.

mod config;
mod dead;
mod link;
mod listening;
mod look;
mod publishing;
mod subjects;
mod waiting;
mod working;

pub use config::{Config, DEFAULTS, addresses};
pub use look::{Looked, look};

use super::{Bus, Consumer, DeadLetter, Listener};
use crate::tasks::Tasks;
use async_trait::async_trait;
use contracts::{BoxError, event::Envelope};
use link::Link;
use std::sync::Arc;
use tokio::sync::watch;

/// A bus between nodes.
pub struct NatsBus {
    link: Arc<Link>,
    tasks: Tasks,
}

impl NatsBus {
    /// A bus on the brokers at `nats://HOST:PORT[,HOST:PORT]`. It returns at once, whether they are there or
    /// not: the connection is made, kept and made again in the background.
    ///
    /// # Errors
    /// When the settings cannot work, or the file with the credentials cannot be read.
    pub async fn open(bus: &str, config: Config, tasks: &Tasks) -> Result<Self, BoxError> {
        config.check()?;
        let link = Arc::new(Link::open(addresses(bus)?, config).await?);
        let kept = Arc::clone(&link);
        tasks.start("nats", |stop| async move {
            kept.keep(stop).await;
            Ok(())
        });
        Ok(Self {
            link,
            tasks: tasks.clone(),
        })
    }
}

#[async_trait]
impl Bus for NatsBus {
    fn subscribe(&self, consumer: Arc<dyn Consumer>) {
        self.link.note_consumer(consumer.name());
        let link = Arc::clone(&self.link);
        self.tasks
            .start("nats-consumer", |stop| working::run(link, consumer, stop));
    }

    fn listen(&self, listener: Arc<dyn Listener>) {
        let link = Arc::clone(&self.link);
        self.tasks
            .start("nats-listener", |stop| listening::run(link, listener, stop));
    }

    /// Other nodes may want what this one does not, so the settings say.
    fn is_wanted(&self, name: &str) -> bool {
        let carried = &self.link.config.events;
        carried.is_empty() || carried.iter().any(|one| one == name)
    }

    fn why_away(&self) -> Option<String> {
        self.link.why_away()
    }

    fn losses(&self) -> watch::Receiver<u64> {
        self.link.losses.subscribe()
    }

    fn at_once(&self) -> usize {
        usize::from(self.link.config.in_flight_max)
    }

    async fn tell(&self, envelope: &Envelope) -> Result<(), BoxError> {
        publishing::news(&self.link, envelope).await
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BoxError> {
        publishing::one(&self.link, envelope).await
    }

    async fn publish_all(&self, envelopes: &[Envelope]) -> Vec<Result<(), BoxError>> {
        publishing::all(&self.link, envelopes).await
    }

    async fn dead_letters(&self, after: u64, limit: u16) -> Result<Vec<DeadLetter>, BoxError> {
        dead::list(&self.link, after, limit).await
    }

    async fn redrive(&self, number: u64) -> Result<bool, BoxError> {
        dead::redrive(&self.link, number).await
    }
}
