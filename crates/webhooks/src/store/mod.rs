//! Where webhooks, the feed and deliveries are kept. One method, one transaction: events come with the place that they
//! were read up to, deliveries with the place that they were made up to. Nothing is asked outside from here.

pub(crate) mod postgres;
pub(crate) mod sqlite;
#[cfg(test)]
mod suite;

use crate::domain::{
    endpoint::{Edit, Endpoint, Outcome},
    public::Told,
    schedule,
};
use async_trait::async_trait;
use contracts::{
    request::{Answered, Precondition},
    values::{DeliveryId, EventId, Timestamp, WebhookId},
    webhooks::{DeliveryCounts, DeliveryStatus, DeliveryView, EventType, EventView, WebhookError},
};
use platform::db::{Abort, Schema, StoreError, keys::KeyedRequest};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;

/// All steps of the schema.
pub const SCHEMA: Schema = Schema {
    sqlite: &sqlite::MIGRATIONS,
    postgres: &postgres::MIGRATIONS,
};

/// Events looked at in one turn of a webhook.
const FILL_PAGE: u32 = 256;
/// Rows let go of at a time.
const PRUNE_PAGE: u32 = 2_000;

/// A webhook that is to be.
#[derive(Debug, Clone)]
pub(crate) struct NewEndpoint {
    pub(crate) endpoint: Endpoint,
    pub(crate) most: u32,
    pub(crate) request: Option<KeyedRequest>,
}

/// What is kept of a request with a key: never its secret.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    id: WebhookId,
}

/// A delivery as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) webhook_id: WebhookId,
    pub(crate) event: EventView,
    pub(crate) status: DeliveryStatus,
    pub(crate) tries: u32,
    pub(crate) due_at: Timestamp,
    pub(crate) answer_status: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
}

impl Delivery {
    /// One of this event, due at once.
    pub(crate) fn of(webhook_id: WebhookId, event: EventView, now: Timestamp) -> Self {
        Self {
            id: DeliveryId::generate(),
            webhook_id,
            event,
            status: DeliveryStatus::Pending,
            tries: 0,
            due_at: now,
            answer_status: None,
            error: None,
            created_at: now,
            ended_at: None,
        }
    }

    /// One that tells nothing but that the webhook is asked.
    pub(crate) fn ping(webhook_id: WebhookId, now: Timestamp) -> Self {
        let event = EventView {
            id: EventId::generate(),
            kind: EventType::WebhookPing,
            created_at: now,
            sequence: 0,
            data: json!({ "id": webhook_id }),
            trace: None,
        };
        Self::of(webhook_id, event, now)
    }

    /// The same after an exchange.
    fn after(mut self, outcome: &Outcome, now: Timestamp) -> Self {
        self.tries = self.tries.saturating_add(1);
        match outcome {
            Outcome::Taken(status) => {
                (self.answer_status, self.error) = (Some(*status), None);
                (self.status, self.ended_at) = (DeliveryStatus::Delivered, Some(now));
            }
            Outcome::Refused(status, why) => {
                (self.answer_status, self.error) = (*status, Some(why.clone()));
                match schedule::next_try(self.tries, now) {
                    Some(next) => self.due_at = next,
                    None => (self.status, self.ended_at) = (DeliveryStatus::Failed, Some(now)),
                }
            }
        }
        self
    }

    pub(crate) fn view(self) -> DeliveryView {
        let waits = self.status == DeliveryStatus::Pending;
        DeliveryView {
            id: self.id,
            webhook_id: self.webhook_id,
            event: self.event,
            status: self.status,
            tries: self.tries,
            next_try_at: waits.then_some(self.due_at),
            answer_status: self.answer_status,
            error: self.error,
            created_at: self.created_at,
            ended_at: self.ended_at,
        }
    }
}

/// What a page of an outbox held.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    pub(crate) source: &'static str,
    /// The place that it was read from; if another node has moved it since, nothing is kept.
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) events: Vec<Told>,
}

/// A webhook's next step: what became of the last one, and what is due.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) id: WebhookId,
    /// Who takes it: nobody else does until then.
    pub(crate) owner: [u8; 16],
    pub(crate) owned_until: Timestamp,
    pub(crate) ended: Vec<(Delivery, Outcome)>,
    pub(crate) now: Timestamp,
    pub(crate) at_once: u32,
    pub(crate) waiting_max: u32,
    pub(crate) give_up_after_ms: i64,
}

