//! Payments: money for orders, each captured once, of the order's exact amount; what was captured is given
//! back at most once, whole or in parts.

mod audit;
mod errors;
mod events;
mod list;
mod refunds;
mod sagas;

pub use audit::{
    ChargeAudit, LedgerAudit, LedgerBalance, PaymentAudit, RefundAudit, RefundPart, RefundSums,
};
pub use errors::{CallbackError, PayError, RefundError, SagaError};
pub use events::{PaymentEnd, PaymentEnded, RefundBooked, ReviewKept};
pub use list::{
    CallbackView, PaymentCount, PaymentListError, PaymentListed, PaymentPage, PaymentQuery,
    PaymentRecord,
};
pub use refunds::{RefundOf, RefundOrder, RefundStatus, RefundView};
pub use sagas::{ReviewView, SagaId, SagaKind, SagaQuery, SagaState, SagaView};

use crate::{
    BoxError,
    access::Principal,
    orders::Reader,
    request::{Answered, IdempotencyKey},
    values::{Money, OrderId, Page, PaymentId, RefundId, Timestamp, Version},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Not decided: the provider was asked, or is being asked, and we do not know its answer yet.
    Pending,
    /// The provider wants the buyer to prove something first (`next_action`).
    RequiresAction,
    /// The provider holds the money for us; the stock is being sold.
    Authorised,
    /// The money is ours.
    Captured,
    /// The provider refused.
    Declined,
    /// Authorised, then let go: nothing was taken.
    Voided,
    /// Captured, then given back, all of it.
    Refunded,
}

impl PaymentStatus {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::RequiresAction,
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
            Self::RequiresAction => "requires_action",
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
    /// What of it was given back.
    pub refunded: Money,
    /// The provider's reason, when it refused.
    pub decline_code: Option<String>,
    /// Where the buyer goes on, when the provider wants a proof of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// What the others may ask of payments.
#[async_trait]
pub trait Payments: Send + Sync {
    /// Whether the provider knows this means of payment: asked before an order is placed with one.
    async fn accepts(&self, method: &str) -> Result<bool, BoxError>;
    /// Pays an order. `Ok` with `Pending` means that the outcome is not known yet and will be found out.
    async fn pay(
        &self,
        who: &Reader,
        key: IdempotencyKey,
        wish: PayOrder,
    ) -> Result<Answered<PaymentView>, PayError>;
    /// One payment, for the order's buyer, or for admins.
    async fn payment(&self, who: &Reader, id: PaymentId) -> Result<PaymentView, PayError>;
    /// Gives a payment up whose money was not taken yet: fenced at the provider first, so that nothing can be
    /// taken under it any more. For the buyer and for admins; repeating it is fine.
    async fn void(&self, who: &Reader, id: PaymentId) -> Result<PaymentView, PayError>;
    /// Gives captured money back, whole or in part, for admins; with items, these also come back onto the shelf.
    /// All refunds of a payment together never exceed what was captured.
    async fn refund(
        &self,
        who: &Principal,
        key: IdempotencyKey,
        of: RefundOf,
        wish: RefundOrder,
    ) -> Result<Answered<RefundView>, RefundError>;
    /// The refunds of a payment, oldest first.
    async fn refunds(&self, who: &Reader, id: PaymentId) -> Result<Vec<RefundView>, PayError>;
    /// Takes a provider's callback in: checked, kept, and answered at once; worked off afterwards.
    async fn callback(
        &self,
        provider: &str,
        signature: &str,
        body: &[u8],
    ) -> Result<(), CallbackError>;

    /// A page of all payments, newest first, for whoever runs the shop: who asks is not looked at here.
    async fn list(&self, query: PaymentQuery) -> Result<PaymentPage, PaymentListError>;
    /// How many payments stand where, a line a status.
    async fn counts(&self) -> Result<Vec<PaymentCount>, PaymentListError>;
    /// All that is kept of one payment, for admins: who asks is looked at before.
    async fn record(&self, id: PaymentId) -> Result<Option<PaymentRecord>, PaymentListError>;
    /// Payments and refunds that are under way, wait, or were parked.
    async fn sagas(&self, query: SagaQuery) -> Result<Page<SagaView>, SagaError>;
    /// Takes a saga up again at once, parked or not.
    async fn retry_saga(&self, id: SagaId) -> Result<SagaView, SagaError>;
    /// What somebody should look at, newest first.
    async fn reviews(&self, limit: u32) -> Result<Vec<ReviewView>, BoxError>;

    /// Payments after this order id, in order-id order.
    async fn audit(
        &self,
        after: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<PaymentAudit>, BoxError>;
    /// Refunds after this one, by payment and refund.
    async fn audit_refunds(
        &self,
        after: Option<(PaymentId, RefundId)>,
        limit: u32,
    ) -> Result<Vec<RefundAudit>, BoxError>;
    /// The double-entry ledger, summed anew from its entries.
    async fn audit_ledger(&self) -> Result<LedgerAudit, BoxError>;
    /// The provider's own books, charges after this number; none when it cannot be asked.
    async fn audit_charges(&self, after: u64, limit: u32) -> Result<Vec<ChargeAudit>, BoxError>;
}
