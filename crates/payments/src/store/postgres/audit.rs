//! Payments as verification reads them: sums are made anew from the rows of refunds, never from the counters.

use super::{payments::name, rows::bytes};
use crate::store::books::{GIVING_BACK, Refunds, TAKING, Totals};
use contracts::values::{PaymentId, RefundId, VariantId};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection},
};
use std::collections::{HashMap, HashSet};

/// Rows read at a time.
const PAGE: i64 = 5_000;

const REFUNDS: &str =
    "SELECT r.payment_id, r.refund_id, r.stage, r.amount_minor, i.variant_id, i.quantity::bigint
   FROM refunds r
   LEFT JOIN refund_items i ON i.refund_id = r.refund_id
  WHERE r.payment_id = ANY($1)
  ORDER BY r.payment_id, r.refund_id";

const TAKEN: &str = "SELECT payment_number, currency, amount_minor, refunded_minor
   FROM payments
  WHERE status IN ('captured', 'refunded')
    AND payment_number > $1
  ORDER BY payment_number
  LIMIT $2";

pub(super) async fn refund_sums(
    connection: &Connection,
    ids: &[PaymentId],
) -> Result<Vec<Refunds>, StoreError> {
    let names: Vec<Bytes<16>> = ids.iter().copied().map(name).collect();
    let mut all: HashMap<PaymentId, Refunds> = HashMap::new();
    for row in connection.query(REFUNDS, &[&names]).await? {
        let of_payment = PaymentId::from_bytes(bytes(&row, 0)?);
        let of_payment = all.entry(of_payment).or_default();
        let id = RefundId::from_bytes(bytes(&row, 1)?);
        if !of_payment.is_last(id) {
            of_payment.add(id, row.try_get(2)?, row.try_get(3)?);
        }
        let variant: Option<Bytes<16>> = row.try_get(4)?;
        if let Some(Bytes(variant)) = variant {
            of_payment.add_units(VariantId::from_bytes(variant), row.try_get(5)?);
        }
    }
    Ok(ids
        .iter()
        .map(|id| all.remove(id).unwrap_or_default())
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
