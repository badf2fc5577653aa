//! All payments, for whoever runs the shop: by where they stand, newest first. The public API has no such list.

use super::{PaymentStatus, PaymentView, RefundView};
use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    values::{Cursor, Money, OrderId, PageSize, PaymentId, Timestamp},
};
use serde::{Deserialize, Serialize};

/// Which payments, from where.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PaymentQuery {
    /// Only those that stand so.
    pub status: Option<PaymentStatus>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    pub limit: PageSize,
    /// Where the page begins: one of the cursors of the page before or after it.
    pub cursor: Option<Cursor>,
}

/// A payment in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentListed {
    /// The payment.
    pub id: PaymentId,
    /// The order it pays.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The order's total.
    pub amount: Money,
    /// What of it was given back.
    pub refunded: Money,
    /// The provider's reason, when it refused.
    pub decline_code: Option<String>,
    /// Who took the money, as the ledger says; absent where none was taken.
    pub provider: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// A page of the list, with the ways to both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentPage {
    /// The payments, newest first.
    pub data: Vec<PaymentListed>,
    /// Where newer ones are; absent on the first page.
    pub previous_cursor: Option<Cursor>,
    /// Where older ones are; absent on the last page.
    pub next_cursor: Option<Cursor>,
}

/// Payments that stand alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentCount {
    /// Where they stand.
    pub status: PaymentStatus,
    /// How many there are; of very many, so many at least.
    pub count: i64,
    /// Whether there are more than that.
    pub is_more: bool,
}

/// What a provider told the shop about a payment, as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackView {
    /// The provider's name for it.
    pub event_id: String,
    /// When it came.
    pub received_at: Timestamp,
    /// When it was worked off; absent while it waits.
    pub done_at: Option<Timestamp>,
    /// How often it was looked at.
    pub tries: u32,
    /// What it said.
    pub body: String,
}

/// All that is kept of one payment, for whoever runs the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// The payment.
    pub payment: PaymentView,
    /// The provider's token of what it is paid with.
    pub method: String,
    /// What the provider calls the charge; absent while it knows of none.
    pub reference: Option<String>,
    /// How often the next step was tried without an outcome.
    pub tries: u32,
    /// When the next try is due; absent when nothing is left to do, or a person has to.
    pub next_try_at: Option<Timestamp>,
    /// Why it waits.
    pub waits_for: Option<String>,
    /// What was given back of it.
    pub refunds: Vec<RefundView>,
    /// What the provider told of it in the last thirty days, newest first; so many at most.
    pub callbacks: Vec<CallbackView>,
}

/// Why payments were not listed.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentListError {
    /// The cursor is none of this list.
    #[error("the cursor is none of this list")]
    BadCursor,
    /// Storage has too much to do.
    #[error("payments have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the payments could not be listed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for PaymentListError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::BadCursor => Problem::new(Code::InvalidParameter)
                .detail("cursor is no cursor of this list")
                .field("cursor", "invalid", "is no cursor of this list"),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
