//! Webhooks: whose addresses hear of events, what they are told, and how that went. What is told is public: it has the
//! API's own names, and nobody's name, address or mail.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    request::Precondition,
    trace::TraceParent,
    values::{
        Cursor, DeliveryId, EventId, PageSize, Timestamp, ValueError, Version, WebhookId, present,
    },
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, str::FromStr};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:tt;)*) => {
        /// What happened. The list grows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum EventType { $($(#[$doc])* #[serde(rename = $text)] $name),* }

        impl EventType {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in JSON and storage.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

kinds! {
    /// An order was placed.
    OrderPlaced = "order.placed";
    /// An order was paid in full.
    OrderPaid = "order.paid";
    /// An order was sent.
    OrderShipped = "order.shipped";
    /// An order arrived.
    OrderDelivered = "order.delivered";
    /// An order was called off, by somebody or by its time.
    OrderCancelled = "order.cancelled";
    /// All of an order's money went back.
    OrderRefunded = "order.refunded";
    /// A product is new.
    ProductCreated = "product.created";
    /// A product's document is another.
    ProductChanged = "product.changed";
    /// A product is not sold any more.
    ProductArchived = "product.archived";
    /// Somebody changed a variant's stock by hand.
    StockChanged = "stock.changed";
    /// Five units of a variant are left, or fewer, and a moment before there were more.
    StockLow = "stock.low";
    /// A payment's money was taken.
    PaymentCaptured = "payment.captured";
    /// A payment ended without money: it was declined, or let go.
    PaymentFailed = "payment.failed";
    /// Money of a payment went back, a part or all.
    PaymentRefunded = "payment.refunded";
    /// Something of a payment wants to be looked at by a person.
    PaymentNeedsReview = "payment.needs_review";
    /// An account was deleted.
    UserDeleted = "user.deleted";
    /// Somebody asked whether a webhook hears. It is in no feed.
    WebhookPing = "webhook.ping";
}

impl FromStr for EventType {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let known = Self::ALL.iter().find(|kind| kind.as_str() == text);
        known
            .copied()
            .ok_or_else(|| ValueError::new(format!("`{text}` is no type of event")))
    }
}

/// An event, as the feed shows it and as webhooks hear of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventView {
    /// The event's id: the same however often it is told.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When.
    pub created_at: Timestamp,
    /// Its place in the order of all events, from 1; 0 for a ping.
    pub sequence: i64,
    /// What it is about: the resource's id, and what the event knows of it under the names that it has in the API.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
    /// Which trace it came about in: it goes along in a header, and is never shown.
    #[serde(skip)]
    #[schema(ignore)]
    pub trace: Option<TraceParent>,
}

/// Which events, from where.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// Events with a higher `sequence` than this; 0 when absent.
    #[serde(default)]
    #[param(inline, minimum = 0)]
    pub after: u64,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
}

/// A page of the feed, in the order of `sequence`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeedPage {
    /// The events.
    pub data: Vec<EventView>,
    /// What `after` is for the next page: the last `sequence` of this one, or what was asked for if there is none yet.
    pub next_after: i64,
}

/// Whether a webhook hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// It is told of events.
    Enabled,
    /// It is not, until somebody enables it again; then it is told of what it missed, as far back as events are kept.
    Disabled,
}

impl WebhookStatus {
    /// The word in JSON and storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

/// A wish for a webhook.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// The address that is told, with a POST: `https`, of a host that is not inside.
    #[schema(max_length = 2_048)]
    pub url: String,
    /// What it is told of; of all when empty.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub types: Vec<EventType>,
    /// What it is for, in words: up to 200 characters.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub description: String,
}

/// What is to be another way. Fields that are absent stay.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatchWebhook {
    /// The address.
    #[schema(max_length = 2_048)]
    pub url: Option<String>,
    /// What it is told of; of all when empty or `null`.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<EventType>>)]
    pub types: Option<Option<Vec<EventType>>>,
    /// What it is for; `null` empties it.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Whether it hears.
    pub status: Option<WebhookStatus>,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// A wish for another secret.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWebhook {
    /// How many seconds the secret of before signs as well: up to 7 days; one day when absent.
    #[serde(default = "a_day")]
    #[schema(maximum = 604_800)]
    pub grace_seconds: u32,
}

