//! Events between services: whoever subscribes is called, at least once, for each event of a name.
//! The bus keeps nothing: truth is in the outbox tables.

mod memory;

pub use memory::MemoryBus;

use async_trait::async_trait;
use contracts::{BoxError, event::Envelope};
use std::sync::Arc;

/// Takes events. An error means that the event comes again later.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// The consumer's name, for logs.
    fn name(&self) -> &'static str;
    /// The names of the events it wants.
    fn wants(&self) -> &'static [&'static str];
    /// Does what the event calls for; safe to repeat.
    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError>;
}

/// Carries events to consumers.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Adds a consumer.
    fn subscribe(&self, consumer: Arc<dyn Consumer>);
    /// Whether anybody wants events of this name.
    fn is_wanted(&self, name: &str) -> bool;
    /// Delivers an event to all who want it; an error if any of them failed.
    async fn publish(&self, envelope: &Envelope) -> Result<(), BoxError>;
}
