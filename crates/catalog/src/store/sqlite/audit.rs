//! The books beside what is kept: sums are made anew from the ledgers, never from the balances. They are added here
//! and not in SQL, where an overflow would fail the whole page.

use super::{read, reserve};
use crate::store::{
    back,
    prices::{self, Priced},
};
use contracts::{
    catalog::{BackAudit, ProductAudit, ReservationAudit, ReservationState, StockAudit, line_mark},
    values::{OrderId, ProductId, RefundId, Timestamp, VariantId},
};
use platform::db::{StoreError, sqlite::by_order};
use rusqlite::{Connection, Row, params};
use std::collections::HashMap;

/// What the ledgers say of a variant.
#[derive(Debug, Clone, Copy, Default)]
struct Ledgers {
    adjusted: i64,
    open: i64,
    sold: i64,
}

const STOCK: &str =
    "SELECT v.variant_number, v.variant_id, v.sku, COALESCE(s.on_hand, -1), COALESCE(s.reserved, -1)
       FROM variants v
       LEFT JOIN stock s ON s.variant_number = v.variant_number
      WHERE v.variant_id > ?1
      ORDER BY v.variant_id
      LIMIT ?2";

const ADJUSTMENTS: &str = "SELECT variant_number, delta FROM stock_adjustments";

/// Beside each other, both in the order of their keys: no line looks its reservation up.
const STATES: &str =
    "SELECT reservation_number, state FROM reservations ORDER BY reservation_number";

const LINES: &str = "SELECT reservation_number, variant_number, quantity
       FROM reservation_lines
      ORDER BY reservation_number";

/// An order that came back whole counts as such: what came back of it before is part of that.
const RETURNS: &str = "SELECT b.variant_number, b.quantity
       FROM reservation_returns b
       JOIN reservations r ON r.reservation_number = b.reservation_number
      WHERE r.state = 'committed'";

pub(super) fn stock(
    connection: &Connection,
    after: Option<VariantId>,
    limit: u32,
) -> Result<Vec<StockAudit>, StoreError> {
    let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let mut statement = connection.prepare_cached(STOCK)?;
    let rows = statement.query_map(params![after, limit], |row| {
        let number: i64 = row.get(0)?;
        Ok((
            number,
            VariantId::from_bytes(row.get(1)?),
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
        ))
    })?;
    let page: Vec<(i64, VariantId, String, i64, i64)> = rows.collect::<Result<_, _>>()?;
    if page.is_empty() {
        return Ok(Vec::new());
    }
    let mut ledgers = page
        .iter()
        .map(|(number, ..)| (*number, Ledgers::default()))
        .collect();
    add_up(connection, &mut ledgers)?;
    let audits = page
        .into_iter()
        .map(|(number, variant_id, sku, on_hand, reserved)| {
            let sums = ledgers.get(&number).copied().unwrap_or_default();
            StockAudit {
                variant_id,
                sku,
                on_hand,
                reserved,
                ledger_on_hand: sums.adjusted.saturating_sub(sums.sold),
                ledger_reserved: sums.open,
                sold: sums.sold,
            }
        });
    Ok(audits.collect())
}

fn add_up(connection: &Connection, ledgers: &mut HashMap<i64, Ledgers>) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(ADJUSTMENTS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let delta: i64 = row.get(1)?;
        if let Some(sums) = ledgers.get_mut(&row.get(0)?) {
            sums.adjusted = sums.adjusted.saturating_add(delta);
        }
    }
    add_lines(connection, ledgers)?;
    let mut statement = connection.prepare_cached(RETURNS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let units: i64 = row.get(1)?;
        if let Some(sums) = ledgers.get_mut(&row.get(0)?) {
            sums.sold = sums.sold.saturating_sub(units);
        }
    }
    Ok(())
}

