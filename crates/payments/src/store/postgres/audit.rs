//! Payments as verification reads them: sums are made anew from the rows of refunds, never from the counters.

use super::{payments::name, rows::bytes};
use crate::store::books::{self, GIVING_BACK, TAKING, Totals};
use contracts::{payments::RefundSums, values::PaymentId};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection},
};
use std::collections::{HashMap, HashSet};

/// Rows read at a time.
const PAGE: i64 = 5_000;

const REFUNDS: &str = "SELECT r.payment_id, r.stage, r.amount_minor,
        COALESCE((SELECT SUM(i.quantity) FROM refund_items i WHERE i.refund_id = r.refund_id), 0)::bigint
   FROM refunds r
  WHERE r.payment_id = ANY($1)";

const TAKEN: &str = "SELECT payment_number, currency, amount_minor, refunded_minor
   FROM payments
  WHERE status IN ('captured', 'refunded')
    AND payment_number > $1
  ORDER BY payment_number
  LIMIT $2";

pub(super) async fn refund_sums(
    connection: &Connection,
    ids: &[PaymentId],
) -> Result<Vec<RefundSums>, StoreError> {
    let names: Vec<Bytes<16>> = ids.iter().copied().map(name).collect();
    let mut sums: HashMap<PaymentId, RefundSums> = HashMap::new();
    for row in connection.query(REFUNDS, &[&names]).await? {
        let id = PaymentId::from_bytes(bytes(&row, 0)?);
        let of_payment = sums.entry(id).or_default();
        books::add_refund(
            of_payment,
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
        );
    }
    Ok(ids
        .iter()
        .map(|id| sums.remove(id).unwrap_or_default())
        .collect())
}

pub(super) async fn are_known(
    connection: &Connection,
    ids: &[PaymentId],
) -> Result<Vec<bool>, StoreError> {
    let names: Vec<Bytes<16>> = ids.iter().copied().map(name).collect();
    let sql = "SELECT payment_id FROM payments WHERE payment_id = ANY($1)";
    let rows = connection.query(sql, &[&names]).await?;
    let known = rows
        .iter()
        .map(|row| Ok(PaymentId::from_bytes(bytes(row, 0)?)))
        .collect::<Result<HashSet<_>, StoreError>>()?;
    Ok(ids.iter().map(|id| known.contains(id)).collect())
}

/// What all payments captured, and what of it was given back.
pub(super) async fn totals(connection: &Connection) -> Result<Totals, StoreError> {
    let mut totals = Totals::default();
    let mut seen = 0_i64;
    loop {
        let rows = connection.query(TAKEN, &[&seen, &PAGE]).await?;
        let Some(last) = rows.last() else { break };
        seen = last.try_get(0)?;
        for row in &rows {
            totals.add(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        }
    }
    for row in connection.query(TAKING, &[]).await? {
        totals.add_taking(row.try_get(0)?, row.try_get(1)?);
    }
    for row in connection.query(GIVING_BACK, &[]).await? {
        totals.add_giving_back(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(totals)
}
