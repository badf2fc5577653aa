//! Counting, by indices alone where that is possible. Each statement reads a bounded number of rows.

use super::read::parsed;
use crate::store::Sale;
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

pub(super) fn sold(
    connection: &Connection,
    since: Timestamp,
    most: u32,
) -> Result<Vec<Sale>, StoreError> {
    let sql = "SELECT created_at_ms, total_minor, currency
                 FROM orders
                WHERE created_at_ms >= ?1 AND status NOT IN ('pending', 'cancelled')
                ORDER BY created_at_ms DESC
                LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let sales = statement.query_map(params![since.as_ms(), most], |row| {
        let total = Money::new(row.get(1)?, parsed(row, 2)?);
        Ok((Timestamp::from_ms(row.get(0)?), total))
    })?;
    Ok(sales.collect::<Result<_, _>>()?)
}
