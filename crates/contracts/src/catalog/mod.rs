//! Catalog: products and their variants, categories, stock and its reservations.
//! Stock moves in here and nowhere else; a product's `version` counts edits, never sales.

mod attributes;
mod audit;
mod counts;
mod edits;
mod errors;
mod events;
mod images;
mod imports;
mod inventory;
mod offers;
mod product;
mod reviews;
mod search;
mod variants;
pub mod words;

pub use attributes::{AttributeChange, AttributeValue};
pub use audit::{ProductAudit, line_mark};
pub use counts::{InventoryCounts, ProductCounts};
pub use edits::{FieldChange, ProductEdit};
pub use errors::{AdjustError, EditError, ListError};
pub use events::{ProductChange, ProductEdited, ProductsChanged, StockAdjusted, StockRanLow};
pub use images::{ImageError, ImageFile, NewImage, PatchImage, ProductImage};
pub use imports::{ImportProducts, ImportedAs, ImportedProduct, ImportedProducts};
pub use inventory::{
    AdjustStock, BackAudit, GiveBack, GiveBackError, InventoryQuery, InventoryView, ItemRef,
    MovementView, Overdue, PricedLine, ReservationAudit, ReservationState, Reserve, ReserveError,
    ReserveLine, Reserved, Resolve, ResolveError, ReturnedItem, Shortage, StockAudit, StockChange,
    Unchosen,
};
pub use offers::{
    COMPARE_AT_PRICE, CurrencyView, IMAGE_URLS, IMAGE_URLS_MAX, OfferView, TAX_CLASS, TaxClass,
    WEIGHT_GRAMS, WEIGHT_GRAMS_MAX, compare_at_price,
};
pub use product::{
    CategoryView, ImportOutcome, ImportProduct, ImportVariant, NUMBERED_PAGES_MAX, NewCategory,
    NewProduct, PatchCategory, PatchProduct, PriceSince, ProductQuery, ProductRef, ProductSort,
    ProductStatus, ProductView, StockView,
};
pub use reviews::{
    ModerateReview, NewReview, ProductReview, Purchases, RatingView, ReviewError, ReviewQuery,
    ReviewStatus, ReviewsQuery,
};
pub use search::{
    AttributeCounts, CategoryCount, Facets, FacetsQuery, PriceCount, StockCounts, Suggestion,
    SuggestionKind, SuggestionsQuery, ValueCount,
};
pub use variants::{
    NewVariant, PatchVariant, ProductOption, SetOptions, VariantChoice, VariantView, variant_name,
    variant_title,
};

use crate::{
    BoxError,
    access::Principal,
    request::{Answered, IdempotencyKey, Precondition},
    values::{Currency, Cursor, OrderId, Page, PageSize, ProductId, Timestamp, UserId, VariantId},
};
use async_trait::async_trait;

/// What those who look after products ask of the catalog beside its public API.
#[async_trait]
pub trait CatalogDesk: Send + Sync {
    /// How many products stand where, of those that somebody may change: all that these words find, if there are any.
    async fn product_counts(
        &self,
        who: &Principal,
        q: Option<String>,
    ) -> Result<ProductCounts, ListError>;
    /// How much there is to list of stock (own products, or all for admins).
    async fn inventory_counts(&self, who: &Principal) -> Result<InventoryCounts, ListError>;
    /// What people changed of a product's document, newest first, as far back as it is kept: for whoever may change it.
    async fn product_edits(
        &self,
        who: &Principal,
        id: ProductId,
    ) -> Result<Vec<ProductEdit>, EditError>;
}

/// What the others may ask of the catalog.
#[async_trait]
pub trait Catalog: CatalogDesk {
    /// Makes a product with its default variant and first stock (merchants and admins).
    async fn create_product(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewProduct,
    ) -> Result<Answered<ProductView>, EditError>;
    /// Replaces a product's document; `stock` in the body changes nothing (see [`Catalog::adjust_stock`]).
    async fn replace_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: NewProduct,
    ) -> Result<ProductView, EditError>;
    /// Changes some fields of a product's document.
    async fn patch_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: PatchProduct,
    ) -> Result<ProductView, EditError>;
    /// Takes a product off the shelves for good: archived, so that history keeps its sense.
    async fn delete_product(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
    ) -> Result<(), EditError>;
    /// One product; drafts and archived ones only for those who may change them.
    async fn product(
        &self,
        viewer: Option<&Principal>,
        which: ProductRef,
    ) -> Result<ProductView, EditError>;
    /// A page of products.
    async fn products(
        &self,
        viewer: Option<&Principal>,
        query: ProductQuery,
    ) -> Result<Page<ProductView>, ListError>;
    /// Behind which rows the pages of a list of what is on sale begin that have a number: the second one's cursor
    /// first, and [`NUMBERED_PAGES_MAX`] pages at most with the first one, which needs none. The list need not be read
    /// from its beginning to be entered at one of them.
    async fn page_starts(&self, query: ProductQuery) -> Result<Vec<Cursor>, ListError>;
    /// How many of what is on sale each further choice of a search would leave.
    async fn facets(&self, query: FacetsQuery) -> Result<Facets, ListError>;
    /// What somebody may mean who is typing.
    async fn suggestions(&self, query: SuggestionsQuery) -> Result<Vec<Suggestion>, ListError>;
    /// Creates or updates products by SKU, a result each; changes nothing unless `commit`.
    async fn import_products(
        &self,
        owner: UserId,
        batch: Vec<ImportProduct>,
        commit: bool,
    ) -> Result<Vec<Result<ImportOutcome, String>>, BoxError>;

    /// A page of what a user wrote of products, newest first.
    async fn reviews_by(
        &self,
        user: UserId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError>;

    /// The categories, parents before children.
    async fn categories(&self) -> Result<Vec<CategoryView>, ListError>;
    /// Makes a category (admins).
    async fn create_category(&self, wish: NewCategory) -> Result<CategoryView, EditError>;

    /// Changes stock, all or nothing (the owner or an admin).
    async fn adjust_stock(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: AdjustStock,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError>;
    /// A page of stock (own products, or all for admins).
    async fn inventory(
        &self,
        who: &Principal,
        query: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError>;
    /// The stock of one variant.
    async fn inventory_of(
        &self,
        who: &Principal,
        id: VariantId,
    ) -> Result<InventoryView, AdjustError>;
    /// What moved a variant's stock, newest first.
    async fn movements(
        &self,
        who: &Principal,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, AdjustError>;

    /// The currencies that the shop sells in, its own first.
    async fn currencies(&self) -> Result<Vec<Currency>, BoxError>;
    /// What these cost now, in this currency or each in its own; an answer each, in order; nothing for what is not
    /// there.
    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
    ) -> Result<Vec<Option<OfferView>>, BoxError>;

    /// Holds stock for orders: each all lines or none, a result each, in order. Idempotent by order id.
    async fn reserve_all(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>>;
    /// Resolves reservations, a result each, in order. A second attempt at the same end is fine.
    async fn resolve_all(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>>;
    /// Takes units of sold orders back onto the shelf, a result each, in order. Idempotent by refund id; of an
    /// order that came back whole nothing is left to take.
    async fn give_back_all(&self, batch: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>>;
    /// Orders whose reservations are open past this moment, oldest first, after the one that was seen last.
    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, BoxError>;

    /// Stock beside what its ledgers say, variants after this one, in id order.
    async fn audit_stock(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, BoxError>;
    /// Variants after this one with their products' versions, in id order.
    async fn audit_products(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, BoxError>;
    /// Reservations after this order id, in id order.
    async fn audit_reservations(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, BoxError>;
}
