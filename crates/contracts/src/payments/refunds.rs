//! Giving captured money back, whole or in part, with or without the goods.

use crate::{
    catalog::ReturnedItem,
    values::{Money, MoneyInput, OrderId, PaymentId, RefundId, Timestamp, Version},
};
use serde::{Deserialize, Serialize};

/// Whose money: a payment, or the payment that paid an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RefundOf {
    /// This payment.
    Payment(PaymentId),
    /// The payment that paid this order.
    Order(OrderId),
}

/// A wish to give money back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundOrder {
    /// How much. Without it: what the items cost, or all that is left when no items are named either.
    pub amount: Option<MoneyInput>,
    /// What comes back onto the shelf with it.
    #[serde(default)]
    pub items: Vec<ReturnedItem>,
    /// Why, up to 200 characters.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// Decided and counted; the provider has not confirmed it yet.
    Pending,
    /// The provider gave the money back.
    Succeeded,
}

impl RefundStatus {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Pending, Self::Succeeded];

    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
        }
    }
}

impl std::str::FromStr for RefundStatus {
    type Err = crate::values::ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::values::ValueError::new("is no refund status"))
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefundView {
    /// The refund's id.
    pub id: RefundId,
    /// The payment it gives back from.
    pub payment_id: PaymentId,
    /// The order that was paid with it.
    pub order_id: OrderId,
    /// Counts the refund's steps.
    pub version: Version,
    /// Where it stands.
    pub status: RefundStatus,
    /// How much.
    pub amount: Money,
    /// What comes back onto the shelf with it.
    pub items: Vec<ReturnedItem>,
    /// Why.
    pub reason: Option<String>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}
