//! What a product has cost: its versions, as far as the price is another; what people changed of it; and who made a
//! version.

use super::read;
use crate::store::EDITS_KEPT;
use contracts::{
    catalog::{FieldChange, PriceSince, ProductEdit},
    values::{Currency, ProductId, Timestamp, UserId},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, ToSql},
};

const PRICES: &str = "WITH told AS (
         SELECT o.version, COALESCE($3::text, o.currency) AS currency, o.at_ms, p.product_number,
                CASE WHEN o.currency = COALESCE($3::text, o.currency) THEN o.price_minor
                     ELSE (o.prices::jsonb ->> $3::text)::bigint END AS minor
           FROM products p
           JOIN variants v ON v.product_number = p.product_number AND v.position = 0
           JOIN product_versions o ON o.variant_number = v.variant_number
          WHERE p.product_id = $1
     ), changed AS (
         SELECT *, LAG(minor || currency) OVER (ORDER BY version) AS before FROM told
     )
     SELECT c.minor, c.currency, c.at_ms, e.user_id
       FROM changed c
       LEFT JOIN product_editors e ON e.product_number = c.product_number AND e.version = c.version
      WHERE c.minor IS NOT NULL AND (c.before IS NULL OR c.before <> c.minor || c.currency)
      ORDER BY c.version DESC
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
            let actor: Option<Bytes<16>> = row.try_get(3)?;
            Ok(PriceSince {
                price: read::money(row, 0, 1)?,
                since: Timestamp::from_ms(row.try_get(2)?),
                actor: actor.map(|Bytes(who)| UserId::from_bytes(who)),
            })
        })
        .collect()
}

/// Notes who made a version that is written in this commit.
pub(super) async fn made_by(
    connection: &Connection,
    (number, version): (i64, i64),
    who: UserId,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO product_editors (product_number, version, user_id) VALUES ($1, $2, $3)";
    let who = Bytes(*who.as_bytes());
    let noted = connection.execute(sql, &[&number, &version, &who]).await;
    noted.map(drop)
}

const EDITS: &str = "SELECT d.version, d.at_ms, d.changes, e.user_id
       FROM products p
       JOIN product_edits d ON d.product_number = p.product_number
       LEFT JOIN product_editors e ON e.product_number = d.product_number AND e.version = d.version
      WHERE p.product_id = $1
      ORDER BY d.version DESC
      LIMIT $2";

/// Keeps what a version that is written in this commit changed, and lets go of what is too far back.
pub(super) async fn edited(
    connection: &Connection,
    (number, version): (i64, i64),
    changes: &[FieldChange],
    at: Timestamp,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let texts = serde_json::to_string(changes).map_err(|error| StoreError::Other(error.into()))?;
    let sql = "INSERT INTO product_edits (product_number, version, changes, at_ms) VALUES ($1, $2, $3, $4)";
    let values: [&(dyn ToSql + Sync); 4] = [&number, &version, &texts, &at.as_ms()];
    connection.execute(sql, &values).await?;
    let sql = "DELETE FROM product_edits WHERE product_number = $1 AND version <= $2";
    let last = version.saturating_sub(EDITS_KEPT);
    let gone = connection.execute(sql, &[&number, &last]).await;
    gone.map(drop)
}

pub(super) async fn edits(
    connection: &Connection,
    id: ProductId,
    limit: u32,
) -> Result<Vec<ProductEdit>, StoreError> {
    let (id, limit) = (Bytes(*id.as_bytes()), i64::from(limit));
    let rows = connection.query(EDITS, &[&id, &limit]).await?;
    rows.iter()
        .map(|row| {
            let actor: Option<Bytes<16>> = row.try_get(3)?;
            Ok(ProductEdit {
                version: read::version(row, 0)?,
                at: Timestamp::from_ms(row.try_get(1)?),
                changes: read::json_of(row, 2)?,
                actor: actor.map(|Bytes(who)| UserId::from_bytes(who)),
            })
        })
        .collect()
}
