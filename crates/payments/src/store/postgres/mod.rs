//! Payments in PostgreSQL, shared by several nodes. Every change is a compare-and-set on version and fence; what is
//! decided from several rows is decided under the lock of their payment. Locks are taken in one order everywhere:
//! payments by id, refunds by id, the ledger's head.

mod audit;
mod callbacks;
mod ledger;
mod list;
mod payments;
mod refunds;
mod rows;
mod taking;

pub(crate) use taking::Bounds;

use super::{
    Change, Delay, KeptCallback, Lease, Listed, RefundRefusal, Refunds, Review, Side, Store, Taken,
};
use crate::domain::{Intent, Payment, Refund, RefundIntent, Stage, ledger::Transaction};
use async_trait::async_trait;
use contracts::{
    payments::{CallbackView, LedgerAudit, PaymentStatus, ReviewView, SagaState},
    values::{OrderId, PaymentId, RefundId, Timestamp},
};
use platform::db::{
    Abort, StoreError,
    migrate::Migration,
    postgres::{BASE, Database, Place},
};
use std::convert::Infallible;
use taking::Taking;

pub(crate) const MIGRATIONS: [Migration; 6] = [
    BASE,
    Migration {
        number: 1,
        name: "payments",
        sql: include_str!("../../../migrations/postgres/0001_payments.sql"),
    },
    Migration {
        number: 2,
        name: "strays",
        sql: include_str!("../../../migrations/postgres/0002_strays.sql"),
    },
    Migration {
        number: 3,
        name: "told",
        sql: include_str!("../../../migrations/postgres/0003_told.sql"),
    },
    Migration {
        number: 4,
        name: "by_status",
        sql: include_str!("../../../migrations/postgres/0004_by_status.sql"),
    },
    Migration {
        number: 5,
        name: "callbacks_by_payment",
        sql: include_str!("../../../migrations/postgres/0005_callbacks_by_payment.sql"),
    },
];

/// Payments in one schema of a PostgreSQL server.
#[derive(Debug)]
pub(crate) struct PostgresStore {
    database: Database,
    taking: Taking,
}

impl PostgresStore {
    pub(crate) async fn open(
        place: Place,
        bounds: Bounds,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let tasks = place.tasks.clone();
        let database = Database::open(place, &MIGRATIONS, now.as_ms()).await?;
        let taking = Taking::start(&tasks, bounds, &database);
        Ok(Self { database, taking })
    }
}

/// For writes that nothing but storage can refuse.
fn storage(abort: Abort<Infallible>) -> StoreError {
    match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    }
}

