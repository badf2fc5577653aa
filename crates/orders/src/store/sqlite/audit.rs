//! Orders as verification reads them from SQLite, row by row.

use super::read::parsed;
use crate::store::verify::{self, BackLine, Telling};
use contracts::{
    event::Event,
    orders::{EventsAudit, OrderAudit, ReturnReceived},
    values::{Money, OrderId, PaymentId, RefundId, ReturnId, Timestamp, VariantId},
};
use platform::db::{StoreError, sqlite::by_order};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

const ORDERS: &str =
    "SELECT o.order_number, k.order_id, o.status, o.version, o.total_minor, o.currency, o.payment_id, o.updated_at_ms,
        o.order_id IS k.order_id,
        (SELECT COALESCE(SUM(p.amount_minor), 0) FROM order_parts p WHERE p.order_number = k.number),
        (SELECT json_group_array(json_array(p.amount_minor, p.tax))
           FROM order_parts p WHERE p.order_number = k.number AND p.tax IS NOT NULL)
   FROM by_order k
   LEFT JOIN orders o ON o.order_number = k.number
  WHERE k.order_id > ?1
  ORDER BY k.order_id
  LIMIT ?2";

const COUNT: &str = "SELECT COUNT(*) FROM orders";

const LINES: &str =
    "SELECT variant_id, quantity, unit_price_minor FROM order_lines WHERE order_number = ?1";

const TIMELINE: &str =
    "SELECT sequence, status, version FROM order_events WHERE order_number = ?1 ORDER BY sequence";

pub(super) fn orders(
    connection: &Connection,
    after: Option<OrderId>,
    limit: u32,
) -> Result<Vec<OrderAudit>, StoreError> {
    if after.is_none() {
        by_order::check_count(connection, COUNT)?;
    }
    let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let mut statement = connection.prepare_cached(ORDERS)?;
    let mut rows = statement.query(params![after, limit])?;
    let mut of_order = OfOrder {
        lines: connection.prepare_cached(LINES)?,
        timeline: connection.prepare_cached(TIMELINE)?,
    };
    let mut audits = Vec::new();
    while let Some(row) = rows.next()? {
        by_order::check(row.get(8)?, OrderId::from_bytes(row.get(1)?))?;
        let version: i64 = row.get(3)?;
        let mut audit = OrderAudit {
            number: row.get(0)?,
            id: OrderId::from_bytes(row.get(1)?),
            status: parsed(row, 2)?,
            total: Money::new(row.get(4)?, parsed(row, 5)?),
            payment_id: row
                .get::<_, Option<[u8; 16]>>(6)?
                .map(PaymentId::from_bytes),
            lines: 0,
            units: 0,
            lines_total_minor: 0,
            parts_total_minor: row.get(9)?,
            timeline_is_legal: false,
            versions_count_moves: false,
            contents: 0,
            returns: Vec::new(),
            returns_were_sent: true,
            taxes_add_up: verify::taxes_add_up(row.get::<_, Option<String>>(10)?.as_deref())?,
            updated_at: Timestamp::from_ms(row.get(7)?),
        };
        of_order.add_lines(&mut audit)?;
        of_order.judge_timeline(&mut audit, version)?;
        audits.push(audit);
    }
    add_returns(connection, &mut audits)?;
    Ok(audits)
}

/// Those orders of a page of which something comes back: few, and all else is asked of these alone. Nothing is looked
/// up in a shop where nothing ever came back.
const BACK: &str = "SELECT page.value
   FROM json_each(?1) page
  WHERE (EXISTS (SELECT 1 FROM returns) OR EXISTS (SELECT 1 FROM came_back_lines))
    AND (EXISTS (SELECT 1 FROM returns r WHERE r.order_number = page.value)
         OR EXISTS (SELECT 1 FROM came_back_lines c WHERE c.order_number = page.value))";

const RETURNS: &str =
    "SELECT r.order_number, r.return_id, r.status, r.refund_id, r.updated_at_ms, l.variant_id,
        b.quantity, b.written_off
   FROM json_each(?1) page
   JOIN returns r ON r.order_number = page.value
   JOIN return_lines b ON b.order_number = r.order_number AND b.return_number = r.return_number
   JOIN order_lines l ON l.order_number = b.order_number AND l.line_number = b.line_number
  ORDER BY r.order_number, r.return_number";

const UNSENT: &str = "SELECT l.order_number
   FROM json_each(?1) page
   JOIN order_lines l ON l.order_number = page.value
  WHERE (SELECT COALESCE(SUM(s.quantity), 0) FROM shipment_lines s
          WHERE s.order_number = l.order_number AND s.line_number = l.line_number)
      < (SELECT COALESCE(SUM(b.quantity), 0)
           FROM return_lines b
           JOIN returns r ON r.order_number = b.order_number AND r.return_number = b.return_number
          WHERE b.order_number = l.order_number AND b.line_number = l.line_number AND r.status <> 'refused')
        + (SELECT COALESCE(SUM(c.quantity), 0) FROM came_back_lines c
            WHERE c.order_number = l.order_number AND c.line_number = l.line_number)";

