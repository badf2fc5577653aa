//! The use cases, a verb a file: check in `domain`, then one call of the store. No SQL, no HTTP.

mod adjust;
mod audit;
mod categories;
mod create;
mod darkroom;
mod edit;
mod find;
mod images;
mod import;
mod inventory;
mod news;
mod reserve;
mod resolve;
mod reviews;
mod shown;
mod variants;
mod window;

pub(crate) use crate::store::FOLDER as IMAGES_FOLDER;
pub(crate) use darkroom::{Darkroom, Upload};
pub(crate) use images::WhichImage;
pub(crate) use shown::{Ready, Shown};
pub(crate) use variants::WhichProduct;
pub use window::Window;

use crate::{bucket::Bucket, config::Config, domain::scope::Scope, store::Store};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::{
        AdjustError, AdjustStock, Catalog, CatalogDesk, CategoryView, EditError, Facets,
        FacetsQuery, GiveBack, GiveBackError, ImportOutcome, ImportProduct, InventoryCounts,
        InventoryQuery, InventoryView, ItemRef, ListError, MovementView, NewCategory, NewProduct,
        OfferView, Overdue, PatchProduct, ProductAudit, ProductCounts, ProductEdit, ProductQuery,
        ProductRef, ProductReview, ProductView, Purchases, ReservationAudit, Reserve, ReserveError,
        Reserved, Resolve, ResolveError, StockAudit, Suggestion, SuggestionsQuery,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{Currency, Cursor, OrderId, Page, PageSize, ProductId, Timestamp, UserId, VariantId},
};
use platform::{clock::Clock, db::StoreError, redis::Redis};
use std::{
    fmt, io,
    sync::{Arc, OnceLock, Weak},
};

/// The catalog, near.
pub struct Service {
    store: Arc<dyn Store>,
    clock: Clock,
    /// What the shop sells in, its own first.
    currencies: Vec<Currency>,
    currency: Currency,
    window: Window,
    darkroom: Darkroom,
    /// Where pictures are kept, if that is not the database.
    bucket: Option<Bucket>,
    /// Who knows what people bought; told once all services are open.
    purchases: OnceLock<Weak<dyn Purchases>>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    pub(crate) fn new(
        (store, bucket): (Arc<dyn Store>, Option<Bucket>),
        clock: Clock,
        config: &Config,
        redis: Option<Redis>,
    ) -> io::Result<Self> {
        Ok(Self {
            darkroom: Darkroom::open(config.images.clone())?,
            bucket,
            window: Window::new(config, redis, clock.clone(), store.touched()),
            store,
            clock,
            currencies: config.currencies().collect(),
            currency: config.currency,
            purchases: OnceLock::new(),
        })
    }

    /// Reads what searches need, before anybody asks.
    ///
    /// # Errors
    /// When the database fails; the first search tries again.
    pub async fn warm(&self) -> Result<(), StoreError> {
        self.store.warm().await
    }

    /// The database, where it writes what it tells others.
    #[must_use]
    pub fn outbox(&self) -> platform::db::Database {
        self.store.outbox()
    }

    /// What everybody may see, ready to be sent: for the routes.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window.clone()
    }
}

#[async_trait]
impl CatalogDesk for Service {
    async fn product_counts(
        &self,
        who: &Principal,
        q: Option<String>,
    ) -> Result<ProductCounts, ListError> {
        let (scope, now) = (Scope::of(Some(who)), self.clock.now());
        self.store.product_counts(q, scope, now).await
    }

    async fn inventory_counts(&self, who: &Principal) -> Result<InventoryCounts, ListError> {
        self.stock_counts(who).await
    }

    async fn product_edits(
        &self,
        who: &Principal,
        id: ProductId,
    ) -> Result<Vec<ProductEdit>, EditError> {
        self.edits(who, id).await
    }
}

#[async_trait]
impl Catalog for Service {
    async fn create_product(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewProduct,
    ) -> Result<Answered<ProductView>, EditError> {
        self.create(who, key, wish).await
    }

    async fn replace_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: NewProduct,
    ) -> Result<ProductView, EditError> {
        self.replace(who, id, sent, wish).await
    }

    async fn patch_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: PatchProduct,
    ) -> Result<ProductView, EditError> {
        self.patch(who, id, sent, wish).await
    }

    async fn delete_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
    ) -> Result<(), EditError> {
        self.archive(who, id, sent).await
    }

    async fn product(
        &self,
        viewer: Option<&Principal>,
        which: ProductRef,
    ) -> Result<ProductView, EditError> {
        self.find(viewer, which).await
    }

    async fn products(
        &self,
        viewer: Option<&Principal>,
        query: ProductQuery,
    ) -> Result<Page<ProductView>, ListError> {
        self.list(viewer, query).await
    }

    async fn page_starts(&self, query: ProductQuery) -> Result<Vec<Cursor>, ListError> {
        self.store.page_starts(query, self.clock.now()).await
    }

    async fn facets(&self, query: FacetsQuery) -> Result<Facets, ListError> {
        self.store.facets(query, self.clock.now()).await
    }

    async fn suggestions(&self, query: SuggestionsQuery) -> Result<Vec<Suggestion>, ListError> {
        let suggested = self.store.suggestions(&query.q, self.clock.now()).await;
        suggested.map_err(|error| ListError::Internal(Box::new(error)))
    }

    async fn import_products(
        &self,
        owner: UserId,
        batch: Vec<ImportProduct>,
        commit: bool,
    ) -> Result<Vec<Result<ImportOutcome, String>>, BoxError> {
        self.import(owner, batch, commit).await
    }

    async fn reviews_by(
        &self,
        user: UserId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        self.reviews_of_user(user, limit, cursor).await
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, ListError> {
        self.all_categories().await
    }

    async fn create_category(&self, wish: NewCategory) -> Result<CategoryView, EditError> {
        let made = self.make_category("another node", None, wish).await?;
        Ok(made.value)
    }

    async fn adjust_stock(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: AdjustStock,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        self.adjust(who, key, wish).await
    }

    async fn inventory(
        &self,
        who: &Principal,
        query: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError> {
        self.stock_page(who, query).await
    }

    async fn inventory_of(
        &self,
        who: &Principal,
        id: VariantId,
    ) -> Result<InventoryView, AdjustError> {
        self.stock_of(who, id).await
    }

    async fn movements(
        &self,
        who: &Principal,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, AdjustError> {
        self.movements_of(who, id, limit, cursor).await
    }

    async fn currencies(&self) -> Result<Vec<Currency>, BoxError> {
        Ok(self.currencies.clone())
    }

    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
    ) -> Result<Vec<Option<OfferView>>, BoxError> {
        let offers = self.store.offers(items, currency, self.clock.now());
        Ok(offers.await?)
    }

    async fn reserve_all(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        self.reserve(batch).await
    }

    async fn resolve_all(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        self.resolve(batch).await
    }

    async fn give_back_all(&self, batch: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>> {
        self.give_back(batch).await
    }

    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, BoxError> {
        self.overdue_orders(before, after, limit).await
    }

    async fn audit_stock(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, BoxError> {
        self.stock_books(after, limit).await
    }

    async fn audit_products(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, BoxError> {
        self.product_books(after, limit).await
    }

    async fn audit_reservations(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, BoxError> {
        self.reservation_books(after, limit).await
    }
}
