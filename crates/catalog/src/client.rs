//! The catalog, far: the same contract, asked of another node. Nothing is kept and nothing is decided here.

use crate::calls::{self, Product};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::{
        AdjustError, AdjustStock, Catalog, CatalogDesk, CategoryView, EditError, Facets,
        FacetsQuery, GiveBack, GiveBackError, ImportOutcome, ImportProduct, InventoryCounts,
        InventoryQuery, InventoryView, ItemRef, ListError, MovementView, NewCategory, NewProduct,
        OfferView, Overdue, PatchProduct, ProductAudit, ProductCounts, ProductEdit, ProductQuery,
        ProductRef, ProductReview, ProductView, ReservationAudit, Reserve, ReserveError, Reserved,
        Resolve, ResolveError, StockAudit, Suggestion, SuggestionsQuery,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{Currency, Cursor, OrderId, Page, PageSize, ProductId, Timestamp, UserId, VariantId},
};
use platform::call::Peer;

/// Rows of stock that one answer has room for, whatever they hold: a smaller page follows than was asked for.
const SHELVES_MAX: u32 = 50_000;

/// The catalog of other nodes.
#[derive(Clone)]
pub struct Client {
    peer: Peer,
}

impl Client {
    /// The catalog that these instances run.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self { peer }
    }
}

#[async_trait]
impl CatalogDesk for Client {
    async fn product_counts(
        &self,
        who: &Principal,
        q: Option<String>,
    ) -> Result<ProductCounts, ListError> {
        self.peer.ask(calls::PRODUCT_COUNTS, &(who.into(), q)).await
    }

    async fn inventory_counts(&self, who: &Principal) -> Result<InventoryCounts, ListError> {
        self.peer.ask(calls::INVENTORY_COUNTS, &who.into()).await
    }

    async fn product_edits(
        &self,
        who: &Principal,
        id: ProductId,
    ) -> Result<Vec<ProductEdit>, EditError> {
        self.peer.ask(calls::PRODUCT_EDITS, &(who.into(), id)).await
    }
}

#[async_trait]
impl Catalog for Client {
    async fn create_product(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewProduct,
    ) -> Result<Answered<ProductView>, EditError> {
        let call = calls::CREATE_PRODUCT.repeatable_if(key.is_some());
        let answer = self.peer.ask(call, &(who.into(), key, wish)).await;
        answer.map(|answered| answered.map(Product::into))
    }

    async fn replace_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: NewProduct,
    ) -> Result<ProductView, EditError> {
        let arguments = (who.into(), id, sent, wish);
        let answer = self.peer.ask(calls::REPLACE_PRODUCT, &arguments).await;
        answer.map(Product::into)
    }

    async fn patch_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: PatchProduct,
    ) -> Result<ProductView, EditError> {
        let arguments = (who.into(), id, sent, wish);
        let answer = self.peer.ask(calls::PATCH_PRODUCT, &arguments).await;
        answer.map(Product::into)
    }

    async fn delete_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
    ) -> Result<(), EditError> {
        let arguments = (who.into(), id, sent);
        self.peer.ask(calls::DELETE_PRODUCT, &arguments).await
    }

    async fn product(
        &self,
        viewer: Option<&Principal>,
        which: ProductRef,
    ) -> Result<ProductView, EditError> {
        let arguments = (viewer.map(Into::into), which);
        let answer = self.peer.ask(calls::PRODUCT, &arguments).await;
        answer.map(Product::into)
    }

    async fn products(
        &self,
        viewer: Option<&Principal>,
        query: ProductQuery,
    ) -> Result<Page<ProductView>, ListError> {
        let arguments = (viewer.map(Into::into), query);
        let answer = self.peer.ask(calls::PRODUCTS, &arguments).await;
        answer.map(|page| page.map(Product::into))
    }

    async fn page_starts(&self, query: ProductQuery) -> Result<Vec<Cursor>, ListError> {
        self.peer.ask(calls::PAGE_STARTS, &query).await
    }

    async fn facets(&self, query: FacetsQuery) -> Result<Facets, ListError> {
        self.peer.ask(calls::FACETS, &query).await
    }

    async fn suggestions(&self, query: SuggestionsQuery) -> Result<Vec<Suggestion>, ListError> {
        self.peer.ask(calls::SUGGESTIONS, &query).await
    }

    async fn import_products(
        &self,
        owner: UserId,
        batch: Vec<ImportProduct>,
        commit: bool,
    ) -> Result<Vec<Result<ImportOutcome, String>>, BoxError> {
        let arguments = (owner, batch, commit);
        Ok(self.peer.ask(calls::IMPORT_PRODUCTS, &arguments).await?)
    }

    async fn reviews_by(
        &self,
        user: UserId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        let arguments = (user, limit, cursor);
        self.peer.ask(calls::REVIEWS_BY, &arguments).await
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, ListError> {
        self.peer.ask(calls::CATEGORIES, &()).await
    }

    async fn create_category(&self, wish: NewCategory) -> Result<CategoryView, EditError> {
        self.peer.ask(calls::CREATE_CATEGORY, &wish).await
    }

    async fn adjust_stock(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: AdjustStock,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        let call = calls::ADJUST_STOCK.repeatable_if(key.is_some());
        self.peer.ask(call, &(who.into(), key, wish)).await
    }

    async fn inventory(
        &self,
        who: &Principal,
        query: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError> {
        let arguments = (who.into(), query);
        self.peer.ask(calls::INVENTORY, &arguments).await
    }

    async fn inventory_of(
        &self,
        who: &Principal,
        id: VariantId,
    ) -> Result<InventoryView, AdjustError> {
        self.peer.ask(calls::INVENTORY_OF, &(who.into(), id)).await
    }

    async fn movements(
        &self,
        who: &Principal,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, AdjustError> {
        let arguments = (who.into(), id, limit, cursor);
        self.peer.ask(calls::MOVEMENTS, &arguments).await
    }

    async fn currencies(&self) -> Result<Vec<Currency>, BoxError> {
        Ok(self.peer.ask(calls::CURRENCIES, &()).await?)
    }

    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
    ) -> Result<Vec<Option<OfferView>>, BoxError> {
        let offers = match currency {
            Some(currency) => self.peer.ask(calls::OFFERS_IN, &(items, currency)).await,
            None => self.peer.ask(calls::OFFERS, &items).await,
        };
        Ok(offers?)
    }

    async fn reserve_all(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        self.peer.ask_each(calls::RESERVE_ALL, &batch).await
    }

    async fn resolve_all(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        self.peer.ask_each(calls::RESOLVE_ALL, &batch).await
    }

    async fn give_back_all(&self, batch: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>> {
        self.peer.ask_each(calls::GIVE_BACK_ALL, &batch).await
    }

    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, BoxError> {
        let arguments = (before, after, limit);
        Ok(self.peer.ask(calls::OVERDUE, &arguments).await?)
    }

    async fn audit_stock(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, BoxError> {
        let arguments = (after, limit.min(SHELVES_MAX));
        Ok(self.peer.ask(calls::AUDIT_STOCK, &arguments).await?)
    }

    async fn audit_products(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, BoxError> {
        let arguments = (after, limit);
        Ok(self.peer.ask(calls::AUDIT_PRODUCTS, &arguments).await?)
    }

    async fn audit_reservations(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, BoxError> {
        let arguments = (after, limit);
        Ok(self.peer.ask(calls::AUDIT_RESERVATIONS, &arguments).await?)
    }
}
