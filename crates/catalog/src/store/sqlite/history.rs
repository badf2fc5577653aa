//! What a product has cost: its versions, as far as the price is another. Changes nothing.

use super::read;
use contracts::{
    catalog::PriceSince,
    values::{Currency, ProductId, Timestamp},
};
use platform::db::StoreError;
use rusqlite::{Connection, params};

pub(super) fn prices(
    connection: &Connection,
    (id, currency): (ProductId, Option<Currency>),
    limit: u32,
) -> Result<Vec<PriceSince>, StoreError> {
    let mut statement = connection.prepare_cached(
        "WITH told AS (
             SELECT o.version, COALESCE(?3, o.currency) AS currency, o.at_ms,
                    iif(o.currency = COALESCE(?3, o.currency), o.price_minor, o.prices ->> ('$.' || ?3)) AS minor
               FROM products p
               JOIN variants v ON v.product_number = p.product_number AND v.position = 0
               JOIN product_versions o ON o.variant_number = v.variant_number
              WHERE p.product_id = ?1
         ), changed AS (
             SELECT *, LAG(minor || currency) OVER (ORDER BY version) AS before FROM told
         )
         SELECT minor, currency, at_ms
           FROM changed
          WHERE minor IS NOT NULL AND (before IS NULL OR before <> minor || currency)
          ORDER BY version DESC
          LIMIT ?2",
    )?;
    let code = currency.as_ref().map(Currency::code);
    let rows = statement.query_map(params![id.as_bytes(), limit, code], |row| {
        Ok(PriceSince {
            price: read::money(row, 0, 1)?,
            since: Timestamp::from_ms(row.get(2)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
