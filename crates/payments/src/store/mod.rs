//! What payments keep: intents and how far each has come. One method, one transaction, one invariant.
//! A change names the version it replaces; `None` means that somebody else moved the payment first.

mod sandbox;
mod sqlite;
#[cfg(test)]
mod suite;

pub(crate) use sandbox::{BookRefusal, Entry, SandboxBook};
pub(crate) use sqlite::SqliteStore;

use crate::domain::{Intent, Payment, State};
use async_trait::async_trait;
use contracts::values::{OrderId, PaymentId, Timestamp};
use platform::db::{Abort, StoreError};

/// Another payment of the order is under way or has taken the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken;

/// A move of a payment.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) to: State,
    /// Whether the order needs no telling of it.
    pub(crate) told: bool,
    pub(crate) at: Timestamp,
    /// When the sweeper may take it up.
    pub(crate) next_try_at: Timestamp,
}

/// The rows of payments.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Writes an intent as a pending payment, before anybody else hears of it.
    async fn begin(
        &self,
        intent: Intent,
        at: Timestamp,
        next_try_at: Timestamp,
    ) -> Result<Payment, Abort<Taken>>;
    /// Moves a payment from the version that was read, and forgets its tries.
    async fn advance(
        &self,
        from: &Payment,
        change: Change,
    ) -> Result<Option<Payment>, Abort<Taken>>;
    /// Notes that the order knows the end of this version.
    async fn mark_told(
        &self,
        payment: &Payment,
        at: Timestamp,
    ) -> Result<Option<Payment>, StoreError>;
    /// Puts off the next try, if the payment is still where it was read.
    async fn postpone(&self, payment: &Payment, until: Timestamp) -> Result<(), StoreError>;

    /// One payment.
    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError>;
    /// Unfinished payments whose next try is due, longest due first.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, StoreError>;
    /// All payments after this one, by order and id.
    async fn after(
        &self,
        last: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError>;
}
