//! What the catalog keeps, as a trait: each method is one transaction that keeps one invariant whole.
//! No rule is decided here; stores ask `domain`.

mod back;
mod cursor;
mod dear;
mod images;
mod kept;
mod list;
mod movement;
pub(crate) mod postgres;
mod prices;
mod reviews;
mod search;
pub(crate) mod sqlite;
#[cfg(test)]
mod suite;
mod tree;
mod variants;

pub(crate) use images::{FOLDER, Files, ImageChange, ImageEdit, ImageRow, Images, NamedFile};
pub(crate) use reviews::{ReviewChange, ReviewEdit, ReviewRow, Reviewed, Reviews};
pub(crate) use search::Touched;
pub(crate) use tree::{CategoryChange, CategoryEdit, Tree};
pub(crate) use variants::{LineupEdit, Variants};

use crate::domain::{
    category::CategoryName, change::Change, document::Draft, lineup::Member, scope::Scope,
    stock::Adjustment,
};
use async_trait::async_trait;
use contracts::{
    catalog::{
        AdjustError, CategoryView, EditError, Facets, FacetsQuery, GiveBack, GiveBackError,
        ImportOutcome, ImportProduct, InventoryQuery, InventoryView, ItemRef, ListError,
        MovementView, OfferView, Overdue, PriceSince, ProductAudit, ProductCounts, ProductEdit,
        ProductQuery, ProductRef, ProductView, ReservationAudit, Reserve, ReserveError, Reserved,
        Resolve, ResolveError, StockAudit, Suggestion,
    },
    request::{Answered, Precondition},
    values::{
        CategoryId, Currency, Cursor, OrderId, Page, PageSize, ProductId, Timestamp, UserId,
        VariantId,
    },
};
use platform::db::{Schema, StoreError, keys::KeyedRequest};
use std::sync::Arc;

/// Versions of a product whose edits are kept, the newest.
const EDITS_KEPT: i64 = 100;

/// All steps of the schema.
pub const SCHEMA: Schema = Schema {
    sqlite: sqlite::MIGRATIONS,
    postgres: &postgres::MIGRATIONS,
};

/// A product to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewRow {
    pub(crate) product_id: ProductId,
    pub(crate) variant_id: VariantId,
    pub(crate) owner_id: UserId,
    pub(crate) draft: Draft,
    pub(crate) at: Timestamp,
}

impl NewRow {
    /// The variant that lists go by.
    fn first_member(&self) -> Member {
        Member {
            id: self.variant_id,
            sku: self.draft.sku_or_made(self.product_id),
            price: self.draft.price,
            prices: self.draft.prices.clone(),
            values: self.draft.first_values().to_vec(),
            stock: self.draft.stock,
        }
    }
}

/// A product to be changed.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) product_id: ProductId,
    pub(crate) scope: Scope,
    pub(crate) sent: Precondition,
    pub(crate) change: Change,
    /// Who changes it.
    pub(crate) by: UserId,
    pub(crate) at: Timestamp,
}

/// A category to be made.
#[derive(Debug, Clone)]
pub(crate) struct CategoryRow {
    pub(crate) category_id: CategoryId,
    pub(crate) named: CategoryName,
    pub(crate) parent: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) request: Option<KeyedRequest>,
}

/// Lines to be imported.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) owner_id: UserId,
    pub(crate) lines: Vec<ImportProduct>,
    pub(crate) commit: bool,
    pub(crate) at: Timestamp,
}

/// Stock to be changed by hand.
#[derive(Debug, Clone)]
pub(crate) struct Adjust {
    pub(crate) scope: Scope,
    pub(crate) changes: Vec<Adjustment>,
    pub(crate) actor: String,
    pub(crate) at: Timestamp,
}

/// A result each, in order, and the products whose stock moved.
#[derive(Debug)]
pub(crate) struct Moved<T> {
    pub(crate) answers: Vec<T>,
    pub(crate) products: Vec<ProductId>,
}

/// Keeps products, categories, stock and reservations. Stock rows are written in the order of their
/// numbers, everywhere.
#[async_trait]
pub(crate) trait Store: Reviews + Tree + Images + Variants {
    /// Where the database writes what it tells others.
    fn outbox(&self) -> platform::db::Database;

