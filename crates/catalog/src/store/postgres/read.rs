//! Products as they are read: a product and all of its variants in one statement, so that they are of one moment.

use super::{broken, can_be_kept, images::shown, unreadable};
use crate::{
    domain::{price_list::PriceList, schedule::Schedule},
    store::{images, variants},
};
use contracts::{
    catalog::{ProductRef, ProductView, RatingView, StockView, VariantView},
    values::{Money, ProductId, Timestamp, UserId, VariantId, Version},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, ToSql, parsed},
};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Columns of [`row`], from [`FROM`].
pub(super) const COLUMNS: &str = concat!(
    "p.product_number, p.product_id, p.owner_id, p.slug, p.name, p.status, \
     p.image_url, p.version, p.created_at_ms, p.updated_at_ms, p.attributes, p.description, \
     c.slug, v.sku, v.price_minor, v.currency, \
     held.ids, held.skus, held.prices, held.currencies, held.on_hand, held.reserved, held.versions, \
     r.count, r.sum, r.version, e.version, \
     CASE WHEN e.version IS NOT NULL THEN ",
    shown!(),
    " END, p.publish_at_ms, p.unpublish_at_ms, p.related, p.options, held.options, held.price_lists"
);
/// How many there are.
pub(super) const COLUMN_COUNT: usize = 34;

/// What follows `products p` after FROM.
pub(super) const FROM: &str =
    "JOIN variants v ON v.product_number = p.product_number AND v.position = 0
   LEFT JOIN categories c ON c.category_number = p.category_number
   LEFT JOIN product_ratings r ON r.product_number = p.product_number
   LEFT JOIN product_extras e ON e.product_number = p.product_number
  CROSS JOIN LATERAL (
         SELECT ARRAY_AGG(a.variant_id ORDER BY a.position) AS ids,
                ARRAY_AGG(a.sku ORDER BY a.position) AS skus,
                ARRAY_AGG(a.price_minor ORDER BY a.position) AS prices,
                ARRAY_AGG(a.currency ORDER BY a.position) AS currencies,
                ARRAY_AGG(s.on_hand ORDER BY a.position) AS on_hand,
                ARRAY_AGG(s.reserved ORDER BY a.position) AS reserved,
                ARRAY_AGG(s.version ORDER BY a.position) AS versions,
                ARRAY_AGG(a.options ORDER BY a.position) AS options,
                ARRAY_AGG(a.prices ORDER BY a.position) AS price_lists
           FROM variants a
           JOIN stock s ON s.variant_number = a.variant_number
          WHERE a.product_number = p.product_number AND a.position >= 0
        ) AS held";

/// A product with its variants, and the store's number of it.
pub(super) fn row(row: &Row) -> Result<(i64, ProductView), StoreError> {
    let mut view = ProductView {
        id: ProductId::from_bytes(id(row, 1)?),
        owner_id: UserId::from_bytes(id(row, 2)?),
        slug: row.try_get(3)?,
        name: row.try_get(4)?,
        status: parsed(row, 5)?,
        image_url: row.try_get(6)?,
        images: images::read(row.try_get(27)?)?,
        version: version(row, 7)?,
        created_at: Timestamp::from_ms(row.try_get(8)?),
        updated_at: Timestamp::from_ms(row.try_get(9)?),
        attributes: json_of(row, 10)?,
        description: row.try_get(11)?,
        category: row.try_get(12)?,
        sku: row.try_get(13)?,
        price: money(row, 14, 15)?,
        price_max: None,
        publish_at: moment(row, 28)?,
        unpublish_at: moment(row, 29)?,
        related: json_of(row, 30)?,
        rating: RatingView::of(rated(row, 23)?, rated(row, 24)?),
        stock: stock(0, 0),
        options: json_of(row, 31)?,
        variants: Vec::new(),
        stock_version: rated(row, 25)?.saturating_add(rated(row, 26)?),
    };
    let versions: Vec<i64> = row.try_get(22)?;
    let kept: Vec<&str> = row.try_get(32)?;
    let prices: Vec<&str> = row.try_get(33)?;
    let kept = kept.into_iter().zip(prices);
    let held = held(row)?.into_iter().zip(versions).zip(kept);
    for ((mut variant, version), (kept, prices)) in held {
        variant.prices = variants::prices(prices)?.shown();
        variants::describe(&mut variant, &view.options, kept)?;
        view.stock = stock(
            view.stock.on_hand.saturating_add(variant.stock.on_hand),
            view.stock.reserved.saturating_add(variant.stock.reserved),
        );
        view.stock_version = view.stock_version.saturating_add(version);
        view.variants.push(variant);
    }
    variants::arrange(&mut view);
    Ok((row.try_get(0)?, view))
}

