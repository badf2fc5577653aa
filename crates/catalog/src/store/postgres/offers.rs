//! What things cost now, for showing it: one statement for all of them, which locks nothing.

use super::{read, variants};
use crate::{domain::attributes, store::variants as kept};
use contracts::{
    catalog::{ItemRef, OfferView, ProductStatus},
    values::{CategoryId, Currency, ProductId, Timestamp, VariantId},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, parsed},
};
use std::collections::{HashMap, HashSet};

macro_rules! offers_where {
    ($condition:literal) => {
        concat!(
            "SELECT p.product_id, v.variant_id, p.slug, v.sku, p.name, v.price_minor, v.currency, p.status,
                    s.on_hand - s.reserved, v.position = 0, p.publish_at_ms, p.unpublish_at_ms,
                    ARRAY(WITH RECURSIVE above (number) AS (
                              SELECT p.category_number
                               UNION
                              SELECT c.parent_number FROM above a JOIN categories c ON c.category_number = a.number)
                          SELECT c.category_id FROM above a JOIN categories c ON c.category_number = a.number),
                    p.attributes::jsonb ->> 'weight_grams', p.attributes::jsonb ->> 'tax_class',
                    v.options, v.position >= 0, v.prices
               FROM variants v
               JOIN products p ON p.product_number = v.product_number
               JOIN stock s ON s.variant_number = v.variant_number
              WHERE ",
            $condition
        )
    };
}

const SQL: &str = concat!(
    offers_where!("p.product_id = ANY($1) AND v.position = 0"),
    " UNION ALL ",
    offers_where!("v.variant_id = ANY($2)")
);

pub(super) async fn all(
    connection: &Connection,
    items: &[ItemRef],
    currency: Option<Currency>,
    at: Timestamp,
) -> Result<Vec<Option<OfferView>>, StoreError> {
    let (mut products, mut variants) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            ItemRef::Product(id) => products.push(Bytes(*id.as_bytes())),
            ItemRef::Variant(id) => variants.push(Bytes(*id.as_bytes())),
        }
    }
    let (mut found, mut chosen) = (HashMap::new(), HashSet::new());
    for row in connection.query(SQL, &[&products, &variants]).await? {
        let offer = kept::offered(offer_of(&row, at)?, currency, &read::prices(&row, 17)?);
        // A product means its first variant, and not any other that is named by itself.
        if row.try_get(9)? {
            let item = ItemRef::Product(offer.product_id);
            if row.try_get::<_, &str>(15)? != "[]" && items.contains(&item) {
                chosen.insert(offer.product_id);
            }
            found.insert(item, offer.clone());
        }
        found.insert(ItemRef::Variant(offer.variant_id), offer);
    }
    for (id, choices) in variants::choices(connection, &chosen).await? {
        if let Some(offer) = found.get_mut(&ItemRef::Product(id)) {
            offer.choices = choices;
        }
    }
    Ok(items.iter().map(|item| found.get(item).cloned()).collect())
}

fn offer_of(row: &Row, at: Timestamp) -> Result<OfferView, StoreError> {
    let status: ProductStatus = parsed(row, 7)?;
    Ok(OfferView {
        product_id: ProductId::from_bytes(read::id(row, 0)?),
        variant_id: VariantId::from_bytes(read::id(row, 1)?),
        slug: row.try_get(2)?,
        sku: row.try_get(3)?,
        name: variants::sold_as(row, 4, 15)?,
        unit_price: read::money(row, 5, 6)?,
        unpriced: false,
        on_sale: row.try_get(16)? && read::schedule(row, 10)?.on_sale(status, at),
        available: row.try_get(8)?,
        categories: categories(row)?,
        weight_grams: attributes::weight(row.try_get(13)?),
        tax_class: attributes::tax_class(row.try_get(14)?),
        choices: Vec::new(),
    })
}

fn categories(row: &Row) -> Result<Vec<CategoryId>, StoreError> {
    let ids: Vec<Bytes<16>> = row.try_get(12)?;
    let id = |Bytes(id): Bytes<16>| CategoryId::from_bytes(id);
    Ok(ids.into_iter().map(id).collect())
}