    /// Makes a product, its default variant and its first stock, and remembers the answer under the key. Its owner is
    /// who made it.
    async fn create(
        &self,
        row: NewRow,
        key: Option<KeyedRequest>,
    ) -> Result<Answered<ProductView>, EditError>;
    /// Changes a document if the version that was sent is current; versions go up by one.
    async fn edit(&self, edit: Edit) -> Result<ProductView, EditError>;
    /// A product that the scope sees at a moment.
    async fn product(
        &self,
        which: ProductRef,
        scope: Scope,
        at: Timestamp,
    ) -> Result<Option<ProductView>, StoreError>;
    /// What a product has cost, in this currency or in its own, newest price first, so many at most.
    async fn prices(
        &self,
        id: ProductId,
        currency: Option<Currency>,
        limit: u32,
    ) -> Result<Vec<PriceSince>, StoreError>;
    /// What people changed of a product, newest first, so many saves at most.
    async fn edits(&self, id: ProductId, limit: u32) -> Result<Vec<ProductEdit>, StoreError>;
    /// A page of products that the scope sees.
    async fn products(
        &self,
        query: ProductQuery,
        scope: Scope,
        at: Timestamp,
    ) -> Result<Page<ProductView>, ListError>;
    /// Where the numbered pages of a list of what is on sale begin, without the first.
    async fn page_starts(
        &self,
        query: ProductQuery,
        at: Timestamp,
    ) -> Result<Vec<Cursor>, ListError>;
    /// Counts what a search finds among what is on sale.
    async fn facets(&self, query: FacetsQuery, at: Timestamp) -> Result<Facets, ListError>;
    /// How many of the scope's products stand where, of those that these words find.
    async fn product_counts(
        &self,
        q: Option<String>,
        scope: Scope,
        at: Timestamp,
    ) -> Result<ProductCounts, ListError>;
    /// What somebody may mean who has typed this.
    async fn suggestions(&self, typed: &str, at: Timestamp) -> Result<Vec<Suggestion>, StoreError>;
    /// Where to say what has changed, so that the next search knows.
    fn touched(&self) -> Arc<Touched>;
    /// Reads what searches need, before anybody asks.
    async fn warm(&self) -> Result<(), StoreError>;
    /// Creates or updates by SKU, a result each; keeps nothing unless told to commit.
    async fn import(
        &self,
        import: Import,
    ) -> Result<Vec<Result<ImportOutcome, String>>, StoreError>;

    /// All categories, parents before children.
    async fn categories(&self) -> Result<Vec<CategoryView>, StoreError>;
    /// Makes a category, once for a key.
    async fn create_category(&self, row: CategoryRow) -> Result<Answered<CategoryView>, EditError>;

    /// Changes stock with a ledger row for each change, all or nothing, and remembers the answer.
    async fn adjust(
        &self,
        adjust: Adjust,
        key: Option<KeyedRequest>,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError>;
    /// A page of the scope's stock.
    async fn inventory(
        &self,
        query: InventoryQuery,
        scope: Scope,
    ) -> Result<Page<InventoryView>, ListError>;
    /// How many rows the scope's stock has, counted as far as [`contracts::values::Counted::LOOKED_FOR`], and its list
    /// of what is low, as far as this.
    async fn inventory_counts(&self, scope: Scope, low_most: i64) -> Result<[i64; 2], StoreError>;
    /// The stock of one of the scope's variants.
    async fn inventory_of(
        &self,
        id: VariantId,
        scope: Scope,
    ) -> Result<Option<InventoryView>, StoreError>;
    /// What moved a variant's stock, newest first.
    async fn movements(
        &self,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, ListError>;

    /// What these cost now, in this currency or each in its own; an answer each, in order.
    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
        at: Timestamp,
    ) -> Result<Vec<Option<OfferView>>, StoreError>;
    /// Holds stock, a result each, in order; every stock row is written once.
    async fn reserve_all(
        &self,
        batch: Vec<Reserve>,
        at: Timestamp,
    ) -> Result<Vec<Result<Reserved, ReserveError>>, StoreError>;
    /// Ends reservations, a result each, in order; every stock row is written once.
    async fn resolve_all(
        &self,
        batch: Vec<Resolve>,
        at: Timestamp,
    ) -> Result<Moved<Result<(), ResolveError>>, StoreError>;
    /// Takes sold units back, a result each, in order; every stock row is written once.
    async fn give_back_all(
        &self,
        batch: Vec<GiveBack>,
        at: Timestamp,
    ) -> Result<Moved<Result<(), GiveBackError>>, StoreError>;
    /// Orders whose reservations are open past a moment, oldest first, after the one seen last.
    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, StoreError>;

    /// Stock beside what its ledgers add up to.
    async fn audit_stock(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, StoreError>;
    /// Variants with the versions of their products.
    async fn audit_products(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, StoreError>;
    /// Reservations, in the order of their orders' ids.
    async fn audit_reservations(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, StoreError>;
}