/// Nothing is counted of what nobody reviewed.
fn rated(row: &Row, column: usize) -> Result<i64, StoreError> {
    Ok(row.try_get::<_, Option<i64>>(column)?.unwrap_or(0))
}

/// The variants, whose columns are lists of the same length.
fn held(row: &Row) -> Result<Vec<VariantView>, StoreError> {
    let ids: Vec<Bytes<16>> = row.try_get(16)?;
    let skus: Vec<String> = row.try_get(17)?;
    let prices: Vec<i64> = row.try_get(18)?;
    let currencies: Vec<&str> = row.try_get(19)?;
    let on_hand: Vec<i64> = row.try_get(20)?;
    let reserved: Vec<i64> = row.try_get(21)?;
    let named = ids.into_iter().zip(skus);
    let priced = prices.into_iter().zip(currencies);
    let counted = on_hand.into_iter().zip(reserved);
    named
        .zip(priced)
        .zip(counted)
        .map(
            |(((Bytes(id), sku), (minor, currency)), (on_hand, reserved))| {
                Ok(VariantView {
                    id: VariantId::from_bytes(id),
                    sku,
                    title: String::new(),
                    options: BTreeMap::new(),
                    price: Money::new(minor, currency.parse().map_err(unreadable)?),
                    prices: Vec::new(),
                    stock: stock(on_hand, reserved),
                })
            },
        )
        .collect()
}

/// By the address that it has, or else by one that it had.
const BY_SLUG: &str = "p.product_number = COALESCE(
                (SELECT a.product_number FROM products a WHERE a.slug = $1::text),
                (SELECT a.product_number FROM product_addresses a WHERE a.slug = $1::text))";

/// One product with its variants.
pub(super) async fn product(
    connection: &Connection,
    which: &ProductRef,
) -> Result<Option<ProductView>, StoreError> {
    match which {
        ProductRef::Id(id) => one(connection, "p.product_id = $1", &Bytes(*id.as_bytes())).await,
        ProductRef::Slug(slug) if can_be_kept(slug) => one(connection, BY_SLUG, slug).await,
        ProductRef::Slug(_) => Ok(None),
    }
}

/// Those of these products that are there, in no order.
pub(super) async fn all(
    connection: &Connection,
    numbers: &[i64],
) -> Result<Vec<(i64, ProductView)>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM products p {FROM} WHERE p.product_number = ANY($1)");
    let rows = connection.query(&sql, &[&numbers]).await?;
    rows.iter().map(row).collect()
}

/// The product of that number, which is there.
pub(super) async fn numbered(
    connection: &Connection,
    number: i64,
) -> Result<ProductView, StoreError> {
    one(connection, "p.product_number = $1", &number)
        .await?
        .ok_or_else(|| broken("a product that was written is not there"))
}

async fn one(
    connection: &Connection,
    condition: &str,
    value: &(dyn ToSql + Sync),
) -> Result<Option<ProductView>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM products p {FROM} WHERE {condition}");
    let found = connection.query_opt(&sql, &[value]).await?;
    found.map(|found| Ok(row(&found)?.1)).transpose()
}

/// A moment, if there is one.
fn moment(row: &Row, column: usize) -> Result<Option<Timestamp>, StoreError> {
    let ms: Option<i64> = row.try_get(column)?;
    Ok(ms.map(Timestamp::from_ms))
}

/// When it goes on sale and comes off it, from two columns.
pub(super) fn schedule(row: &Row, publish: usize) -> Result<Schedule, StoreError> {
    Ok(Schedule {
        publish_at: moment(row, publish)?,
        unpublish_at: moment(row, publish.saturating_add(1))?,
    })
}

/// What is kept as JSON.
pub(super) fn json_of<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, StoreError> {
    serde_json::from_str(row.try_get(column)?).map_err(unreadable)
}

fn stock(on_hand: i64, reserved: i64) -> StockView {
    debug_assert!(
        0 <= reserved && reserved <= on_hand,
        "{reserved} of {on_hand}"
    );
    StockView {
        on_hand,
        reserved,
        available: on_hand.saturating_sub(reserved),
    }
}

/// The bytes of an id.
pub(super) fn id(row: &Row, column: usize) -> Result<[u8; 16], StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(column)?;
    Ok(id)
}

/// Money from its two columns.
pub(super) fn money(row: &Row, minor: usize, currency: usize) -> Result<Money, StoreError> {
    Ok(Money::new(row.try_get(minor)?, parsed(row, currency)?))
}

/// Prices in other currencies.
pub(super) fn prices(row: &Row, column: usize) -> Result<PriceList, StoreError> {
    variants::prices(row.try_get(column)?)
}

pub(super) fn version(row: &Row, column: usize) -> Result<Version, StoreError> {
    Version::try_from(row.try_get::<_, i64>(column)?).map_err(unreadable)
}
