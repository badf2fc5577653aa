//! All payments, newest first: walks along their numbers, or along the index of a status. Each statement reads a
//! bounded number of rows.

use super::rows::{bytes, time};
use crate::store::{Listed, Side};
use contracts::{
    payments::{PaymentListed, PaymentStatus},
    values::{Money, OrderId, PaymentId},
};
use platform::db::{
    StoreError,
    postgres::{Connection, Row, ToSql, parsed},
};

/// Who took the money is the account that it went to: no other account of the ledger begins so.
macro_rules! page {
    ($which:literal) => {
        concat!(
            "SELECT payment_number, payment_id, order_id, status, amount_minor, currency, refunded_minor, decline_code,
                    created_at_ms, updated_at_ms,
                    (SELECT substr(account, 6)
                       FROM ledger_entries
                      WHERE transaction_id = payment_id AND account LIKE 'cash:%')
               FROM payments
              WHERE ",
            $which,
            " LIMIT $2"
        )
    };
}

const OLDER: &str = page!("payment_number < $1 ORDER BY payment_number DESC");
const NEWER: &str = page!("payment_number > $1 ORDER BY payment_number");
const OLDER_SO: &str = page!("status = $3 AND payment_number < $1 ORDER BY payment_number DESC");
const NEWER_SO: &str = page!("status = $3 AND payment_number > $1 ORDER BY payment_number");

pub(super) async fn listed(
    connection: &Connection,
    status: Option<PaymentStatus>,
    side: Side,
    limit: u32,
) -> Result<Vec<Listed>, StoreError> {
    let (sql, number) = match (side, status) {
        (Side::Older(number), None) => (OLDER, number),
        (Side::Newer(number), None) => (NEWER, number),
        (Side::Older(number), Some(_)) => (OLDER_SO, number),
        (Side::Newer(number), Some(_)) => (NEWER_SO, number),
    };
    let limit = i64::from(limit);
    let word = status.map(PaymentStatus::as_str);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&number, &limit];
    values.extend(word.as_ref().map(|word| word as &(dyn ToSql + Sync)));
    let rows = connection.query(sql, &values).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Listed, StoreError> {
    let currency = parsed(row, 5)?;
    let payment = PaymentListed {
        id: PaymentId::from_bytes(bytes(row, 1)?),
        order_id: OrderId::from_bytes(bytes(row, 2)?),
        status: parsed(row, 3)?,
        amount: Money::new(row.try_get(4)?, currency),
        refunded: Money::new(row.try_get(6)?, currency),
        decline_code: row.try_get(7)?,
        created_at: time(row, 8)?,
        updated_at: time(row, 9)?,
        provider: row.try_get(10)?,
    };
    Ok(Listed {
        number: row.try_get(0)?,
        payment,
    })
}

pub(super) async fn count_by_status(
    connection: &Connection,
    most: i64,
) -> Result<Vec<(PaymentStatus, i64)>, StoreError> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM payments WHERE status = $1 LIMIT $2) AS found";
    let mut counts = Vec::with_capacity(PaymentStatus::ALL.len());
    for status in PaymentStatus::ALL {
        let row = connection
            .query_one(sql, &[&status.as_str(), &most])
            .await?;
        counts.push((status, row.try_get(0)?));
    }
    Ok(counts)
}
