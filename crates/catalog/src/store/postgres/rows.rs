//! The rows of products, many at a time: inserted, found and updated in statements over lists. Decides nothing.

use super::{
    broken, read, stock, unreadable,
    variants::{self, Goods},
};
use crate::{
    domain::{category::CategoryName, document::Document, schedule::Schedule, text},
    store::NewRow,
};
use contracts::{
    catalog::{ProductOption, ProductStatus},
    values::{ProductId, Timestamp, UserId, Version, fold},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, ToSql, parsed},
};
use serde::Serialize;
use std::collections::HashMap;

/// A product to be inserted.
pub(super) struct Fresh<'a> {
    pub(super) row: &'a NewRow,
    pub(super) slug: String,
    pub(super) category: Option<i64>,
}

const INSERT_PRODUCTS: &str =
    "INSERT INTO products (product_id, owner_id, slug, name, name_key, category_number, status, image_url, version,
                           created_at_ms, updated_at_ms, attributes, description, publish_at_ms, unpublish_at_ms,
                           related, options)
     SELECT product_id, owner_id, slug, name, name_key, category_number, status, image_url, 1, at_ms, at_ms,
            attributes, description, publish_at_ms, unpublish_at_ms, related, options
       FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
                   $9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::text[], $15::text[])
            AS fresh (product_id, owner_id, slug, name, name_key, category_number, status, image_url, at_ms,
                      attributes, description, publish_at_ms, unpublish_at_ms, related, options)
     ON CONFLICT (slug) DO NOTHING
     RETURNING product_id, product_number";

