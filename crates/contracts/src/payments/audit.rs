//! Money as verification reads it: ours, the ledger's, the provider's.

use super::{PaymentStatus, RefundStatus};
use crate::values::{Currency, Money, OrderId, PaymentId, RefundId, Timestamp};

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
    /// What of it was given back, as kept.
    pub refunded_minor: i64,
    /// What of it was promised or given back, as kept; never more than the amount.
    pub refunding_minor: i64,
    /// What the provider's own books say, if it can be asked: captured less refunded, in minor units.
    pub provider_net_minor: Option<i64>,
    /// Whether it waits for a person.
    pub parked: bool,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// A refund as verification reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundAudit {
    /// The refund.
    pub id: RefundId,
    /// Its payment.
    pub payment_id: PaymentId,
    /// Its order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: RefundStatus,
    /// How much.
    pub amount: Money,
    /// Units that come back with it.
    pub units: i64,
    /// Whether catalog and order know of it.
    pub told: bool,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// The ledger, from its entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerAudit {
    /// How many entries.
    pub entries: i64,
    /// How many transactions do not sum to zero.
    pub unbalanced: i64,
    /// Whether entries are numbered without gaps.
    pub gap_free: bool,
    /// The first entry whose hash does not follow from its content and the entry before.
    pub broken_at: Option<i64>,
    /// Every account.
    pub balances: Vec<LedgerBalance>,
}

/// An account of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerBalance {
    /// As `cash:sandbox`, `sales`, `refunds`.
    pub account: String,
    /// Its currency.
    pub currency: Currency,
    /// As kept.
    pub kept_minor: i64,
    /// The sum of its entries.
    pub summed_minor: i64,
}

/// A charge in the provider's own books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeAudit {
    /// The provider's number: charges are listed in this order.
    pub number: u64,
    /// The key it was made under: our payment's id.
    pub key: String,
    /// The provider's word for its state.
    pub state: String,
    /// What was asked for.
    pub amount: Money,
    /// What was taken.
    pub captured_minor: i64,
    /// What was given back of it.
    pub refunded_minor: i64,
}