#[async_trait]
impl Store for PostgresStore {
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
            .write((intent, lease), move |c, (intent, lease)| {
                Box::pin(payments::begin(c, intent, at, lease))
            })
            .await
    }

    async fn advance(
        &self,
        from: &Payment,
        change: Change,
    ) -> Result<Option<Payment>, Abort<Taken>> {
        debug_assert!(from.state.may_become(&change.to), "{from:?} to {change:?}");
        let one = (from.clone(), change);
        if one.1.booked.is_some() {
            return self.taking.submit(one).await;
        }
        let moved = taking::write_all(&self.database, vec![one]).await?;
        Ok(moved.into_iter().next().flatten())
    }

    async fn want_void(&self, id: PaymentId, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(id, move |c, id| Box::pin(payments::want_void(c, *id, now)))
            .await
            .map_err(storage)
    }

    async fn mark_told(
        &self,
        payment: &Payment,
        at: Timestamp,
    ) -> Result<Option<Payment>, StoreError> {
        self.database
            .write(payment.clone(), move |c, payment| {
                Box::pin(payments::mark_told(c, payment, at))
            })
            .await
            .map_err(storage)
    }

    async fn postpone(&self, payment: &Payment, delay: Delay) -> Result<(), StoreError> {
        self.database
            .write((payment.clone(), delay), |c, (payment, delay)| {
                Box::pin(payments::postpone(c, payment, delay))
            })
            .await
            .map_err(storage)
    }

    async fn claim(
        &self,
        id: PaymentId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Payment>, StoreError> {
        self.database
            .write(lease, move |c, lease| {
                Box::pin(payments::claim(c, id, lease, now))
            })
            .await
            .map_err(storage)
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        payments::one(&self.database.read().await?, id).await
    }

    async fn captured_of(&self, id: OrderId) -> Result<Option<Payment>, StoreError> {
        payments::captured_of(&self.database.read().await?, id).await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, StoreError> {
        payments::due(&self.database.read().await?, now, limit).await
    }

    async fn take_due(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
        except: Vec<PaymentId>,
    ) -> Result<Vec<Payment>, StoreError> {
        self.database
            .write((lease, except), move |c, (lease, except)| {
                Box::pin(payments::take_due(c, lease, now, (limit, except)))
            })
            .await
            .map_err(storage)
    }

    async fn after(
        &self,
        last: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        payments::after(&self.database.read().await?, last, limit).await
    }

    async fn begin_refund(
        &self,
        intent: RefundIntent,
        at: Timestamp,
        lease: Lease,
    ) -> Result<(Refund, bool), Abort<RefundRefusal>> {
        self.database
            .write((intent, lease), move |c, (intent, lease)| {
                Box::pin(refunds::begin(c, intent, at, lease))
            })
            .await
    }

    async fn book_refund(
        &self,
        refund: &Refund,
        transaction: Transaction,
        at: Timestamp,
    ) -> Result<Option<Refund>, StoreError> {
        self.database
            .write(
                (refund.clone(), transaction),
                move |c, (refund, transaction)| Box::pin(refunds::book(c, refund, transaction, at)),
            )
            .await
            .map_err(storage)
    }

    async fn advance_refund(
        &self,
        refund: &Refund,
        to: Stage,
        at: Timestamp,
    ) -> Result<Option<Refund>, StoreError> {
        self.database
            .write(refund.clone(), move |c, refund| {
                Box::pin(refunds::advance(c, refund, to, at))
            })
            .await
            .map_err(storage)
    }

    async fn postpone_refund(&self, refund: &Refund, delay: Delay) -> Result<(), StoreError> {
        self.database
            .write((refund.clone(), delay), |c, (refund, delay)| {
                Box::pin(refunds::postpone(c, refund, delay))
            })
            .await
            .map_err(storage)
    }

    async fn claim_refund(
        &self,
        id: RefundId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Refund>, StoreError> {
        self.database
            .write(lease, move |c, lease| {
                Box::pin(refunds::claim(c, id, lease, now))
            })
            .await
            .map_err(storage)
    }

    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError> {
        refunds::one(&self.database.read().await?, id).await
    }

    async fn refunds_of(&self, id: PaymentId) -> Result<Vec<Refund>, StoreError> {
        refunds::of_payment(&self.database.read().await?, id).await
    }

    async fn due_refunds(&self, now: Timestamp, limit: u32) -> Result<Vec<RefundId>, StoreError> {
        refunds::due(&self.database.read().await?, now, limit).await
    }

    async fn take_due_refunds(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
        except: Vec<RefundId>,
    ) -> Result<Vec<Refund>, StoreError> {
        self.database
            .write((lease, except), move |c, (lease, except)| {
                Box::pin(refunds::take_due(c, lease, now, (limit, except)))
            })
            .await
            .map_err(storage)
    }

    async fn refund_sums(&self, ids: Vec<PaymentId>) -> Result<Vec<Refunds>, StoreError> {
        audit::refund_sums(&self.database.read().await?, &ids).await
    }

    async fn are_known(&self, ids: Vec<PaymentId>) -> Result<Vec<bool>, StoreError> {
        audit::are_known(&self.database.read().await?, &ids).await
    }

    async fn refunds_after(
        &self,
        last: Option<(PaymentId, RefundId)>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        refunds::after(&self.database.read().await?, last, limit).await
    }

    async fn listed(
        &self,
        status: Option<PaymentStatus>,
        side: Side,
        limit: u32,
    ) -> Result<Vec<Listed>, StoreError> {
        list::listed(&self.database.read().await?, status, side, limit).await
    }

    async fn count_by_status(&self, most: i64) -> Result<Vec<(PaymentStatus, i64)>, StoreError> {
        list::count_by_status(&self.database.read().await?, most).await
    }

    async fn open_payments(
        &self,
        state: Option<SagaState>,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        payments::unended(&self.database.read().await?, state, after, limit).await
    }

    async fn open_refunds(
        &self,
        state: Option<SagaState>,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        refunds::unended(&self.database.read().await?, state, after, limit).await
    }

    /// Here the ledger was there from the first payment on.
    async fn open_books(&self, _: &str, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn release_leases(&self, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write((), move |c, ()| {
                Box::pin(async move {
                    payments::release_leases(c, now).await?;
                    Ok(refunds::release_leases(c, now).await?)
                })
            })
            .await
            .map_err(storage)
    }

    async fn unpark(&self, id: PaymentId, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(id, move |c, id| Box::pin(payments::unpark(c, *id, now)))
            .await
            .map_err(storage)
    }

    async fn unpark_refund(&self, id: RefundId, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(id, move |c, id| Box::pin(refunds::unpark(c, *id, now)))
            .await
            .map_err(storage)
    }

    async fn keep_callback(
        &self,
        callback: KeptCallback,
        body: String,
        next_try_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.database
            .write((callback, body), move |c, (callback, body)| {
                Box::pin(callbacks::keep(c, callback, body, next_try_at))
            })
            .await
            .map_err(storage)
    }

    async fn due_callbacks(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<KeptCallback>, StoreError> {
        callbacks::due(&self.database.read().await?, now, limit).await
    }

    async fn callbacks_of(
        &self,
        id: PaymentId,
        limit: u32,
    ) -> Result<Vec<CallbackView>, StoreError> {
        callbacks::of(&self.database.read().await?, id, limit).await
    }

    async fn end_callback(
        &self,
        event_id: String,
        next_try_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.database
            .write(event_id, move |c, event_id| {
                Box::pin(callbacks::end(c, event_id, next_try_at, now))
            })
            .await
            .map_err(storage)
    }

    async fn review(&self, review: Review, at: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(review, move |c, review| {
                Box::pin(callbacks::review(c, review, at))
            })
            .await
            .map_err(storage)
    }

    async fn reviews(&self, limit: u32) -> Result<Vec<ReviewView>, StoreError> {
        callbacks::reviews(&self.database.read().await?, limit).await
    }

    async fn disown(&self, id: PaymentId, at: Timestamp) -> Result<bool, StoreError> {
        self.database
            .write(id, move |c, id| Box::pin(callbacks::disown(c, *id, at)))
            .await
            .map_err(storage)
    }

    async fn is_disowned(&self, id: PaymentId) -> Result<bool, StoreError> {
        callbacks::is_disowned(&self.database.read().await?, id).await
    }

    async fn compared(&self, provider: &str) -> Result<u64, StoreError> {
        callbacks::compared(&self.database.read().await?, provider).await
    }

    async fn note_compared(&self, provider: &str, upto: u64) -> Result<(), StoreError> {
        self.database
            .write(provider.to_owned(), move |c, provider| {
                Box::pin(callbacks::note_compared(c, provider, upto))
            })
            .await
            .map_err(storage)
    }

    async fn audit_ledger(&self) -> Result<LedgerAudit, StoreError> {
        ledger::audit(&*self.database.snapshot().await?).await
    }
}