/// What is to be done for a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) endpoint: Endpoint,
    pub(crate) due: Vec<Delivery>,
    /// Whether another turn may find more at once.
    pub(crate) more: bool,
}

/// Deliveries of what a webhook wants of a page of events, up to a bound, and how far that is.
fn filled(
    endpoint: &Endpoint,
    events: Vec<EventView>,
    room: usize,
    now: Timestamp,
) -> (Vec<Delivery>, i64) {
    let (mut made, mut told) = (Vec::new(), endpoint.told);
    for event in events {
        if endpoint.wants(event.kind) {
            if made.len() >= room {
                break;
            }
            told = event.sequence;
            made.push(Delivery::of(endpoint.id, event, now));
        } else {
            told = event.sequence;
        }
    }
    (made, told)
}

/// Whether the version that somebody named is the one that is there.
fn still_current(endpoint: &Endpoint, sent: Precondition) -> Result<(), WebhookError> {
    let current = endpoint.version;
    match sent.version() {
        Some(version) if version != current => Err(WebhookError::VersionConflict { sent, current }),
        Some(_) | None => Ok(()),
    }
}

/// The types as they are kept: words with a space between.
fn words(types: &[EventType]) -> String {
    let words: Vec<&str> = types.iter().map(|kind| kind.as_str()).collect();
    words.join(" ")
}

#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Keeps a webhook, or finds the one that the same request made.
    async fn make(&self, new: NewEndpoint) -> Result<Answered<Endpoint>, Abort<WebhookError>>;
    /// All of them, oldest first.
    async fn all(&self) -> Result<Vec<Endpoint>, StoreError>;
    /// One of them.
    async fn find(&self, id: WebhookId) -> Result<Option<Endpoint>, StoreError>;
    /// Changes one.
    async fn change(
        &self,
        id: WebhookId,
        sent: Precondition,
        edit: Edit,
        now: Timestamp,
    ) -> Result<Endpoint, Abort<WebhookError>>;
    /// Forgets one, with its deliveries.
    async fn remove(&self, id: WebhookId, sent: Precondition) -> Result<(), Abort<WebhookError>>;
    /// Has it told once more of what came since; gives the first number that comes again.
    async fn rewind(&self, id: WebhookId, since: Timestamp) -> Result<Option<i64>, StoreError>;
    /// One delivery.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError>;
    /// Adds a delivery.
    async fn insert(&self, delivery: Delivery) -> Result<(), StoreError>;
    /// A page of a webhook's deliveries before this one, newest first.
    async fn deliveries(
        &self,
        id: WebhookId,
        before: Option<DeliveryId>,
        status: Option<DeliveryStatus>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// How many of a webhook's deliveries stand where, of its newest so many.
    async fn count_deliveries(
        &self,
        id: WebhookId,
        most: i64,
    ) -> Result<DeliveryCounts, StoreError>;
    /// Events after this number, in order.
    async fn feed(&self, after: i64, limit: u32) -> Result<Vec<EventView>, StoreError>;
    /// How far each outbox was read.
    async fn places(&self) -> Result<HashMap<String, i64>, StoreError>;
    /// Keeps events with the place that they were read up to; false if another node was there before.
    async fn gather(&self, page: Gathered) -> Result<bool, StoreError>;
    /// Webhooks that nobody has taken, and that something may be done for.
    async fn busy(&self, now: Timestamp, waiting_max: u32) -> Result<Vec<WebhookId>, StoreError>;
    /// Writes down what became of deliveries, makes new ones of what is in the feed, and gives what is due. Nothing is
    /// given, and nothing kept, if another node has the webhook, or nobody any more.
    async fn turn(&self, turn: Turn) -> Result<Option<Work>, StoreError>;
    /// Lets others take at once what this owner had taken.
    async fn let_go(&self, owner: [u8; 16]) -> Result<(), StoreError>;
    /// Lets go of events and deliveries from before a moment, and of the oldest of too many that ended.
    async fn prune(&self, before: Timestamp, log_max: u32) -> Result<(), StoreError>;
}
