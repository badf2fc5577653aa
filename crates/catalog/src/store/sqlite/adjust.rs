//! Changes of stock by hand: each with its row in the ledger, all or nothing.

use super::inventory;
use crate::{
    domain::stock::{Adjustment, Present, Target},
    store::Adjust,
};
use contracts::{
    catalog::{AdjustError, InventoryView},
    request::Answered,
    values::UserId,
};
use platform::db::{
    Abort, StoreError,
    keys::{self, KeyedRequest},
};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

pub(super) fn all(
    connection: &Connection,
    adjust: &Adjust,
    key: Option<&KeyedRequest>,
) -> Result<Answered<Vec<InventoryView>>, Abort<AdjustError>> {
    if let Some(key) = key
        && let Some(kept) = keys::recall(connection, key, || AdjustError::KeyReused)?
    {
        return Ok(Answered::replayed(kept));
    }
    let mut numbers = Vec::with_capacity(adjust.changes.len());
    for (index, change) in adjust.changes.iter().enumerate() {
        numbers.push(one(connection, adjust, index, change)?);
    }
    let views = numbers
        .into_iter()
        .map(|number| inventory::by_number(connection, number))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(key) = key {
        keys::remember(connection, key, &views, adjust.at)?;
    }
    Ok(Answered::fresh(views))
}

/// Makes one change and gives the variant's number.
fn one(
    connection: &Connection,
    adjust: &Adjust,
    index: usize,
    change: &Adjustment,
) -> Result<i64, Abort<AdjustError>> {
    let not_found = || Abort::Refused(AdjustError::NotFound { index });
    let (number, owner_id, present) = find(connection, &change.target)?.ok_or_else(not_found)?;
    if !adjust.scope.holds(owner_id) {
        return Err(not_found());
    }
    let after = change.result(&present, index).map_err(Abort::Refused)?;
    let delta = after.saturating_sub(present.on_hand);
    if delta == 0 {
        // A count that found what was expected.
        return Ok(number);
    }
    let changed = connection
        .prepare_cached(
            "UPDATE stock SET on_hand = on_hand + ?2, version = version + 1
              WHERE variant_number = ?1 AND on_hand + ?2 >= reserved",
        )?
        .execute([number, delta])?;
    if changed != 1 {
        return Err(super::broken("stock changed under its only writer").into());
    }
    connection
        .prepare_cached(
            "INSERT INTO stock_adjustments (variant_number, kind, delta, reason, actor, at_ms)
             VALUES (?1, 'adjusted', ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            number,
            delta,
            change.reason,
            adjust.actor,
            adjust.at.as_ms()
        ])?;
    Ok(number)
}

fn find(
    connection: &Connection,
    target: &Target,
) -> Result<Option<(i64, UserId, Present)>, StoreError> {
    let (condition, value): (&str, &dyn ToSql) = match target {
        Target::Sku(key) => ("v.sku_key = ?1", key),
        Target::Variant(id) => ("v.variant_id = ?1", id.as_bytes()),
    };
    let sql = format!(
        "SELECT v.variant_number, p.owner_id, v.sku, s.on_hand, s.reserved
           FROM variants v
           JOIN products p ON p.product_number = v.product_number
           JOIN stock s ON s.variant_number = v.variant_number
          WHERE {condition}"
    );
    let found = connection.prepare_cached(&sql)?.query_row([value], |row| {
        let present = Present {
            sku: row.get(2)?,
            on_hand: row.get(3)?,
            reserved: row.get(4)?,
        };
        Ok((row.get(0)?, UserId::from_bytes(row.get(1)?), present))
    });
    Ok(found.optional()?)
}
