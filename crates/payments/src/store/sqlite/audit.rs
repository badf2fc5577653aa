//! Payments as verification reads them: sums are made anew from the rows of refunds, never from the counters.

use crate::store::books::{GIVING_BACK, Refunds, TAKING, Totals};
use contracts::values::{PaymentId, RefundId, VariantId};
use platform::db::StoreError;
use rusqlite::Connection;

const REFUNDS: &str = "SELECT r.refund_id, r.stage, r.amount_minor, i.variant_id, i.quantity
   FROM refunds r
   LEFT JOIN refund_items i ON i.refund_id = r.refund_id
  WHERE r.payment_id = ?1
  ORDER BY r.refund_id";

pub(super) fn refund_sums(
    connection: &Connection,
    ids: &[PaymentId],
) -> Result<Vec<Refunds>, StoreError> {
    let mut statement = connection.prepare_cached(REFUNDS)?;
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        let mut refunds = Refunds::default();
        let mut rows = statement.query([id.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let id = RefundId::from_bytes(row.get(0)?);
            if !refunds.is_last(id) {
                let stage = row.get_ref(1)?.as_str().unwrap_or_default();
                refunds.add(id, stage, row.get(2)?);
            }
            if let Some(variant) = row.get::<_, Option<[u8; 16]>>(3)? {
                refunds.add_units(VariantId::from_bytes(variant), row.get(4)?);
            }
        }
        all.push(refunds);
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

/// What all payments captured, and what of it was given back. Most were captured: one walk over the table is shorter
/// than one over the index of statuses and the table, so that `+` keeps it out.
pub(super) fn totals(connection: &Connection) -> Result<Totals, StoreError> {
    let mut totals = Totals::default();
    let mut statement = connection.prepare_cached(
        "SELECT currency, amount_minor, refunded_minor
           FROM payments
          WHERE +status IN ('captured', 'refunded')",
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
