//! Events between services. Shared work goes to consumers: of all nodes, one takes each event, at least once.
//! News goes to listeners: every node hears it, at most once. The bus keeps nothing for good: truth is in the
//! outbox tables.

mod memory;

pub use memory::MemoryBus;

use async_trait::async_trait;
use contracts::{BoxError, event::Envelope};
use std::{collections::HashSet, sync::Arc};
use tokio::sync::watch;

/// Takes events, for all nodes together. An error means that the event comes again later.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// The consumer's name, the same on every node and for ever: its place in the stream is kept under it.
    fn name(&self) -> &'static str;
    /// The names of the events it wants.
    fn wants(&self) -> &'static [&'static str];
    /// Does what the event calls for; safe to repeat, also long after.
    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError>;
}

/// Hears events on each node, as a cache does that drops what changed. It may hear one twice, and it is told
/// when it may have missed some.
#[async_trait]
pub trait Listener: Send + Sync {
    /// The listener's name, for logs.
    fn name(&self) -> &'static str;
    /// The names of the events it wants.
    fn wants(&self) -> &'static [&'static str];
    /// Takes note of an event, quickly: the next one waits.
    async fn hear(&self, envelope: &Envelope);
    /// Any number of events may have passed unheard: whatever they could have changed must be forgotten.
    async fn missed(&self);
}

/// Carries events to consumers and listeners.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Adds a consumer: of all nodes that subscribe one of this name, one takes each event.
    fn subscribe(&self, consumer: Arc<dyn Consumer>);
    /// Adds a listener, who hears what any node publishes.
    fn listen(&self, listener: Arc<dyn Listener>);
    /// Whether anybody wants events of this name.
    fn is_wanted(&self, name: &str) -> bool;
    /// Whether nothing can be published just now. Events should wait where they are.
    fn is_away(&self) -> bool {
        false
    }
    /// Counts how often the bus has lost events that it had taken: they must be published again. The sender
    /// is gone where that cannot happen.
    fn losses(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
    /// Takes an event over: it is delivered, or kept safe until it is. An error if that failed for anybody.
    async fn publish(&self, envelope: &Envelope) -> Result<(), BoxError>;
    /// The same for many, with an answer for each. An event behind a refused one of its subject is refused too.
    async fn publish_all(&self, envelopes: &[Envelope]) -> Vec<Result<(), BoxError>> {
        let mut answers = Vec::with_capacity(envelopes.len());
        let mut held = HashSet::new();
        for envelope in envelopes {
            let answer = if held.contains(envelope.subject.as_str()) {
                Err(BEHIND.into())
            } else {
                self.publish(envelope).await
            };
            if answer.is_err() {
                held.insert(envelope.subject.as_str());
            }
            answers.push(answer);
        }
        answers
    }
}

/// Why an event was not even tried.
pub(crate) const BEHIND: &str = "waits for an earlier event";
