//! What payments keep: intents and how far each has come, refunds, the ledger, callbacks. One method, one
//! transaction, one invariant. A change names the version and the fence that it replaces; `None` means that
//! somebody else moved it first, or took it over.

mod books;
mod deciding;
mod kept;
mod postgres;
mod sandbox;
mod sqlite;
#[cfg(test)]
mod suite;

pub(crate) use books::Refunds;
pub(crate) use postgres::{Bounds, PostgresStore};
pub use sandbox::SCHEMA as SANDBOX_SCHEMA;
pub(crate) use sandbox::{
    BookRefusal, Courier, Entry, Opening, PostgresBook, SandboxBook, SqliteBook,
};
pub(crate) use sqlite::SqliteStore;

use crate::domain::{Intent, Payment, Refund, RefundIntent, Stage, State, ledger::Transaction};
use async_trait::async_trait;
use contracts::{
    payments::{CallbackView, LedgerAudit, PaymentListed, PaymentStatus, ReviewView, SagaState},
    values::{Money, OrderId, PaymentId, RefundId, Timestamp},
};
use platform::db::{Abort, Schema, StoreError};

/// All steps of the schema.
pub const SCHEMA: Schema = Schema {
    sqlite: &sqlite::MIGRATIONS,
    postgres: &postgres::MIGRATIONS,
};

/// Another payment of the order is under way or has taken the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken;

/// Why a refund was not decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RefundRefusal {
    /// No such payment.
    Unknown,
    /// Nothing was captured.
    NotCaptured,
    /// More than is left.
    TooMuch { left: Money },
    /// More units of that item of the wish than are left.
    TooManyUnits { index: usize, left: i64 },
    /// The id came before with another wish.
    Differs,
}

/// Who works at something, and until when nobody else should.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    pub(crate) owner: String,
    pub(crate) until: Timestamp,
}

/// A move of a payment.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) to: State,
    /// Whether the order needs no telling of it.
    pub(crate) told: bool,
    /// Whether money came after the end.
    pub(crate) late: bool,
    /// What the ledger learns in the same commit.
    pub(crate) booked: Option<Transaction>,
    pub(crate) at: Timestamp,
    /// Until when the owner is left alone with it.
    pub(crate) lease_until: Timestamp,
}

/// A try without an outcome.
#[derive(Debug, Clone)]
pub(crate) struct Delay {
    pub(crate) until: Timestamp,
    /// Whether it counts as a failed try; waiting for a buyer's proof does not.
    pub(crate) failed: bool,
    /// Whether it waits for a person from now on.
    pub(crate) parked: bool,
    pub(crate) reason: String,
}

/// A provider's callback that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptCallback {
    pub(crate) event_id: String,
    /// The key of the charge it is about.
    pub(crate) key: String,
    pub(crate) tries: u32,
    pub(crate) received_at: Timestamp,
}

/// Where a page of all payments begins: beside one of a number, which comes to nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// What was begun before it, newest first.
    Older(i64),
    /// What was begun after it, oldest first.
    Newer(i64),
}

/// A payment of the list, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) payment: PaymentListed,
}

/// Something that somebody should look at.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) kind: &'static str,
    pub(crate) subject: String,
    pub(crate) detail: String,
}

