//! Payments in SQLite. Every change is a compare-and-set on version and fence; what is decided from several rows
//! is decided inside the writer's transaction.

mod audit;
mod callbacks;
mod ledger;
mod list;
mod payments;
mod refunds;

use super::{
    Change, Delay, KeptCallback, Lease, Listed, RefundRefusal, Refunds, Review, Side, Store, Taken,
};
use crate::domain::{Intent, Payment, Refund, RefundIntent, Stage, ledger::Transaction};
use async_trait::async_trait;
use contracts::{
    BoxError,
    payments::{CallbackView, LedgerAudit, PaymentStatus, ReviewView, SagaState},
    values::{OrderId, PaymentId, RefundId, Timestamp, ValueError},
};
use platform::db::{
    Abort, StoreError,
    migrate::{BASE, Migration},
    sqlite::{Database, Options},
};
use rusqlite::Connection;
use std::{convert::Infallible, path::Path};

pub(crate) const MIGRATIONS: [Migration; 7] = [
    BASE,
    Migration {
        number: 1,
        name: "payments",
        sql: include_str!("../../../migrations/sqlite/0001_payments.sql"),
    },
    Migration {
        number: 2,
        name: "refunds_ledger_leases",
        sql: include_str!("../../../migrations/sqlite/0002_refunds_ledger_leases.sql"),
    },
    Migration {
        number: 3,
        name: "strays",
        sql: include_str!("../../../migrations/sqlite/0003_strays.sql"),
    },
    Migration {
        number: 4,
        name: "told",
        sql: include_str!("../../../migrations/sqlite/0004_told.sql"),
    },
    Migration {
        number: 5,
        name: "by_status",
        sql: include_str!("../../../migrations/sqlite/0005_by_status.sql"),
    },
    Migration {
        number: 6,
        name: "callbacks_by_payment",
        sql: include_str!("../../../migrations/sqlite/0006_callbacks_by_payment.sql"),
    },
];

/// The embedded store.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    database: Database,
}

impl SqliteStore {
    pub(crate) fn open(path: &Path, options: Options, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::open(path, options, &MIGRATIONS, now.as_ms())?;
        Ok(Self { database })
    }

    /// A write that nothing but storage can refuse.
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let write =
            move |connection: &Connection| job(connection).map_err(Abort::<Infallible>::from);
        self.database
            .write(write)
            .await
            .map_err(|abort| match abort {
                Abort::Failed(error) => error,
                Abort::Refused(never) => match never {},
            })
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn outbox(&self) -> platform::db::Database {
        self.database.clone().into()
    }

    async fn begin(
        &self,
        intent: Intent,
        at: Timestamp,
        lease: Lease,
    ) -> Result<Payment, Abort<Taken>> {
        self.database
            .write(move |c| payments::begin(c, &intent, at, &lease))
            .await
    }

    async fn advance(
        &self,
        from: &Payment,
        change: Change,
    ) -> Result<Option<Payment>, Abort<Taken>> {
        debug_assert!(from.state.may_become(&change.to), "{from:?} to {change:?}");
        let from = from.clone();
        self.database
            .write(move |c| payments::advance(c, &from, &change))
            .await
    }

