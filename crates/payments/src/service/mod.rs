//! The use cases, a file each. Every payment is moved by `drive` alone and every refund by `drive_refund`, whoever
//! wants it moved: a request, the sweeper, a callback, a person.

mod audit;
mod callback;
mod crossings;
mod drive;
mod find;
mod flight;
mod halt;
mod list;
mod pay;
mod reconcile;
mod refund;
mod returns;
mod sagas;
mod sweep;
mod turns;
mod void;

use crate::{
    config::{Config, ProviderName},
    domain::{Payment, State, lease_end, ledger},
    metrics,
    provider::{
        Provider,
        sandbox::{Sandbox, Sink},
    },
    store::{Change, Lease, Store, Taken},
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::Catalog,
    orders::{OrderError, OrderView, Orders, Reader, ReturnReceived},
    payments::{
        CallbackError, ChargeAudit, LedgerAudit, PayError, PayOrder, PaymentAudit, PaymentCount,
        PaymentListError, PaymentPage, PaymentQuery, PaymentRecord, PaymentView, Payments,
        RefundAudit, RefundError, RefundOf, RefundOrder, RefundView, ReviewView, SagaError, SagaId,
        SagaQuery, SagaView,
    },
    request::{Answered, IdempotencyKey},
    values::{OrderId, Page, PaymentId, RefundId, Timestamp},
};
pub(crate) use crossings::Crossings;
pub(crate) use flight::Flights;
use platform::{
    clock::Clock,
    db::{Abort, StoreError},
    tasks::Tasks,
};
use std::sync::Arc;
pub(crate) use sweep::start;
use sweep::take_up;
pub(crate) use turns::Turns;

/// Payments, as the others hold them.
#[derive(Clone)]
pub struct Service {
    core: Arc<Core>,
    sandbox: Sandbox,
}

/// What the use cases work with.
pub(crate) struct Core {
    /// This process, as the owner of leases.
    pub(crate) owner: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) orders: Arc<dyn Orders>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) crossings: Crossings,
    pub(crate) is_alone: bool,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) flights: Flights,
    pub(crate) turns: Turns,
}

impl Service {
    pub(crate) fn new(core: Core, sandbox: Sandbox) -> Self {
        Self {
            core: Arc::new(core),
            sandbox,
        }
    }

    /// Takes up, once, what is unfinished and due; answers how many sagas and callbacks that were. What the sweeper
    /// does each second.
    ///
    /// # Errors
    /// When storage cannot be read.
    pub async fn sweep(&self) -> Result<usize, BoxError> {
        sweep::sweep(&self.core).await
    }

    /// Compares a page of the provider's books with ours; answers how many charges that were.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub async fn reconcile(&self) -> Result<usize, BoxError> {
        self.core.reconcile().await
    }

    /// The database, where it writes what it tells others.
    #[must_use]
    pub fn outbox(&self) -> platform::db::Database {
        self.core.store.outbox()
    }

    /// The built-in provider, for whoever tries out how it may misbehave.
    #[must_use]
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Whether it is the built-in provider that moves the money.
    #[must_use]
    pub fn is_sandboxed(&self) -> bool {
        self.core.config.provider == ProviderName::Sandbox
    }

    /// Makes ready what the process that ended left behind. Where several work on one store, leases end by time alone:
    /// whoever starts must not take what another is at.
    pub(crate) async fn recover(&self) -> Result<(), BoxError> {
        let now = self.core.clock.now();
        self.core
            .store
            .open_books(self.core.provider.name(), now)
            .await?;
        if self.core.is_alone {
            self.core.store.release_leases(now).await?;
        }
        Ok(())
    }

    /// Gives a called-off order's money back.
    pub(crate) async fn refund_rest(
        &self,
        order: OrderId,
        payment: PaymentId,
    ) -> Result<(), BoxError> {
        self.core.refund_rest(order, payment).await
    }

    /// Pays back what came back.
    pub(crate) async fn refund_return(&self, event: ReturnReceived) -> Result<(), BoxError> {
        self.core.refund_return(event).await
    }
}

#[async_trait]
impl Sink for Service {
    async fn take(&self, signature: &str, body: &[u8]) -> Result<(), BoxError> {
        let name = self.core.provider.name();
        Ok(callback::take_in(&self.core, name, signature, body).await?)
    }
}

#[async_trait]
impl Payments for Service {
    async fn accepts(&self, method: &str) -> Result<bool, BoxError> {
        Ok(self.core.provider.knows(method))
    }

    async fn pay(
        &self,
        who: &Reader,
        key: IdempotencyKey,
        wish: PayOrder,
    ) -> Result<Answered<PaymentView>, PayError> {
        pay::pay(&self.core, who, &key, wish).await
    }

    async fn payment(&self, who: &Reader, id: PaymentId) -> Result<PaymentView, PayError> {
        self.core.payment(who, id).await
    }

    async fn void(&self, who: &Reader, id: PaymentId) -> Result<PaymentView, PayError> {
        void::void(&self.core, who, id).await
    }

    async fn refund(
        &self,
        who: &Principal,
        key: IdempotencyKey,
        of: RefundOf,
        wish: RefundOrder,
    ) -> Result<Answered<RefundView>, RefundError> {
        refund::refund(&self.core, who, &key, of, wish).await
    }

    async fn refunds(&self, who: &Reader, id: PaymentId) -> Result<Vec<RefundView>, PayError> {
        self.core.refunds_of(who, id).await
    }

