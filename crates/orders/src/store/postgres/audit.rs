//! Orders as verification reads them from PostgreSQL: in pages, all of one snapshot.

use crate::store::verify::{self, BackLine, Telling};
use contracts::{
    event::Event,
    orders::{EventsAudit, OrderAudit, ReturnReceived},
    values::{Money, OrderId, PaymentId, RefundId, ReturnId, Timestamp, VariantId},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, parsed},
};
use std::collections::HashMap;

/// Rows read at a time.
const PAGE: i64 = 5_000;

const ORDERS: &str = "SELECT order_number, order_id, status, version, total_minor, currency, payment_id, updated_at_ms,
        (SELECT COALESCE(SUM(p.amount_minor), 0)::bigint FROM order_parts p WHERE p.order_number = orders.order_number),
        (SELECT json_agg(json_build_array(p.amount_minor, p.tax))::text
           FROM order_parts p WHERE p.order_number = orders.order_number AND p.tax IS NOT NULL)
   FROM orders
  WHERE order_id > $1
  ORDER BY order_id
  LIMIT $2";

const LINES: &str = "SELECT order_number, variant_id, quantity, unit_price_minor
   FROM order_lines
  WHERE order_number = ANY($1)";

const TIMELINES: &str = "SELECT order_number, sequence, status, version
   FROM order_events
  WHERE order_number = ANY($1)
  ORDER BY order_number, sequence";

pub(super) async fn orders(
    connection: &Connection,
    after: Option<OrderId>,
    limit: u32,
) -> Result<Vec<OrderAudit>, StoreError> {
    // No order has an id of nothing but zeros: ids are hashes.
    let after = Bytes(after.map_or([0; 16], |id| *id.as_bytes()));
    let rows = connection
        .query(ORDERS, &[&after, &i64::from(limit)])
        .await?;
    let mut audits = rows.iter().map(audit_of).collect::<Result<Vec<_>, _>>()?;
    let numbers: Vec<i64> = audits.iter().map(|audit| audit.number).collect();
    let places: HashMap<i64, usize> = numbers.iter().copied().zip(0..).collect();
    for row in connection.query(LINES, &[&numbers]).await? {
        let place = places.get(&row.try_get(0)?).copied();
        if let Some(audit) = place.and_then(|place| audits.get_mut(place)) {
            let Bytes(variant): Bytes<16> = row.try_get(1)?;
            let (units, price) = (row.try_get(2)?, row.try_get(3)?);
            verify::add_line(audit, VariantId::from_bytes(variant), units, price);
        }
    }
    let mut timelines: HashMap<i64, Vec<(i64, String, i64)>> = HashMap::new();
    for row in connection.query(TIMELINES, &[&numbers]).await? {
        let entry = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        timelines.entry(row.try_get(0)?).or_default().push(entry);
    }
    for (audit, row) in audits.iter_mut().zip(&rows) {
        let timeline = timelines.remove(&audit.number).unwrap_or_default();
        verify::judge_timeline(audit, &timeline, row.try_get(3)?);
    }
    add_returns(connection, &mut audits, &numbers).await?;
    Ok(audits)
}

const RETURNS: &str =
    "SELECT r.order_number, r.return_id, r.status, r.refund_id, r.updated_at_ms, l.variant_id,
        b.quantity, b.written_off
   FROM returns r
   JOIN return_lines b ON b.order_number = r.order_number AND b.return_number = r.return_number
   JOIN order_lines l ON l.order_number = b.order_number AND l.line_number = b.line_number
  WHERE r.order_number = ANY($1)
  ORDER BY r.order_number, r.return_number";

/// Only orders of which something comes back are looked at line by line.
const UNSENT: &str = "SELECT l.order_number
   FROM order_lines l
  WHERE l.order_number IN (SELECT r.order_number FROM returns r WHERE r.order_number = ANY($1)
                            UNION
                           SELECT c.order_number FROM came_back_lines c WHERE c.order_number = ANY($1))
    AND (SELECT COALESCE(SUM(s.quantity), 0) FROM shipment_lines s
          WHERE s.order_number = l.order_number AND s.line_number = l.line_number)
      < (SELECT COALESCE(SUM(b.quantity), 0)
           FROM return_lines b
           JOIN returns r ON r.order_number = b.order_number AND r.return_number = b.return_number
          WHERE b.order_number = l.order_number AND b.line_number = l.line_number AND r.status <> 'refused')
        + (SELECT COALESCE(SUM(c.quantity), 0) FROM came_back_lines c
            WHERE c.order_number = l.order_number AND c.line_number = l.line_number)";

/// What comes back of a page's orders, in two walks over keys.
async fn add_returns(
    connection: &Connection,
    audits: &mut [OrderAudit],
    numbers: &[i64],
) -> Result<(), StoreError> {
    let rows = connection.query(RETURNS, &[&numbers]).await?;
    let lines = rows.iter().map(back_line);
    verify::add_returns(audits, lines.collect::<Result<Vec<_>, _>>()?);
    let rows = connection.query(UNSENT, &[&numbers]).await?;
    let unsent = rows.iter().map(|row| Ok(row.try_get(0)?));
    verify::mark_unsent(audits, &unsent.collect::<Result<_, StoreError>>()?);
    Ok(())
}

fn back_line(row: &Row) -> Result<BackLine, StoreError> {
    let (Bytes(id), Bytes(variant)): (Bytes<16>, Bytes<16>) = (row.try_get(1)?, row.try_get(5)?);
    let refund: Option<Bytes<16>> = row.try_get(3)?;
    Ok(BackLine {
        order: row.try_get(0)?,
        id: ReturnId::from_bytes(id),
        status: parsed(row, 2)?,
        refund_id: refund.map(|Bytes(id)| RefundId::from_bytes(id)),
        updated_at: Timestamp::from_ms(row.try_get(4)?),
        variant_id: VariantId::from_bytes(variant),
        units: row.try_get(6)?,
        written_off: row.try_get(7)?,
    })
}