/// Inserts all rows of these products: their numbers. One whose slug is taken is left out.
pub(super) async fn insert(
    connection: &Connection,
    fresh: &[Fresh<'_>],
) -> Result<Vec<i64>, StoreError> {
    let numbers = insert_products(connection, fresh).await?;
    let made: Vec<(i64, &Fresh<'_>)> = fresh
        .iter()
        .filter_map(|one| Some((*numbers.get(one.row.product_id.as_bytes())?, one)))
        .collect();
    if !made.is_empty() {
        // The default ones first: what comes after them notes its own version.
        let first: Vec<Goods> = made
            .iter()
            .map(|(number, one)| Goods::first(*number, one))
            .collect();
        variants::insert(connection, &first).await?;
        let others: Vec<Goods> = made
            .iter()
            .flat_map(|(number, one)| Goods::others(*number, one))
            .collect();
        variants::insert(connection, &others).await?;
    }
    Ok(made.iter().map(|(number, _)| *number).collect())
}

async fn insert_products(
    connection: &Connection,
    fresh: &[Fresh<'_>],
) -> Result<HashMap<[u8; 16], i64>, StoreError> {
    let drafts = || fresh.iter().map(|one| &one.row.draft);
    let ids: Vec<Bytes<16>> = fresh
        .iter()
        .map(|one| Bytes(*one.row.product_id.as_bytes()))
        .collect();
    let owners: Vec<Bytes<16>> = fresh
        .iter()
        .map(|one| Bytes(*one.row.owner_id.as_bytes()))
        .collect();
    let slugs: Vec<&str> = fresh.iter().map(|one| one.slug.as_str()).collect();
    let names: Vec<&str> = drafts().map(|draft| draft.name.as_str()).collect();
    let name_keys: Vec<String> = drafts().map(|draft| text::sort_key(&draft.name)).collect();
    let categories: Vec<Option<i64>> = fresh.iter().map(|one| one.category).collect();
    let stands = fresh.iter().map(|one| one.row.draft.stands(one.row.at));
    let standing = Standing::of(stands);
    let related = drafts()
        .map(|draft| json(draft.related.as_deref().unwrap_or_default()))
        .collect::<Result<Vec<_>, _>>()?;
    let options = drafts()
        .map(|draft| json(&draft.lineup.options))
        .collect::<Result<Vec<_>, _>>()?;
    let images: Vec<Option<&str>> = drafts().map(|draft| draft.image_url.as_deref()).collect();
    let times: Vec<i64> = fresh.iter().map(|one| one.row.at.as_ms()).collect();
    let attributes = drafts()
        .map(|draft| json(&draft.attributes))
        .collect::<Result<Vec<_>, _>>()?;
    let descriptions: Vec<&str> = drafts().map(|draft| draft.description.as_str()).collect();
    let parameters: [&(dyn ToSql + Sync); 15] = [
        &ids,
        &owners,
        &slugs,
        &names,
        &name_keys,
        &categories,
        &standing.statuses,
        &images,
        &times,
        &attributes,
        &descriptions,
        &standing.publish,
        &standing.unpublish,
        &related,
        &options,
    ];
    let rows = connection.query(INSERT_PRODUCTS, &parameters).await?;
    rows.iter()
        .map(|row| Ok((read::id(row, 0)?, row.try_get(1)?)))
        .collect()
}

/// Where products stand, a column each.
struct Standing {
    statuses: Vec<&'static str>,
    publish: Vec<Option<i64>>,
    unpublish: Vec<Option<i64>>,
}

impl Standing {
    fn of(stands: impl Iterator<Item = (ProductStatus, Schedule)>) -> Self {
        let mut columns = Self {
            statuses: Vec::new(),
            publish: Vec::new(),
            unpublish: Vec::new(),
        };
        for (status, schedule) in stands {
            columns.statuses.push(schedule.kept(status).as_str());
            columns
                .publish
                .push(schedule.publish_at.map(Timestamp::as_ms));
            columns
                .unpublish
                .push(schedule.unpublish_at.map(Timestamp::as_ms));
        }
        columns
    }
}

/// A product as it was found.
#[derive(Debug, Clone)]
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
    "SELECT p.product_number, p.owner_id, p.version, p.category_number, p.slug, p.name, p.status, p.image_url,
            p.attributes, p.description, c.slug, c.name, v.sku, v.price_minor, v.currency, v.sku_key,
            p.publish_at_ms, p.unpublish_at_ms, p.related, p.options, v.position = 0
       FROM products p
       JOIN variants v ON v.product_number = p.product_number
       LEFT JOIN categories c ON c.category_number = p.category_number";

pub(super) async fn by_number(
    connection: &Connection,
    number: i64,
) -> Result<Option<Found>, StoreError> {
    let sql = format!("{FIND} WHERE p.product_number = $1 AND v.position = 0");
    let row = connection.query_opt(&sql, &[&number]).await?;
    row.as_ref().map(found).transpose()
}

/// Locks the products of which variants have these folded SKUs, and gives each by its SKU.
pub(super) async fn lock_by_sku(
    connection: &Connection,
    keys: &[String],
) -> Result<HashMap<String, Found>, StoreError> {
    let lock = "SELECT p.product_number
                  FROM variants v
                  JOIN products p ON p.product_number = v.product_number
                 WHERE v.sku_key = ANY($1)
                 ORDER BY p.product_number
                   FOR NO KEY UPDATE OF p";
    connection.query(lock, &[&keys]).await?;
    let sql = format!("{FIND} WHERE v.sku_key = ANY($1)");
    let rows = connection.query(&sql, &[&keys]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(15)?, found(row)?)))
        .collect()
}

/// The products that have variants of these SKUs, by the folded SKU.
pub(super) async fn products_by_sku(
    connection: &Connection,
    skus: &[String],
) -> Result<HashMap<String, ProductId>, StoreError> {
    let keys: Vec<String> = skus.iter().map(|sku| fold(sku)).collect();
    let sql = "SELECT v.sku_key, p.product_id
                 FROM variants v
                 JOIN products p ON p.product_number = v.product_number
                WHERE v.sku_key = ANY($1)";
    let rows = connection.query(sql, &[&keys]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, ProductId::from_bytes(read::id(row, 1)?))))
        .collect()
}

fn found(row: &Row) -> Result<Found, StoreError> {
    let category: (Option<String>, Option<String>) = (row.try_get(10)?, row.try_get(11)?);
    Ok(Found {
        number: row.try_get(0)?,
        owner_id: UserId::from_bytes(read::id(row, 1)?),
        version: read::version(row, 2)?,
        category: row.try_get(3)?,
        document: Document {
            slug: row.try_get(4)?,
            name: row.try_get(5)?,
            status: parsed(row, 6)?,
            image_url: row.try_get(7)?,
            attributes: read::json_of(row, 8)?,
            description: row.try_get(9)?,
            category: match category {
                (Some(slug), Some(name)) => Some(CategoryName { slug, name }),
                (None, _) | (_, None) => None,
            },
            sku: row.try_get(12)?,
            price: read::money(row, 13, 14)?,
            schedule: read::schedule(row, 16)?,
            related: read::json_of(row, 18)?,
        },
        options: read::json_of(row, 19)?,
        is_default: row.try_get(20)?,
    })
}

