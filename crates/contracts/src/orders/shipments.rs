//! What is sent of an order: all of it, or a parcel at a time.

use super::OrderError;
use crate::{
    problem::{Code, Problem, ToProblem},
    values::{OrderId, Quantity, ShipmentId, Timestamp},
};
use serde::{Deserialize, Serialize};

/// Units of one line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipLine {
    /// The line's place among the order's items, from 1.
    #[schema(minimum = 1)]
    pub line: u32,
    /// How many of it.
    pub quantity: Quantity,
}

/// A wish to send something.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewShipment {
    /// What is in the parcel, each line once; all that was not sent before, when absent.
    #[schema(min_items = 1)]
    pub lines: Option<Vec<ShipLine>>,
    /// Who carries it: up to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub carrier: Option<String>,
    /// The carrier's number: up to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub tracking: Option<String>,
    /// Where the parcel's way is shown: an `https` address.
    #[schema(max_length = 2_048)]
    pub tracking_url: Option<String>,
}

/// Units of one line that were sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShipmentLineView {
    /// The line's place among the order's items, from 1.
    pub line: u32,
    /// Its SKU.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// How many of it.
    pub quantity: Quantity,
}

/// A parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShipmentView {
    /// Its id.
    pub id: ShipmentId,
    /// The order it is of.
    pub order_id: OrderId,
    /// Its place among the order's shipments, from 1.
    pub number: u32,
    /// What is in it.
    pub lines: Vec<ShipmentLineView>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking: Option<String>,
    /// Where its way is shown.
    pub tracking_url: Option<String>,
    /// When it was sent.
    pub created_at: Timestamp,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// What holds for all that is done with an order.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl ToProblem for ShipError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Order(error) => error.to_problem(),
        }
    }
}