fn add_lines(
    connection: &Connection,
    ledgers: &mut HashMap<i64, Ledgers>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(STATES)?;
    let mut states = statement.query([])?;
    let mut statement = connection.prepare_cached(LINES)?;
    let mut lines = statement.query([])?;
    let mut state: Option<(i64, ReservationState)> = None;
    while let Some(line) = lines.next()? {
        let number: i64 = line.get(0)?;
        while state.is_none_or(|(before, _)| before < number) {
            let Some(row) = states.next()? else {
                return Ok(());
            };
            state = Some((row.get(0)?, reserve::state(row, 1)?));
        }
        let Some((_, state)) = state.filter(|(same, _)| *same == number) else {
            continue;
        };
        let Some(sums) = ledgers.get_mut(&line.get(1)?) else {
            continue;
        };
        let sum = match state {
            ReservationState::Open => &mut sums.open,
            ReservationState::Committed => &mut sums.sold,
            ReservationState::Returned | ReservationState::Released | ReservationState::Expired => {
                continue;
            }
        };
        *sum = sum.saturating_add(line.get(2)?);
    }
    Ok(())
}

/// A variant that came to a product later begins with the version it came in, and one that was withdrawn ends with the
/// version it went in, off sale.
const PRODUCTS: &str = "SELECT v.variant_id, p.product_id, v.sku, COALESCE(v.withdrawn_in, p.version), h.known, h.first,
        h.last, COALESCE(o.opening, 0) OR v.made_in > 1 AND h.first = v.made_in,
        COALESCE(n.price_minor = v.price_minor AND n.currency = v.currency AND n.prices = v.prices
                 AND n.status = iif(v.withdrawn_in IS NULL, p.status, 'archived'), 0)
   FROM variants v
   JOIN products p ON p.product_number = v.product_number
   JOIN (SELECT g.variant_number AS variant_number, COUNT(w.version) AS known,
                COALESCE(MIN(w.version), 0) AS first, COALESCE(MAX(w.version), 0) AS last
           FROM (SELECT variant_id, variant_number
                   FROM variants
                  WHERE variant_id > ?1
                  ORDER BY variant_id
                  LIMIT ?2) g
           LEFT JOIN product_versions w ON w.variant_number = g.variant_number
          GROUP BY g.variant_number) h ON h.variant_number = v.variant_number
   LEFT JOIN product_versions o ON o.variant_number = v.variant_number AND o.version = h.first
   LEFT JOIN product_versions n ON n.variant_number = v.variant_number AND n.version = h.last
  ORDER BY v.variant_id";

