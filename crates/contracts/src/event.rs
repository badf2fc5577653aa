//! Events between services: facts in the past tense, delivered at least once.
//! Payloads only ever grow; consumers keep the id in the commit of their effect.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    trace::TraceParent,
    values::{Cursor, EventId, PageSize, Timestamp, schema::plain_schema},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{borrow::Cow, fmt, str::FromStr};

/// A fact with its name, time and subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Unique; a consumer that has seen it has nothing left to do.
    pub id: EventId,
    /// As `orders.cancelled.v1`.
    pub name: String,
    /// The aggregate it is about (its id as text): events of one subject keep their order.
    pub subject: String,
    /// When it was committed.
    pub at: Timestamp,
    /// The contract struct of that name, as JSON.
    pub payload: serde_json::Value,
    /// Which trace it came about in, if that is told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
}

/// A payload with a name: implemented by the contract struct of every event.
pub trait Event: Serialize + DeserializeOwned {
    /// As `orders.cancelled.v1`.
    const NAME: &'static str;

    /// The aggregate it is about.
    fn subject(&self) -> String;

    /// The fact in its envelope.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON.
    fn envelope(&self, id: EventId, at: Timestamp) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope {
            id,
            name: Self::NAME.to_owned(),
            subject: self.subject(),
            at,
            payload: serde_json::to_value(self)?,
            trace: None,
        })
    }

    /// The payload, if the envelope is of this kind.
    fn open(envelope: &Envelope) -> Option<Result<Self, serde_json::Error>> {
        (envelope.name == Self::NAME).then(|| serde_json::from_value(envelope.payload.clone()))
    }
}

/// An event in a service's outbox that was not taken. It is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedEvent {
    /// Its number in the outbox.
    pub number: u64,
    /// The event.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub subject: String,
    /// When it was committed.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    pub next_try_at: Timestamp,
    /// What the last try said.
    pub reason: String,
}

/// Who keeps an event that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeper {
    /// Identity's outbox.
    Identity,
    /// The orders' outbox.
    Orders,
    /// The broker, among its dead letters.
    Broker,
}

impl Keeper {
    /// All of them, in the order of lists.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Orders, Self::Broker];

    const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Orders => "orders",
            Self::Broker => "broker",
        }
    }
}

/// The name of an event that was not taken: who keeps it, and its number there, as `orders-12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct DeadEventId {
    /// Who keeps it.
    pub keeper: Keeper,
    /// Its number there.
    pub number: u64,
}

plain_schema!(
    DeadEventId,
    String,
    pattern(Some("^(identity|orders|broker)-[1-9][0-9]{0,18}$")),
    examples(["orders-12"])
);

/// A text that names no such event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed id: expected identity, orders or broker, a hyphen, and a number")]
pub struct DeadEventIdError;

impl ToProblem for DeadEventIdError {
    fn to_problem(&self) -> Problem {
        Problem::new(Code::Malformed).detail(self.to_string())
    }
}

impl fmt::Display for DeadEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.keeper.word(), self.number)
    }
}

impl FromStr for DeadEventId {
    type Err = DeadEventIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, digits) = text.split_once('-').ok_or(DeadEventIdError)?;
        let keeper = Keeper::ALL.into_iter().find(|one| one.word() == word);
        // One text for each: no sign, no zeros in front.
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let number = digits.parse().ok().filter(|_| plain);
        match (keeper, number) {
            (Some(keeper), Some(number)) => Ok(Self { keeper, number }),
            _ => Err(DeadEventIdError),
        }
    }
}

impl TryFrom<Cow<'_, str>> for DeadEventId {
    type Error = DeadEventIdError;
    fn try_from(text: Cow<'_, str>) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeadEventId> for String {
    fn from(id: DeadEventId) -> Self {
        id.to_string()
    }
}

/// How it stands with an event that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadEventState {
    /// It is tried again by itself, a minute apart at most.
    Parked,
    /// All its tries are used up: it waits for a person.
    Dead,
}

/// An event that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeadEventView {
    /// Its name in this list.
    pub id: DeadEventId,
    /// How it stands with it.
    pub state: DeadEventState,
    /// The event itself; absent if it cannot be read.
    pub event_id: Option<EventId>,
    /// What happened, as `orders.cancelled.v1`.
    pub name: Option<String>,
    /// What it is about.
    pub subject: Option<String>,
    /// When it happened.
    pub happened_at: Option<Timestamp>,
    /// Who could not take it, where that is known.
    pub consumer: Option<String>,
    /// What the last try said.
    pub reason: String,
    /// How often it was tried, while it is tried.
    pub tries: Option<u32>,
    /// When it is tried next, if it is.
    pub next_try_at: Option<Timestamp>,
    /// When it was given up, if it was.
    pub given_up_at: Option<Timestamp>,
}

/// Which of them, from where.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeadEventQuery {
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// Why they were not shown or sent on.
#[derive(Debug, thiserror::Error)]
pub enum DeadEventError {
    /// There is none of this name, any more or at all.
    #[error("there is no such event")]
    NotFound,
    /// The cursor is none of this list.
    #[error("the cursor is none of this list")]
    BadCursor,
    /// Whoever keeps them could not be asked.
    #[error("events that were not taken could not be looked at")]
    Internal(#[source] BoxError),
}

impl ToProblem for DeadEventError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::BadCursor => Problem::new(Code::InvalidParameter)
                .detail("cursor is no cursor of this list")
                .field("cursor", "invalid", "is no cursor of this list"),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_that_was_not_taken_has_one_name() {
        for text in ["identity-1", "orders-120", "broker-9223372036854775807"] {
            assert_eq!(text.parse::<DeadEventId>().unwrap().to_string(), text);
        }
        for text in [
            "orders",
            "orders-",
            "orders-0",
            "orders-01",
            "orders-+1",
            "carts-1",
            "Orders-1",
            "orders-1-1",
        ] {
            assert_eq!(text.parse::<DeadEventId>(), Err(DeadEventIdError), "{text}");
        }
    }
}
