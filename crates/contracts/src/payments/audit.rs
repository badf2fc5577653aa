//! Money as verification reads it: ours, the ledger's, the provider's.

use super::{PaymentStatus, RefundStatus};
use crate::values::{Currency, Money, OrderId, PaymentId, RefundId, Timestamp};
use serde::{Deserialize, Serialize};

/// A payment as verification reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What its refunds add up to.
    pub refunds: RefundSums,
    /// Each of its refunds; an earlier release does not tell.
    #[serde(default)]
    pub each: Option<Vec<RefundPart>>,
    /// Whether it waits for a person.
    pub parked: bool,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// A payment's refunds, added up from their own rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundSums {
    /// How many.
    pub count: i64,
    /// Of these, how many catalog or order do not know of yet.
    pub open: i64,
    /// All of them, in minor units.
    pub wanted_minor: i64,
    /// Those that the provider confirmed.
    pub given_minor: i64,
    /// Units that come back with them.
    pub units: i64,
    /// Of these, units that the catalog has taken back.
    pub restocked: i64,
}

/// One refund of a payment, from its own rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPart {
    /// The refund.
    pub id: RefundId,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Units that come back with it.
    pub units: i64,
    /// The sum of their marks ([`crate::catalog::line_mark`]), at no price.
    pub contents: u64,
    /// Whether the catalog has taken them back.
    pub restocked: bool,
    /// Whether the order knows of it.
    pub told: bool,
}

/// A refund as verification reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What was captured by all payments, by currency, in the same snapshot.
    pub captured: Vec<Money>,
    /// What of it was given back, by currency, in the same snapshot.
    pub refunded: Vec<Money>,
    /// What payments are about to take that have not ended, by currency, in the same snapshot.
    #[serde(default)]
    pub taking: Vec<Money>,
    /// What refunds are about to give back, by currency, in the same snapshot.
    #[serde(default)]
    pub giving_back: Vec<Money>,
}

/// An account of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether we know a payment of this key.
    pub known: bool,
}
