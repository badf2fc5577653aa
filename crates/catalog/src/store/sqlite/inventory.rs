//! Stock as it is read by people. Changes nothing.

use super::cursor;
use crate::domain::{scope::Scope, stock::LOW_STOCK_MAX};
use contracts::{
    catalog::{InventoryQuery, InventoryView, ListError},
    values::{Cursor, Page, ProductId, VariantId, fold},
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};

/// The number of the last variant seen.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    variant: i64,
}

const SELECT: &str = "SELECT v.variant_number, v.variant_id, p.product_id, v.sku,
            s.on_hand, s.reserved, s.version
       FROM variants v
      CROSS JOIN products p ON p.product_number = v.product_number
      CROSS JOIN stock s ON s.variant_number = v.variant_number";

pub(super) fn after(cursor: Option<&Cursor>) -> Result<Option<After>, ListError> {
    cursor::read(cursor)
}

pub(super) fn page(
    connection: &Connection,
    query: &InventoryQuery,
    after: Option<After>,
    scope: Scope,
) -> Result<Page<InventoryView>, StoreError> {
    let mut conditions = vec!["v.variant_number > ?"];
    let mut values = vec![Value::Integer(after.map_or(0, |after| after.variant))];
    let mut add = |condition, value| {
        conditions.push(condition);
        values.push(value);
    };
    narrow(scope, &mut add);
    if let Some(sku) = &query.sku {
        add("v.sku_key = ?", Value::Text(fold(sku.trim())));
    }
    if query.low_stock {
        add(
            "s.on_hand - s.reserved <= ? AND p.status <> 'archived'",
            Value::Integer(LOW_STOCK_MAX),
        );
    }
    let sql = format!(
        "{SELECT} WHERE {} ORDER BY v.variant_number LIMIT ?",
        conditions.join(" AND ")
    );
    values.push(Value::Integer(
        i64::from(query.limit.get()).saturating_add(1),
    ));
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), numbered)?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(query.limit.get()).unwrap_or(1);
    let page = cursor::page(rows, limit, |(variant, _)| After { variant: *variant })?;
    Ok(Page {
        data: page.data.into_iter().map(|(_, view)| view).collect(),
        next_cursor: page.next_cursor,
    })
}

pub(super) fn one(
    connection: &Connection,
    id: VariantId,
    scope: Scope,
) -> Result<Option<InventoryView>, StoreError> {
    let mut conditions = vec!["v.variant_id = ?"];
    let mut values = vec![Value::Blob(id.as_bytes().to_vec())];
    narrow(scope, &mut |condition, value| {
        conditions.push(condition);
        values.push(value);
    });
    let sql = format!("{SELECT} WHERE {}", conditions.join(" AND "));
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row(params_from_iter(values), numbered);
    Ok(found.optional()?.map(|(_, view)| view))
}

fn narrow(scope: Scope, add: &mut impl FnMut(&'static str, Value)) {
    match scope {
        Scope::All => {}
        Scope::Of(owner) => add("p.owner_id = ?", Value::Blob(owner.as_bytes().to_vec())),
        Scope::Nothing => add("?", Value::Integer(0)),
    }
}

/// The stock of the variant of that number.
pub(super) fn by_number(connection: &Connection, number: i64) -> Result<InventoryView, StoreError> {
    let sql = format!("{SELECT} WHERE v.variant_number = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([number], numbered)?.1)
}

fn numbered(row: &Row<'_>) -> rusqlite::Result<(i64, InventoryView)> {
    let (on_hand, reserved): (i64, i64) = (row.get(4)?, row.get(5)?);
    let view = InventoryView {
        variant_id: VariantId::from_bytes(row.get(1)?),
        product_id: ProductId::from_bytes(row.get(2)?),
        sku: row.get(3)?,
        on_hand,
        reserved,
        available: on_hand.saturating_sub(reserved),
        version: row.get(6)?,
    };
    Ok((row.get(0)?, view))
}