fn audit_of(row: &Row) -> Result<OrderAudit, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(1)?;
    let payment: Option<Bytes<16>> = row.try_get(6)?;
    Ok(OrderAudit {
        number: row.try_get(0)?,
        id: OrderId::from_bytes(id),
        status: parsed(row, 2)?,
        total: Money::new(row.try_get(4)?, parsed(row, 5)?),
        payment_id: payment.map(|Bytes(id)| PaymentId::from_bytes(id)),
        lines: 0,
        units: 0,
        lines_total_minor: 0,
        parts_total_minor: row.try_get(8)?,
        timeline_is_legal: false,
        versions_count_moves: false,
        contents: 0,
        returns: Vec::new(),
        returns_were_sent: true,
        taxes_add_up: verify::taxes_add_up(row.try_get(9)?)?,
        updated_at: Timestamp::from_ms(row.try_get(7)?),
    })
}

const BOUNDS: &str = "SELECT MIN(order_number), MAX(order_number) FROM orders";

const OUTBOX: &str = "SELECT event_number, name, subject, payload
   FROM outbox
  WHERE event_number > $1
  ORDER BY event_number
  LIMIT $2";

const NUMBERS: &str = "SELECT order_id, order_number FROM orders WHERE order_id = ANY($1)";

const MOVES: &str = "SELECT order_number, sequence, status
   FROM order_events
  WHERE (order_number, sequence) > ($1, $2)
  ORDER BY order_number, sequence
  LIMIT $3";

const WAITING: &str = "SELECT COUNT(*), MIN(at_ms)
   FROM outbox
  WHERE event_number > (SELECT delivered_number FROM outbox_cursor WHERE cursor_id = 1)";

const PARKED: &str = "SELECT COUNT(*), MIN(o.at_ms)
   FROM outbox_parked p
   JOIN outbox o ON o.event_number = p.event_number";

const UNTOLD: &str = "SELECT payload
   FROM outbox
  WHERE name = $1
    AND (event_number > (SELECT delivered_number FROM outbox_cursor WHERE cursor_id = 1)
         OR event_number IN (SELECT event_number FROM outbox_parked))
  ORDER BY event_number
  LIMIT 10000";

const LET_GO: &str = "SELECT let_go_number > 0 FROM outbox_cursor WHERE cursor_id = 1";

/// Walks once through the outbox and once through the timelines.
pub(super) async fn events(connection: &Connection) -> Result<EventsAudit, StoreError> {
    let bounds = connection.query_one(BOUNDS, &[]).await?;
    let mut telling = Telling::of(bounds.try_get(0)?, bounds.try_get(1)?);
    listen(connection, &mut telling).await?;
    telling.let_go = connection.query_one(LET_GO, &[]).await?.try_get(0)?;
    walk(connection, &mut telling).await?;
    let waiting = connection.query_one(WAITING, &[]).await?;
    let parked = connection.query_one(PARKED, &[]).await?;
    let oldest: [Option<i64>; 2] = [waiting.try_get(1)?, parked.try_get(1)?];
    let untold = connection.query(UNTOLD, &[&ReturnReceived::NAME]).await?;
    let mut audit = telling.end();
    for row in &untold {
        audit
            .untold_returns
            .extend(verify::told_return(row.try_get(0)?));
    }
    audit.waiting = waiting.try_get(0)?;
    audit.parked = parked.try_get(0)?;
    audit.oldest_waiting = oldest.into_iter().flatten().min().map(Timestamp::from_ms);
    Ok(audit)
}

/// Gathers what was told of each order, in the order in which it was told.
async fn listen(connection: &Connection, telling: &mut Telling) -> Result<(), StoreError> {
    let mut seen = 0_i64;
    loop {
        let rows = connection.query(OUTBOX, &[&seen, &PAGE]).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        seen = last.try_get(0)?;
        let numbers = numbers_of(connection, &rows).await?;
        for row in &rows {
            let (name, subject): (&str, &str) = (row.try_get(1)?, row.try_get(2)?);
            if let Some(status) = verify::told_status(name, row.try_get(3)?) {
                let number = subject
                    .parse()
                    .ok()
                    .and_then(|id| numbers.get(&id).copied());
                telling.hear((name, subject), status, number);
            }
        }
    }
}

async fn numbers_of(
    connection: &Connection,
    events: &[Row],
) -> Result<HashMap<OrderId, i64>, StoreError> {
    let mut ids = Vec::with_capacity(events.len());
    for row in events {
        let subject: &str = row.try_get(2)?;
        ids.extend(
            subject
                .parse::<OrderId>()
                .ok()
                .map(|id| Bytes(*id.as_bytes())),
        );
    }
    let rows = connection.query(NUMBERS, &[&ids]).await?;
    rows.iter()
        .map(|row| {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            Ok((OrderId::from_bytes(id), row.try_get(1)?))
        })
        .collect()
}

async fn walk(connection: &Connection, telling: &mut Telling) -> Result<(), StoreError> {
    let mut seen = (0_i64, 0_i64);
    loop {
        let rows = connection.query(MOVES, &[&seen.0, &seen.1, &PAGE]).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        seen = (last.try_get(0)?, last.try_get(1)?);
        for row in &rows {
            telling.see(row.try_get(0)?, row.try_get(2)?);
        }
    }
}
