//! The embedded store: one file, one writer. Every statement of the catalog is in this folder.
//! Rules are asked for in `domain`, never written here a second time.

mod adjust;
mod audit;
mod categories;
mod give_back;
mod history;
mod images;
mod import;
mod inventory;
mod list;
mod movements;
mod offers;
mod read;
mod reserve;
mod resolve;
mod reviews;
mod search;
#[cfg(test)]
mod tests;
mod tree;
mod variants;
mod write;

use super::{
    Adjust, CategoryRow, Edit, Import, Moved, NewRow, Store, Touched, cursor,
    list::{self as lists, List},
    movement,
    search::Search,
};
use crate::domain::{schedule, scope::Scope};
use async_trait::async_trait;
use contracts::{
    catalog::{
        AdjustError, CategoryView, EditError, Facets, FacetsQuery, GiveBack, GiveBackError,
        ImportOutcome, InventoryQuery, InventoryView, ItemRef, ListError, MovementView, OfferView,
        Overdue, PriceSince, ProductAudit, ProductCounts, ProductEdit, ProductQuery, ProductRef,
        ProductView, ReservationAudit, Reserve, ReserveError, Reserved, Resolve, ResolveError,
        StockAudit, Suggestion,
    },
    request::Answered,
    values::{Currency, Cursor, OrderId, Page, PageSize, ProductId, Timestamp, VariantId},
};
use platform::{
    db::{
        Abort, StoreError,
        keys::{self, KeyedRequest},
        migrate::{BASE, Migration},
        sqlite::{Database, Options},
    },
    fault,
};
use std::{convert::Infallible, path::Path, sync::Arc};

/// All steps of the schema, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = &[
    BASE,
    Migration {
        number: 1,
        name: "catalog",
        sql: include_str!("../../../migrations/sqlite/0001_catalog.sql"),
    },
    Migration {
        number: 2,
        name: "returns",
        sql: include_str!("../../../migrations/sqlite/0002_returns.sql"),
    },
    Migration {
        number: 3,
        name: "product_versions",
        sql: include_str!("../../../migrations/sqlite/0003_product_versions.sql"),
    },
    Migration {
        number: 4,
        name: "by_order",
        sql: include_str!("../../../migrations/sqlite/0004_by_order.sql"),
    },
    Migration {
        number: 5,
        name: "checks",
        sql: include_str!("../../../migrations/sqlite/0005_checks.sql"),
    },
    Migration {
        number: 6,
        name: "changes",
        sql: include_str!("../../../migrations/sqlite/0006_changes.sql"),
    },
    Migration {
        number: 7,
        name: "reviews",
        sql: include_str!("../../../migrations/sqlite/0007_reviews.sql"),
    },
    Migration {
        number: 8,
        name: "addresses",
        sql: include_str!("../../../migrations/sqlite/0008_addresses.sql"),
    },
    Migration {
        number: 9,
        name: "images",
        sql: include_str!("../../../migrations/sqlite/0009_images.sql"),
    },
    Migration {
        number: 10,
        name: "schedule",
        sql: include_str!("../../../migrations/sqlite/0010_schedule.sql"),
    },
    Migration {
        number: 11,
        name: "variants",
        sql: include_str!("../../../migrations/sqlite/0011_variants.sql"),
    },
    Migration {
        number: 12,
        name: "told",
        sql: include_str!("../../../migrations/sqlite/0012_told.sql"),
    },
    Migration {
        number: 13,
        name: "prices",
        sql: include_str!("../../../migrations/sqlite/0013_prices.sql"),
    },
    Migration {
        number: 14,
        name: "product_editors",
        sql: include_str!("../../../migrations/sqlite/0014_product_editors.sql"),
    },
    Migration {
        number: 15,
        name: "low_stock_and_edits",
        sql: include_str!("../../../migrations/sqlite/0015_low_stock_and_edits.sql"),
    },
];

/// The catalog in a SQLite file.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    database: Database,
    search: Arc<Search>,
}

