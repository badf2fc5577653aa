//! Products as they are written: document, default variant and first stock in one transaction.
//! An edit never touches stock.

use super::{broken, categories, history, read, variants::Product};
use crate::{
    domain::{
        category::CategoryName,
        document::{self, Document},
        edited, schedule,
        scope::Scope,
        slug, text,
    },
    store::{Edit, NewRow, kept::Kept},
};
use contracts::{
    catalog::{EditError, ProductOption, ProductView},
    request::{Answered, Precondition},
    values::{ProductId, Timestamp, UserId, Version, fold},
};
use platform::db::{
    Abort, StoreError,
    keys::{self, KeyedRequest},
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

pub(super) fn create(
    connection: &Connection,
    row: &NewRow,
    key: Option<&KeyedRequest>,
) -> Result<Answered<ProductView>, Abort<EditError>> {
    let make = || {
        let category = row.draft.category.as_ref();
        let category = category
            .map(|named| categories::find_or_make(connection, named, row.at))
            .transpose()?;
        let number = insert(connection, row, category)?;
        history::made_by(connection, (number, Version::FIRST.get()), row.owner_id)?;
        let view = schedule::seen(read::numbered(connection, number)?, row.at);
        Ok::<_, Abort<EditError>>(Kept::of(&view))
    };
    let made = keys::once(connection, (key, row.at), || EditError::KeyReused, make)?;
    Ok(made.map(Kept::into_view))
}

/// Inserts all rows of a product into a category (by its number) and gives the product's number.
pub(super) fn insert(
    connection: &Connection,
    row: &NewRow,
    category: Option<i64>,
) -> Result<i64, Abort<EditError>> {
    let draft = &row.draft;
    let slug = match &draft.slug {
        Some(chosen) => chosen.clone(),
        None => free_slug(connection, &draft.slug_base(), row.product_id)?,
    };
    let (status, schedule) = draft.stands(row.at);
    let related = draft.related.as_deref().unwrap_or_default();
    must_be_there(connection, related)?;
    connection
        .prepare_cached(
            "INSERT INTO products (product_id, owner_id, slug, name, name_key, category_number, status,
                                   image_url, version, created_at_ms, updated_at_ms, attributes, description,
                                   publish_at_ms, unpublish_at_ms, related, options)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            row.product_id.as_bytes(),
            row.owner_id.as_bytes(),
            slug,
            draft.name,
            text::sort_key(&draft.name),
            category,
            schedule.kept(status).as_str(),
            draft.image_url,
            Version::FIRST.get(),
            row.at.as_ms(),
            json(&draft.attributes)?,
            draft.description,
            schedule.publish_at.map(Timestamp::as_ms),
            schedule.unpublish_at.map(Timestamp::as_ms),
            json(related)?,
            json(&draft.lineup.options)?,
        ])
        .map_err(taken)?;
    let number = connection.last_insert_rowid();
    insert_variants(connection, number, row)?;
    Ok(number)
}

fn insert_variants(
    connection: &Connection,
    number: i64,
    row: &NewRow,
) -> Result<(), Abort<EditError>> {
    let product = Product {
        connection,
        number,
        version: Version::FIRST.get(),
        owner_id: row.owner_id,
        at: row.at,
    };
    product.insert(&row.first_member(), 0)?;
    for (place, member) in (1_i64..).zip(row.draft.other_variants()) {
        product.insert(member, place)?;
    }
    Ok(())
}

/// The stock that a variant begins with.
pub(super) fn insert_stock(
    connection: &Connection,
    variant: i64,
    units: i64,
    owner_id: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO stock (variant_number, on_hand, reserved, version) VALUES (?1, ?2, 0, 1)",
        )?
        .execute([variant, units])?;
    if units > 0 {
        connection
            .prepare_cached(
                "INSERT INTO stock_adjustments (variant_number, kind, delta, reason, actor, at_ms)
                 VALUES (?1, 'initial', ?2, 'first stock', ?3, ?4)",
            )?
            .execute(params![variant, units, owner_id.to_string(), at.as_ms()])?;
    }
    Ok(())
}

