//! What is in the books at the end: the shop's, from its audits, and the provider's. Plain rows.

use contracts::{
    catalog::{ReservationAudit, ReturnedItem, StockAudit},
    orders::{DiscountView, OrderAudit, OrderEventView, OrderView},
    payments::{ChargeAudit, LedgerAudit, PaymentAudit, RefundAudit},
    values::{EventId, ProductId, ReturnId, Timestamp, Version},
};

/// The shop's books.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// When they were read, by the shop's clock.
    pub at: Option<Timestamp>,
    /// Stock of every variant.
    pub stock: Vec<StockAudit>,
    /// Every reservation.
    pub reservations: Vec<ReservationAudit>,
    /// Every order.
    pub orders: Vec<OrderRow>,
    /// Every payment.
    pub payments: Vec<PaymentAudit>,
    /// Every refund.
    pub refunds: Vec<RefundRow>,
    /// The double-entry ledger.
    pub ledger: LedgerAudit,
    /// The version of every product.
    pub products: Vec<(ProductId, Version)>,
    /// Every discount, as an admin sees it.
    pub discounts: Vec<DiscountView>,
    /// Codes that the shop's own verification finds counted otherwise than their orders have them.
    pub miscounted: Vec<String>,
    /// Returns whose receipt waits to be told, as the shop's own verification finds them.
    pub untold_returns: Vec<ReturnId>,
    /// Events, in the order in which the bus was given them; none if nobody stood beside the bus. Then the outbox is
    /// what remains to be held against the timelines, as the shop's own verification does.
    pub deliveries: Option<Vec<Delivery>>,
}

/// An order as verification, an admin and its timeline tell of it.
#[derive(Debug, Clone)]
pub struct OrderRow {
    /// As verification reads it.
    pub audit: OrderAudit,
    /// As an admin sees it.
    pub view: OrderView,
    /// What happened to it.
    pub timeline: Vec<OrderEventView>,
}

/// A refund as verification and an admin see it.
#[derive(Debug, Clone)]
pub struct RefundRow {
    /// As verification reads it.
    pub audit: RefundAudit,
    /// What came back with it.
    pub items: Vec<ReturnedItem>,
}

/// An event that the bus was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub subject: String,
    /// Whether all who want it took it.
    pub taken: bool,
}

/// The provider's books.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    /// Every charge.
    pub charges: Vec<ChargeAudit>,
}

impl State {
    /// The moment of reading.
    pub(crate) fn now(&self) -> Timestamp {
        self.at.unwrap_or(Timestamp::from_ms(i64::MAX))
    }
}
