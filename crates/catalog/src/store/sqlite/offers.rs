//! What things cost now, for showing it: read only, held against nothing.

use super::{read, variants};
use crate::{domain::attributes, store::variants as kept};
use contracts::{
    catalog::{ItemRef, OfferView, ProductStatus},
    values::{CategoryId, Currency, ProductId, Timestamp, VariantId},
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension, Row};

macro_rules! offer_where {
    ($condition:literal) => {
        concat!(
            "SELECT p.product_id, v.variant_id, p.slug, v.sku, p.name, v.price_minor, v.currency, p.status,
                    s.on_hand - s.reserved, p.publish_at_ms, p.unpublish_at_ms,
                    (WITH RECURSIVE above (number) AS (
                        SELECT p.category_number
                         UNION
                        SELECT c.parent_number FROM above a JOIN categories c ON c.category_number = a.number)
                     SELECT json_group_array(hex(c.category_id))
                       FROM above a JOIN categories c ON c.category_number = a.number),
                    CAST(p.attributes ->> '$.weight_grams' AS TEXT), CAST(p.attributes ->> '$.tax_class' AS TEXT),
                    v.options, v.position >= 0, v.prices
               FROM variants v
               JOIN products p ON p.product_number = v.product_number
               JOIN stock s ON s.variant_number = v.variant_number
              WHERE ",
            $condition
        )
    };
}

pub(super) fn all(
    connection: &Connection,
    items: &[ItemRef],
    currency: Option<Currency>,
    at: Timestamp,
) -> Result<Vec<Option<OfferView>>, StoreError> {
    items
        .iter()
        .map(|item| one(connection, item, currency, at))
        .collect()
}

fn one(
    connection: &Connection,
    item: &ItemRef,
    currency: Option<Currency>,
    at: Timestamp,
) -> Result<Option<OfferView>, StoreError> {
    let (sql, id) = match item {
        ItemRef::Product(id) => (
            offer_where!("p.product_id = ?1 AND v.position = 0"),
            id.as_bytes(),
        ),
        ItemRef::Variant(id) => (offer_where!("v.variant_id = ?1"), id.as_bytes()),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([id], |row| {
        let is_live: bool = row.get(15)?;
        let status: ProductStatus = read::word(row, 7)?;
        let has_options = row.get_ref(14)?.as_str()? != "[]";
        let offer = OfferView {
            product_id: ProductId::from_bytes(row.get(0)?),
            variant_id: VariantId::from_bytes(row.get(1)?),
            slug: row.get(2)?,
            sku: row.get(3)?,
            name: variants::sold_as(row, 4, 14)?,
            unit_price: read::money(row, 5, 6)?,
            unpriced: false,
            on_sale: is_live && read::schedule(row, 9)?.on_sale(status, at),
            available: row.get(8)?,
            categories: categories(row)?,
            weight_grams: attributes::weight(row.get::<_, Option<String>>(12)?.as_deref()),
            tax_class: attributes::tax_class(row.get::<_, Option<String>>(13)?.as_deref()),
            choices: Vec::new(),
        };
        let offer = kept::offered(offer, currency, &read::prices(row, 16)?);
        Ok((offer, has_options))
    });
    let Some((mut offer, has_options)) = found.optional()? else {
        return Ok(None);
    };
    if let (ItemRef::Product(id), true) = (item, has_options) {
        offer.choices = variants::choices(connection, *id)?;
    }
    Ok(Some(offer))
}

/// The ids come as a list of hexadecimal texts, for JSON knows no bytes.
fn categories(row: &Row<'_>) -> rusqlite::Result<Vec<CategoryId>> {
    let texts: Vec<String> = read::json_of(row, 11)?;
    let id = |text: String| {
        let number = u128::from_str_radix(&text, 16);
        let number = number.map_err(|error| read::unreadable(11, error))?;
        Ok(CategoryId::from_bytes(number.to_be_bytes()))
    };
    texts.into_iter().map(id).collect()
}
