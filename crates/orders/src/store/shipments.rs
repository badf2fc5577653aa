//! What stores keep of what was sent.

use super::Acting;
use contracts::{
    orders::{OrderError, OrderStatus, ShipError, ShipLine},
    values::{OrderId, ShipmentId, Timestamp},
};
use platform::db::{Abort, keys::KeyedRequest};
use serde::{Deserialize, Serialize};

/// A parcel that is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    pub(crate) order: OrderId,
    pub(crate) id: ShipmentId,
    /// All that is left, when absent.
    pub(crate) lines: Option<Vec<ShipLine>>,
    pub(crate) carrier: Option<String>,
    pub(crate) tracking: Option<String>,
    pub(crate) tracking_url: Option<String>,
    pub(crate) by: Acting,
    pub(crate) at: Timestamp,
    pub(crate) request: Option<KeyedRequest>,
}

impl Sending {
    /// What the timeline says of it.
    pub(crate) fn note(&self) -> Option<String> {
        let number = self.tracking.as_ref();
        number.map(|number| format!("tracking {number}"))
    }
}

/// What is on its way is not called off: what was sent first has to come to its end.
pub(crate) fn sent_in_part() -> OrderError {
    OrderError::IllegalTransition {
        from: OrderStatus::Paid,
        to: OrderStatus::Cancelled,
        allowed: vec![OrderStatus::Shipped],
    }
}

/// An order's refusal in the words of a shipment.
pub(crate) fn of_order(abort: Abort<OrderError>) -> Abort<ShipError> {
    match abort {
        Abort::Refused(refusal) => Abort::Refused(refusal.into()),
        Abort::Failed(error) => Abort::Failed(error),
    }
}

/// What is kept of a request with a key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptShipment {
    pub(crate) id: ShipmentId,
}

/// A parcel that went, now or by an earlier request with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) id: ShipmentId,
    pub(crate) replayed: bool,
}
