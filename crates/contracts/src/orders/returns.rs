//! Returns: what was sent comes back. Asked for, answered, received, and its money given back, in that order.

use super::{OrderError, ShipLine};
use crate::{
    catalog::ReturnedItem,
    event::Event,
    problem::{Code, Problem, ToProblem},
    values::{
        Cursor, Money, MoneyInput, OrderId, PageSize, PaymentId, Quantity, RefundId, ReturnId,
        Timestamp, ValueError,
    },
};
use serde::{Deserialize, Serialize};

/// Where a return stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnStatus {
    /// Somebody asked for it.
    Requested,
    /// It may come.
    Approved,
    /// It may not.
    Refused,
    /// It has come, and its money is going back.
    Received,
    /// Its money went back.
    Refunded,
}

impl ReturnStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Requested,
        Self::Approved,
        Self::Refused,
        Self::Received,
        Self::Refunded,
    ];

    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Received => "received",
            Self::Refunded => "refunded",
        }
    }
}

impl std::str::FromStr for ReturnStatus {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| ValueError::new("is no status of a return"))
    }
}

/// A wish to bring something back.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReturn {
    /// What, each line once: no more than was sent and has not come back.
    #[schema(min_items = 1)]
    pub lines: Vec<ShipLine>,
    /// Why, in 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// What the shop says to a wish.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerReturn {
    /// What the buyer should know: where to send it, or why not. Up to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub note: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiveReturn {
    /// Lines that cannot be sold again. All others go back on sale.
    pub written_off: Vec<u32>,
    /// How much is given back. Without it: what was paid for the lines. Never more than is left of the order's money.
    pub amount: Option<MoneyInput>,
}

/// Units of one line that come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReturnLineView {
    /// The line's place among the order's items, from 1.
    pub line: u32,
    /// Its SKU.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// How many of it.
    pub quantity: Quantity,
    /// Whether they cannot be sold again; not known before they came.
    pub written_off: bool,
}

/// A return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReturnView {
    /// Its id.
    pub id: ReturnId,
    /// The order it is of.
    pub order_id: OrderId,
    /// That order's number, as people say it; an earlier release does not tell.
    #[serde(default)]
    pub order_number: i64,
    /// Its place among the order's returns, from 1.
    pub number: u32,
    /// Where it stands.
    pub status: ReturnStatus,
    /// What comes back.
    pub lines: Vec<ReturnLineView>,
    /// Why; empty once its buyer was erased.
    pub reason: String,
    /// What the shop said to it.
    pub note: Option<String>,
    /// The refund of its money, once it came.
    pub refund_id: Option<RefundId>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// Which returns, from where. Those that were asked for last come first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReturnQuery {
    /// Only of this status.
    pub status: Option<ReturnStatus>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// A return as verification reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnAudit {
    /// The return.
    pub id: ReturnId,
    /// Where it stands.
    pub status: ReturnStatus,
    /// The refund that pays it back, once it came.
    pub refund_id: Option<RefundId>,
    /// Whether that refund's name is the one that follows from the return's.
    pub is_named: bool,
    /// Units of it that go back on sale; all, before it came.
    pub on_sale: i64,
    /// The sum of their marks ([`crate::catalog::line_mark`]), at no price.
    pub contents: u64,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// Why a return was not made or moved.
#[derive(Debug, thiserror::Error)]
pub enum ReturnError {
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// It does not go there from where it stands.
    #[error("no move from {from:?} to {to:?}")]
    IllegalMove {
        /// Where it stands.
        from: ReturnStatus,
        /// Where it should go.
        to: ReturnStatus,
    },
    /// What holds for all that is done with an order.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl ToProblem for ReturnError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::IllegalMove { from, to } => Problem::new(Code::IllegalTransition)
                .detail(format!(
                    "a {} return cannot become {}",
                    from.as_str(),
                    to.as_str()
                ))
                .fact("from", from.as_str())
                .fact("to", to.as_str()),
            Self::Order(error) => error.to_problem(),
        }
    }
}

/// What came back has to be paid back: payments make the refund of this name, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnReceived {
    /// Of which order.
    pub order_id: OrderId,
    /// The payment to give back from.
    pub payment_id: PaymentId,
    /// The return.
    pub return_id: ReturnId,
    /// The refund that pays it back.
    pub refund_id: RefundId,
    /// How much, if so much is left.
    pub amount: Money,
    /// What goes back on sale, with how many of it the order has.
    pub items: Vec<(ReturnedItem, i64)>,
    /// What came back and cannot be sold again, likewise; an earlier release does not tell.
    #[serde(default)]
    pub lost: Vec<(ReturnedItem, i64)>,
    /// How much of the amount is for each of these, in minor units, first the items, then what is lost. None where it
    /// was not made of what was paid for them.
    #[serde(default)]
    pub shares: Vec<i64>,
    /// Who received it.
    pub actor: String,
}

impl Event for ReturnReceived {
    const NAME: &'static str = "orders.return_received.v1";
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
