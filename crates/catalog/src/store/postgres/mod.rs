//! The catalog in PostgreSQL, shared by several nodes. A batch is a handful of statements over lists, never one an
//! order. Rules are asked for in `domain`, never written here a second time.
//!
//! Locks are taken in one order everywhere: keys of requests, the right to import, products by number, reservations by
//! the id of their order, and stock by the number of its variant, last of all. A reservation's key is locked by whoever
//! inserts it, so twins on other nodes wait there, in the same order, and none of them for stock that the other holds.

mod adjust;
mod audit;
mod categories;
mod give_back;
mod history;
mod images;
mod import;
mod import_variants;
mod inventory;
mod list;
mod movements;
mod offers;
mod read;
mod reserve;
mod reserved;
mod resolve;
mod reviews;
mod rows;
mod search;
mod stock;
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
use platform::db::{
    Abort, StoreError,
    keys::KeyedRequest,
    migrate::Migration,
    postgres::{BASE, Bytes, Database, Place, keys},
};
use std::{convert::Infallible, sync::Arc};

pub(crate) const MIGRATIONS: [Migration; 13] = [
    BASE,
    Migration {
        number: 1,
        name: "catalog",
        sql: include_str!("../../../migrations/postgres/0001_catalog.sql"),
    },
    Migration {
        number: 2,
        name: "hold",
        sql: include_str!("../../../migrations/postgres/0002_hold.sql"),
    },
    Migration {
        number: 3,
        name: "changes",
        sql: include_str!("../../../migrations/postgres/0003_changes.sql"),
    },
    Migration {
        number: 4,
        name: "reviews",
        sql: include_str!("../../../migrations/postgres/0004_reviews.sql"),
    },
    Migration {
        number: 5,
        name: "addresses",
        sql: include_str!("../../../migrations/postgres/0005_addresses.sql"),
    },
    Migration {
        number: 6,
        name: "images",
        sql: include_str!("../../../migrations/postgres/0006_images.sql"),
    },
    Migration {
        number: 7,
        name: "schedule",
        sql: include_str!("../../../migrations/postgres/0007_schedule.sql"),
    },
    Migration {
        number: 8,
        name: "variants",
        sql: include_str!("../../../migrations/postgres/0008_variants.sql"),
    },
    Migration {
        number: 9,
        name: "told",
        sql: include_str!("../../../migrations/postgres/0009_told.sql"),
    },
    Migration {
        number: 10,
        name: "prices",
        sql: include_str!("../../../migrations/postgres/0010_prices.sql"),
    },
    Migration {
        number: 11,
        name: "product_editors",
        sql: include_str!("../../../migrations/postgres/0011_product_editors.sql"),
    },
    Migration {
        number: 12,
        name: "low_stock_and_edits",
        sql: include_str!("../../../migrations/postgres/0012_low_stock_and_edits.sql"),
    },
];

/// The catalog in one schema of a PostgreSQL server.
#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    database: Database,
    search: Arc<Search>,
}

