//! Events between services: facts in the past tense, delivered at least once.
//! Payloads only ever grow; consumers keep the id in the commit of their effect.

use crate::values::{EventId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

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
        })
    }

    /// The payload, if the envelope is of this kind.
    fn open(envelope: &Envelope) -> Option<Result<Self, serde_json::Error>> {
        (envelope.name == Self::NAME).then(|| serde_json::from_value(envelope.payload.clone()))
    }
}