/// The next version of a product, and under which version it was read.
pub(super) struct Next {
    pub(super) number: i64,
    pub(super) version: Version,
    pub(super) category: Option<i64>,
    pub(super) document: Document,
}

const UPDATE_PRODUCTS: &str =
    "UPDATE products
        SET slug = next.slug, name = next.name, name_key = next.name_key, category_number = next.category_number,
            status = next.status, image_url = next.image_url, attributes = next.attributes,
            description = next.description, updated_at_ms = $11, version = products.version + 1,
            publish_at_ms = next.publish_at_ms, unpublish_at_ms = next.unpublish_at_ms, related = next.related
       FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                   $8::text[], $9::text[], $10::text[], $12::bigint[], $13::bigint[], $14::text[])
            AS next (product_number, version, slug, name, name_key, category_number, status, image_url, attributes,
                     description, publish_at_ms, unpublish_at_ms, related)
      WHERE products.product_number = next.product_number AND products.version = next.version";

/// Writes the next versions of documents whose rows are locked.
pub(super) async fn update(
    connection: &Connection,
    next: &[Next],
    at: Timestamp,
) -> Result<(), StoreError> {
    if next.is_empty() {
        return Ok(());
    }
    // The product first: its variant's row notes the version.
    update_products(connection, next, at).await?;
    update_variants(connection, next).await
}

async fn update_products(
    connection: &Connection,
    next: &[Next],
    at: Timestamp,
) -> Result<(), StoreError> {
    let documents = || next.iter().map(|one| &one.document);
    let numbers: Vec<i64> = next.iter().map(|one| one.number).collect();
    let versions: Vec<i64> = next.iter().map(|one| one.version.get()).collect();
    let slugs: Vec<&str> = documents().map(|one| one.slug.as_str()).collect();
    let names: Vec<&str> = documents().map(|one| one.name.as_str()).collect();
    let name_keys: Vec<String> = documents().map(|one| text::sort_key(&one.name)).collect();
    let categories: Vec<Option<i64>> = next.iter().map(|one| one.category).collect();
    let standing = Standing::of(documents().map(|one| (one.status, one.schedule)));
    let related = documents()
        .map(|one| json(&one.related))
        .collect::<Result<Vec<_>, _>>()?;
    let images: Vec<Option<&str>> = documents().map(|one| one.image_url.as_deref()).collect();
    let attributes = documents()
        .map(|one| json(&one.attributes))
        .collect::<Result<Vec<_>, _>>()?;
    let descriptions: Vec<&str> = documents().map(|one| one.description.as_str()).collect();
    let at_ms = at.as_ms();
    let parameters: [&(dyn ToSql + Sync); 14] = [
        &numbers,
        &versions,
        &slugs,
        &names,
        &name_keys,
        &categories,
        &standing.statuses,
        &images,
        &attributes,
        &descriptions,
        &at_ms,
        &standing.publish,
        &standing.unpublish,
        &related,
    ];
    let changed = connection.execute(UPDATE_PRODUCTS, &parameters).await?;
    if stock::is(changed, next.len()) {
        Ok(())
    } else {
        Err(broken("a product changed under its lock"))
    }
}

const UPDATE_VARIANTS: &str = "UPDATE variants
    SET sku = next.sku, sku_key = next.sku_key, price_minor = next.price_minor, currency = next.currency
   FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[])
        AS next (product_number, sku, sku_key, price_minor, currency)
  WHERE variants.product_number = next.product_number AND variants.position = 0";

async fn update_variants(connection: &Connection, next: &[Next]) -> Result<(), StoreError> {
    let documents = || next.iter().map(|one| &one.document);
    let numbers: Vec<i64> = next.iter().map(|one| one.number).collect();
    let skus: Vec<&str> = documents().map(|one| one.sku.as_str()).collect();
    let sku_keys: Vec<String> = skus.iter().map(|sku| fold(sku)).collect();
    let minors: Vec<i64> = documents().map(|one| one.price.minor).collect();
    let currencies: Vec<&str> = documents().map(|one| one.price.currency.code()).collect();
    let parameters: [&(dyn ToSql + Sync); 5] = [&numbers, &skus, &sku_keys, &minors, &currencies];
    connection
        .execute(UPDATE_VARIANTS, &parameters)
        .await
        .map(drop)
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(unreadable)
}
