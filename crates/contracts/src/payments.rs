//! Payments: money for orders, each captured once, of the order's exact amount.

use crate::{
    BoxError,
    orders::{OrderStatus, Reader},
    problem::{Code, Problem, ToProblem},
    request::{Answered, IdempotencyKey},
    values::{Money, OrderId, PaymentId, Timestamp, Version},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Not decided: the provider was asked, or is being asked, and we do not know its answer yet.
    Pending,
    /// The provider holds the money for us; the stock is being sold.
    Authorised,
    /// The money is ours.
    Captured,
    /// The provider refused.
    Declined,
    /// Authorised, then let go: nothing was taken.
    Voided,
    /// Captured, then given back.
    Refunded,
}

impl PaymentStatus {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Authorised,
        Self::Captured,
        Self::Declined,
        Self::Voided,
        Self::Refunded,
    ];

    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::Declined => "declined",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
        }
    }
}

impl std::str::FromStr for PaymentStatus {
    type Err = crate::values::ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::values::ValueError::new("is no payment status"))
    }
}

/// A wish to pay an order.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayOrder {
    /// Which order.
    pub order_id: OrderId,
    /// The provider's token for a means of payment; never a card number.
    #[schema(example = "tok_ok")]
    pub method: String,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentView {
    /// The payment's id.
    pub id: PaymentId,
    /// The order it pays.
    pub order_id: OrderId,
    /// Counts the payment's steps.
    pub version: Version,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The order's total.
    pub amount: Money,
    /// The provider's reason, when it refused.
    pub decline_code: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// Why an order was not paid, or a payment not shown.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    /// None that the caller may know of.
    #[error("not found")]
    NotFound,
    /// The order does not wait for money.
    #[error("the order is {0:?}")]
    NotPayable(OrderStatus),
    /// Another payment of the order has not ended.
    #[error("another payment is in progress")]
    InProgress,
    /// The provider refused.
    #[error("the provider declined: {decline_code}")]
    Declined {
        /// The attempt.
        payment_id: PaymentId,
        /// The order, still waiting for money.
        order_id: OrderId,
        /// The provider's reason.
        decline_code: String,
    },
    /// The provider knows no such means of payment.
    #[error("the method is unknown")]
    UnknownMethod,
    /// The key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// The writer's queue is full.
    #[error("payments have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("paying failed")]
    Internal(#[source] BoxError),
}

impl ToProblem for PayError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::NotPayable(status) => Problem::new(Code::IllegalTransition)
                .detail(format!("a {} order cannot be paid", status.as_str()))
                .fact("from", status.as_str()),
            Self::InProgress => Problem::new(Code::PaymentInProgress),
            Self::Declined {
                payment_id,
                order_id,
                decline_code,
            } => Problem::new(Code::PaymentDeclined)
                .detail(format!("the payment was declined: {decline_code}"))
                .fact("decline_code", decline_code.clone())
                .fact("payment_id", payment_id.to_string())
                .fact("order_id", order_id.to_string()),
            Self::UnknownMethod => {
                Problem::invalid("/method", "is no means of payment the provider knows")
            }
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// A payment as verification reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentAudit {
    /// The payment.
    pub id: PaymentId,
    /// The order it pays.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The amount.
    pub amount: Money,
    /// What the provider's own books say, if it can be asked: captured less refunded, in minor units.
    pub provider_net_minor: Option<i64>,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// What the others may ask of payments.
#[async_trait]
pub trait Payments: Send + Sync {
    /// Whether the provider knows this means of payment: asked before an order is placed with one.
    async fn accepts(&self, method: &str) -> bool;
    /// Pays an order. `Ok` with `Pending` means that the outcome is not known yet and will be found out.
    async fn pay(
        &self,
        who: &Reader,
        key: IdempotencyKey,
        wish: PayOrder,
    ) -> Result<Answered<PaymentView>, PayError>;
    /// One payment, for the order's buyer, or for admins.
    async fn payment(&self, who: &Reader, id: PaymentId) -> Result<PaymentView, PayError>;
    /// Payments after this order id, in order-id order.
    async fn audit(
        &self,
        after: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<PaymentAudit>, BoxError>;
}
