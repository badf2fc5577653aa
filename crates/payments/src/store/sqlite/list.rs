//! All payments, newest first: walks along their numbers, or along the index of a status. Each statement reads a
//! bounded number of rows.

use super::unreadable;
use crate::store::{Listed, Side};
use contracts::{
    payments::{PaymentListed, PaymentStatus},
    values::{Currency, Money, OrderId, PaymentId, Timestamp},
};
use platform::db::StoreError;
use rusqlite::{Connection, Row, ToSql, params};

/// Who took the money is the account that it went to: no other account of the ledger begins so.
macro_rules! page {
    ($which:literal) => {
        concat!(
            "SELECT payment_number, payment_id, order_id, status, amount_minor, currency, refunded_minor, decline_code,
                    created_at_ms, updated_at_ms,
                    (SELECT substr(account, 6)
                       FROM ledger_entries
                      WHERE transaction_id = payment_id AND account > 'cash:' AND account < 'cash;')
               FROM payments
              WHERE ",
            $which,
            " LIMIT ?2"
        )
    };
}

const OLDER: &str = page!("payment_number < ?1 ORDER BY payment_number DESC");
const NEWER: &str = page!("payment_number > ?1 ORDER BY payment_number");
const OLDER_SO: &str = page!("status = ?3 AND payment_number < ?1 ORDER BY payment_number DESC");
const NEWER_SO: &str = page!("status = ?3 AND payment_number > ?1 ORDER BY payment_number");

pub(super) fn listed(
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
    let word = status.map(PaymentStatus::as_str);
    let mut values: Vec<&dyn ToSql> = vec![&number, &limit];
    values.extend(word.as_ref().map(|word| word as &dyn ToSql));
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut listed = Vec::new();
    while let Some(row) = rows.next()? {
        listed.push(read(row)?);
    }
    Ok(listed)
}

fn read(row: &Row<'_>) -> Result<Listed, StoreError> {
    let currency: Currency = row.get::<_, String>(5)?.parse().map_err(unreadable)?;
    let payment = PaymentListed {
        id: PaymentId::from_bytes(row.get(1)?),
        order_id: OrderId::from_bytes(row.get(2)?),
        status: row.get::<_, String>(3)?.parse().map_err(unreadable)?,
        amount: Money::new(row.get(4)?, currency),
        refunded: Money::new(row.get(6)?, currency),
        decline_code: row.get(7)?,
        created_at: Timestamp::from_ms(row.get(8)?),
        updated_at: Timestamp::from_ms(row.get(9)?),
        provider: row.get(10)?,
    };
    Ok(Listed {
        number: row.get(0)?,
        payment,
    })
}

pub(super) fn count_by_status(
    connection: &Connection,
    most: i64,
) -> Result<Vec<(PaymentStatus, i64)>, StoreError> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM payments WHERE status = ?1 LIMIT ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut counts = Vec::with_capacity(PaymentStatus::ALL.len());
    for status in PaymentStatus::ALL {
        let count = statement.query_row(params![status.as_str(), most], |row| row.get(0))?;
        counts.push((status, count));
    }
    Ok(counts)
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
    fn no_page_is_sorted_and_none_is_looked_for_row_by_row() {
        let mut connection = Connection::open_in_memory().unwrap();
        platform::db::migrate::migrate(&mut connection, &super::super::MIGRATIONS, 1).unwrap();
        for (sql, walk) in [
            (OLDER, "USING INTEGER PRIMARY KEY"),
            (NEWER, "USING INTEGER PRIMARY KEY"),
            (OLDER_SO, "USING INDEX payments_by_status"),
            (NEWER_SO, "USING INDEX payments_by_status"),
        ] {
            let plan = plan(&connection, sql);
            assert!(plan.contains(walk), "{plan}");
            assert!(
                !plan.contains("TEMP B-TREE") && !plan.contains("SCAN"),
                "{plan}"
            );
        }
    }
}
