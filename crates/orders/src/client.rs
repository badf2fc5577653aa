//! Orders, far: the same contract, asked of another node. Nothing is kept and nothing is decided here.

use crate::calls;
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::Purchases,
    orders::{
        BeginPayment, Beside, Buyer, CartError, CartFigures, CartHolder, CartView, Carts,
        DiscountCode, DiscountCounts, DiscountError, DiscountQuery, DiscountView, Discounts,
        EarlierOrderQuery, EarlierOrderView, EventsAudit, KeptAddress, NewAddress, NewDiscount,
        OrderAudit, OrderError, OrderEventView, OrderMove, OrderQuery, OrderView, Orders, Payable,
        PlaceOrder, PlaceOrderError, Reader, RefundNote, SetCartItem, Settlement, ShippingChoice,
        ShippingError, ShippingMethodView,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{CartId, Currency, DiscountId, OrderId, Page, ProductId, ShippingMethodId, UserId},
};
use platform::call::Peer;

/// The orders of other nodes.
#[derive(Clone)]
pub struct Client {
    peer: Peer,
}

impl Client {
    /// The orders that these instances keep.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self { peer }
    }
}

#[async_trait]
impl Carts for Client {
    async fn open_cart(
        &self,
        who: &CartHolder,
        address: String,
    ) -> Result<Answered<CartView>, CartError> {
        let arguments = (who.into(), address);
        self.peer.ask(calls::OPEN_CART, &arguments).await
    }

    async fn cart(&self, who: &CartHolder, id: CartId) -> Result<CartView, CartError> {
        self.peer.ask(calls::CART, &(who.into(), id)).await
    }

    async fn set_cart_item(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: SetCartItem,
    ) -> Result<CartView, CartError> {
        let arguments = (who.into(), id, wish);
        self.peer.ask(calls::SET_CART_ITEM, &arguments).await
    }

    async fn set_cart_discount(
        &self,
        who: &CartHolder,
        id: CartId,
        code: Option<DiscountCode>,
    ) -> Result<CartView, CartError> {
        let arguments = (who.into(), id, code);
        self.peer.ask(calls::SET_CART_DISCOUNT, &arguments).await
    }

    async fn set_cart_currency(
        &self,
        who: &CartHolder,
        id: CartId,
        currency: Option<Currency>,
    ) -> Result<CartView, CartError> {
        let arguments = (who.into(), id, currency);
        self.peer.ask(calls::SET_CART_CURRENCY, &arguments).await
    }

    async fn set_cart_shipping(
        &self,
        who: &CartHolder,
        id: CartId,
        method: Option<ShippingMethodId>,
    ) -> Result<CartView, CartError> {
        let arguments = (who.into(), id, method);
        self.peer.ask(calls::SET_CART_SHIPPING, &arguments).await
    }

    async fn set_cart_address(
        &self,
        who: &CartHolder,
        id: CartId,
        address: Option<NewAddress>,
    ) -> Result<CartView, CartError> {
        let arguments = (who.into(), id, address);
        self.peer.ask(calls::SET_CART_ADDRESS, &arguments).await
    }

    async fn shipping_methods(&self, all: bool) -> Result<Vec<ShippingMethodView>, ShippingError> {
        self.peer.ask(calls::SHIPPING_METHODS, &all).await
    }

    async fn cart_shipping_methods(
        &self,
        who: &CartHolder,
        id: CartId,
    ) -> Result<Vec<ShippingChoice>, CartError> {
        let arguments = (who.into(), id);
        self.peer
            .ask(calls::CART_SHIPPING_METHODS, &arguments)
            .await
    }

    async fn merge_cart(&self, who: &CartHolder, id: CartId) -> Result<CartView, CartError> {
        self.peer.ask(calls::MERGE_CART, &(who.into(), id)).await
    }

    async fn check_out(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let arguments = (who.into(), id, wish);
        self.peer.ask(calls::CHECK_OUT, &arguments).await
    }
}

#[async_trait]
impl Purchases for Client {
    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, BoxError> {
        let arguments = (user, product);
        Ok(self.peer.ask(calls::HAS_BOUGHT, &arguments).await?)
    }
}

#[async_trait]
impl Discounts for Client {
    async fn make_discount(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewDiscount,
    ) -> Result<Answered<DiscountView>, DiscountError> {
        let arguments = (who.into(), key, wish);
        self.peer.ask(calls::MAKE_DISCOUNT, &arguments).await
    }

