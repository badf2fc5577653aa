//! Stock as it is read by people. Changes nothing.

use super::cursor;
use crate::domain::{scope::Scope, stock::LOW_STOCK_MAX};
use contracts::{
    catalog::{InventoryQuery, InventoryView, ListError},
    values::{Counted, Cursor, Page, ProductId, VariantId, fold},
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};

/// The number of the last variant seen.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    variant: i64,
}

macro_rules! rows {
    ($of:literal) => {
        concat!(
            "SELECT v.variant_number, v.variant_id, p.product_id, v.sku,
                    s.on_hand, s.reserved, s.version, p.name
               FROM ",
            $of,
            "
              CROSS JOIN products p ON p.product_number = v.product_number
              CROSS JOIN stock s ON s.variant_number = v.variant_number"
        )
    };
}

const SELECT: &str = rows!("variants v");
/// Along the rows of what is low, however much else there is.
const SELECT_LOW: &str =
    rows!("stock_low l CROSS JOIN variants v ON v.variant_number = l.variant_number");

pub(super) fn after(cursor: Option<&Cursor>) -> Result<Option<After>, ListError> {
    cursor::read(cursor)
}

pub(super) fn page(
    connection: &Connection,
    query: &InventoryQuery,
    after: Option<After>,
    scope: Scope,
) -> Result<Page<InventoryView>, StoreError> {
    let (sql, values) = statement(query, after, scope);
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

/// The statement and its values, in the order in which they stand in it.
fn statement(query: &InventoryQuery, after: Option<After>, scope: Scope) -> (String, Vec<Value>) {
    let (from, beyond, order) = if query.low_stock && query.sku.is_none() {
        (SELECT_LOW, "l.variant_number > ?", "l.variant_number")
    } else {
        (SELECT, "v.variant_number > ?", "v.variant_number")
    };
    let mut conditions = vec![beyond];
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
        "{from} WHERE {} ORDER BY {order} LIMIT ?",
        conditions.join(" AND ")
    );
    values.push(Value::Integer(
        i64::from(query.limit.get()).saturating_add(1),
    ));
    (sql, values)
}

/// How many variants there are, and how many of them are low. SQLite counts all rows of a table by its pages, and
/// half a millisecond is enough for a million of these; of what is low, the status of each product is looked up.
const COUNT: &str = "SELECT (SELECT COUNT(*) FROM stock),
        (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM stock_low l
                  CROSS JOIN variants v ON v.variant_number = l.variant_number
                  CROSS JOIN products p ON p.product_number = v.product_number
                  WHERE p.status <> 'archived'
                  LIMIT ?1))";
/// The same of a seller's, by the index of what is theirs.
const COUNT_OWN: &str = "SELECT (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM products p
                  CROSS JOIN variants v ON v.product_number = p.product_number
                  WHERE p.owner_id = ?2
                  LIMIT ?3)),
        (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM products p
                  CROSS JOIN variants v ON v.product_number = p.product_number
                  CROSS JOIN stock_low l ON l.variant_number = v.variant_number
                  WHERE p.owner_id = ?2 AND p.status <> 'archived'
                  LIMIT ?1))";

pub(super) fn counts(
    connection: &Connection,
    scope: Scope,
    low_most: i64,
) -> Result<[i64; 2], StoreError> {
    let both = |row: &Row<'_>| -> rusqlite::Result<[i64; 2]> { Ok([row.get(0)?, row.get(1)?]) };
    match scope {
        Scope::All => Ok(connection
            .prepare_cached(COUNT)?
            .query_row([low_most], both)?),
        Scope::Of(owner) => {
            let values = params![low_most, owner.as_bytes(), Counted::LOOKED_FOR];
            Ok(connection
                .prepare_cached(COUNT_OWN)?
                .query_row(values, both)?)
        }
        Scope::Nothing => Ok([0, 0]),
    }
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
        name: row.get(7)?,
        on_hand,
        reserved,
        available: on_hand.saturating_sub(reserved),
        version: row.get(6)?,
    };
    Ok((row.get(0)?, view))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How SQLite would answer.
    fn plan(connection: &Connection, sql: &str) -> String {
        let explained = format!("EXPLAIN QUERY PLAN {sql}");
        let mut statement = connection.prepare(&explained).unwrap();
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get::<_, String>(3).unwrap());
        }
        steps.join("; ")
    }

    #[test]
    fn what_is_low_is_walked_and_counted_by_its_own_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        platform::db::migrate::migrate(&mut connection, super::super::MIGRATIONS, 1).unwrap();
        let low = InventoryQuery {
            low_stock: true,
            ..InventoryQuery::default()
        };
        let (list, _) = statement(&low, None, Scope::All);
        let listed = plan(&connection, &list);
        assert!(
            listed.starts_with("SEARCH l USING INTEGER PRIMARY KEY"),
            "{listed}"
        );
        assert!(
            !listed.contains("TEMP B-TREE") && !listed.contains("SCAN"),
            "{listed}"
        );
        for (sql, walk) in [(COUNT, "SCAN l"), (COUNT_OWN, "products_by_owner")] {
            let counted = plan(&connection, sql);
            assert!(counted.contains(walk), "{counted}");
            for table in ["SCAN v", "SCAN p"] {
                assert!(!counted.contains(table), "{counted}");
            }
        }
    }
}
