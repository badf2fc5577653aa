//! The use cases of orders, a file each. They decide through the domain and write through the store.

mod advance;
mod expire;
mod find;
mod pay;
mod place;

use crate::{
    Parts,
    config::Config,
    domain::order::{Happening, Order},
    store::Store,
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::{Actor, Principal},
    catalog::{Catalog, ReservationState, Resolve, ResolveError},
    orders::{
        Buyer, OrderAudit, OrderError, OrderEventView, OrderMove, OrderQuery, OrderView, Orders,
        Payable, PaymentEnd, PlaceOrder, PlaceOrderError, Reader,
    },
    request::{Answered, IdempotencyKey},
    values::{OrderId, Page, PaymentId, UserId},
};
use place::{PlaceBatcher, PlaceWorker};
use platform::clock::Clock;
use std::sync::Arc;

/// Orders, near.
pub struct Service {
    store: Arc<dyn Store>,
    catalog: Arc<dyn Catalog>,
    placing: PlaceBatcher,
    clock: Clock,
    config: Config,
    token_secret: [u8; 32],
}

impl Service {
    pub(crate) fn new(store: Arc<dyn Store>, parts: Parts, token_secret: [u8; 32]) -> Self {
        let worker = PlaceWorker {
            store: Arc::clone(&store),
            catalog: Arc::clone(&parts.catalog),
        };
        let placing = place::start(&parts.tasks, &parts.config, worker);
        let Parts {
            config,
            clock,
            catalog,
            ..
        } = parts;
        Self {
            store,
            catalog,
            placing,
            clock,
            config,
            token_secret,
        }
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// Erases who bought, everywhere in the orders.
    pub(crate) async fn forget_customer(&self, id: UserId) -> Result<(), BoxError> {
        Ok(self.store.forget_customer(id).await?)
    }

    async fn happen(
        &self,
        id: OrderId,
        happening: Happening,
        actor: &Actor,
    ) -> Result<(Order, Order), OrderError> {
        let happened = self
            .store
            .happen(id, happening, actor.label(), self.clock.now())
            .await;
        happened
            .map_err(|abort| abort.into_refusal(|| OrderError::Overloaded, OrderError::Internal))
    }

    /// Gives stock back. A failure is only logged: the event of the same commit brings it about later.
    async fn give_stock_back(&self, ids: &[OrderId], to: ReservationState, actor: &Actor) {
        let wishes = ids
            .iter()
            .map(|id| Resolve {
                order_id: *id,
                to,
                actor: actor.label(),
            })
            .collect();
        for (id, result) in ids.iter().zip(self.catalog.resolve_all(wishes).await) {
            match result {
                Ok(()) | Err(ResolveError::Unknown) => {}
                Err(error) => {
                    tracing::warn!(order.id = %id, error = %error, "stock will be given back later")
                }
            }
        }
    }
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> OrderError {
    OrderError::Internal(Box::new(error))
}

#[async_trait]
impl Orders for Service {
    async fn place(
        &self,
        who: Buyer,
        key: IdempotencyKey,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        self.place_order(who, key, wish).await
    }

    async fn order(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError> {
        self.find_order(who, id).await
    }

    async fn order_when_paid(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError> {
        self.find_order_when_paid(who, id).await
    }

    async fn orders(
        &self,
        who: &Principal,
        query: OrderQuery,
    ) -> Result<Page<OrderView>, OrderError> {
        self.list_orders(who, query).await
    }

    async fn timeline(&self, who: &Reader, id: OrderId) -> Result<Vec<OrderEventView>, OrderError> {
        self.find_timeline(who, id).await
    }

    async fn advance(
        &self,
        who: &Reader,
        id: OrderId,
        step: OrderMove,
    ) -> Result<OrderView, OrderError> {
        self.advance_order(who, id, step).await
    }

    async fn begin_payment(&self, id: OrderId, payment: PaymentId) -> Result<Payable, OrderError> {
        self.begin_order_payment(id, payment).await
    }

    async fn end_payment(
        &self,
        id: OrderId,
        payment: PaymentId,
        end: PaymentEnd,
    ) -> Result<OrderView, OrderError> {
        self.end_order_payment(id, payment, end).await
    }

    async fn note_refund(&self, id: OrderId, payment: PaymentId) -> Result<(), OrderError> {
        self.store
            .note(id, "refunded", payment.to_string(), self.clock.now())
            .await
            .map_err(internal)
    }

    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<OrderAudit>, BoxError> {
        Ok(self.store.audit(after, limit).await?)
    }
}