pub(super) fn edit(connection: &Connection, edit: Edit) -> Result<ProductView, Abort<EditError>> {
    let found = current(connection, edit.product_id, edit.scope, edit.sent)?;
    let before = found.document.at(edit.at);
    let next = edit.change.apply(before.clone()).map_err(Abort::Refused)?;
    let next = next.at(edit.at);
    if !found.options.is_empty() {
        next.keeps_goods(&before).map_err(Abort::Refused)?;
    }
    must_be_there(connection, &next.related)?;
    let category = next.category.as_ref();
    let category = category
        .map(|named| categories::find_or_make(connection, named, edit.at))
        .transpose()?;
    let place = Place {
        number: found.number,
        version: found.version,
        category,
    };
    update(connection, &place, &next, edit.at)?;
    let made = (found.number, found.version.next().get());
    history::made_by(connection, made, edit.by)?;
    history::edited(connection, made, &edited::fields(&before, &next), edit.at)?;
    let view = read::numbered(connection, found.number)?;
    Ok(schedule::seen(view, edit.at))
}

/// The scope's product, if the version that was sent is current.
pub(super) fn current(
    connection: &Connection,
    id: ProductId,
    scope: Scope,
    sent: Precondition,
) -> Result<Found, Abort<EditError>> {
    let found = find(connection, id)?.filter(|found| scope.holds(found.owner_id));
    let found = found.ok_or(Abort::Refused(EditError::NotFound))?;
    match sent.version() {
        Some(version) if version != found.version => {
            let current = found.version;
            Err(Abort::Refused(EditError::VersionConflict { sent, current }))
        }
        Some(_) | None => Ok(found),
    }
}

/// Which row is written, and under which version it was read.
pub(super) struct Place {
    pub(super) number: i64,
    pub(super) version: Version,
    pub(super) category: Option<i64>,
}

/// Writes the next version of a document.
pub(super) fn update(
    connection: &Connection,
    place: &Place,
    next: &Document,
    at: Timestamp,
) -> Result<(), Abort<EditError>> {
    let changed = connection
        .prepare_cached(
            "UPDATE products
                SET slug = ?3, name = ?4, name_key = ?5, category_number = ?6, status = ?7, image_url = ?8,
                    attributes = ?9, description = ?10, updated_at_ms = ?11, version = version + 1,
                    publish_at_ms = ?12, unpublish_at_ms = ?13, related = ?14
              WHERE product_number = ?1 AND version = ?2",
        )?
        .execute(params![
            place.number,
            place.version.get(),
            next.slug,
            next.name,
            text::sort_key(&next.name),
            place.category,
            next.schedule.kept(next.status).as_str(),
            next.image_url,
            json(&next.attributes)?,
            next.description,
            at.as_ms(),
            next.schedule.publish_at.map(Timestamp::as_ms),
            next.schedule.unpublish_at.map(Timestamp::as_ms),
            json(&next.related)?,
        ])
        .map_err(taken)?;
    if changed != 1 {
        return Err(broken("a product changed under its only writer").into());
    }
    connection
        .prepare_cached(
            "UPDATE variants SET sku = ?2, sku_key = ?3, price_minor = ?4, currency = ?5
              WHERE product_number = ?1 AND position = 0",
        )?
        .execute(params![
            place.number,
            next.sku,
            fold(&next.sku),
            next.price.minor,
            next.price.currency.code(),
        ])
        .map_err(taken)?;
    Ok(())
}

/// A product as an edit finds it.
pub(super) struct Found {
    pub(super) number: i64,
    pub(super) owner_id: UserId,
    pub(super) version: Version,
    pub(super) category: Option<i64>,
    pub(super) document: Document,
    pub(super) options: Vec<ProductOption>,
    /// Whether SKU and price are those of the default variant.
    pub(super) is_default: bool,
}