    async fn callback(
        &self,
        provider: &str,
        signature: &str,
        body: &[u8],
    ) -> Result<(), CallbackError> {
        callback::take_in(&self.core, provider, signature, body).await
    }

    async fn list(&self, query: PaymentQuery) -> Result<PaymentPage, PaymentListError> {
        self.core.list(query).await
    }

    async fn counts(&self) -> Result<Vec<PaymentCount>, PaymentListError> {
        self.core.counts().await
    }

    async fn record(&self, id: PaymentId) -> Result<Option<PaymentRecord>, PaymentListError> {
        self.core.record(id).await
    }

    async fn sagas(&self, query: SagaQuery) -> Result<Page<SagaView>, SagaError> {
        self.core.sagas(query).await
    }

    async fn retry_saga(&self, id: SagaId) -> Result<SagaView, SagaError> {
        sagas::retry(&self.core, id).await
    }

    async fn reviews(&self, limit: u32) -> Result<Vec<ReviewView>, BoxError> {
        Ok(self.core.store.reviews(limit).await?)
    }

    async fn audit(
        &self,
        after: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<PaymentAudit>, BoxError> {
        self.core.audit(after, limit).await
    }

    async fn audit_refunds(
        &self,
        after: Option<(PaymentId, RefundId)>,
        limit: u32,
    ) -> Result<Vec<RefundAudit>, BoxError> {
        self.core.audit_refunds(after, limit).await
    }

    async fn audit_ledger(&self) -> Result<LedgerAudit, BoxError> {
        Ok(self.core.store.audit_ledger().await?)
    }

    async fn audit_charges(&self, after: u64, limit: u32) -> Result<Vec<ChargeAudit>, BoxError> {
        self.core.audit_charges(after, limit).await
    }
}

impl Core {
    /// The order, if the caller bought it or runs the shop. Its seller sees the order too, but how it is paid
    /// is none of theirs.
    async fn order(&self, who: &Reader, id: OrderId) -> Result<OrderView, PayError> {
        let order = self.seen_order(who, id).await?;
        let concerned = who.principal.as_ref().is_none_or(|principal| {
            principal.is_admin() || order.customer_id == Some(principal.user_id)
        });
        if concerned {
            return Ok(order);
        }
        // Whoever else is signed in must have the guest's token.
        let guest = Reader {
            principal: None,
            order_token: who.order_token.clone(),
        };
        self.seen_order(&guest, id).await
    }

    /// The order, if the caller may see it.
    async fn seen_order(&self, who: &Reader, id: OrderId) -> Result<OrderView, PayError> {
        self.orders
            .order(who, id)
            .await
            .map_err(|error| match error {
                OrderError::NotFound | OrderError::Forbidden => PayError::NotFound,
                OrderError::Overloaded => PayError::Overloaded,
                OrderError::IllegalTransition { .. }
                | OrderError::PaymentInProgress
                | OrderError::Invalid { .. }
                | OrderError::Internal(_) => PayError::Internal(Box::new(error)),
            })
    }

    /// A lease of this process that begins now.
    fn lease(&self, now: Timestamp) -> Lease {
        Lease {
            owner: self.owner.clone(),
            until: lease_end(now),
        }
    }

    /// A move that happens now; money that is taken is booked in the same commit.
    fn change(&self, to: State, told: bool) -> Change {
        let at = self.clock.now();
        Change {
            to,
            told,
            late: false,
            booked: None,
            at,
            lease_until: lease_end(at),
        }
    }

    /// Moves a payment; `None` if somebody else did first.
    async fn advance(
        &self,
        payment: &Payment,
        to: State,
        told: bool,
    ) -> Result<Option<Payment>, BoxError> {
        let mut change = self.change(to, told);
        if matches!(change.to, State::Captured { .. }) {
            let provider = self.provider.name();
            change.booked = Some(ledger::captured(provider, payment.id, payment.amount));
        }
        self.write(payment, change).await
    }

    async fn write(&self, payment: &Payment, change: Change) -> Result<Option<Payment>, BoxError> {
        if !payment.state.may_become(&change.to) {
            let (from, to) = (payment.state.status(), change.to.status());
            return Err(format!("no move of a payment from {from:?} to {to:?}").into());
        }
        let moved = self.store.advance(payment, change).await;
        let moved = moved.map_err(|abort| -> BoxError {
            match abort {
                Abort::Failed(error) => Box::new(error),
                Abort::Refused(Taken) => "another payment of the order is under way".into(),
            }
        })?;
        if let Some(payment) = &moved {
            let status = payment.state.status();
            metrics::moved(status, payment.amount);
            tracing::info!(
                payment.id = %payment.id, order.id = %payment.order_id, payment.status = status.as_str(),
                "payment {} is {}", payment.id, status.as_str()
            );
        }
        Ok(moved)
    }
}

fn store_of_saga(error: StoreError) -> SagaError {
    match error {
        StoreError::Overloaded | StoreError::Late | StoreError::Away(_) => SagaError::Overloaded,
        StoreError::Constraint(_)
        | StoreError::Full
        | StoreError::Lost(_)
        | StoreError::Unknown(_)
        | StoreError::Other(_) => SagaError::Internal(Box::new(error)),
    }
}

fn store_failed(error: StoreError) -> PayError {
    match error {
        StoreError::Overloaded | StoreError::Late | StoreError::Away(_) => PayError::Overloaded,
        StoreError::Constraint(_)
        | StoreError::Full
        | StoreError::Lost(_)
        | StoreError::Unknown(_)
        | StoreError::Other(_) => PayError::Internal(Box::new(error)),
    }
}
