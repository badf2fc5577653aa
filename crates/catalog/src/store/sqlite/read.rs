//! Products as they are read: two statements for a page, whatever its size. Changes nothing.

use super::{broken, images::shown};
use crate::{
    domain::{price_list::PriceList, schedule::Schedule},
    store::{images, variants},
};
use contracts::{
    catalog::{ProductRef, ProductView, RatingView, StockView, VariantView},
    values::{Currency, Money, ProductId, Timestamp, UserId, VariantId, Version},
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, types::Type};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

/// Columns of [`row`], from `products p`, its default variant `v` and its category `c`.
pub(super) const COLUMNS: &str = "p.product_number, p.product_id, p.owner_id, p.slug, p.name, p.status, \
     p.image_url, p.version, p.created_at_ms, p.updated_at_ms, p.attributes, p.description, \
     c.slug, v.sku, v.price_minor, v.currency, p.publish_at_ms, p.unpublish_at_ms, p.related, p.options";
/// How many there are.
pub(super) const COLUMN_COUNT: usize = 20;

/// A product without its variants, and the store's number of it.
pub(super) fn row(row: &Row<'_>) -> rusqlite::Result<(i64, ProductView)> {
    let none = StockView {
        on_hand: 0,
        reserved: 0,
        available: 0,
    };
    let view = ProductView {
        id: ProductId::from_bytes(row.get(1)?),
        owner_id: UserId::from_bytes(row.get(2)?),
        slug: row.get(3)?,
        name: row.get(4)?,
        status: word(row, 5)?,
        image_url: row.get(6)?,
        images: Vec::new(),
        version: version(row, 7)?,
        created_at: Timestamp::from_ms(row.get(8)?),
        updated_at: Timestamp::from_ms(row.get(9)?),
        attributes: json_of(row, 10)?,
        description: row.get(11)?,
        category: row.get(12)?,
        sku: row.get(13)?,
        price: money(row, 14, 15)?,
        price_max: None,
        publish_at: moment(row, 16)?,
        unpublish_at: moment(row, 17)?,
        related: json_of(row, 18)?,
        rating: RatingView::default(),
        stock: none,
        options: json_of(row, 19)?,
        variants: Vec::new(),
        stock_version: 0,
    };
    Ok((row.get(0)?, view))
}

/// By the address that it has, or else by one that it had.
const BY_SLUG: &str = "p.product_number = COALESCE(
                (SELECT product_number FROM products WHERE slug = ?1),
                (SELECT product_number FROM product_addresses WHERE slug = ?1))";

/// One product with its variants.
pub(super) fn product(
    connection: &Connection,
    which: &ProductRef,
) -> Result<Option<ProductView>, StoreError> {
    match which {
        ProductRef::Id(id) => one(connection, "p.product_id = ?1", id.as_bytes()),
        ProductRef::Slug(slug) => one(connection, BY_SLUG, slug),
    }
}

/// The product of that number, which is there.
pub(super) fn numbered(connection: &Connection, number: i64) -> Result<ProductView, StoreError> {
    one(connection, "p.product_number = ?1", &number)?
        .ok_or_else(|| broken("a product that was written is not there"))
}

fn one(
    connection: &Connection,
    condition: &str,
    value: &dyn ToSql,
) -> Result<Option<ProductView>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}
           FROM products p
           JOIN variants v ON v.product_number = p.product_number AND v.position = 0
           LEFT JOIN categories c ON c.category_number = p.category_number
          WHERE {condition}"
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row([value], row)
        .optional()?;
    let mut found: Vec<_> = found.into_iter().collect();
    add_variants(connection, &mut found)?;
    Ok(found.pop().map(|(_, view)| view))
}

/// Those of these products that are there, in no order.
pub(super) fn all(
    connection: &Connection,
    numbers: &[i64],
) -> Result<Vec<(i64, ProductView)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}
           FROM json_each(?1) n
          CROSS JOIN products p ON p.product_number = n.value
          CROSS JOIN variants v ON v.product_number = p.product_number AND v.position = 0
           LEFT JOIN categories c ON c.category_number = p.category_number"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([json(numbers)?], row)?;
    let mut products: Vec<(i64, ProductView)> = rows.collect::<Result<_, _>>()?;
    add_variants(connection, &mut products)?;
    Ok(products)
}

/// Numbers for `json_each`.
pub(super) fn json(numbers: &[i64]) -> Result<String, StoreError> {
    serde_json::to_string(numbers).map_err(|error| StoreError::Other(error.into()))
}