    async fn replace_discount(
        &self,
        who: &Principal,
        id: DiscountId,
        sent: Precondition,
        wish: NewDiscount,
    ) -> Result<DiscountView, DiscountError> {
        let arguments = (who.into(), id, sent, wish);
        self.peer.ask(calls::REPLACE_DISCOUNT, &arguments).await
    }

    async fn discount(
        &self,
        who: &Principal,
        id: DiscountId,
    ) -> Result<DiscountView, DiscountError> {
        self.peer.ask(calls::DISCOUNT, &(who.into(), id)).await
    }

    async fn discount_counts(&self, who: &Principal) -> Result<DiscountCounts, DiscountError> {
        self.peer.ask(calls::DISCOUNT_COUNTS, &who.into()).await
    }

    async fn discounts(
        &self,
        who: &Principal,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, DiscountError> {
        self.peer.ask(calls::DISCOUNTS, &(who.into(), query)).await
    }

    async fn audit_discounts(&self) -> Result<Vec<String>, BoxError> {
        Ok(self.peer.ask(calls::AUDIT_DISCOUNTS, &()).await?)
    }
}

#[async_trait]
impl Orders for Client {
    async fn place(
        &self,
        who: Buyer,
        key: IdempotencyKey,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let arguments = ((&who).into(), key, wish);
        self.peer.ask(calls::PLACE, &arguments).await
    }

    async fn order(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError> {
        self.peer.ask(calls::ORDER, &(who.into(), id)).await
    }

    async fn order_when_paid(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError> {
        let arguments = (who.into(), id);
        self.peer.ask(calls::ORDER_WHEN_PAID, &arguments).await
    }

    async fn orders(
        &self,
        who: &Principal,
        query: OrderQuery,
    ) -> Result<Page<OrderView>, OrderError> {
        self.peer.ask(calls::ORDERS, &(who.into(), query)).await
    }

    async fn timeline(&self, who: &Reader, id: OrderId) -> Result<Vec<OrderEventView>, OrderError> {
        self.peer.ask(calls::TIMELINE, &(who.into(), id)).await
    }

    async fn earlier_orders(
        &self,
        who: &Principal,
        query: EarlierOrderQuery,
    ) -> Result<Page<EarlierOrderView>, OrderError> {
        let arguments = (who.into(), query);
        self.peer.ask(calls::EARLIER_ORDERS, &arguments).await
    }

    async fn kept_addresses(&self, user: UserId) -> Result<Vec<KeptAddress>, OrderError> {
        self.peer.ask(calls::KEPT_ADDRESSES, &user).await
    }

    async fn own_cart(&self, user: UserId) -> Result<Option<CartView>, CartError> {
        self.peer.ask(calls::OWN_CART, &user).await
    }

    async fn cart_figures(&self) -> Result<CartFigures, OrderError> {
        self.peer.ask(calls::CART_FIGURES, &()).await
    }

    async fn beside(&self, who: &Reader, id: OrderId) -> Result<Beside, OrderError> {
        self.peer.ask(calls::BESIDE, &(who.into(), id)).await
    }

    async fn advance(
        &self,
        who: &Reader,
        id: OrderId,
        step: OrderMove,
    ) -> Result<OrderView, OrderError> {
        self.peer.ask(calls::ADVANCE, &(who.into(), id, step)).await
    }

    async fn begin_payments(&self, batch: Vec<BeginPayment>) -> Vec<Result<Payable, OrderError>> {
        self.peer.ask_each(calls::BEGIN_PAYMENTS, &batch).await
    }

    async fn settle_all(&self, batch: Vec<Settlement>) -> Vec<Result<(), OrderError>> {
        self.peer.ask_each(calls::SETTLE_ALL, &batch).await
    }

    async fn note_refund(&self, note: RefundNote) -> Result<(), OrderError> {
        self.peer.ask(calls::NOTE_REFUND, &note).await
    }

    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<OrderAudit>, BoxError> {
        Ok(self.peer.ask(calls::AUDIT, &(after, limit)).await?)
    }

    async fn audit_events(&self) -> Result<EventsAudit, BoxError> {
        Ok(self.peer.ask(calls::AUDIT_EVENTS, &()).await?)
    }
}
