//! The ways between the services of a process, as unsure as if they led over a network: a call does not arrive, or its
//! answer is lost after its effect. What a service asks for itself passes unharmed.

use crate::unsure::{Fate, Unsure};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::{
        AdjustError, AdjustStock, Catalog, CategoryView, EditError, Facets, FacetsQuery, GiveBack,
        GiveBackError, ImportOutcome, ImportProduct, InventoryQuery, InventoryView, ItemRef,
        ListError, MovementView, NewCategory, NewProduct, OfferView, Overdue, PatchProduct,
        ProductAudit, ProductQuery, ProductRef, ProductReview, ProductView, Purchases,
        ReservationAudit, Reserve, ReserveError, Reserved, Resolve, ResolveError, StockAudit,
        Suggestion, SuggestionsQuery,
    },
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
        CartId, Currency, Cursor, DiscountId, OrderId, Page, PageSize, ProductId, ShippingMethodId,
        Timestamp, UserId, VariantId,
    },
};
use std::sync::Arc;

fn lost() -> BoxError {
    "the way between two services is gone".into()
}

/// The catalog, at the end of such a way.
pub(crate) struct FarCatalog {
    pub(crate) inner: Arc<dyn Catalog>,
    pub(crate) way: Unsure,
}

/// Orders, at the end of such a way.
pub(crate) struct FarOrders {
    pub(crate) inner: Arc<dyn Orders>,
    pub(crate) way: Unsure,
}

#[async_trait]
impl Catalog for FarCatalog {
    async fn reserve_all(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        let lost = || ReserveError::Internal(lost());
        let work = async |batch| self.inner.reserve_all(batch).await;
        self.way.batch(1, batch, lost, work).await
    }

    async fn resolve_all(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        let lost = || ResolveError::Internal(lost());
        let work = async |batch| self.inner.resolve_all(batch).await;
        self.way.batch(2, batch, lost, work).await
    }

    async fn give_back_all(&self, batch: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>> {
        let lost = || GiveBackError::Internal(lost());
        let work = async |batch| self.inner.give_back_all(batch).await;
        self.way.batch(3, batch, lost, work).await
    }

    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, BoxError> {
        match self.way.fate(4) {
            Fate::Fine => self.inner.overdue(before, after, limit).await,
            Fate::LostThere | Fate::LostBack => Err(lost()),
        }
    }

    async fn currencies(&self) -> Result<Vec<Currency>, BoxError> {
        self.inner.currencies().await
    }

    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
    ) -> Result<Vec<Option<OfferView>>, BoxError> {
        self.inner.offers(items, currency).await
    }

    async fn create_product(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewProduct,
    ) -> Result<Answered<ProductView>, EditError> {
        self.inner.create_product(who, key, wish).await
    }

    async fn replace_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: NewProduct,
    ) -> Result<ProductView, EditError> {
        self.inner.replace_product(who, id, sent, wish).await
    }

    async fn patch_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: PatchProduct,
    ) -> Result<ProductView, EditError> {
        self.inner.patch_product(who, id, sent, wish).await
    }

    async fn delete_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
    ) -> Result<(), EditError> {
        self.inner.delete_product(who, id, sent).await
    }

    async fn product(
        &self,
        viewer: Option<&Principal>,
        which: ProductRef,
    ) -> Result<ProductView, EditError> {
        self.inner.product(viewer, which).await
    }

    async fn products(
        &self,
        viewer: Option<&Principal>,
        query: ProductQuery,
    ) -> Result<Page<ProductView>, ListError> {
        self.inner.products(viewer, query).await
    }

    async fn page_starts(&self, query: ProductQuery) -> Result<Vec<Cursor>, ListError> {
        self.inner.page_starts(query).await
    }

    async fn facets(&self, query: FacetsQuery) -> Result<Facets, ListError> {
        self.inner.facets(query).await
    }

    async fn suggestions(&self, query: SuggestionsQuery) -> Result<Vec<Suggestion>, ListError> {
        self.inner.suggestions(query).await
    }

    async fn import_products(
        &self,
        owner: UserId,
        batch: Vec<ImportProduct>,
        commit: bool,
    ) -> Result<Vec<Result<ImportOutcome, String>>, BoxError> {
        self.inner.import_products(owner, batch, commit).await
    }

    async fn reviews_by(
        &self,
        user: UserId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        self.inner.reviews_by(user, limit, cursor).await
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, ListError> {
        self.inner.categories().await
    }

    async fn create_category(&self, wish: NewCategory) -> Result<CategoryView, EditError> {
        self.inner.create_category(wish).await
    }

    async fn adjust_stock(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: AdjustStock,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        self.inner.adjust_stock(who, key, wish).await
    }

    async fn inventory(
        &self,
        who: &Principal,
        query: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError> {
        self.inner.inventory(who, query).await
    }

    async fn inventory_of(
        &self,
        who: &Principal,
        id: VariantId,
    ) -> Result<InventoryView, AdjustError> {
        self.inner.inventory_of(who, id).await
    }

    async fn movements(
        &self,
        who: &Principal,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, AdjustError> {
        self.inner.movements(who, id, limit, cursor).await
    }

    async fn audit_stock(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, BoxError> {
        self.inner.audit_stock(after, limit).await
    }

    async fn audit_products(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, BoxError> {
        self.inner.audit_products(after, limit).await
    }

    async fn audit_reservations(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, BoxError> {
        self.inner.audit_reservations(after, limit).await
    }
}

#[async_trait]
impl Carts for FarOrders {
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
impl Purchases for FarOrders {
    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, BoxError> {
        self.inner.has_bought(user, product).await
    }
}

#[async_trait]
impl Discounts for FarOrders {
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
impl Orders for FarOrders {
    async fn begin_payments(&self, batch: Vec<BeginPayment>) -> Vec<Result<Payable, OrderError>> {
        let lost = || OrderError::Internal(lost());
        let work = async |batch| self.inner.begin_payments(batch).await;
        self.way.batch(5, batch, lost, work).await
    }

    async fn settle_all(&self, batch: Vec<Settlement>) -> Vec<Result<(), OrderError>> {
        let lost = || OrderError::Internal(lost());
        let work = async |batch| self.inner.settle_all(batch).await;
        self.way.batch(6, batch, lost, work).await
    }

    async fn note_refund(&self, note: RefundNote) -> Result<(), OrderError> {
        let fate = self.way.fate(7);
        if fate == Fate::LostThere {
            return Err(OrderError::Internal(lost()));
        }
        let noted = self.inner.note_refund(note).await;
        if fate == Fate::LostBack {
            return Err(OrderError::Internal(lost()));
        }
        noted
    }

    async fn place(
        &self,
        who: Buyer,
        key: IdempotencyKey,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        self.inner.place(who, key, wish).await
    }

    async fn order(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError> {
        self.inner.order(who, id).await
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
        self.inner.advance(who, id, step).await
    }

    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<OrderAudit>, BoxError> {
        self.inner.audit(after, limit).await
    }

    async fn audit_events(&self) -> Result<EventsAudit, BoxError> {
        self.inner.audit_events().await
    }
}