    async fn want_void(&self, id: PaymentId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |c| payments::want_void(c, id, now)).await
    }

    async fn mark_told(
        &self,
        payment: &Payment,
        at: Timestamp,
    ) -> Result<Option<Payment>, StoreError> {
        let payment = payment.clone();
        self.write(move |c| payments::mark_told(c, &payment, at))
            .await
    }

    async fn postpone(&self, payment: &Payment, delay: Delay) -> Result<(), StoreError> {
        let payment = payment.clone();
        self.write(move |c| payments::postpone(c, &payment, &delay))
            .await
    }

    async fn claim(
        &self,
        id: PaymentId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Payment>, StoreError> {
        self.write(move |c| payments::claim(c, id, &lease, now))
            .await
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.database.read(move |c| payments::one(c, id)).await
    }

    async fn captured_of(&self, id: OrderId) -> Result<Option<Payment>, StoreError> {
        self.database
            .read(move |c| payments::captured_of(c, id))
            .await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, StoreError> {
        self.database
            .read(move |c| payments::due(c, now, limit))
            .await
    }

    async fn take_due(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
        except: Vec<PaymentId>,
    ) -> Result<Vec<Payment>, StoreError> {
        self.write(move |c| {
            let due = payments::due(c, now, limit)?;
            let free = due.into_iter().filter(|id| !except.contains(id));
            let taken = free.map(|id| payments::claim(c, id, &lease, now));
            taken.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn after(
        &self,
        last: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.database
            .read(move |c| payments::after(c, last, limit))
            .await
    }

    async fn begin_refund(
        &self,
        intent: RefundIntent,
        at: Timestamp,
        lease: Lease,
    ) -> Result<(Refund, bool), Abort<RefundRefusal>> {
        self.database
            .write(move |c| refunds::begin(c, &intent, at, &lease))
            .await
    }

    async fn book_refund(
        &self,
        refund: &Refund,
        transaction: Transaction,
        at: Timestamp,
    ) -> Result<Option<Refund>, StoreError> {
        let refund = refund.clone();
        self.write(move |c| refunds::book(c, &refund, &transaction, at))
            .await
    }

    async fn advance_refund(
        &self,
        refund: &Refund,
        to: Stage,
        at: Timestamp,
    ) -> Result<Option<Refund>, StoreError> {
        let refund = refund.clone();
        self.write(move |c| refunds::advance(c, &refund, to, at))
            .await
    }

    async fn postpone_refund(&self, refund: &Refund, delay: Delay) -> Result<(), StoreError> {
        let refund = refund.clone();
        self.write(move |c| refunds::postpone(c, &refund, &delay))
            .await
    }

    async fn claim_refund(
        &self,
        id: RefundId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Refund>, StoreError> {
        self.write(move |c| refunds::claim(c, id, &lease, now))
            .await
    }

    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError> {
        self.database.read(move |c| refunds::one(c, id)).await
    }

    async fn refunds_of(&self, id: PaymentId) -> Result<Vec<Refund>, StoreError> {
        self.database
            .read(move |c| refunds::of_payment(c, id))
            .await
    }

    async fn due_refunds(&self, now: Timestamp, limit: u32) -> Result<Vec<RefundId>, StoreError> {
        self.database
            .read(move |c| refunds::due(c, now, limit))
            .await
    }

    async fn take_due_refunds(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
        except: Vec<RefundId>,
    ) -> Result<Vec<Refund>, StoreError> {
        self.write(move |c| {
            let due = refunds::due(c, now, limit)?;
            let free = due.into_iter().filter(|id| !except.contains(id));
            let taken = free.map(|id| refunds::claim(c, id, &lease, now));
            taken.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn refund_sums(&self, ids: Vec<PaymentId>) -> Result<Vec<Refunds>, StoreError> {
        self.database
            .read(move |c| audit::refund_sums(c, &ids))
            .await
    }

    async fn are_known(&self, ids: Vec<PaymentId>) -> Result<Vec<bool>, StoreError> {
        self.database.read(move |c| audit::are_known(c, &ids)).await
    }

    async fn refunds_after(
        &self,
        last: Option<(PaymentId, RefundId)>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.database
            .read(move |c| refunds::after(c, last, limit))
            .await
    }

    async fn listed(
        &self,
        status: Option<PaymentStatus>,
        side: Side,
        limit: u32,
    ) -> Result<Vec<Listed>, StoreError> {
        self.database
            .read(move |c| list::listed(c, status, side, limit))
            .await
    }

    async fn count_by_status(&self, most: i64) -> Result<Vec<(PaymentStatus, i64)>, StoreError> {
        self.database
            .read(move |c| list::count_by_status(c, most))
            .await
    }

    async fn open_payments(
        &self,
        state: Option<SagaState>,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.database
            .read(move |c| payments::unended(c, state, after, limit))
            .await
    }

    async fn open_refunds(
        &self,
        state: Option<SagaState>,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.database
            .read(move |c| refunds::unended(c, state, after, limit))
            .await
    }

    async fn open_books(&self, provider: &str, now: Timestamp) -> Result<(), StoreError> {
        let provider = provider.to_owned();
        self.write(move |c| ledger::open_books(c, &provider, now))
            .await
    }

    async fn release_leases(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |c| {
            payments::release_leases(c, now)?;
            refunds::release_leases(c, now)
        })
        .await
    }

    async fn unpark(&self, id: PaymentId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |c| payments::unpark(c, id, now)).await
    }

    async fn unpark_refund(&self, id: RefundId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |c| refunds::unpark(c, id, now)).await
    }

    async fn keep_callback(
        &self,
        callback: KeptCallback,
        body: String,
        next_try_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |c| callbacks::keep(c, &callback, &body, next_try_at))
            .await
    }

    async fn due_callbacks(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<KeptCallback>, StoreError> {
        self.database
            .read(move |c| callbacks::due(c, now, limit))
            .await
    }

    async fn callbacks_of(
        &self,
        id: PaymentId,
        limit: u32,
    ) -> Result<Vec<CallbackView>, StoreError> {
        self.database
            .read(move |c| callbacks::of(c, id, limit))
            .await
    }

    async fn end_callback(
        &self,
        event_id: String,
        next_try_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |c| callbacks::end(c, &event_id, next_try_at, now))
            .await
    }

    async fn review(&self, review: Review, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |c| callbacks::review(c, &review, at)).await
    }

    async fn reviews(&self, limit: u32) -> Result<Vec<ReviewView>, StoreError> {
        self.database
            .read(move |c| callbacks::reviews(c, limit))
            .await
    }

    async fn disown(&self, id: PaymentId, at: Timestamp) -> Result<bool, StoreError> {
        self.write(move |c| callbacks::disown(c, id, at)).await
    }

    async fn is_disowned(&self, id: PaymentId) -> Result<bool, StoreError> {
        self.database
            .read(move |c| callbacks::is_disowned(c, id))
            .await
    }

    async fn compared(&self, provider: &str) -> Result<u64, StoreError> {
        let provider = provider.to_owned();
        self.database
            .read(move |c| callbacks::compared(c, &provider))
            .await
    }

    async fn note_compared(&self, provider: &str, upto: u64) -> Result<(), StoreError> {
        let provider = provider.to_owned();
        self.write(move |c| callbacks::note_compared(c, &provider, upto))
            .await
    }

    async fn audit_ledger(&self) -> Result<LedgerAudit, StoreError> {
        self.database.read(ledger::audit).await
    }
}

fn unreadable(error: ValueError) -> StoreError {
    other(error)
}

fn other(error: impl Into<BoxError>) -> StoreError {
    StoreError::Other(error.into())
}