const fn a_day() -> u32 {
    86_400
}

/// A wish for what was told before.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayWebhook {
    /// Events from this moment on are told once more, as far back as they are kept.
    pub since: Timestamp,
}

/// From where a webhook is told again.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Replayed {
    /// The event with this `sequence` comes next.
    pub next_sequence: i64,
}

/// A webhook. Its secret is nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WebhookView {
    /// Its id.
    pub id: WebhookId,
    /// Changes with every change that somebody makes.
    pub version: Version,
    /// The address.
    pub url: String,
    /// What it is told of; of all when empty.
    pub types: Vec<EventType>,
    /// What it is for.
    pub description: String,
    /// Whether it hears.
    pub status: WebhookStatus,
    /// Why the shop disabled it by itself, if it did.
    pub disabled_reason: Option<String>,
    /// Since when nothing could be delivered, if that is so.
    pub failing_since: Option<Timestamp>,
    /// Until when the secret of before signs as well, if it does.
    pub former_secret_until: Option<Timestamp>,
    /// All events up to this `sequence` were delivered, or are in the log of deliveries.
    pub told_sequence: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody changed it last.
    pub updated_at: Timestamp,
    /// What is in its log of deliveries; only where one webhook is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<DeliveryCounts>,
}

/// How many deliveries a webhook's log has, by how they went: of its newest 100,000, where it has more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryCounts {
    /// They will be tried, or tried again.
    pub pending: i64,
    /// They were taken.
    pub delivered: i64,
    /// All their tries are used up.
    pub failed: i64,
}

/// A webhook that was just made, or got another secret.
#[derive(Debug, Clone)]
pub struct WebhookMade {
    /// The webhook.
    pub webhook: WebhookView,
    /// Its secret, this once.
    pub secret: Option<SecretString>,
}

/// How it stands with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It will be tried, or tried again.
    Pending,
    /// It was taken.
    Delivered,
    /// All its tries are used up.
    Failed,
}

impl DeliveryStatus {
    /// The word in JSON and storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// A delivery of one event to one webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryView {
    /// Its id.
    pub id: DeliveryId,
    /// To whom.
    pub webhook_id: WebhookId,
    /// What is told.
    pub event: EventView,
    /// How it stands with it.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next, while it is tried.
    pub next_try_at: Option<Timestamp>,
    /// The status that the last try was answered with, if it was answered.
    pub answer_status: Option<u16>,
    /// What went wrong with the last try, if something did.
    pub error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was taken or given up.
    pub ended_at: Option<Timestamp>,
}

/// Which deliveries, from where. Newest first.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// Only those that stand so.
    #[param(inline)]
    pub status: Option<DeliveryStatus>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// Why webhooks were not made, shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is none of this id.
    #[error("no such webhook or delivery")]
    NotFound,
    /// A field breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer.
        field: Cow<'static, str>,
        /// The rule.
        reason: String,
    },
    /// There are as many as there may be.
    #[error("there are {most} webhooks already")]
    TooMany {
        /// So many.
        most: u32,
    },
    /// Another version is current.
    #[error("version {} is current", current.get())]
    VersionConflict {
        /// How the caller named the version.
        sent: Precondition,
        /// What is current.
        current: Version,
    },
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// The cursor is none of this list.
    #[error("the cursor is none of this list")]
    BadCursor,
    /// The store has too much to do.
    #[error("webhooks have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("webhooks failed")]
    Internal(#[source] BoxError),
}

impl ToProblem for WebhookError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::TooMany { most } => Problem::new(Code::TooManyWebhooks)
                .detail(format!("there are {most} webhooks; delete one first")),
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::BadCursor => Problem::new(Code::InvalidParameter)
                .detail("cursor is no cursor of this list")
                .field("cursor", "invalid", "is no cursor of this list"),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_event_is_read_as_it_is_written() {
        for kind in EventType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("order.lost".parse::<EventType>().is_err());
    }
}
