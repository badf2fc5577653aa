//! Payments as verification reads them: sums are made anew from the rows of refunds, never from the counters. They
//! are added here and not in SQL, where an overflow would fail the whole page.

use super::unreadable;
use contracts::{
    payments::RefundSums,
    values::{Currency, Money, PaymentId},
};
use platform::db::StoreError;
use rusqlite::Connection;
use std::collections::BTreeMap;

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
            let (amount, units): (i64, i64) = (row.get(0)?, row.get(2)?);
            let stage = row.get_ref(1)?.as_str().unwrap_or_default();
            let has =
                |stages: &[&str], number: i64| if stages.contains(&stage) { number } else { 0 };
            sums.count = sums.count.saturating_add(1);
            sums.open = sums
                .open
                .saturating_add(has(&["decided", "booked", "restocked"], 1));
            sums.wanted_minor = sums.wanted_minor.saturating_add(amount);
            sums.given_minor = sums
                .given_minor
                .saturating_add(has(&["booked", "restocked", "noted"], amount));
            sums.units = sums.units.saturating_add(units);
            sums.restocked = sums
                .restocked
                .saturating_add(has(&["restocked", "noted"], units));
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

/// What all payments captured, and what of it was given back, by currency.
pub(super) fn totals(connection: &Connection) -> Result<(Vec<Money>, Vec<Money>), StoreError> {
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut statement = connection.prepare_cached(
        "SELECT currency, amount_minor, refunded_minor
           FROM payments
          WHERE status IN ('captured', 'refunded')",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (amount, refunded): (i64, i64) = (row.get(1)?, row.get(2)?);
        let currency = row.get_ref(0)?.as_str().unwrap_or_default();
        if !sums.contains_key(currency) {
            sums.insert(currency.to_owned(), (0, 0));
        }
        if let Some((captured, given_back)) = sums.get_mut(currency) {
            *captured = captured.saturating_add(amount);
            *given_back = given_back.saturating_add(refunded);
        }
    }
    let (mut captured, mut refunded) = (Vec::new(), Vec::new());
    for (currency, (taken, given_back)) in sums {
        let currency: Currency = currency.parse().map_err(unreadable)?;
        captured.push(Money::new(taken, currency));
        refunded.push(Money::new(given_back, currency));
    }
    Ok((captured, refunded))
}