pub(super) fn products(
    connection: &Connection,
    after: Option<VariantId>,
    limit: u32,
) -> Result<Vec<ProductAudit>, StoreError> {
    let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let mut statement = connection.prepare_cached(PRODUCTS)?;
    let rows = statement.query_map(params![after, limit], |row| {
        Ok(ProductAudit {
            variant_id: VariantId::from_bytes(row.get(0)?),
            product_id: ProductId::from_bytes(row.get(1)?),
            sku: row.get(2)?,
            version: read::version(row, 3)?,
            known: row.get(4)?,
            first: row.get(5)?,
            last: row.get(6)?,
            opened_late: row.get(7)?,
            is_current: row.get(8)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

const RESERVATIONS: &str =
    "SELECT r.reservation_number, k.order_id, r.state, r.hold_until_at_ms, r.created_at_ms,
        COALESCE((SELECT SUM(b.quantity)
                    FROM reservation_returns b
                   WHERE b.reservation_number = r.reservation_number), 0),
        (r.state = 'open') = (r.resolved_at_ms IS NULL)
        AND (r.state = 'returned') = (r.returned_at_ms IS NOT NULL),
        r.order_id IS k.order_id
   FROM by_order k
   LEFT JOIN reservations r ON r.reservation_number = k.number
  WHERE k.order_id > ?1
  ORDER BY k.order_id
  LIMIT ?2";

const COUNT: &str = "SELECT COUNT(*) FROM reservations";

const PRICED_LINES: &str =
    "SELECT v.variant_id, l.variant_number, l.quantity, l.unit_price_minor, l.currency
   FROM reservation_lines l
   JOIN variants v ON v.variant_number = l.variant_number
  WHERE l.reservation_number = ?1";

pub(super) fn reservations(
    connection: &Connection,
    after: Option<OrderId>,
    limit: u32,
) -> Result<Vec<ReservationAudit>, StoreError> {
    if after.is_none() {
        by_order::check_count(connection, COUNT)?;
    }
    let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let mut prices = Prices::default();
    let mut statement = connection.prepare_cached(RESERVATIONS)?;
    let mut rows = statement.query(params![after, limit])?;
    let mut priced_lines = connection.prepare_cached(PRICED_LINES)?;
    let mut audits = Vec::new();
    while let Some(row) = rows.next()? {
        by_order::check(row.get(7)?, OrderId::from_bytes(row.get(1)?))?;
        let mut audit = ReservationAudit {
            order_id: OrderId::from_bytes(row.get(1)?),
            state: reserve::state(row, 2)?,
            units: 0,
            returned: row.get(5)?,
            value_minor: 0,
            currency: None,
            hold_until: Timestamp::from_ms(row.get(3)?),
            contents: 0,
            prices_known: true,
            ended_once: row.get(6)?,
            back: Some(Vec::new()),
        };
        if audit.returned > 0 {
            audit.back = Some(brought_back(connection, row.get(0)?)?);
        }
        let mut lines = priced_lines.query([row.get::<_, i64>(0)?])?;
        while let Some(line) = lines.next()? {
            let (units, price): (i64, i64) = (line.get(2)?, line.get(3)?);
            let mark = line_mark(VariantId::from_bytes(line.get(0)?), price, units);
            audit.contents = audit.contents.wrapping_add(mark);
            audit.units = audit.units.saturating_add(units);
            audit.value_minor = audit
                .value_minor
                .saturating_add(units.saturating_mul(price));
            audit.prices_known &= prices.had(connection, line, row.get(4)?)?;
            prices::note_currency(&mut audit, line.get_ref(4)?.as_str().unwrap_or_default());
        }
        audits.push(audit);
    }
    Ok(audits)
}

const BACK: &str = "SELECT b.refund_id, v.variant_id, b.quantity
   FROM reservation_returns b
   JOIN variants v ON v.variant_number = b.variant_number
  WHERE b.reservation_number = ?1";

/// What came back of a reservation, by refund.
fn brought_back(connection: &Connection, reservation: i64) -> Result<Vec<BackAudit>, StoreError> {
    let mut statement = connection.prepare_cached(BACK)?;
    let mut rows = statement.query([reservation])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let refund = RefundId::from_bytes(row.get(0)?);
        let variant = VariantId::from_bytes(row.get(1)?);
        back::add(&mut all, refund, variant, row.get(2)?);
    }
    Ok(all)
}

/// The prices of the variants that a page met.
#[derive(Debug, Default)]
struct Prices(HashMap<i64, Vec<Priced>>);

const VERSIONS: &str = "SELECT version, price_minor, currency, status = 'active', at_ms, prices
   FROM product_versions
  WHERE variant_number = ?1
  ORDER BY version";

impl Prices {
    /// Whether the variant of a line had the line's price at about this moment.
    fn had(
        &mut self,
        connection: &Connection,
        line: &Row<'_>,
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let variant: i64 = line.get(1)?;
        let price_minor: i64 = line.get(3)?;
        let currency = line.get_ref(4)?.as_str().unwrap_or_default();
        let versions = match self.0.entry(variant) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                unknown.insert(versions_of(connection, variant)?)
            }
        };
        Ok(prices::had(versions, (price_minor, currency), at_ms))
    }
}

fn versions_of(connection: &Connection, variant: i64) -> Result<Vec<Priced>, StoreError> {
    let mut statement = connection.prepare_cached(VERSIONS)?;
    let rows = statement.query_map([variant], |row| {
        Ok(Priced {
            version: row.get(0)?,
            price_minor: row.get(1)?,
            currency: row.get(2)?,
            on_sale: row.get(3)?,
            from_ms: row.get(4)?,
            prices: read::prices(row, 5)?,
            until_ms: None,
        })
    })?;
    Ok(prices::in_a_row(rows.collect::<Result<_, _>>()?))
}
