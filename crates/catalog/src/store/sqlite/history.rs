//! What a product has cost: its versions, as far as the price is another. Changes nothing.

use super::read;
use contracts::{
    catalog::PriceSince,
    values::{ProductId, Timestamp},
};
use platform::db::StoreError;
use rusqlite::{Connection, params};

pub(super) fn prices(
    connection: &Connection,
    id: ProductId,
    limit: u32,
) -> Result<Vec<PriceSince>, StoreError> {
    let mut statement = connection.prepare_cached(
        "WITH told AS (
             SELECT o.version, o.price_minor, o.currency, o.at_ms,
                    LAG(o.price_minor || o.currency) OVER (ORDER BY o.version) AS before
               FROM products p
               JOIN variants v ON v.product_number = p.product_number AND v.position = 0
               JOIN product_versions o ON o.variant_number = v.variant_number
              WHERE p.product_id = ?1
         )
         SELECT price_minor, currency, at_ms
           FROM told
          WHERE before IS NULL OR before <> price_minor || currency
          ORDER BY version DESC
          LIMIT ?2",
    )?;
    let rows = statement.query_map(params![id.as_bytes(), limit], |row| {
        Ok(PriceSince {
            price: read::money(row, 0, 1)?,
            since: Timestamp::from_ms(row.get(2)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
