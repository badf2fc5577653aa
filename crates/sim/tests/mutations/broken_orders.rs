//! Orders with one bug in front of the real ones.

use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::{Purchases, ReserveError},
    orders::{
        BeginPayment, Beside, Buyer, CartError, CartFigures, CartHolder, CartView, Carts,
        DiscountCode, DiscountCounts, DiscountError, DiscountQuery, DiscountView, Discounts,
        EarlierOrderQuery, EarlierOrderView, EventsAudit, KeptAddress, NewAddress, NewDiscount,
        OrderAudit, OrderError, OrderEventView, OrderMove, OrderQuery, OrderStatus, OrderView,
        Orders, Payable, PaymentEnd, PlaceOrder, PlaceOrderError, Reader, RefundNote, SetCartItem,
        Settlement, ShippingChoice, ShippingError, ShippingMethodView,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{CartId, Currency, DiscountId, OrderId, Page, ProductId, ShippingMethodId, UserId},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrdersBug {
    /// A retry is a new order.
    DropsKeys,
    /// Some orders are written, and their buyers hear that there is no stock.
    RefusesAfterwards,
    /// A payment that failed counts as one that paid.
    PaidWithoutMoney,
    /// Payments hear of a cent less.
    WrongAmount,
    /// A move is acknowledged and not made.
    AnswersWithoutMoving,
    /// A refund's note is thrown away.
    ForgetsRefunds,
    /// Some reads fail.
    FailsForNoReason,
    /// Reads do not end.
    Hangs,
}

pub(crate) struct BrokenOrders {
    inner: Arc<dyn Orders>,
    bug: OrdersBug,
    count: AtomicU64,
}

impl BrokenOrders {
    pub(crate) fn new(inner: Arc<dyn Orders>, bug: OrdersBug) -> Self {
        Self {
            inner,
            bug,
            count: AtomicU64::new(0),
        }
    }

    fn is(&self, bug: OrdersBug) -> bool {
        self.bug == bug
    }

    /// True for every third of those who ask.
    fn third(&self) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed).is_multiple_of(3)
    }
}

#[async_trait]
impl Carts for BrokenOrders {
    async fn open_cart(
        &self,
        who: &CartHolder,
        address: String,
    ) -> Result<Answered<CartView>, CartError> {
        self.inner.open_cart(who, address).await
    }

    async fn cart(&self, who: &CartHolder, id: CartId) -> Result<CartView, CartError> {
        self.inner.cart(who, id).await
    }

    async fn set_cart_item(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: SetCartItem,
    ) -> Result<CartView, CartError> {
        self.inner.set_cart_item(who, id, wish).await
    }

    async fn set_cart_discount(
        &self,
        who: &CartHolder,
        id: CartId,
        code: Option<DiscountCode>,
    ) -> Result<CartView, CartError> {
        self.inner.set_cart_discount(who, id, code).await
    }

    async fn set_cart_currency(
        &self,
        who: &CartHolder,
        id: CartId,
        currency: Option<Currency>,
    ) -> Result<CartView, CartError> {
        self.inner.set_cart_currency(who, id, currency).await
    }

    async fn set_cart_shipping(
        &self,
        who: &CartHolder,
        id: CartId,
        method: Option<ShippingMethodId>,
    ) -> Result<CartView, CartError> {
        self.inner.set_cart_shipping(who, id, method).await
    }

    async fn set_cart_address(
        &self,
        who: &CartHolder,
        id: CartId,
        address: Option<NewAddress>,
    ) -> Result<CartView, CartError> {
        self.inner.set_cart_address(who, id, address).await
    }

    async fn shipping_methods(&self, all: bool) -> Result<Vec<ShippingMethodView>, ShippingError> {
        self.inner.shipping_methods(all).await
    }

    async fn cart_shipping_methods(
        &self,
        who: &CartHolder,
        id: CartId,
    ) -> Result<Vec<ShippingChoice>, CartError> {
        self.inner.cart_shipping_methods(who, id).await
    }

    async fn merge_cart(&self, who: &CartHolder, id: CartId) -> Result<CartView, CartError> {
        self.inner.merge_cart(who, id).await
    }

    async fn check_out(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        self.inner.check_out(who, id, wish).await
    }
}

#[async_trait]
impl Purchases for BrokenOrders {
    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, BoxError> {
        self.inner.has_bought(user, product).await
    }
}

#[async_trait]
impl Discounts for BrokenOrders {
    async fn make_discount(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewDiscount,
    ) -> Result<Answered<DiscountView>, DiscountError> {
        self.inner.make_discount(who, key, wish).await
    }

    async fn replace_discount(
        &self,
        who: &Principal,
        id: DiscountId,
        sent: Precondition,
        wish: NewDiscount,
    ) -> Result<DiscountView, DiscountError> {
        self.inner.replace_discount(who, id, sent, wish).await
    }

