//! Payments as verification reads them: sums are made anew from the rows of refunds, never from the counters.

use crate::store::books::{self, GIVING_BACK, TAKING, Totals};
use contracts::{payments::RefundSums, values::PaymentId};
use platform::db::StoreError;
use rusqlite::Connection;

const REFUNDS: &str = "SELECT r.amount_minor, r.stage,
        COALESCE((SELECT SUM(i.quantity) FROM refund_items i WHERE i.refund_id = r.refund_id), 0)
   FROM refunds r
  WHERE r.payment_id = ?1";

pub(super) fn refund_sums(
    connection: &Connection,
    ids: &[PaymentId],
) -> Result<Vec<RefundSums>, StoreError> {
    let mut statement = connection.prepare_cached(REFUNDS)?;
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        let mut sums = RefundSums::default();
        let mut rows = statement.query([id.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let stage = row.get_ref(1)?.as_str().unwrap_or_default();
            books::add_refund(&mut sums, stage, row.get(0)?, row.get(2)?);
        }
        all.push(sums);
    }
    Ok(all)
}

pub(super) fn are_known(
    connection: &Connection,
    ids: &[PaymentId],
) -> Result<Vec<bool>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM payments WHERE payment_id = ?1")?;
    let mut known = Vec::with_capacity(ids.len());
    for id in ids {
        known.push(statement.exists([id.as_bytes()])?);
    }
    Ok(known)
}

/// What all payments captured, and what of it was given back.
pub(super) fn totals(connection: &Connection) -> Result<Totals, StoreError> {
    let mut totals = Totals::default();
    let mut statement = connection.prepare_cached(
        "SELECT currency, amount_minor, refunded_minor
           FROM payments
          WHERE status IN ('captured', 'refunded')",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let currency = row.get_ref(0)?.as_str().unwrap_or_default();
        totals.add(currency, row.get(1)?, row.get(2)?);
    }
    for (currency, minor) in sums(connection, TAKING)? {
        totals.add_taking(&currency, minor);
    }
    for (currency, minor) in sums(connection, GIVING_BACK)? {
        totals.add_giving_back(&currency, minor);
    }
    Ok(totals)
}

fn sums(connection: &Connection, sql: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