/// What comes back of a page's orders.
fn add_returns(connection: &Connection, audits: &mut [OrderAudit]) -> Result<(), StoreError> {
    let page = listed(&audits.iter().map(|audit| audit.number).collect::<Vec<_>>())?;
    let mut statement = connection.prepare_cached(BACK)?;
    let back = statement.query_map([&page], |row| row.get(0))?;
    let back: Vec<i64> = back.collect::<Result<_, _>>()?;
    if back.is_empty() {
        return Ok(());
    }
    let page = listed(&back)?;
    let mut statement = connection.prepare_cached(RETURNS)?;
    let lines = statement.query_map([&page], |row| {
        let refund: Option<[u8; 16]> = row.get(3)?;
        Ok(BackLine {
            order: row.get(0)?,
            id: ReturnId::from_bytes(row.get(1)?),
            status: parsed(row, 2)?,
            refund_id: refund.map(RefundId::from_bytes),
            updated_at: Timestamp::from_ms(row.get(4)?),
            variant_id: VariantId::from_bytes(row.get(5)?),
            units: row.get(6)?,
            written_off: row.get(7)?,
        })
    })?;
    verify::add_returns(audits, lines.collect::<Result<Vec<_>, _>>()?);
    let mut statement = connection.prepare_cached(UNSENT)?;
    let unsent = statement.query_map([&page], |row| row.get(0))?;
    verify::mark_unsent(audits, &unsent.collect::<Result<_, _>>()?);
    Ok(())
}

fn listed(numbers: &[i64]) -> Result<String, StoreError> {
    serde_json::to_string(numbers).map_err(|error| StoreError::Other(Box::new(error)))
}

/// What is asked for each order of a page, compiled once.
struct OfOrder<'c> {
    lines: CachedStatement<'c>,
    timeline: CachedStatement<'c>,
}

impl OfOrder<'_> {
    fn add_lines(&mut self, audit: &mut OrderAudit) -> Result<(), StoreError> {
        let mut rows = self.lines.query([audit.number])?;
        while let Some(row) = rows.next()? {
            let variant_id = VariantId::from_bytes(row.get(0)?);
            verify::add_line(audit, variant_id, row.get(1)?, row.get(2)?);
        }
        Ok(())
    }

    fn judge_timeline(&mut self, audit: &mut OrderAudit, version: i64) -> Result<(), StoreError> {
        let rows = self.timeline.query_map([audit.number], |row| {
            let status = row.get_ref(1)?.as_str().unwrap_or_default().to_owned();
            Ok((row.get(0)?, status, row.get(2)?))
        })?;
        let timeline = rows.collect::<Result<Vec<_>, _>>()?;
        verify::judge_timeline(audit, &timeline, version);
        Ok(())
    }
}

const BOUNDS: &str = "SELECT MIN(order_number), MAX(order_number) FROM orders";

const OUTBOX: &str = "SELECT name, subject, payload FROM outbox ORDER BY event_number";

const NUMBER: &str = "SELECT number FROM by_order WHERE order_id = ?1";

const MOVES: &str = "SELECT order_number, status FROM order_events ORDER BY order_number, sequence";

const WAITING: &str = "SELECT COUNT(*), MIN(at_ms)
   FROM outbox
  WHERE event_number > (SELECT delivered_number FROM outbox_cursor WHERE cursor_id = 1)";

const PARKED: &str = "SELECT COUNT(*), MIN(o.at_ms)
   FROM outbox_parked p
   JOIN outbox o ON o.event_number = p.event_number";

const UNTOLD: &str = "SELECT payload
   FROM outbox
  WHERE name = ?1
    AND (event_number > (SELECT delivered_number FROM outbox_cursor WHERE cursor_id = 1)
         OR event_number IN (SELECT event_number FROM outbox_parked))
  ORDER BY event_number
  LIMIT 10000";

/// Numbers are given without gaps and never again: what is before the first was let go of.
const LET_GO: &str = "SELECT COALESCE(MIN(event_number), 2) > 1 FROM outbox";

/// Walks once through the outbox and once through the timelines.
pub(super) fn events(connection: &Connection) -> Result<EventsAudit, StoreError> {
    let bounds = connection.query_row(BOUNDS, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut telling = Telling::of(bounds.0, bounds.1);
    listen(connection, &mut telling)?;
    telling.let_go = connection.query_row(LET_GO, [], |row| row.get(0))?;
    walk(connection, &mut telling)?;
    let (waiting, oldest): (i64, Option<i64>) =
        connection.query_row(WAITING, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (parked, oldest_parked): (i64, Option<i64>) =
        connection.query_row(PARKED, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut statement = connection.prepare_cached(UNTOLD)?;
    let untold = statement.query_map([ReturnReceived::NAME], |row| {
        Ok(verify::told_return(
            row.get_ref(0)?.as_str().unwrap_or_default(),
        ))
    })?;
    let untold = untold.collect::<Result<Vec<_>, _>>()?;
    let mut audit = telling.end();
    audit.untold_returns = untold.into_iter().flatten().collect();
    audit.waiting = waiting;
    audit.parked = parked;
    audit.oldest_waiting = oldest
        .into_iter()
        .chain(oldest_parked)
        .min()
        .map(Timestamp::from_ms);
    Ok(audit)
}

/// Gathers what was told of each order, in the order in which it was told.
fn listen(connection: &Connection, telling: &mut Telling) -> Result<(), StoreError> {
    let mut numbers = connection.prepare_cached(NUMBER)?;
    let mut statement = connection.prepare_cached(OUTBOX)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str().unwrap_or_default();
        let payload = row.get_ref(2)?.as_str().unwrap_or_default();
        let Some(status) = verify::told_status(name, payload) else {
            continue;
        };
        let subject = row.get_ref(1)?.as_str().unwrap_or_default();
        let number = number_of(&mut numbers, subject)?;
        telling.hear((name, subject), status, number);
    }
    Ok(())
}

fn walk(connection: &Connection, telling: &mut Telling) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(MOVES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        telling.see(number, row.get_ref(1)?.as_str().unwrap_or_default());
    }
    Ok(())
}

fn number_of(numbers: &mut CachedStatement<'_>, subject: &str) -> Result<Option<i64>, StoreError> {
    let Ok(id) = subject.parse::<OrderId>() else {
        return Ok(None);
    };
    let number = numbers.query_row([id.as_bytes()], |row| row.get(0));
    Ok(number.optional()?)
}
