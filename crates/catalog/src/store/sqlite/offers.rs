//! What things cost now, for showing it: read only, held against nothing.

use super::{read, variants};
use contracts::{
    catalog::{ItemRef, OfferView, ProductStatus},
    values::{ProductId, Timestamp, VariantId},
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension};

macro_rules! offer_where {
    ($condition:literal) => {
        concat!(
            "SELECT p.product_id, v.variant_id, p.slug, v.sku, p.name, v.price_minor, v.currency, p.status,
                    s.on_hand - s.reserved, p.publish_at_ms, p.unpublish_at_ms, v.options, v.position >= 0
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
    at: Timestamp,
) -> Result<Vec<Option<OfferView>>, StoreError> {
    items.iter().map(|item| one(connection, item, at)).collect()
}

fn one(
    connection: &Connection,
    item: &ItemRef,
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
        let is_live: bool = row.get(12)?;
        let status: ProductStatus = read::word(row, 7)?;
        let has_options = row.get_ref(11)?.as_str()? != "[]";
        let offer = OfferView {
            product_id: ProductId::from_bytes(row.get(0)?),
            variant_id: VariantId::from_bytes(row.get(1)?),
            slug: row.get(2)?,
            sku: row.get(3)?,
            name: variants::sold_as(row, 4, 11)?,
            unit_price: read::money(row, 5, 6)?,
            on_sale: is_live && read::schedule(row, 9)?.on_sale(status, at),
            available: row.get(8)?,
            choices: Vec::new(),
        };
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
