//! Counting, by indices alone where that is possible. Each statement reads a bounded number of rows.

use crate::store::{CartsCounted, Sale};
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

/// Both in one statement, which reads at one moment: a cart is counted as one or the other.
const CARTS: &str = "SELECT *
                 FROM (SELECT COUNT(*), COUNT(*) FILTER (WHERE is_it)
                         FROM (SELECT EXISTS (SELECT 1 FROM carts c WHERE c.order_id = o.order_id) AS is_it
                                 FROM orders o
                                WHERE o.created_at_ms >= $1
                                ORDER BY o.created_at_ms DESC
                                LIMIT $3) AS of_orders) AS ordered
                CROSS JOIN
                      (SELECT COUNT(*), COUNT(*) FILTER (WHERE is_it)
                         FROM (SELECT c.status = 'open'
                                      AND c.updated_at_ms >= $1
                                      AND EXISTS (SELECT 1 FROM cart_lines l WHERE l.cart_id = c.cart_id) AS is_it
                                 FROM carts c
                                WHERE c.expires_at_ms >= $2
                                ORDER BY c.expires_at_ms DESC
                                LIMIT $3) AS of_carts) AS kept";

pub(super) async fn carts(
    connection: &Connection,
    since: Timestamp,
    kept_until: Timestamp,
    most: i64,
) -> Result<CartsCounted, StoreError> {
    let row = connection
        .query_one(CARTS, &[&since.as_ms(), &kept_until.as_ms(), &most])
        .await?;
    Ok(CartsCounted {
        looked_at: row.try_get::<_, i64>(0)?.max(row.try_get(2)?),
        ordered: row.try_get(1)?,
        open: row.try_get(3)?,
    })
}
