//! Counting, by indices alone where that is possible. Each statement reads a bounded number of rows.

use crate::store::Sale;
use contracts::{
    orders::OrderStatus,
    values::{Money, Timestamp},
};
use platform::db::{
    StoreError,
    postgres::{Connection, parsed},
};

pub(super) async fn counts(
    connection: &Connection,
    most: i64,
) -> Result<Vec<(OrderStatus, i64)>, StoreError> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM orders WHERE status = $1 LIMIT $2) AS found";
    let mut counts = Vec::with_capacity(OrderStatus::ALL.len());
    for status in OrderStatus::ALL {
        let row = connection
            .query_one(sql, &[&status.as_str(), &most])
            .await?;
        counts.push((status, row.try_get(0)?));
    }
    Ok(counts)
}

pub(super) async fn sold(
    connection: &Connection,
    since: Timestamp,
    most: u32,
) -> Result<Vec<Sale>, StoreError> {
    let sql = "SELECT created_at_ms, total_minor, currency
                 FROM orders
                WHERE created_at_ms >= $1 AND status NOT IN ('pending', 'cancelled')
                ORDER BY created_at_ms DESC
                LIMIT $2";
    let rows = connection
        .query(sql, &[&since.as_ms(), &i64::from(most)])
        .await?;
    rows.iter()
        .map(|row| {
            let total = Money::new(row.try_get(1)?, parsed(row, 2)?);
            Ok((Timestamp::from_ms(row.try_get(0)?), total))
        })
        .collect()
}
