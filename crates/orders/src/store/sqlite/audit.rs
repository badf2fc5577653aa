//! Orders as verification reads them: sums are made anew from lines and timelines, never from what is kept. They are
//! added here and not in SQL, where an overflow would fail the whole page.

use super::read::parsed;
use crate::domain::{
    status,
    story::{self, Entry, Story},
};
use contracts::{
    catalog::line_mark,
    event::Event,
    orders::{EventsAudit, OrderAudit, OrderCancelled, OrderMoved, OrderPlaced, OrderStatus},
    values::{Money, OrderId, PaymentId, Timestamp, VariantId},
};
use platform::db::{StoreError, sqlite::by_order};
use rusqlite::{Connection, OptionalExtension, params};

/// Orders that are named when their events are not what happened.
const EXAMPLES_MAX: usize = 20;

const ORDERS: &str =
    "SELECT o.order_number, k.order_id, o.status, o.version, o.total_minor, o.currency, o.payment_id, o.updated_at_ms,
        o.order_id IS k.order_id
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
            timeline_is_legal: false,
            versions_count_moves: false,
            contents: 0,
            updated_at: Timestamp::from_ms(row.get(7)?),
        };
        add_lines(connection, &mut audit)?;
        judge_timeline(connection, &mut audit, version)?;
        audits.push(audit);
    }
    Ok(audits)
}

fn add_lines(connection: &Connection, audit: &mut OrderAudit) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(LINES)?;
    let mut rows = statement.query([audit.number])?;
    while let Some(row) = rows.next()? {
        let (units, price): (i64, i64) = (row.get(1)?, row.get(2)?);
        let mark = line_mark(VariantId::from_bytes(row.get(0)?), price, units);
        audit.lines = audit.lines.saturating_add(1);
        audit.units = audit.units.saturating_add(units);
        audit.lines_total_minor = audit
            .lines_total_minor
            .saturating_add(units.saturating_mul(price));
        audit.contents = audit.contents.wrapping_add(mark);
    }
    Ok(())
}

fn judge_timeline(
    connection: &Connection,
    audit: &mut OrderAudit,
    version: i64,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(TIMELINE)?;
    let mut rows = statement.query([audit.number])?;
    let (mut entries, mut path) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        // A word that is no status is for the audit to notice, not to fall over.
        let Ok(status) = row.get_ref(1)?.as_str().unwrap_or_default().parse() else {
            return Ok(());
        };
        path.push(status);
        entries.push(Entry {
            sequence: row.get(0)?,
            status,
            version: row.get(2)?,
        });
    }
    audit.timeline_is_legal = status::is_path(&path) && path.last() == Some(&audit.status);
    audit.versions_count_moves = story::versions_count_moves(&entries, version);
    Ok(())
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

/// Numbers are given without gaps and never again: what is before the first was let go of.
const LET_GO: &str = "SELECT COALESCE(MIN(event_number), 2) > 1 FROM outbox";

/// Walks once through the outbox and once through the timelines; four bytes for each order are kept meanwhile.
pub(super) fn events(connection: &Connection) -> Result<EventsAudit, StoreError> {
    let bounds = connection.query_row(BOUNDS, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (first, last): (Option<i64>, Option<i64>) = bounds;
    let first = first.unwrap_or_default();
    let orders = last.map_or(0, |last| last.saturating_sub(first).saturating_add(1));
    let mut told = vec![Story::default(); usize::try_from(orders).unwrap_or_default()];
    let mut audit = EventsAudit::default();
    listen(connection, first, &mut told, &mut audit)?;
    let let_go = connection.query_row(LET_GO, [], |row| row.get(0))?;
    let mut comparing = Comparing {
        told: &told,
        first,
        let_go,
        audit: &mut audit,
    };
    comparing.walk(connection)?;
    let (waiting, oldest): (i64, Option<i64>) =
        connection.query_row(WAITING, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (parked, oldest_parked): (i64, Option<i64>) =
        connection.query_row(PARKED, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
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
fn listen(
    connection: &Connection,
    first: i64,
    told: &mut [Story],
    audit: &mut EventsAudit,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(OUTBOX)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str().unwrap_or_default();
        let payload = row.get_ref(2)?.as_str().unwrap_or_default();
        let status = match name {
            OrderPlaced::NAME => Some(OrderStatus::Pending),
            OrderCancelled::NAME => Some(OrderStatus::Cancelled),
            OrderMoved::NAME => serde_json::from_str::<OrderMoved>(payload)
                .ok()
                .map(|moved| moved.status),
            _ => continue,
        };
        audit.events = audit.events.saturating_add(1);
        let subject = row.get_ref(1)?.as_str().unwrap_or_default();
        let number = number_of(connection, subject)?;
        let place = number.and_then(|number| usize::try_from(number.saturating_sub(first)).ok());
        match (place.and_then(|place| told.get_mut(place)), status) {
            (Some(story), Some(status)) => *story = story.and(status),
            (None, _) | (_, None) => differs(
                audit,
                format!("{name} of {subject} tells of nothing that is there"),
            ),
        }
    }
    Ok(())
}

fn number_of(connection: &Connection, subject: &str) -> Result<Option<i64>, StoreError> {
    let Ok(id) = subject.parse::<OrderId>() else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(NUMBER)?;
    Ok(statement
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?)
}

fn differs(audit: &mut EventsAudit, what: String) {
    audit.differing = audit.differing.saturating_add(1);
    if audit.examples.len() < EXAMPLES_MAX {
        audit.examples.push(what);
    }
}

/// Holds what was told against what happened.
struct Comparing<'a> {
    told: &'a [Story],
    first: i64,
    let_go: bool,
    audit: &'a mut EventsAudit,
}

impl Comparing<'_> {
    fn walk(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(MOVES)?;
        let mut rows = statement.query([])?;
        let mut now: Option<(i64, Story, OrderStatus)> = None;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let Ok(status) = row.get_ref(1)?.as_str().unwrap_or_default().parse() else {
                continue;
            };
            now = match now {
                // An entry that moves nothing repeats the status it found, and tells nobody.
                Some((same, story, at)) if same == number && at == status => {
                    Some((same, story, at))
                }
                Some((same, story, _)) if same == number => Some((same, story.and(status), status)),
                before => {
                    self.judge(before);
                    Some((number, Story::default().and(status), status))
                }
            };
        }
        self.judge(now);
        Ok(())
    }

    fn judge(&mut self, ended: Option<(i64, Story, OrderStatus)>) {
        let Some((number, happened, _)) = ended else {
            return;
        };
        let place = usize::try_from(number.saturating_sub(self.first)).ok();
        let told = place
            .and_then(|place| self.told.get(place))
            .copied()
            .unwrap_or_default();
        if !told.tells(happened, self.let_go) {
            let (told, happened) = (told.words(), happened.words());
            differs(
                self.audit,
                format!("order number {number}: {happened} happened, {told} was told"),
            );
        }
    }
}
