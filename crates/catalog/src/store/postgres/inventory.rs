//! Stock as it is read by people. Changes nothing.

use super::{broken, can_be_kept, list::Conditions, read};
use crate::{
    domain::{scope::Scope, stock::LOW_STOCK_MAX},
    store::cursor,
};
use contracts::{
    catalog::{InventoryQuery, InventoryView},
    values::{Counted, Page, ProductId, VariantId, fold},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The number of the last variant seen.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    variant: i64,
}

const SELECT: &str =
    "SELECT v.variant_number, v.variant_id, p.product_id, v.sku, s.on_hand, s.reserved, s.version, p.name
   FROM variants v
   JOIN products p ON p.product_number = v.product_number
   JOIN stock s ON s.variant_number = v.variant_number";
/// Of what is low only: it has rows of its own, however much else there is.
const LOW: &str = " JOIN stock_low l ON l.variant_number = v.variant_number";

pub(super) async fn page(
    connection: &Connection,
    query: &InventoryQuery,
    after: Option<After>,
    scope: Scope,
) -> Result<Page<InventoryView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.add(
        "v.variant_number > ?",
        after.map_or(0, |after| after.variant),
    );
    narrow(scope, &mut conditions);
    if let Some(sku) = &query.sku {
        let key = fold(sku.trim());
        conditions.add(
            "v.sku_key = ?",
            if can_be_kept(&key) {
                key
            } else {
                String::new()
            },
        );
    }
    if query.low_stock {
        conditions.add(
            "s.on_hand - s.reserved <= ? AND p.status <> 'archived'",
            LOW_STOCK_MAX,
        );
    }
    let limit = query.limit.get();
    let fits = conditions.bind(i64::from(limit).saturating_add(1));
    let low = if query.low_stock { LOW } else { "" };
    let sql = format!(
        "{SELECT}{low} WHERE {conditions} ORDER BY v.variant_number LIMIT {fits}",
        conditions = conditions.text()
    );
    let rows = connection.query(&sql, &conditions.values()).await?;
    let rows = rows.iter().map(numbered).collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(limit).unwrap_or(1);
    let page = cursor::page(rows, limit, |(variant, _)| After { variant: *variant })?;
    Ok(Page {
        data: page.data.into_iter().map(|(_, view)| view).collect(),
        next_cursor: page.next_cursor,
    })
}

/// How many variants there are, and how many of them are low: of these, the status of each product is looked up.
const COUNT: &str = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM stock LIMIT $1) AS found),
        (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM stock_low l
                   JOIN variants v ON v.variant_number = l.variant_number
                   JOIN products p ON p.product_number = v.product_number
                  WHERE p.status <> 'archived'
                  LIMIT $2) AS found)";
/// The same of a seller's.
const COUNT_OWN: &str = "SELECT (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM products p
                   JOIN variants v ON v.product_number = p.product_number
                  WHERE p.owner_id = $3
                  LIMIT $1) AS found),
        (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM products p
                   JOIN variants v ON v.product_number = p.product_number
                   JOIN stock_low l ON l.variant_number = v.variant_number
                  WHERE p.owner_id = $3 AND p.status <> 'archived'
                  LIMIT $2) AS found)";

pub(super) async fn counts(
    connection: &Connection,
    scope: Scope,
    low_most: i64,
) -> Result<[i64; 2], StoreError> {
    let most = Counted::LOOKED_FOR;
    let row = match scope {
        Scope::All => connection.query_one(COUNT, &[&most, &low_most]).await?,
        Scope::Of(owner) => {
            let owner = Bytes(*owner.as_bytes());
            let values: [&(dyn ToSql + Sync); 3] = [&most, &low_most, &owner];
            connection.query_one(COUNT_OWN, &values).await?
        }
        Scope::Nothing => return Ok([0, 0]),
    };
    Ok([row.try_get(0)?, row.try_get(1)?])
}

pub(super) async fn one(
    connection: &Connection,
    id: VariantId,
    scope: Scope,
) -> Result<Option<InventoryView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.add("v.variant_id = ?", Bytes(*id.as_bytes()));
    narrow(scope, &mut conditions);
    let sql = format!("{SELECT} WHERE {}", conditions.text());
    let row = connection.query_opt(&sql, &conditions.values()).await?;
    row.map(|row| Ok(numbered(&row)?.1)).transpose()
}

fn narrow(scope: Scope, conditions: &mut Conditions) {
    match scope {
        Scope::All => {}
        Scope::Of(owner) => conditions.add("p.owner_id = ?", Bytes(*owner.as_bytes())),
        Scope::Nothing => conditions.add("?", false),
    }
}

/// The stock of the variants of these numbers, in their order.
pub(super) async fn by_numbers(
    connection: &Connection,
    numbers: &[i64],
) -> Result<Vec<InventoryView>, StoreError> {
    let sql = format!("{SELECT} WHERE v.variant_number = ANY($1)");
    let rows = connection.query(&sql, &[&numbers]).await?;
    let views = rows
        .iter()
        .map(numbered)
        .collect::<Result<HashMap<_, _>, _>>()?;
    numbers
        .iter()
        .map(|number| {
            let view = views.get(number).cloned();
            view.ok_or_else(|| broken("stock that was locked is not there"))
        })
        .collect()
}

fn numbered(row: &Row) -> Result<(i64, InventoryView), StoreError> {
    let (on_hand, reserved): (i64, i64) = (row.try_get(4)?, row.try_get(5)?);
    let view = InventoryView {
        variant_id: VariantId::from_bytes(read::id(row, 1)?),
        product_id: ProductId::from_bytes(read::id(row, 2)?),
        sku: row.try_get(3)?,
        name: row.try_get(7)?,
        on_hand,
        reserved,
        available: on_hand.saturating_sub(reserved),
        version: row.try_get(6)?,
    };
    Ok((row.try_get(0)?, view))
}