    async fn discount(
        &self,
        who: &Principal,
        id: DiscountId,
    ) -> Result<DiscountView, DiscountError> {
        self.inner.discount(who, id).await
    }

    async fn discount_counts(&self, who: &Principal) -> Result<DiscountCounts, DiscountError> {
        self.inner.discount_counts(who).await
    }

    async fn discounts(
        &self,
        who: &Principal,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, DiscountError> {
        self.inner.discounts(who, query).await
    }

    async fn audit_discounts(&self) -> Result<Vec<String>, BoxError> {
        self.inner.audit_discounts().await
    }
}

#[async_trait]
impl Orders for BrokenOrders {
    async fn place(
        &self,
        who: Buyer,
        key: IdempotencyKey,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let key = if self.is(OrdersBug::DropsKeys) {
            let number = self.count.fetch_add(1, Ordering::Relaxed);
            IdempotencyKey::parse(&format!("{}-{number}", key.as_str())).unwrap()
        } else {
            key
        };
        let placed = self.inner.place(who, key, wish).await?;
        if self.is(OrdersBug::RefusesAfterwards) && self.third() {
            let error = ReserveError::InsufficientStock { items: Vec::new() };
            return Err(PlaceOrderError::Stock(error));
        }
        Ok(placed)
    }

    async fn order(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError> {
        if self.is(OrdersBug::Hangs) && who.principal.as_ref().is_some_and(|one| !one.is_admin()) {
            return std::future::pending().await;
        }
        if self.is(OrdersBug::FailsForNoReason)
            && who.principal.as_ref().is_some_and(|one| !one.is_admin())
        {
            return Err(OrderError::Internal("no reason".into()));
        }
        let mut view = self.inner.order(who, id).await?;
        if self.is(OrdersBug::WrongAmount) {
            view.total.minor -= 1;
        }
        Ok(view)
    }

    async fn order_when_paid(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError> {
        self.inner.order_when_paid(who, id).await
    }

    async fn orders(
        &self,
        who: &Principal,
        query: OrderQuery,
    ) -> Result<Page<OrderView>, OrderError> {
        self.inner.orders(who, query).await
    }

    async fn timeline(&self, who: &Reader, id: OrderId) -> Result<Vec<OrderEventView>, OrderError> {
        self.inner.timeline(who, id).await
    }

    async fn earlier_orders(
        &self,
        who: &Principal,
        query: EarlierOrderQuery,
    ) -> Result<Page<EarlierOrderView>, OrderError> {
        self.inner.earlier_orders(who, query).await
    }

    async fn kept_addresses(&self, user: UserId) -> Result<Vec<KeptAddress>, OrderError> {
        self.inner.kept_addresses(user).await
    }

    async fn own_cart(&self, user: UserId) -> Result<Option<CartView>, CartError> {
        self.inner.own_cart(user).await
    }

    async fn cart_figures(&self) -> Result<CartFigures, OrderError> {
        self.inner.cart_figures().await
    }

    async fn beside(&self, who: &Reader, id: OrderId) -> Result<Beside, OrderError> {
        self.inner.beside(who, id).await
    }

    async fn advance(
        &self,
        who: &Reader,
        id: OrderId,
        step: OrderMove,
    ) -> Result<OrderView, OrderError> {
        if self.is(OrdersBug::AnswersWithoutMoving) {
            let view = self.inner.order(who, id).await?;
            let possible = view.status == OrderStatus::Paid && step.to() != OrderStatus::Delivered;
            return if possible {
                Ok(OrderView {
                    status: step.to(),
                    version: view.version.next(),
                    ..view
                })
            } else {
                Err(OrderError::PaymentInProgress)
            };
        }
        self.inner.advance(who, id, step).await
    }

    async fn begin_payments(&self, batch: Vec<BeginPayment>) -> Vec<Result<Payable, OrderError>> {
        let mut answers = self.inner.begin_payments(batch).await;
        if self.is(OrdersBug::WrongAmount) {
            for payable in answers.iter_mut().flatten() {
                payable.total.minor -= 1;
            }
        }
        answers
    }

    async fn settle_all(&self, batch: Vec<Settlement>) -> Vec<Result<(), OrderError>> {
        let pays = |wish: Settlement| Settlement {
            end: PaymentEnd::Paid,
            ..wish
        };
        if self.is(OrdersBug::PaidWithoutMoney) {
            return self
                .inner
                .settle_all(batch.into_iter().map(pays).collect())
                .await;
        }
        self.inner.settle_all(batch).await
    }

    async fn note_refund(&self, note: RefundNote) -> Result<(), OrderError> {
        if self.is(OrdersBug::ForgetsRefunds) {
            return Ok(());
        }
        self.inner.note_refund(note).await
    }

    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<OrderAudit>, BoxError> {
        self.inner.audit(after, limit).await
    }

    async fn audit_events(&self) -> Result<EventsAudit, BoxError> {
        self.inner.audit_events().await
    }
}
