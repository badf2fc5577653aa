//! The catalog for the other services: each call of `calls`, and the method that answers it.

use crate::calls::{self, NAME, Product};
use axum::Router;
use contracts::{access::Principal, catalog::Catalog, wire::Cause};
use platform::http::internal::Answering;
use std::sync::Arc;

type Table = Answering<dyn Catalog>;

/// The calls as routes, for a port that only our own nodes reach.
pub fn internal_routes(service: Arc<dyn Catalog>) -> Router {
    let table = Answering::of(NAME, service);
    audits(orders(inventory(desk(products(table))))).routes()
}

fn products(table: Table) -> Table {
    table
        .on(calls::CREATE_PRODUCT, async |catalog, (who, key, wish)| {
            let made = catalog.create_product(&who.into(), key, wish).await;
            made.map(|answered| answered.map(Product::from))
        })
        .on(
            calls::REPLACE_PRODUCT,
            async |catalog, (who, id, sent, wish)| {
                let replaced = catalog.replace_product(&who.into(), id, sent, wish).await;
                replaced.map(Product::from)
            },
        )
        .on(
            calls::PATCH_PRODUCT,
            async |catalog, (who, id, sent, wish)| {
                let patched = catalog.patch_product(&who.into(), id, sent, wish).await;
                patched.map(Product::from)
            },
        )
        .on(calls::DELETE_PRODUCT, async |catalog, (who, id, sent)| {
            catalog.delete_product(&who.into(), id, sent).await
        })
        .on(calls::PRODUCT, async |catalog, (viewer, which)| {
            let viewer = viewer.map(Principal::from);
            let found = catalog.product(viewer.as_ref(), which).await;
            found.map(Product::from)
        })
        .on(calls::PRODUCTS, async |catalog, (viewer, query)| {
            let viewer = viewer.map(Principal::from);
            let found = catalog.products(viewer.as_ref(), query).await;
            found.map(|page| page.map(Product::from))
        })
        .on(calls::PAGE_STARTS, async |catalog, query| {
            catalog.page_starts(query).await
        })
        .on(calls::FACETS, async |catalog, query| {
            catalog.facets(query).await
        })
        .on(calls::SUGGESTIONS, async |catalog, query| {
            catalog.suggestions(query).await
        })
        .on(calls::REVIEWS_BY, async |catalog, (user, limit, cursor)| {
            catalog.reviews_by(user, limit, cursor).await
        })
        .on(calls::CATEGORIES, async |catalog, ()| {
            catalog.categories().await
        })
        .on(calls::CURRENCIES, async |catalog, ()| {
            catalog.currencies().await.map_err(Cause::from)
        })
        .on(calls::OFFERS, async |catalog, items| {
            catalog.offers(items, None).await.map_err(Cause::from)
        })
        .on(calls::OFFERS_IN, async |catalog, (items, currency)| {
            let offers = catalog.offers(items, Some(currency)).await;
            offers.map_err(Cause::from)
        })
        .on(calls::CREATE_CATEGORY, async |catalog, wish| {
            catalog.create_category(wish).await
        })
}

/// What only those ask who keep the shop.
fn desk(table: Table) -> Table {
    table
        .on(calls::PRODUCT_COUNTS, async |catalog, (who, q)| {
            catalog.product_counts(&who.into(), q).await
        })
        .on(calls::PRODUCT_EDITS, async |catalog, (who, id)| {
            catalog.product_edits(&who.into(), id).await
        })
        .on(
            calls::IMPORT_PRODUCTS,
            async |catalog, (owner, batch, commit)| {
                let imported = catalog.import_products(owner, batch, commit).await;
                imported.map_err(Cause::from)
            },
        )
}

fn inventory(table: Table) -> Table {
    table
        .on(calls::ADJUST_STOCK, async |catalog, (who, key, wish)| {
            catalog.adjust_stock(&who.into(), key, wish).await
        })
        .on(calls::INVENTORY, async |catalog, (who, query)| {
            catalog.inventory(&who.into(), query).await
        })
        .on(calls::INVENTORY_COUNTS, async |catalog, who| {
            catalog.inventory_counts(&who.into()).await
        })
        .on(calls::INVENTORY_OF, async |catalog, (who, id)| {
            catalog.inventory_of(&who.into(), id).await
        })
        .on(
            calls::MOVEMENTS,
            async |catalog, (who, id, limit, cursor)| {
                catalog.movements(&who.into(), id, limit, cursor).await
            },
        )
}

fn orders(table: Table) -> Table {
    table
        .on(calls::RESERVE_ALL, async |catalog, batch| {
            catalog.reserve_all(batch).await
        })
        .on(calls::RESOLVE_ALL, async |catalog, batch| {
            catalog.resolve_all(batch).await
        })
        .on(calls::GIVE_BACK_ALL, async |catalog, batch| {
            catalog.give_back_all(batch).await
        })
        .on(calls::OVERDUE, async |catalog, (before, after, limit)| {
            let overdue = catalog.overdue(before, after, limit).await;
            overdue.map_err(Cause::from)
        })
}

fn audits(table: Table) -> Table {
    table
        .on(calls::AUDIT_STOCK, async |catalog, (after, limit)| {
            let rows = catalog.audit_stock(after, limit).await;
            rows.map_err(Cause::from)
        })
        .on(calls::AUDIT_PRODUCTS, async |catalog, (after, limit)| {
            let rows = catalog.audit_products(after, limit).await;
            rows.map_err(Cause::from)
        })
        .on(
            calls::AUDIT_RESERVATIONS,
            async |catalog, (after, limit)| {
                let rows = catalog.audit_reservations(after, limit).await;
                rows.map_err(Cause::from)
            },
        )
}
