//! What orders tell the others.

use super::OrderStatus;
use crate::{
    event::Event,
    values::{Money, OrderId, PaymentId, Version},
};
use serde::{Deserialize, Serialize};

/// An order was called off: what it held or sold goes back, and so does its money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Which.
    pub order_id: OrderId,
    /// The payment to give back, if it was paid.
    pub payment_id: Option<PaymentId>,
}

impl Event for OrderCancelled {
    const NAME: &'static str = "orders.cancelled.v1";
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}

/// An order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Which.
    pub order_id: OrderId,
    /// Its number.
    pub number: i64,
    /// What it costs.
    pub total: Money,
}

impl Event for OrderPlaced {
    const NAME: &'static str = "orders.placed.v1";
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}

/// An order moved on: `paid`, `shipped`, `delivered`, `refunded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderMoved {
    /// Which.
    pub order_id: OrderId,
    /// Where it stands now.
    pub status: OrderStatus,
    /// The version that this made.
    pub version: Version,
}

impl Event for OrderMoved {
    const NAME: &'static str = "orders.moved.v1";
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
