//! Products as they are written: document, default variant and first stock in one transaction.
//! An edit never touches stock. What is written for one product is written for many in as many statements.

use super::{broken, categories, history, read, rows};
use crate::{
    domain::{document, edited, schedule, scope::Scope, slug},
    store::{Edit, NewRow, kept::Kept},
};
use contracts::{
    catalog::{EditError, ProductView},
    request::{Answered, Precondition},
    values::{ProductId, Version},
};
use platform::db::{
    Abort, StoreError,
    keys::KeyedRequest,
    postgres::{Bytes, Connection, keys},
};
use rows::{Found, Fresh, Next};
use std::collections::HashSet;

pub(super) async fn create(
    connection: &Connection,
    row: &NewRow,
    key: Option<&KeyedRequest>,
) -> Result<Answered<ProductView>, Abort<EditError>> {
    let make = async {
        must_be_there(connection, row.draft.related.as_deref().unwrap_or_default()).await?;
        let category = match &row.draft.category {
            None => None,
            Some(named) => Some(categories::find_or_make(connection, named, row.at).await?),
        };
        let number = insert(connection, row, category).await?;
        let first = (number, Version::FIRST.get());
        history::made_by(connection, first, row.owner_id).await?;
        let view = schedule::seen(read::numbered(connection, number).await?, row.at);
        Ok::<_, Abort<EditError>>(Kept::of(&view))
    };
    // It is large, and most of it is what makes the product.
    let once = Box::pin(keys::once(
        connection,
        (key, row.at),
        || EditError::KeyReused,
        make,
    ));
    let made = once.await?;
    Ok(made.map(Kept::into_view))
}

/// Inserts all rows of a product and gives its number. A slug that somebody chose is taken or not; one that is made
/// here gives way to whoever was faster.
async fn insert(
    connection: &Connection,
    row: &NewRow,
    category: Option<i64>,
) -> Result<i64, Abort<EditError>> {
    let fresh = |slug: String| Fresh {
        row,
        slug,
        category,
    };
    if let Some(chosen) = &row.draft.slug {
        let made = rows::insert(connection, &[fresh(chosen.clone())]).await;
        let made = made.map_err(taken)?.pop();
        return made.ok_or(Abort::Refused(EditError::SlugTaken));
    }
    for candidate in free_slugs(connection, row).await? {
        let made = rows::insert(connection, &[fresh(candidate)]).await;
        if let Some(number) = made.map_err(taken)?.pop() {
            return Ok(number);
        }
    }
    Err(broken("no slug is free").into())
}

pub(super) fn taken(error: StoreError) -> Abort<EditError> {
    Abort::from(error)
        .or_constraint("products_slug_key", || EditError::SlugTaken)
        .or_constraint("variants_sku_key", || EditError::SkuTaken)
}

/// Slugs for a product, best first, that were free just now.
async fn free_slugs(connection: &Connection, row: &NewRow) -> Result<Vec<String>, StoreError> {
    let tail = document::tail(row.product_id);
    let candidates: Vec<String> = slug::candidates(&row.draft.slug_base(), &tail).collect();
    let used = used_slugs(connection, &candidates).await?;
    let free = candidates.into_iter().filter(|slug| !used.contains(slug));
    Ok(free.collect())
}

/// Which product's page has this address now.
pub(super) async fn product_by_slug(
    connection: &Connection,
    slug: &str,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT product_number FROM products WHERE slug = $1";
    let row = connection.query_opt(sql, &[&slug]).await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Of these slugs, those that a product has or had.
pub(super) async fn used_slugs(
    connection: &Connection,
    slugs: &[String],
) -> Result<HashSet<String>, StoreError> {
    let sql = "SELECT slug FROM products WHERE slug = ANY($1)
                UNION
               SELECT slug FROM product_addresses WHERE slug = ANY($1)";
    let rows = connection.query(sql, &[&slugs]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

pub(super) async fn edit(
    connection: &Connection,
    edit: &Edit,
) -> Result<ProductView, Abort<EditError>> {
    let found = current(connection, edit.product_id, edit.scope, edit.sent).await?;
    let (number, version) = (found.number, found.version.next().get());
    let change = edit.change.clone();
    let before = found.document.at(edit.at);
    let document = change.apply(before.clone()).map_err(Abort::Refused)?;
    let document = document.at(edit.at);
    if !found.options.is_empty() {
        document.keeps_goods(&before).map_err(Abort::Refused)?;
    }
    must_be_there(connection, &document.related).await?;
    let category = match &document.category {
        None => None,
        Some(named) => Some(categories::find_or_make(connection, named, edit.at).await?),
    };
    let changes = edited::fields(&before, &document);
    let next = Next {
        number,
        version: found.version,
        category,
        document,
    };
    rows::update(connection, &[next], edit.at)
        .await
        .map_err(taken)?;
    history::made_by(connection, (number, version), edit.by).await?;
    history::edited(connection, (number, version), &changes, edit.at).await?;
    let view = read::numbered(connection, number).await?;
    Ok(schedule::seen(view, edit.at))
}

/// Locks the scope's product, if the version that was sent is current.
pub(super) async fn current(
    connection: &Connection,
    id: ProductId,
    scope: Scope,
    sent: Precondition,
) -> Result<Found, Abort<EditError>> {
    let not_found = || Abort::Refused(EditError::NotFound);
    let number = lock(connection, id).await?.ok_or_else(not_found)?;
    // Read after the lock was had: price and SKU are in another row, which the lock does not wait for.
    let found = rows::by_number(connection, number).await?;
    let found = found.filter(|found| scope.holds(found.owner_id));
    let found = found.ok_or_else(not_found)?;
    match sent.version() {
        Some(version) if version != found.version => {
            let current = found.version;
            Err(Abort::Refused(EditError::VersionConflict { sent, current }))
        }
        Some(_) | None => Ok(found),
    }
}

/// Products never go away, so what is there now stays.
async fn must_be_there(connection: &Connection, ids: &[ProductId]) -> Result<(), Abort<EditError>> {
    if ids.is_empty() {
        return Ok(());
    }
    let wanted: Vec<Bytes<16>> = ids.iter().map(|id| Bytes(*id.as_bytes())).collect();
    let sql = "SELECT product_number FROM products WHERE product_id = ANY($1)";
    if connection.query(sql, &[&wanted]).await?.len() == ids.len() {
        Ok(())
    } else {
        Err(Abort::Refused(document::unknown_relation()))
    }
}

async fn lock(connection: &Connection, id: ProductId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT product_number FROM products WHERE product_id = $1 FOR NO KEY UPDATE";
    let row = connection.query_opt(sql, &[&Bytes(*id.as_bytes())]).await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}