/// Adds the variants of all products with one statement.
pub(super) fn add_variants(
    connection: &Connection,
    products: &mut [(i64, ProductView)],
) -> Result<(), StoreError> {
    let numbers: Vec<i64> = products.iter().map(|(number, _)| *number).collect();
    let numbers = json(&numbers)?;
    let mut by_number: HashMap<i64, &mut ProductView> = products
        .iter_mut()
        .map(|(number, view)| (*number, view))
        .collect();
    let sql = format!(
        "SELECT v.product_number, v.variant_id, v.sku, v.price_minor, v.currency,
                s.on_hand, s.reserved, s.version, COALESCE(r.count, 0), COALESCE(r.sum, 0), COALESCE(r.version, 0),
                COALESCE(e.version, 0), iif(e.version IS NULL OR v.position > 0, NULL, {images}), v.options,
                v.prices
           FROM json_each(?1) n
          CROSS JOIN variants v ON v.product_number = n.value
          CROSS JOIN stock s ON s.variant_number = v.variant_number
           LEFT JOIN product_ratings r ON r.product_number = v.product_number
           LEFT JOIN product_extras e ON e.product_number = v.product_number
          WHERE v.position >= 0
          ORDER BY v.product_number, v.position",
        images = shown("v")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([numbers])?;
    while let Some(row) = rows.next()? {
        let Some(view) = by_number.get_mut(&row.get(0)?) else {
            continue;
        };
        let mut variant = VariantView {
            id: VariantId::from_bytes(row.get(1)?),
            sku: row.get(2)?,
            title: String::new(),
            options: BTreeMap::new(),
            price: money(row, 3, 4)?,
            prices: prices(row, 14)?.shown(),
            stock: stock(row.get(5)?, row.get(6)?),
        };
        variants::describe(
            &mut variant,
            &view.options,
            row.get_ref(13)?.as_str().unwrap_or("[]"),
        )?;
        view.stock = stock(
            view.stock.on_hand.saturating_add(variant.stock.on_hand),
            view.stock.reserved.saturating_add(variant.stock.reserved),
        );
        view.stock_version = view.stock_version.saturating_add(row.get(7)?);
        if view.variants.is_empty() {
            view.rating = RatingView::of(row.get(8)?, row.get(9)?);
            view.stock_version = view.stock_version.saturating_add(row.get(10)?);
            view.stock_version = view.stock_version.saturating_add(row.get(11)?);
            view.images = images::read(
                row.get_ref(12)?
                    .as_str_or_null()
                    .map_err(|error| unreadable(12, error))?,
            )?;
        }
        view.variants.push(variant);
    }
    by_number.into_values().for_each(variants::arrange);
    Ok(())
}

/// A moment, if there is one.
fn moment(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    let ms: Option<i64> = row.get(index)?;
    Ok(ms.map(Timestamp::from_ms))
}

/// When it goes on sale and comes off it, from two columns.
pub(super) fn schedule(row: &Row<'_>, publish: usize) -> rusqlite::Result<Schedule> {
    Ok(Schedule {
        publish_at: moment(row, publish)?,
        unpublish_at: moment(row, publish.saturating_add(1))?,
    })
}

/// What is kept as JSON.
pub(super) fn json_of<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    serde_json::from_str(text).map_err(|error| unreadable(index, error))
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

/// A value that is kept as a word.
pub(super) fn word<T: FromStr>(row: &Row<'_>, index: usize) -> rusqlite::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(index)?.as_str()?;
    text.parse().map_err(|error| unreadable(index, error))
}

/// Money from its two columns.
pub(super) fn money(row: &Row<'_>, minor: usize, currency: usize) -> rusqlite::Result<Money> {
    let currency: Currency = word(row, currency)?;
    Ok(Money::new(row.get(minor)?, currency))
}

/// Prices in other currencies.
pub(super) fn prices(row: &Row<'_>, index: usize) -> rusqlite::Result<PriceList> {
    let kept = row.get_ref(index)?.as_str()?;
    PriceList::read(kept).map_err(|error| unreadable(index, error))
}

pub(super) fn version(row: &Row<'_>, index: usize) -> rusqlite::Result<Version> {
    let number: i64 = row.get(index)?;
    Version::try_from(number).map_err(|error| unreadable(index, error))
}

pub(super) fn unreadable(
    index: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
}
