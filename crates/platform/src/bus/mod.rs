//! Events between services. Shared work goes to consumers: of all nodes, one takes each event, at least once.
//! News goes to listeners: every node hears it, at most once. The bus keeps nothing for good: truth is in the
//! outbox tables.

mod memory;
pub mod nats;

pub use memory::MemoryBus;
pub use nats::NatsBus;

use crate::{
    tasks::Tasks,
    trace::{self, Kind},
};
use async_trait::async_trait;
use contracts::{BoxError, event::Envelope, values::Timestamp};
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

/// An event that a consumer could not take in all its tries.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its number in the list.
    pub number: u64,
    /// Who could not take it.
    pub consumer: String,
    /// The event, if it can be read.
    pub event: Option<Envelope>,
    /// What the last try said.
    pub reason: String,
    /// When it was given up.
    pub at: Timestamp,
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
    /// Why nothing can be published just now, if nothing can.
    fn why_away(&self) -> Option<String> {
        None
    }
    /// Whether nothing can be published just now. Events should wait where they are.
    fn is_away(&self) -> bool {
        self.why_away().is_some()
    }
    /// Counts how often the bus has lost events that it had taken: they must be published again. The sender
    /// is gone where that cannot happen.
    fn losses(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
    /// Dead letters after this number, the oldest first. A bus that gives nothing up has none.
    async fn dead_letters(&self, after: u64, limit: u16) -> Result<Vec<DeadLetter>, BoxError> {
        let _ = (after, limit);
        Ok(Vec::new())
    }
    /// Sends a dead letter to its consumer once more; false if there is none of this number.
    async fn redrive(&self, number: u64) -> Result<bool, BoxError> {
        let _ = number;
        Ok(false)
    }
    /// How many events may well be published together: their answers take time.
    fn at_once(&self) -> usize {
        1
    }
    /// Takes an event over: it is delivered, or kept safe until it is. An error if that failed for anybody.
    async fn publish(&self, envelope: &Envelope) -> Result<(), BoxError>;
    /// Tells listeners, on every node, and keeps nothing: for news that are worth nothing a moment later. They may
    /// get lost, and no consumer hears of them.
    async fn tell(&self, envelope: &Envelope) -> Result<(), BoxError>;
    /// The same as [`Bus::publish`] for many, with an answer for each. An event behind a refused one of its subject
    /// is refused too.
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

/// The bus that the settings name: `local`, or the brokers at `nats://HOST:PORT[,HOST:PORT]`.
///
/// # Errors
/// When the settings cannot work.
pub async fn open(bus: &str, nats: &nats::Config, tasks: &Tasks) -> Result<Arc<dyn Bus>, BoxError> {
    if bus == LOCAL {
        return Ok(Arc::new(MemoryBus::default()));
    }
    Ok(Arc::new(NatsBus::open(bus, nats.clone(), tasks).await?))
}

/// The setting for a bus within the process.
pub const LOCAL: &str = "local";

/// Gives an event to a consumer, in the trace that it came about in.
async fn hand(consumer: &dyn Consumer, envelope: &Envelope) -> Result<(), BoxError> {
    let name = || format!("{} {}", consumer.name(), envelope.name).into();
    let work = consumer.consume(envelope);
    trace::resumed(envelope.trace, Kind::Consumer, name, work).await
}

/// Why an event was not even tried.
pub(crate) const BEHIND: &str = "waits for an earlier event";
