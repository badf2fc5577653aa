//! What a product has cost: its versions, as far as the price is another. Changes nothing.

use super::read;
use contracts::{
    catalog::PriceSince,
    values::{Currency, ProductId, Timestamp},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection},
};

const PRICES: &str = "WITH told AS (
         SELECT o.version, COALESCE($3::text, o.currency) AS currency, o.at_ms,
                CASE WHEN o.currency = COALESCE($3::text, o.currency) THEN o.price_minor
                     ELSE (o.prices::jsonb ->> $3::text)::bigint END AS minor
           FROM products p
           JOIN variants v ON v.product_number = p.product_number AND v.position = 0
           JOIN product_versions o ON o.variant_number = v.variant_number
          WHERE p.product_id = $1
     ), changed AS (
         SELECT *, LAG(minor || currency) OVER (ORDER BY version) AS before FROM told
     )
     SELECT minor, currency, at_ms
       FROM changed
      WHERE minor IS NOT NULL AND (before IS NULL OR before <> minor || currency)
      ORDER BY version DESC
      LIMIT $2";

pub(super) async fn prices(
    connection: &Connection,
    (id, currency): (ProductId, Option<Currency>),
    limit: u32,
) -> Result<Vec<PriceSince>, StoreError> {
    let (id, limit) = (Bytes(*id.as_bytes()), i64::from(limit));
    let code = currency.as_ref().map(Currency::code);
    let rows = connection.query(PRICES, &[&id, &limit, &code]).await?;
    rows.iter()
        .map(|row| {
            Ok(PriceSince {
                price: read::money(row, 0, 1)?,
                since: Timestamp::from_ms(row.try_get(2)?),
            })
        })
        .collect()
}