impl SqliteStore {
    /// Opens or makes the file.
    pub(crate) fn open(path: &Path, options: Options, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::open(path, options, MIGRATIONS, now.as_ms())?;
        Ok(Self {
            database,
            search: Arc::default(),
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn outbox(&self) -> platform::db::Database {
        self.database.clone().into()
    }

    async fn create(
        &self,
        row: NewRow,
        key: Option<KeyedRequest>,
    ) -> Result<Answered<ProductView>, EditError> {
        let write = self
            .database
            .write(move |c| write::create(c, &row, key.as_ref()));
        write.await.map_err(edit_error)
    }

    async fn edit(&self, edit: Edit) -> Result<ProductView, EditError> {
        let write = self.database.write(move |c| write::edit(c, edit));
        write.await.map_err(edit_error)
    }

    async fn product(
        &self,
        which: ProductRef,
        scope: Scope,
        at: Timestamp,
    ) -> Result<Option<ProductView>, StoreError> {
        let read = self.database.read(move |c| read::product(c, &which));
        let found = read.await?;
        let seen = found.map(|product| schedule::seen(product, at));
        Ok(seen.filter(|product| scope.sees(product.owner_id, product.status)))
    }

    async fn prices(
        &self,
        id: ProductId,
        currency: Option<Currency>,
        limit: u32,
    ) -> Result<Vec<PriceSince>, StoreError> {
        self.database
            .read(move |c| history::prices(c, (id, currency), limit))
            .await
    }

    async fn edits(&self, id: ProductId, limit: u32) -> Result<Vec<ProductEdit>, StoreError> {
        let read = self.database.read(move |c| history::edits(c, id, limit));
        read.await
    }

    async fn products(
        &self,
        query: ProductQuery,
        scope: Scope,
        at: Timestamp,
    ) -> Result<Page<ProductView>, ListError> {
        let list = List::new(query, scope, at)?;
        if list.is_empty() {
            return Ok(Page::empty());
        }
        let page = async {
            let Some(wish) = list.wish() else {
                return self.database.read(move |c| list::page(c, &list)).await;
            };
            let found = self
                .search
                .ask(self, move |index| index.find(&wish))
                .await?;
            let page = list.page(found)?;
            let numbers = page.data.clone();
            let products = self.database.read(move |c| read::all(c, &numbers)).await?;
            Ok(list.filled(page, products))
        };
        page.await.map_err(list_error)
    }

    async fn page_starts(
        &self,
        query: ProductQuery,
        at: Timestamp,
    ) -> Result<Vec<Cursor>, ListError> {
        let list = List::new(query, Scope::Nothing, at)?;
        if list.is_empty() {
            return Ok(Vec::new());
        }
        let ends = self.search.page_ends(self, list.whole()).await;
        let ends = ends.map_err(list_error)?;
        list.starts(&ends).map_err(list_error)
    }

    async fn facets(&self, query: FacetsQuery, at: Timestamp) -> Result<Facets, ListError> {
        let wish = lists::counted(query, at)?;
        let counted = self.search.facets(self, wish).await;
        counted.map_err(list_error)
    }

    async fn product_counts(
        &self,
        q: Option<String>,
        scope: Scope,
        at: Timestamp,
    ) -> Result<ProductCounts, ListError> {
        let wish = lists::standing(q.as_deref(), scope, at);
        let asked = self
            .search
            .ask(self, move |index| index.stand(wish.as_ref()));
        asked.await.map_err(list_error)
    }

    async fn suggestions(&self, typed: &str, at: Timestamp) -> Result<Vec<Suggestion>, StoreError> {
        let wish = lists::suggested(typed, at);
        let asked = self.search.ask(self, move |index| index.suggest(&wish));
        asked.await
    }

    fn touched(&self) -> Arc<Touched> {
        self.search.touched()
    }

    async fn warm(&self) -> Result<(), StoreError> {
        self.search.catch_up(self).await
    }

    async fn import(
        &self,
        import: Import,
    ) -> Result<Vec<Result<ImportOutcome, String>>, StoreError> {
        let commit = import.commit;
        let write = self.database.write(move |c| {
            let outcomes = import::all(c, import)?;
            // A dry run does everything and then undoes it, so that it foretells exactly.
            if commit {
                Ok(outcomes)
            } else {
                Err(Abort::Refused(outcomes))
            }
        });
        match write.await {
            Ok(outcomes) | Err(Abort::Refused(outcomes)) => Ok(outcomes),
            Err(Abort::Failed(error)) => Err(error),
        }
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, StoreError> {
        self.database.read(categories::all).await
    }

    async fn create_category(&self, row: CategoryRow) -> Result<Answered<CategoryView>, EditError> {
        let write = self.database.write(move |c| {
            let once = (row.request.as_ref(), row.at);
            let make = || categories::create(c, &row);
            keys::once(c, once, || EditError::KeyReused, make)
        });
        write.await.map_err(edit_error)
    }

    async fn adjust(
        &self,
        adjust: Adjust,
        key: Option<KeyedRequest>,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        let write = self
            .database
            .write(move |c| adjust::all(c, &adjust, key.as_ref()));
        write.await.map_err(|abort: Abort<AdjustError>| {
            abort.into_refusal(|| AdjustError::Overloaded, AdjustError::Internal)
        })
    }

    async fn inventory(
        &self,
        query: InventoryQuery,
        scope: Scope,
    ) -> Result<Page<InventoryView>, ListError> {
        let after = inventory::after(query.cursor.as_ref())?;
        let read = self
            .database
            .read(move |c| inventory::page(c, &query, after, scope));
        read.await.map_err(list_error)
    }

    async fn inventory_counts(&self, scope: Scope, low_most: i64) -> Result<[i64; 2], StoreError> {
        self.database
            .read(move |c| inventory::counts(c, scope, low_most))
            .await
    }

    async fn inventory_of(
        &self,
        id: VariantId,
        scope: Scope,
    ) -> Result<Option<InventoryView>, StoreError> {
        let read = self.database.read(move |c| inventory::one(c, id, scope));
        read.await
    }

    async fn movements(
        &self,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, ListError> {
        let before = movement::before(cursor.as_ref())?;
        let read = self
            .database
            .read(move |c| movements::page(c, id, limit, before));
        read.await.map_err(list_error)
    }

    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
        at: Timestamp,
    ) -> Result<Vec<Option<OfferView>>, StoreError> {
        self.database
            .read(move |c| offers::all(c, &items, currency, at))
            .await
    }

    async fn reserve_all(
        &self,
        batch: Vec<Reserve>,
        at: Timestamp,
    ) -> Result<Vec<Result<Reserved, ReserveError>>, StoreError> {
        let write = self.database.write(move |c| {
            let reserved = reserve::all(c, &batch, at)?;
            fault::point("place.reserve_written");
            Ok(reserved)
        });
        write.await.map_err(never_refused)
    }

    async fn resolve_all(
        &self,
        batch: Vec<Resolve>,
        at: Timestamp,
    ) -> Result<Moved<Result<(), ResolveError>>, StoreError> {
        let write = self
            .database
            .write(move |c| Ok(resolve::all(c, &batch, at)?));
        write.await.map_err(never_refused)
    }

    async fn give_back_all(
        &self,
        batch: Vec<GiveBack>,
        at: Timestamp,
    ) -> Result<Moved<Result<(), GiveBackError>>, StoreError> {
        let write = self
            .database
            .write(move |c| Ok(give_back::all(c, &batch, at)?));
        write.await.map_err(never_refused)
    }

    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, StoreError> {
        let read = self
            .database
            .read(move |c| resolve::overdue(c, before, after, limit));
        read.await
    }

    async fn audit_stock(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, StoreError> {
        let read = self.database.read(move |c| audit::stock(c, after, limit));
        read.await
    }

    async fn audit_products(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, StoreError> {
        self.database
            .read(move |c| audit::products(c, after, limit))
            .await
    }

    async fn audit_reservations(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, StoreError> {
        let read = self
            .database
            .read(move |c| audit::reservations(c, after, limit));
        read.await
    }
}

fn edit_error(abort: Abort<EditError>) -> EditError {
    abort.into_refusal(|| EditError::Overloaded, EditError::Internal)
}

fn list_error(error: StoreError) -> ListError {
    ListError::Internal(Box::new(error))
}

fn never_refused(abort: Abort<Infallible>) -> StoreError {
    match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    }
}

/// What must be in the database and is not.
fn broken(what: &str) -> StoreError {
    StoreError::Other(what.into())
}