const FIND: &str =
    "SELECT p.product_number, p.owner_id, p.version, p.category_number, p.slug, p.name,
            p.status, p.image_url, p.attributes, p.description, c.slug, c.name,
            v.sku, v.price_minor, v.currency, p.publish_at_ms, p.unpublish_at_ms, p.related, p.options, v.position = 0
       FROM products p
       JOIN variants v ON v.product_number = p.product_number
       LEFT JOIN categories c ON c.category_number = p.category_number";

fn find(connection: &Connection, id: ProductId) -> Result<Option<Found>, StoreError> {
    let sql = format!("{FIND} WHERE p.product_id = ?1 AND v.position = 0");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id.as_bytes()], found).optional()?)
}

/// The product of that number, by its default variant.
pub(super) fn find_numbered(
    connection: &Connection,
    number: i64,
) -> Result<Option<Found>, StoreError> {
    let sql = format!("{FIND} WHERE p.product_number = ?1 AND v.position = 0");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([number], found).optional()?)
}

/// The product of which a variant has this folded SKU.
pub(super) fn find_by_sku(
    connection: &Connection,
    sku_key: &str,
) -> Result<Option<Found>, StoreError> {
    let sql = format!("{FIND} WHERE v.sku_key = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([sku_key], found).optional()?)
}

/// Which product has a variant of this folded SKU.
pub(super) fn product_by_sku(
    connection: &Connection,
    sku_key: &str,
) -> Result<Option<ProductId>, StoreError> {
    let sql = "SELECT p.product_id
                 FROM variants v
                 JOIN products p ON p.product_number = v.product_number
                WHERE v.sku_key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let id = statement
        .query_row([sku_key], |row| row.get(0))
        .optional()?;
    Ok(id.map(ProductId::from_bytes))
}

/// Which product's page has this address now.
pub(super) fn product_by_slug(
    connection: &Connection,
    slug: &str,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT product_number FROM products WHERE slug = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([slug], |row| row.get(0)).optional()?)
}

fn found(row: &rusqlite::Row<'_>) -> rusqlite::Result<Found> {
    let category: (Option<String>, Option<String>) = (row.get(10)?, row.get(11)?);
    Ok(Found {
        number: row.get(0)?,
        owner_id: UserId::from_bytes(row.get(1)?),
        version: read::version(row, 2)?,
        category: row.get(3)?,
        document: Document {
            slug: row.get(4)?,
            name: row.get(5)?,
            status: read::word(row, 6)?,
            image_url: row.get(7)?,
            attributes: read::json_of(row, 8)?,
            description: row.get(9)?,
            category: match category {
                (Some(slug), Some(name)) => Some(CategoryName { slug, name }),
                (None, _) | (_, None) => None,
            },
            sku: row.get(12)?,
            price: read::money(row, 13, 14)?,
            schedule: read::schedule(row, 15)?,
            related: read::json_of(row, 17)?,
        },
        options: read::json_of(row, 18)?,
        is_default: row.get(19)?,
    })
}

/// The first slug that no product has or had; the writer is alone, so that it stays free until it is used.
fn free_slug(connection: &Connection, base: &str, id: ProductId) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM products WHERE slug = ?1)
             OR EXISTS (SELECT 1 FROM product_addresses WHERE slug = ?1)",
    )?;
    for candidate in slug::candidates(base, &document::tail(id)) {
        let used: bool = statement.query_row([&candidate], |row| row.get(0))?;
        if !used {
            return Ok(candidate);
        }
    }
    Err(broken("no slug is free"))
}

/// Products never go away, so what is there now stays.
fn must_be_there(connection: &Connection, ids: &[ProductId]) -> Result<(), Abort<EditError>> {
    let mut statement = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM products WHERE product_id = ?1)")?;
    for id in ids {
        if !statement.query_row([id.as_bytes()], |row| row.get(0))? {
            return Err(Abort::Refused(document::unknown_relation()));
        }
    }
    Ok(())
}

pub(super) fn taken(error: rusqlite::Error) -> Abort<EditError> {
    Abort::from(error)
        .or_constraint("products.slug", || EditError::SlugTaken)
        .or_constraint("variants.sku_key", || EditError::SkuTaken)
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Other(error.into()))
}
