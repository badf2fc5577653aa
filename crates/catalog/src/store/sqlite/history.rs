//! What a product has cost: its versions, as far as the price is another; what people changed of it; and who made a
//! version.

use super::{read, write};
use crate::store::EDITS_KEPT;
use contracts::{
    catalog::{FieldChange, PriceSince, ProductEdit},
    values::{Currency, ProductId, Timestamp, UserId},
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
             SELECT o.version, COALESCE(?3, o.currency) AS currency, o.at_ms, p.product_number,
                    iif(o.currency = COALESCE(?3, o.currency), o.price_minor, o.prices ->> ('$.' || ?3)) AS minor
               FROM products p
               JOIN variants v ON v.product_number = p.product_number AND v.position = 0
               JOIN product_versions o ON o.variant_number = v.variant_number
              WHERE p.product_id = ?1
         ), changed AS (
             SELECT *, LAG(minor || currency) OVER (ORDER BY version) AS before FROM told
         )
         SELECT c.minor, c.currency, c.at_ms, e.user_id
           FROM changed c
           LEFT JOIN product_editors e ON e.product_number = c.product_number AND e.version = c.version
          WHERE c.minor IS NOT NULL AND (c.before IS NULL OR c.before <> c.minor || c.currency)
          ORDER BY c.version DESC
          LIMIT ?2",
    )?;
    let code = currency.as_ref().map(Currency::code);
    let rows = statement.query_map(params![id.as_bytes(), limit, code], |row| {
        let actor: Option<[u8; 16]> = row.get(3)?;
        Ok(PriceSince {
            price: read::money(row, 0, 1)?,
            since: Timestamp::from_ms(row.get(2)?),
            actor: actor.map(UserId::from_bytes),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes who made a version that is written in this commit.
pub(super) fn made_by(
    connection: &Connection,
    (number, version): (i64, i64),
    who: UserId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO product_editors (product_number, version, user_id) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![number, version, who.as_bytes()])?;
    Ok(())
}

/// Keeps what a version that is written in this commit changed, and lets go of what is too far back.
pub(super) fn edited(
    connection: &Connection,
    (number, version): (i64, i64),
    changes: &[FieldChange],
    at: Timestamp,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO product_edits (product_number, version, changes, at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![number, version, write::json(changes)?, at.as_ms()])?;
    connection
        .prepare_cached("DELETE FROM product_edits WHERE product_number = ?1 AND version <= ?2")?
        .execute(params![number, version.saturating_sub(EDITS_KEPT)])?;
    Ok(())
}

pub(super) fn edits(
    connection: &Connection,
    id: ProductId,
    limit: u32,
) -> Result<Vec<ProductEdit>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT d.version, d.at_ms, d.changes, e.user_id
           FROM products p
           JOIN product_edits d ON d.product_number = p.product_number
           LEFT JOIN product_editors e ON e.product_number = d.product_number AND e.version = d.version
          WHERE p.product_id = ?1
          ORDER BY d.version DESC
          LIMIT ?2",
    )?;
    let rows = statement.query_map(params![id.as_bytes(), limit], |row| {
        let actor: Option<[u8; 16]> = row.get(3)?;
        Ok(ProductEdit {
            version: read::version(row, 0)?,
            at: Timestamp::from_ms(row.get(1)?),
            changes: read::json_of(row, 2)?,
            actor: actor.map(UserId::from_bytes),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
