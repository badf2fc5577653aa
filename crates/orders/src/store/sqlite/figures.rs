//! Counting, by indices alone where that is possible. Each statement reads a bounded number of rows.

use super::read::parsed;
use crate::store::{CartsCounted, Sale};
use contracts::{
    orders::OrderStatus,
    values::{Money, Timestamp},
};
use platform::db::StoreError;
use rusqlite::{Connection, params};

pub(super) fn counts(
    connection: &Connection,
    most: i64,
) -> Result<Vec<(OrderStatus, i64)>, StoreError> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM orders WHERE status = ?1 LIMIT ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut counts = Vec::with_capacity(OrderStatus::ALL.len());
    for status in OrderStatus::ALL {
        let count = statement.query_row(params![status.as_str(), most], |row| row.get(0))?;
        counts.push((status, count));
    }
    Ok(counts)
}

/// The terms about the status are those of an index.
const SOLD: &str = "SELECT created_at_ms, total_minor, currency
                 FROM orders
                WHERE created_at_ms >= ?1 AND status NOT IN ('pending', 'cancelled')
                ORDER BY created_at_ms DESC
                LIMIT ?2";

pub(super) fn sold(
    connection: &Connection,
    since: Timestamp,
    most: u32,
) -> Result<Vec<Sale>, StoreError> {
    let mut statement = connection.prepare_cached(SOLD)?;
    let sales = statement.query_map(params![since.as_ms(), most], |row| {
        let total = Money::new(row.get(1)?, parsed(row, 2)?);
        Ok((Timestamp::from_ms(row.get(0)?), total))
    })?;
    Ok(sales.collect::<Result<_, _>>()?)
}

/// Both in one statement, which reads at one moment: a cart is counted as one or the other.
const CARTS: &str = "SELECT *
                 FROM (SELECT COUNT(*), COALESCE(SUM(is_it), 0)
                         FROM (SELECT EXISTS (SELECT 1 FROM carts c WHERE c.order_id = o.order_id) AS is_it
                                 FROM orders o
                                WHERE o.created_at_ms >= ?1
                                ORDER BY o.created_at_ms DESC
                                LIMIT ?3) AS of_orders) AS ordered
                CROSS JOIN
                      (SELECT COUNT(*), COALESCE(SUM(is_it), 0)
                         FROM (SELECT c.status = 'open'
                                      AND c.updated_at_ms >= ?1
                                      AND EXISTS (SELECT 1 FROM cart_lines l WHERE l.cart_id = c.cart_id) AS is_it
                                 FROM carts c
                                WHERE c.expires_at_ms >= ?2
                                ORDER BY c.expires_at_ms DESC
                                LIMIT ?3) AS of_carts) AS kept";

pub(super) fn carts(
    connection: &Connection,
    since: Timestamp,
    kept_until: Timestamp,
    most: i64,
) -> Result<CartsCounted, StoreError> {
    let values = params![since.as_ms(), kept_until.as_ms(), most];
    let counted = connection.prepare_cached(CARTS)?.query_row(values, |row| {
        Ok(CartsCounted {
            looked_at: row.get::<_, i64>(0)?.max(row.get(2)?),
            ordered: row.get(1)?,
            open: row.get(3)?,
        })
    });
    Ok(counted?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sql: &str) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        platform::db::migrate::migrate(&mut connection, &super::super::MIGRATIONS, 1).unwrap();
        let explained = format!("EXPLAIN QUERY PLAN {sql}");
        let mut statement = connection.prepare(&explained).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get::<_, String>(3).unwrap());
        }
        plan.join("; ")
    }

    #[test]
    fn what_was_sold_is_read_without_what_was_not() {
        let plan = plan(SOLD);
        assert!(plan.contains("COVERING INDEX orders_sold"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }

    #[test]
    fn carts_are_counted_along_indices() {
        let plan = plan(CARTS);
        for walk in ["orders_by_created", "carts_by_order", "carts_by_expiry"] {
            assert!(plan.contains(walk), "{walk}: {plan}");
        }
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
