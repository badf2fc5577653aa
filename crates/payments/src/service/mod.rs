//! The use cases, a file each. Every payment is moved by `drive` alone, whoever wants it moved.

mod audit;
mod drive;
mod find;
mod flight;
mod pay;
mod refund;
mod sweep;

use crate::{
    config::Config,
    domain::{HEAD_START_MS, Payment, State, later},
    provider::Provider,
    store::{Change, Store, Taken},
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    catalog::Catalog,
    orders::{OrderError, OrderView, Orders, Reader},
    payments::{PayError, PayOrder, PaymentAudit, PaymentView, Payments},
    request::{Answered, IdempotencyKey},
    values::{OrderId, PaymentId, Timestamp},
};
pub(crate) use flight::Flights;
use platform::{
    clock::Clock,
    db::{Abort, StoreError},
    tasks::Tasks,
};
use std::sync::Arc;
pub(crate) use sweep::start;

/// Payments, as the others hold them.
#[derive(Clone)]
pub struct Service {
    core: Arc<Core>,
}

/// What the use cases work with.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) orders: Arc<dyn Orders>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) flights: Flights,
}

impl Service {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// Takes up, once, what is unfinished and due; answers how many payments that were. What the sweeper
    /// does each second.
    ///
    /// # Errors
    /// When storage cannot be read.
    pub async fn sweep(&self) -> Result<usize, BoxError> {
        sweep::sweep(&self.core).await
    }

    /// Gives a called-off order's money back.
    pub(crate) async fn refund(&self, order: OrderId, payment: PaymentId) -> Result<(), BoxError> {
        self.core.refund(order, payment).await
    }
}

#[async_trait]
impl Payments for Service {
    async fn accepts(&self, method: &str) -> bool {
        self.core.provider.knows(method)
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

    async fn audit(
        &self,
        after: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<PaymentAudit>, BoxError> {
        self.core.audit(after, limit).await
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

    /// A move that begins now.
    fn change(&self, to: State, told: bool) -> Change {
        let at = self.clock.now();
        Change {
            to,
            told,
            at,
            next_try_at: head_start(at),
        }
    }

    /// Moves a payment; `None` if somebody else did first.
    async fn advance(
        &self,
        payment: &Payment,
        to: State,
        told: bool,
    ) -> Result<Option<Payment>, BoxError> {
        if !payment.state.may_become(&to) {
            let (from, to) = (payment.state.status(), to.status());
            return Err(format!("no move of a payment from {from:?} to {to:?}").into());
        }
        let moved = self.store.advance(payment, self.change(to, told)).await;
        let moved = moved.map_err(|abort| -> BoxError {
            match abort {
                Abort::Failed(error) => Box::new(error),
                Abort::Refused(Taken) => "another payment of the order is under way".into(),
            }
        })?;
        if let Some(payment) = &moved {
            let status = payment.state.status();
            tracing::info!(
                payment.id = %payment.id, order.id = %payment.order_id, payment.status = status.as_str(),
                "payment {} is {}", payment.id, status.as_str()
            );
        }
        Ok(moved)
    }
}

/// When the sweeper may take up what begins now.
const fn head_start(now: Timestamp) -> Timestamp {
    later(now, HEAD_START_MS)
}

fn store_failed(error: StoreError) -> PayError {
    match error {
        StoreError::Overloaded | StoreError::Late => PayError::Overloaded,
        StoreError::Constraint(_)
        | StoreError::Full
        | StoreError::Lost(_)
        | StoreError::Other(_) => PayError::Internal(Box::new(error)),
    }
}