impl PostgresStore {
    pub(crate) async fn open(place: Place, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(place, &MIGRATIONS, now.as_ms()).await?,
            search: Arc::default(),
        })
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn outbox(&self) -> platform::db::Database {
        self.database.clone().into()
    }

    async fn create(
        &self,
        row: NewRow,
        key: Option<KeyedRequest>,
    ) -> Result<Answered<ProductView>, EditError> {
        let write = self.database.write((row, key), |c, (row, key)| {
            Box::pin(write::create(c, row, key.as_ref()))
        });
        write.await.map_err(edit_error)
    }

    async fn edit(&self, edit: Edit) -> Result<ProductView, EditError> {
        let write = self
            .database
            .write(edit, |c, edit| Box::pin(write::edit(c, edit)));
        write.await.map_err(edit_error)
    }

    async fn product(
        &self,
        which: ProductRef,
        scope: Scope,
        at: Timestamp,
    ) -> Result<Option<ProductView>, StoreError> {
        let found = read::product(&self.database.read().await?, &which).await?;
        let seen = found.map(|product| schedule::seen(product, at));
        Ok(seen.filter(|product| scope.sees(product.owner_id, product.status)))
    }

    async fn prices(
        &self,
        id: ProductId,
        currency: Option<Currency>,
        limit: u32,
    ) -> Result<Vec<PriceSince>, StoreError> {
        history::prices(&self.database.read().await?, (id, currency), limit).await
    }

    async fn edits(&self, id: ProductId, limit: u32) -> Result<Vec<ProductEdit>, StoreError> {
        history::edits(&self.database.read().await?, id, limit).await
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
                return list::page(&self.database.read().await?, &list).await;
            };
            let found = self
                .search
                .ask(self, move |index| index.find(&wish))
                .await?;
            let page = list.page(found)?;
            let products = read::all(&self.database.read().await?, &page.data).await?;
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
        match import::all(&self.database, import.clone()).await {
            // Another node made a product under one of these names meanwhile: the second time it is found.
            Err(StoreError::Constraint(_)) => import::all(&self.database, import).await,
            told => told,
        }
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, StoreError> {
        categories::all(&self.database.read().await?).await
    }

    async fn create_category(&self, row: CategoryRow) -> Result<Answered<CategoryView>, EditError> {
        let write = self.database.write(row, |c, row| {
            let once = (row.request.as_ref(), row.at);
            let made = categories::create(c, row);
            Box::pin(keys::once(c, once, || EditError::KeyReused, made))
        });
        write.await.map_err(edit_error)
    }

    async fn adjust(
        &self,
        adjust: Adjust,
        key: Option<KeyedRequest>,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        let write = self.database.write((adjust, key), |c, (adjust, key)| {
            Box::pin(adjust::all(c, adjust, key.as_ref()))
        });
        write.await.map_err(|abort: Abort<AdjustError>| {
            abort.into_refusal(|| AdjustError::Overloaded, AdjustError::Internal)
        })
    }

    async fn inventory(
        &self,
        query: InventoryQuery,
        scope: Scope,
    ) -> Result<Page<InventoryView>, ListError> {
        let after = cursor::read(query.cursor.as_ref())?;
        let page =
            async { inventory::page(&self.database.read().await?, &query, after, scope).await };
        page.await.map_err(list_error)
    }

    async fn inventory_counts(&self, scope: Scope, low_most: i64) -> Result<[i64; 2], StoreError> {
        inventory::counts(&self.database.read().await?, scope, low_most).await
    }

    async fn inventory_of(
        &self,
        id: VariantId,
        scope: Scope,
    ) -> Result<Option<InventoryView>, StoreError> {
        inventory::one(&self.database.read().await?, id, scope).await
    }

    async fn movements(
        &self,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, ListError> {
        let before = movement::before(cursor.as_ref())?;
        let page = async { movements::page(&self.database.read().await?, id, limit, before).await };
        page.await.map_err(list_error)
    }

    async fn offers(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
        at: Timestamp,
    ) -> Result<Vec<Option<OfferView>>, StoreError> {
        offers::all(&self.database.read().await?, &items, currency, at).await
    }

    async fn reserve_all(
        &self,
        batch: Vec<Reserve>,
        at: Timestamp,
    ) -> Result<Vec<Result<Reserved, ReserveError>>, StoreError> {
        reserve::all(&self.database, batch, at).await
    }

    async fn resolve_all(
        &self,
        batch: Vec<Resolve>,
        at: Timestamp,
    ) -> Result<Moved<Result<(), ResolveError>>, StoreError> {
        self.database
            .write(batch, move |c, batch| Box::pin(resolve::all(c, batch, at)))
            .await
            .map_err(storage)
    }

    async fn give_back_all(
        &self,
        batch: Vec<GiveBack>,
        at: Timestamp,
    ) -> Result<Moved<Result<(), GiveBackError>>, StoreError> {
        self.database
            .write(batch, move |c, batch| {
                Box::pin(give_back::all(c, batch, at))
            })
            .await
            .map_err(storage)
    }

    async fn overdue(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, StoreError> {
        resolve::overdue(&self.database.read().await?, before, after, limit).await
    }

    async fn audit_stock(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, StoreError> {
        audit::stock(&*self.database.snapshot().await?, after, limit).await
    }

    async fn audit_products(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, StoreError> {
        audit::products(&self.database.read().await?, after, limit).await
    }

    async fn audit_reservations(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, StoreError> {
        audit::reservations(&*self.database.snapshot().await?, after, limit).await
    }
}

fn edit_error(abort: Abort<EditError>) -> EditError {
    abort.into_refusal(|| EditError::Overloaded, EditError::Internal)
}

fn list_error(error: StoreError) -> ListError {
    ListError::Internal(Box::new(error))
}

/// For writes that nothing but storage can refuse.
fn storage(abort: Abort<Infallible>) -> StoreError {
    match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    }
}

/// What must be in the database and is not.
fn broken(what: &str) -> StoreError {
    StoreError::Other(what.into())
}

/// A value that no longer reads as its type.
fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Other(Box::new(error))
}

/// Before all ids: no id is made of zeros only.
const FIRST_ID: Bytes<16> = Bytes([0; 16]);

/// Whether the database can hold this text. If not, nothing in it has that name.
fn can_be_kept(text: &str) -> bool {
    !text.contains('\0')
}
