//! What the others ask of the catalog when it runs elsewhere: each method of the contract by name, with what crosses.
//! `client` makes these calls, `http::internal` answers them; neither has one that is not here.

use contracts::{
    catalog::{
        AdjustError, AdjustStock, CategoryView, EditError, Facets, FacetsQuery, GiveBack,
        GiveBackError, ImportOutcome, ImportProduct, InventoryCounts, InventoryQuery,
        InventoryView, ItemRef, ListError, MovementView, NewCategory, NewProduct, OfferView,
        Overdue, PatchProduct, ProductAudit, ProductCounts, ProductEdit, ProductQuery, ProductRef,
        ProductReview, ProductView, ReservationAudit, Reserve, ReserveError, Reserved, Resolve,
        ResolveError, StockAudit, Suggestion, SuggestionsQuery,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{Currency, Cursor, OrderId, Page, PageSize, ProductId, Timestamp, UserId, VariantId},
    wire::{Cause, Who},
};
use platform::call::Call;
use serde::{Deserialize, Serialize};

/// The name that peers and paths know it by.
pub(crate) const NAME: &str = "catalog";

/// A product on its way: with what its `ETag` follows from, which its view does not show.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Product {
    view: ProductView,
    stock_version: i64,
}

impl From<ProductView> for Product {
    fn from(view: ProductView) -> Self {
        let stock_version = view.stock_version;
        Self {
            view,
            stock_version,
        }
    }
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        Self {
            stock_version: product.stock_version,
            ..product.view
        }
    }
}

type Key = Option<IdempotencyKey>;
type Edited<T> = Result<T, EditError>;
type Adjusted<T> = Result<T, AdjustError>;
type Listed<T> = Result<T, ListError>;
type Imported = Result<Vec<Result<ImportOutcome, String>>, Cause>;
type Rows<T> = Result<Vec<T>, Cause>;
type Levels = Answered<Vec<InventoryView>>;
type PageOf = (Who, VariantId, PageSize, Option<Cursor>);

pub(crate) const CREATE_PRODUCT: Call<(Who, Key, NewProduct), Edited<Answered<Product>>> =
    Call::once("create_product");
pub(crate) const REPLACE_PRODUCT: Call<
    (Who, ProductId, Precondition, NewProduct),
    Edited<Product>,
> = Call::once("replace_product");
pub(crate) const PATCH_PRODUCT: Call<
    (Who, ProductId, Precondition, PatchProduct),
    Edited<Product>,
> = Call::once("patch_product");
pub(crate) const DELETE_PRODUCT: Call<(Who, ProductId, Precondition), Edited<()>> =
    Call::once("delete_product");
pub(crate) const PRODUCT: Call<(Option<Who>, ProductRef), Edited<Product>> = Call::read("product");
pub(crate) const PRODUCTS: Call<(Option<Who>, ProductQuery), Listed<Page<Product>>> =
    Call::read("products");
pub(crate) const PAGE_STARTS: Call<ProductQuery, Listed<Vec<Cursor>>> = Call::read("page_starts");
pub(crate) const FACETS: Call<FacetsQuery, Listed<Facets>> = Call::read("facets");
pub(crate) const PRODUCT_COUNTS: Call<(Who, Option<String>), Listed<ProductCounts>> =
    Call::read("product_counts");
pub(crate) const PRODUCT_EDITS: Call<(Who, ProductId), Edited<Vec<ProductEdit>>> =
    Call::read("product_edits");
pub(crate) const SUGGESTIONS: Call<SuggestionsQuery, Listed<Vec<Suggestion>>> =
    Call::read("suggestions");
pub(crate) const IMPORT_PRODUCTS: Call<(UserId, Vec<ImportProduct>, bool), Imported> =
    Call::once("import_products").long();
pub(crate) const REVIEWS_BY: Call<(UserId, PageSize, Option<Cursor>), Listed<Page<ProductReview>>> =
    Call::read("reviews_by");
pub(crate) const CATEGORIES: Call<(), Listed<Vec<CategoryView>>> = Call::read("categories");
pub(crate) const CREATE_CATEGORY: Call<NewCategory, Edited<CategoryView>> =
    Call::once("create_category");

pub(crate) const ADJUST_STOCK: Call<(Who, Key, AdjustStock), Adjusted<Levels>> =
    Call::once("adjust_stock");
pub(crate) const INVENTORY: Call<(Who, InventoryQuery), Listed<Page<InventoryView>>> =
    Call::read("inventory");
pub(crate) const INVENTORY_COUNTS: Call<Who, Listed<InventoryCounts>> =
    Call::read("inventory_counts");
pub(crate) const INVENTORY_OF: Call<(Who, VariantId), Adjusted<InventoryView>> =
    Call::read("inventory_of");
pub(crate) const MOVEMENTS: Call<PageOf, Adjusted<Page<MovementView>>> = Call::read("movements");

pub(crate) const CURRENCIES: Call<(), Rows<Currency>> = Call::read("currencies");
// Two calls, so that a release that knows one currency only is asked for nothing else.
pub(crate) const OFFERS: Call<Vec<ItemRef>, Rows<Option<OfferView>>> = Call::read("offers");
pub(crate) const OFFERS_IN: Call<(Vec<ItemRef>, Currency), Rows<Option<OfferView>>> =
    Call::read("offers_in");

// By order and refund id these have their effect once, however often they come.
pub(crate) const RESERVE_ALL: Call<Vec<Reserve>, Vec<Result<Reserved, ReserveError>>> =
    Call::repeatable("reserve_all");
pub(crate) const RESOLVE_ALL: Call<Vec<Resolve>, Vec<Result<(), ResolveError>>> =
    Call::repeatable("resolve_all");
pub(crate) const GIVE_BACK_ALL: Call<Vec<GiveBack>, Vec<Result<(), GiveBackError>>> =
    Call::repeatable("give_back_all");
pub(crate) const OVERDUE: Call<(Timestamp, Option<Overdue>, u32), Rows<Overdue>> =
    Call::read("overdue");

pub(crate) const AUDIT_STOCK: Call<(Option<VariantId>, u32), Rows<StockAudit>> =
    Call::read("audit_stock").long();
pub(crate) const AUDIT_PRODUCTS: Call<(Option<VariantId>, u32), Rows<ProductAudit>> =
    Call::read("audit_products").long();
pub(crate) const AUDIT_RESERVATIONS: Call<(Option<OrderId>, u32), Rows<ReservationAudit>> =
    Call::read("audit_reservations").long();
