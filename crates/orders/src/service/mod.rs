//! The use cases of orders, a file each. They decide through the domain and write through the store.

mod addresses;
mod advance;
mod automatic;
mod book;
mod carts;
mod claims;
mod discounts;
mod earlier;
mod expire;
mod figures;
mod find;
mod looked;
pub(crate) mod mails;
mod notes;
pub(crate) mod papers;
mod pay;
mod place;
mod returns;
mod shipments;
mod shipping;
mod sums;
mod taxes;
mod terms;

use crate::{
    Parts, Post,
    config::Config,
    domain::order::{Happening, Order},
    store::{Acting, Store},
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::{Actor, Principal},
    catalog::{Catalog, Overdue, Purchases, ReservationState, Resolve, ResolveError},
    identity::Addresses,
    orders::{
        BeginPayment, Beside, Buyer, CartError, CartFigures, CartHolder, CartView, Carts,
        DiscountCode, DiscountCounts, DiscountError, DiscountQuery, DiscountView, Discounts,
        EarlierOrderQuery, EarlierOrderView, EventsAudit, KeptAddress, NewAddress, NewDiscount,
        OrderAudit, OrderError, OrderEventView, OrderMove, OrderQuery, OrderView, Orders, Payable,
        PlaceOrder, PlaceOrderError, Reader, RefundNote, SetCartItem, Settlement, ShippingChoice,
        ShippingError, ShippingMethodView,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{
        CartId, Currency, DiscountId, OrderId, Page, ProductId, ShippingMethodId, Timestamp, UserId,
    },
};
use place::{PlaceBatcher, PlaceWorker};
use platform::{clock::Clock, db::sqlite::Rows};
use std::sync::{Arc, Mutex, OnceLock};

/// When whoever was erased is erased once more: a token lives for fifteen minutes at most (`identity`), and a node may
/// be late.
const ERASED_AGAIN_SECONDS: i64 = 3_600;

/// Orders, near.
pub struct Service {
    store: Arc<dyn Store>,
    catalog: Arc<dyn Catalog>,
    placing: PlaceBatcher,
    clock: Clock,
    config: Config,
    token_secret: [u8; 32],
    automatic: automatic::Automatic,
    /// How far the sweeper has looked through what is open past its time.
    looked_at: Mutex<Option<Overdue>>,
    /// Who knows addresses, where somebody does.
    addresses: OnceLock<Arc<dyn Addresses>>,
    /// How buyers are written to, if they are from here.
    post: Option<Post>,
}

impl Service {
    pub(crate) fn new(store: Arc<dyn Store>, parts: Parts, token_secret: [u8; 32]) -> Self {
        let worker = PlaceWorker {
            store: Arc::clone(&store),
            catalog: Arc::clone(&parts.catalog),
            clock: parts.clock.clone(),
        };
        let placing = place::start(&parts, worker);
        let Parts {
            config,
            clock,
            catalog,
            post,
            ..
        } = parts;
        Self {
            store,
            catalog,
            placing,
            clock,
            config,
            token_secret,
            automatic: automatic::Automatic::default(),
            looked_at: Mutex::default(),
            addresses: OnceLock::new(),
            post,
        }
    }

    /// Whether the store can be read. It is looked at every second: what that takes does not grow with the orders.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check(&self) -> Result<(), BoxError> {
        Ok(self.store.due(Timestamp::from_ms(0), 1).await.map(drop)?)
    }

    /// Which orders this process changes; nothing where the store does not know.
    #[must_use]
    pub fn rows(&self) -> Option<Rows> {
        self.store.rows()
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// Erases who bought, everywhere in the orders.
    pub(crate) async fn forget_customer(&self, id: UserId) -> Result<(), BoxError> {
        let again_at = self.clock.now().plus_seconds(ERASED_AGAIN_SECONDS);
        Ok(self.store.forget_customer(id, Some(again_at)).await?)
    }

    async fn happen(
        &self,
        id: OrderId,
        happening: Happening,
        actor: &Actor,
    ) -> Result<(Order, Order), OrderError> {
        let happened = self
            .store
            .happen(id, happening, Acting::here(actor.label()), self.clock.now())
            .await;
        happened
            .map_err(|abort| abort.into_refusal(|| OrderError::Overloaded, OrderError::Internal))
    }

    /// Gives stock back. A failure is only logged: the event of the same commit brings it about later, or was faster.
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
                Ok(())
                | Err(
                    ResolveError::Unknown
                    | ResolveError::Resolved(
                        ReservationState::Released
                        | ReservationState::Expired
                        | ReservationState::Returned,
                    ),
                ) => {}
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
impl Carts for Service {
    async fn open_cart(
        &self,
        who: &CartHolder,
        address: String,
    ) -> Result<Answered<CartView>, CartError> {
        self.open_a_cart(who, &address).await
    }

    async fn cart(&self, who: &CartHolder, id: CartId) -> Result<CartView, CartError> {
        self.find_cart(who, id).await
    }

    async fn set_cart_item(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: SetCartItem,
    ) -> Result<CartView, CartError> {
        self.set_item(who, id, wish).await
    }

    async fn set_cart_discount(
        &self,
        who: &CartHolder,
        id: CartId,
        code: Option<DiscountCode>,
    ) -> Result<CartView, CartError> {
        self.set_code(who, id, code).await
    }

    async fn set_cart_currency(
        &self,
        who: &CartHolder,
        id: CartId,
        currency: Option<Currency>,
    ) -> Result<CartView, CartError> {
        self.set_currency(who, id, currency).await
    }

    async fn set_cart_shipping(
        &self,
        who: &CartHolder,
        id: CartId,
        method: Option<ShippingMethodId>,
    ) -> Result<CartView, CartError> {
        self.set_method(who, id, method).await
    }

    async fn set_cart_address(
        &self,
        who: &CartHolder,
        id: CartId,
        address: Option<NewAddress>,
    ) -> Result<CartView, CartError> {
        self.set_address(who, id, address).await
    }

    async fn shipping_methods(&self, all: bool) -> Result<Vec<ShippingMethodView>, ShippingError> {
        self.list_methods(all).await
    }

    async fn cart_shipping_methods(
        &self,
        who: &CartHolder,
        id: CartId,
    ) -> Result<Vec<ShippingChoice>, CartError> {
        self.ways_for_cart(who, id).await
    }

    async fn merge_cart(&self, who: &CartHolder, id: CartId) -> Result<CartView, CartError> {
        self.merge_into_own(who, id).await
    }

    async fn check_out(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        self.buy_cart(who, id, wish).await
    }
}

#[async_trait]
impl Purchases for Service {
    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, BoxError> {
        Ok(self.store.has_bought(user, product).await?)
    }
}

#[async_trait]
impl Discounts for Service {
    async fn make_discount(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewDiscount,
    ) -> Result<Answered<DiscountView>, DiscountError> {
        self.make_a_discount(who, key, wish).await
    }

    async fn replace_discount(
        &self,
        who: &Principal,
        id: DiscountId,
        sent: Precondition,
        wish: NewDiscount,
    ) -> Result<DiscountView, DiscountError> {
        self.replace_a_discount(who, id, (sent, wish)).await
    }

    async fn discount(
        &self,
        who: &Principal,
        id: DiscountId,
    ) -> Result<DiscountView, DiscountError> {
        self.find_discount(who, id).await
    }

    async fn discount_counts(&self, who: &Principal) -> Result<DiscountCounts, DiscountError> {
        self.count_discounts(who).await
    }

    async fn discounts(
        &self,
        who: &Principal,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, DiscountError> {
        self.list_discounts(who, query).await
    }

    async fn audit_discounts(&self) -> Result<Vec<String>, BoxError> {
        Ok(self.store.audit_discounts().await?)
    }
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

    async fn earlier_orders(
        &self,
        who: &Principal,
        query: EarlierOrderQuery,
    ) -> Result<Page<EarlierOrderView>, OrderError> {
        self.list_earlier(who, query).await
    }

    async fn kept_addresses(&self, user: UserId) -> Result<Vec<KeptAddress>, OrderError> {
        self.addresses_of(user).await
    }

    async fn own_cart(&self, user: UserId) -> Result<Option<CartView>, CartError> {
        self.cart_of(user).await
    }

    async fn cart_figures(&self) -> Result<CartFigures, OrderError> {
        self.figures_of_carts().await
    }

    async fn beside(&self, who: &Reader, id: OrderId) -> Result<Beside, OrderError> {
        Ok(Beside {
            shipments: self.shipments(who, id).await?,
            notes: self.notes(who, id).await?,
            returns: self.returns(who, id).await?,
        })
    }

    async fn advance(
        &self,
        who: &Reader,
        id: OrderId,
        step: OrderMove,
    ) -> Result<OrderView, OrderError> {
        self.advance_order(who, id, step).await
    }

    async fn begin_payments(&self, batch: Vec<BeginPayment>) -> Vec<Result<Payable, OrderError>> {
        self.begin_order_payments(batch).await
    }

    async fn settle_all(&self, batch: Vec<Settlement>) -> Vec<Result<(), OrderError>> {
        self.settle_orders(batch).await
    }

    async fn note_refund(&self, note: RefundNote) -> Result<(), OrderError> {
        self.note_order_refund(note).await
    }

    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<OrderAudit>, BoxError> {
        Ok(self.store.audit(after, limit).await?)
    }

    async fn audit_events(&self) -> Result<EventsAudit, BoxError> {
        Ok(self.store.audit_events().await?)
    }
}
