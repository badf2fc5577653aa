//! How the shop is doing: how many orders stand where, and what was sold of late. Counted when somebody asks; nothing
//! is kept for it, so that no order waits for a counter.

use super::{OrderStatus, ReturnStatus};
use crate::values::{Money, Timestamp};
use serde::{Deserialize, Serialize};

/// Orders that stand alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatusCount {
    /// Where they stand.
    pub status: OrderStatus,
    /// How many there are; of very many, so many at least.
    pub count: i64,
    /// Whether there are more than that.
    pub is_more: bool,
}

/// Returns that stand alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReturnCount {
    /// Where they stand.
    pub status: ReturnStatus,
    /// How many there are; of very many, so many at least.
    pub count: i64,
    /// Whether there are more than that.
    pub is_more: bool,
}

/// What was sold in an hour: orders that were paid, by when they were placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HourFigures {
    /// When the hour begins.
    pub from: Timestamp,
    /// Orders.
    pub orders: i64,
    /// Their totals, added up by currency.
    pub sold: Vec<Money>,
}

/// How many carts became orders in the last 24 hours, and how many with something in them did not. No part of the
/// public API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartFigures {
    /// Orders that were placed in that time and came of a cart.
    pub ordered: i64,
    /// Carts with something in them that were last changed in that time and are open.
    pub open: i64,
    /// Whether there are so many that only the newest of them are counted.
    pub is_cut: bool,
}

/// How the shop is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderFigures {
    /// Orders by where they stand, a line a status.
    pub counts: Vec<StatusCount>,
    /// Returns by where they stand, a line a status; an earlier release does not tell.
    #[serde(default)]
    pub returns: Vec<ReturnCount>,
    /// The last 24 hours, the present one last.
    pub hours: Vec<HourFigures>,
    /// Whether so many were sold that only the newest of them are in the hours.
    pub is_cut: bool,
}
