//! The books beside what is kept: sums are made anew from the ledgers, never from the balances.

use super::reserve;
use contracts::{
    catalog::{ReservationAudit, StockAudit},
    values::{OrderId, Timestamp, VariantId},
};
use platform::db::StoreError;
use rusqlite::{Connection, params};

pub(super) fn stock(
    connection: &Connection,
    after: Option<VariantId>,
    limit: u32,
) -> Result<Vec<StockAudit>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT v.variant_id, v.sku, COALESCE(s.on_hand, -1), COALESCE(s.reserved, -1),
                COALESCE((SELECT SUM(a.delta)
                            FROM stock_adjustments a
                           WHERE a.variant_number = v.variant_number), 0),
                COALESCE((SELECT SUM(l.quantity)
                            FROM reservation_lines l
                            JOIN reservations r ON r.reservation_number = l.reservation_number
                           WHERE l.variant_number = v.variant_number AND r.state = 'open'), 0),
                COALESCE((SELECT SUM(l.quantity)
                            FROM reservation_lines l
                            JOIN reservations r ON r.reservation_number = l.reservation_number
                           WHERE l.variant_number = v.variant_number AND r.state = 'committed'), 0)
                - COALESCE((SELECT SUM(b.quantity)
                              FROM reservation_returns b
                              JOIN reservations r ON r.reservation_number = b.reservation_number
                             WHERE b.variant_number = v.variant_number AND r.state = 'committed'), 0)
           FROM variants v
           LEFT JOIN stock s ON s.variant_number = v.variant_number
          WHERE v.variant_id > ?1
          ORDER BY v.variant_id
          LIMIT ?2",
    )?;
    let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let rows = statement.query_map(params![after, limit], |row| {
        let (adjusted, sold): (i64, i64) = (row.get(4)?, row.get(6)?);
        Ok(StockAudit {
            variant_id: VariantId::from_bytes(row.get(0)?),
            sku: row.get(1)?,
            on_hand: row.get(2)?,
            reserved: row.get(3)?,
            ledger_on_hand: adjusted.saturating_sub(sold),
            ledger_reserved: row.get(5)?,
            sold,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Values are added here and not in SQL, where an overflow would fail the whole page.
pub(super) fn reservations(
    connection: &Connection,
    after: Option<OrderId>,
    limit: u32,
) -> Result<Vec<ReservationAudit>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT r.order_id, r.state, r.hold_until_at_ms, COALESCE(l.quantity, 0),
                COALESCE(l.unit_price_minor, 0),
                COALESCE((SELECT SUM(b.quantity)
                            FROM reservation_returns b
                           WHERE b.reservation_number = r.reservation_number), 0)
           FROM (SELECT * FROM reservations WHERE order_id > ?1 ORDER BY order_id LIMIT ?2) r
           LEFT JOIN reservation_lines l ON l.reservation_number = r.reservation_number
          ORDER BY r.order_id, l.line_number",
    )?;
    let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let mut rows = statement.query(params![after, limit])?;
    let mut audits: Vec<ReservationAudit> = Vec::new();
    while let Some(row) = rows.next()? {
        let order_id = OrderId::from_bytes(row.get(0)?);
        let (units, price): (i64, i64) = (row.get(3)?, row.get(4)?);
        let value = units.saturating_mul(price);
        match audits.last_mut().filter(|last| last.order_id == order_id) {
            Some(last) => {
                last.units = last.units.saturating_add(units);
                last.value_minor = last.value_minor.saturating_add(value);
            }
            None => audits.push(ReservationAudit {
                order_id,
                state: reserve::state(row, 1)?,
                units,
                returned: row.get(5)?,
                value_minor: value,
                hold_until: Timestamp::from_ms(row.get(2)?),
            }),
        }
    }
    Ok(audits)
}