/// The rows of payments.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Where the database writes what it tells others.
    fn outbox(&self) -> platform::db::Database;

    /// Writes an intent as a pending payment, before anybody else hears of it.
    async fn begin(
        &self,
        intent: Intent,
        at: Timestamp,
        lease: Lease,
    ) -> Result<Payment, Abort<Taken>>;
    /// Moves a payment from the version and fence that were read, and forgets its tries.
    async fn advance(
        &self,
        from: &Payment,
        change: Change,
    ) -> Result<Option<Payment>, Abort<Taken>>;
    /// Notes that the payment was given up, if it can be; it is due at once then.
    async fn want_void(&self, id: PaymentId, now: Timestamp) -> Result<(), StoreError>;
    /// Notes that the order knows the end of this version.
    async fn mark_told(
        &self,
        payment: &Payment,
        at: Timestamp,
    ) -> Result<Option<Payment>, StoreError>;
    /// Puts off the next try and lets go of the lease, if the payment is still where it was read.
    async fn postpone(&self, payment: &Payment, delay: Delay) -> Result<(), StoreError>;
    /// Takes a payment over, unless another works at it: its fence rises.
    async fn claim(
        &self,
        id: PaymentId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Payment>, StoreError>;

    /// One payment.
    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError>;
    /// The payment that took an order's money, if one did.
    async fn captured_of(&self, id: OrderId) -> Result<Option<Payment>, StoreError>;
    /// Unfinished payments whose next try is due, longest due first.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, StoreError>;
    /// Takes over, for their fences rise, unfinished payments whose next try is due, longest due first; but not these,
    /// nor what another node is just taking.
    async fn take_due(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
        except: Vec<PaymentId>,
    ) -> Result<Vec<Payment>, StoreError>;
    /// All payments after this one, by order and id.
    async fn after(
        &self,
        last: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError>;

    /// Decides a refund and counts it against what was captured; the one that stands if it was decided before.
    async fn begin_refund(
        &self,
        intent: RefundIntent,
        at: Timestamp,
        lease: Lease,
    ) -> Result<(Refund, bool), Abort<RefundRefusal>>;
    /// The provider gave the money back: refund, payment and ledger learn it in one commit.
    async fn book_refund(
        &self,
        refund: &Refund,
        transaction: Transaction,
        at: Timestamp,
    ) -> Result<Option<Refund>, StoreError>;
    /// Moves a booked refund on.
    async fn advance_refund(
        &self,
        refund: &Refund,
        to: Stage,
        at: Timestamp,
    ) -> Result<Option<Refund>, StoreError>;
    /// Puts off the next try and lets go of the lease.
    async fn postpone_refund(&self, refund: &Refund, delay: Delay) -> Result<(), StoreError>;
    /// Takes a refund over, unless another works at it: its fence rises.
    async fn claim_refund(
        &self,
        id: RefundId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Refund>, StoreError>;
    /// One refund.
    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError>;
    /// The refunds of a payment, oldest first.
    async fn refunds_of(&self, id: PaymentId) -> Result<Vec<Refund>, StoreError>;
    /// Unfinished refunds whose next try is due, longest due first.
    async fn due_refunds(&self, now: Timestamp, limit: u32) -> Result<Vec<RefundId>, StoreError>;
    /// Takes over unfinished refunds whose next try is due, as `take_due` does.
    async fn take_due_refunds(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
        except: Vec<RefundId>,
    ) -> Result<Vec<Refund>, StoreError>;
    /// What the refunds of these payments add up to, in their order.
    async fn refund_sums(&self, ids: Vec<PaymentId>) -> Result<Vec<Refunds>, StoreError>;
    /// Which of these payments are there, in their order.
    async fn are_known(&self, ids: Vec<PaymentId>) -> Result<Vec<bool>, StoreError>;
    /// All refunds after this one, by payment and id.
    async fn refunds_after(
        &self,
        last: Option<(PaymentId, RefundId)>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError>;

    /// Payments on one side of a number, nearest first.
    async fn listed(
        &self,
        status: Option<PaymentStatus>,
        side: Side,
        limit: u32,
    ) -> Result<Vec<Listed>, StoreError>;
    /// How many payments stand where; of each status so many at most.
    async fn count_by_status(&self, most: i64) -> Result<Vec<(PaymentStatus, i64)>, StoreError>;

    /// What has not ended, by id.
    async fn open_payments(
        &self,
        state: Option<SagaState>,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError>;
    /// What has not ended, by id.
    async fn open_refunds(
        &self,
        state: Option<SagaState>,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError>;
    /// Books what was taken before there was a ledger.
    async fn open_books(&self, provider: &str, now: Timestamp) -> Result<(), StoreError>;
    /// Lets go of every lease: only for the one process that there can be.
    async fn release_leases(&self, now: Timestamp) -> Result<(), StoreError>;
    /// Makes a payment due at once, and no longer parked.
    async fn unpark(&self, id: PaymentId, now: Timestamp) -> Result<(), StoreError>;
    /// Makes a refund due at once, and no longer parked.
    async fn unpark_refund(&self, id: RefundId, now: Timestamp) -> Result<(), StoreError>;

    /// Keeps a callback; false if it was kept before.
    async fn keep_callback(
        &self,
        callback: KeptCallback,
        body: String,
        next_try_at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Callbacks that were not worked off, whose next try is due.
    async fn due_callbacks(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<KeptCallback>, StoreError>;
    /// What was told of a payment and is remembered, newest first.
    async fn callbacks_of(
        &self,
        id: PaymentId,
        limit: u32,
    ) -> Result<Vec<CallbackView>, StoreError>;
    /// A callback is worked off (no next try), or comes again.
    async fn end_callback(
        &self,
        event_id: String,
        next_try_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Keeps something to look at, once.
    async fn review(&self, review: Review, at: Timestamp) -> Result<(), StoreError>;
    /// What was kept to look at, newest first.
    async fn reviews(&self, limit: u32) -> Result<Vec<ReviewView>, StoreError>;
    /// Lets no payment of this id begin any more; says no where one has.
    async fn disown(&self, id: PaymentId, at: Timestamp) -> Result<bool, StoreError>;
    /// Whether that was done.
    async fn is_disowned(&self, id: PaymentId) -> Result<bool, StoreError>;
    /// How far the provider's books were compared.
    async fn compared(&self, provider: &str) -> Result<u64, StoreError>;
    /// Notes how far they were compared.
    async fn note_compared(&self, provider: &str, upto: u64) -> Result<(), StoreError>;
    /// The ledger, from its entries.
    async fn audit_ledger(&self) -> Result<LedgerAudit, StoreError>;
}
