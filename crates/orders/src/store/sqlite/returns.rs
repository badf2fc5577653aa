//! Returns, in SQLite: each step with its entry in the timeline, in one write.

use super::{SqliteStore, change, mails, read};
use crate::{
    domain::{
        order::Order,
        returned::{GoneLine, came_back, check},
    },
    store::{
        Acting,
        returns::{
            Answering, Asking, KeptReturn, Receiving, ReturnStore, ReturnWish, Returning, Standing,
            cut, moves, of_order, received, too_many,
        },
    },
};
use async_trait::async_trait;
use contracts::{
    orders::{
        OrderError, OrderMailKind, RefundNote, ReturnError, ReturnLineView, ReturnStatus,
        ReturnView, ShipLine,
    },
    values::{OrderId, Page, Quantity, RefundId, ReturnId, Timestamp, UserId, VariantId},
};
use platform::{
    db::{Abort, StoreError, keys},
    outbox,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

#[async_trait]
impl ReturnStore for SqliteStore {
    async fn ask_return(&self, asking: Asking) -> Result<Returning, Abort<ReturnError>> {
        self.database.write(move |c| ask(c, &asking)).await
    }

    async fn answer_return(&self, answering: Answering) -> Result<(), Abort<ReturnError>> {
        self.database.write(move |c| answer(c, &answering)).await
    }

    async fn receive_return(&self, receiving: Receiving) -> Result<(), Abort<ReturnError>> {
        self.database.write(move |c| receive(c, &receiving)).await
    }

    async fn returns(&self, id: OrderId) -> Result<Vec<ReturnView>, StoreError> {
        self.database.read(move |c| all(c, id)).await
    }

    async fn all_returns(&self, wish: ReturnWish) -> Result<Page<ReturnView>, StoreError> {
        self.database.read(move |c| list(c, &wish)).await
    }

    async fn count_returns(&self, most: i64) -> Result<Vec<(ReturnStatus, i64)>, StoreError> {
        self.database.read(move |c| counts(c, most)).await
    }
}

fn order_of(connection: &Connection, id: OrderId) -> Result<Order, Abort<ReturnError>> {
    let order = read::order(connection, id)?;
    order.ok_or_else(|| of_order(OrderError::NotFound))
}

fn ask(connection: &Connection, asking: &Asking) -> Result<Returning, Abort<ReturnError>> {
    if let Some(request) = &asking.request
        && let Some(KeptReturn { id }) =
            keys::recall(connection, request, || ReturnError::KeyReused)?
    {
        return Ok(Returning { id, replayed: true });
    }
    let order = order_of(connection, asking.order)?;
    check(&gone(connection, order.number)?, &asking.lines).map_err(of_order)?;
    let number: Option<i64> = connection
        .prepare_cached(
            "INSERT INTO returns (order_number, return_number, return_id, status, reason, created_at_ms, updated_at_ms)
             SELECT ?1, COALESCE(MAX(return_number), 0) + 1, ?2, 'requested', ?3, ?4, ?4
               FROM returns
              WHERE order_number = ?1
             HAVING COUNT(*) < ?5
             RETURNING return_number",
        )?
        .query_row(
            params![
                order.number,
                asking.id.as_bytes(),
                asking.reason,
                asking.at.as_ms(),
                asking.most,
            ],
            |row| row.get(0),
        )
        .optional()?;
    let number = number.ok_or_else(|| Abort::Refused(too_many(asking.most)))?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO return_lines (order_number, return_number, line_number, quantity, written_off)
         VALUES (?1, ?2, ?3, ?4, 0)",
    )?;
    for line in &asking.lines {
        let units = line.quantity.get();
        statement.execute(params![order.number, number, line.line, units])?;
    }
    let entry = ("return_requested", asking.id, &asking.by);
    enter(connection, &order, entry, asking.at)?;
    if let Some(request) = &asking.request {
        keys::remember(
            connection,
            request,
            &KeptReturn { id: asking.id },
            asking.at,
        )?;
    }
    Ok(Returning {
        id: asking.id,
        replayed: false,
    })
}

fn answer(connection: &Connection, answering: &Answering) -> Result<(), Abort<ReturnError>> {
    let order = order_of(connection, answering.order)?;
    let standing = standing(connection, &order, answering.id)?;
    if !moves(standing.status, answering.to)? {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE returns SET status = ?3, note = ?4, updated_at_ms = ?5
              WHERE order_number = ?1 AND return_number = ?2",
        )?
        .execute(params![
            order.number,
            standing.number,
            answering.to.as_str(),
            answering.note,
            answering.at.as_ms(),
        ])?;
    let (kind, mail) = if answering.to == ReturnStatus::Approved {
        ("return_approved", OrderMailKind::ReturnApproved)
    } else {
        ("return_refused", OrderMailKind::ReturnRefused)
    };
    let news = (mail, answering.id.as_bytes());
    mails::owe(connection, &order, news, answering.at)?;
    let entry = (kind, answering.id, &answering.by);
    Ok(enter(connection, &order, entry, answering.at)?)
}

fn receive(connection: &Connection, receiving: &Receiving) -> Result<(), Abort<ReturnError>> {
    let order = order_of(connection, receiving.order)?;
    let standing = standing(connection, &order, receiving.id)?;
    if !moves(standing.status, ReturnStatus::Received)? {
        return Ok(());
    }
    let view = read::view(connection, receiving.order)?;
    let view = view.ok_or_else(|| of_order(OrderError::NotFound))?;
    let event = received(&view, order.payment_id, &standing, receiving)?;
    connection
        .prepare_cached(
            "UPDATE returns SET status = 'received', refund_id = ?3, updated_at_ms = ?4
              WHERE order_number = ?1 AND return_number = ?2",
        )?
        .execute(params![
            order.number,
            standing.number,
            event.refund_id.as_bytes(),
            receiving.at.as_ms(),
        ])?;
    let mut lost = connection.prepare_cached(
        "UPDATE return_lines SET written_off = 1
          WHERE order_number = ?1 AND return_number = ?2 AND line_number = ?3",
    )?;
    for line in &receiving.written_off {
        lost.execute(params![order.number, standing.number, line])?;
    }
    let entry = ("return_received", receiving.id, &receiving.by);
    enter(connection, &order, entry, receiving.at)?;
    Ok(outbox::append(connection, &event, receiving.at)?)
}

/// A refund that was noted: if it is a return's, that is at its end, and the units are not looked at, for they were
/// sent. Whether it was one.
pub(super) fn settle(
    connection: &Connection,
    order: &Order,
    refund: RefundId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let settled = connection
        .prepare_cached(
            "UPDATE returns SET status = 'refunded', updated_at_ms = ?3
              WHERE order_number = ?1 AND refund_id = ?2",
        )?
        .execute(params![order.number, refund.as_bytes(), at.as_ms()])?;
    Ok(settled > 0)
}

/// Keeps which units that were sent a refund of no return brought back: they cannot come back once more.
pub(super) fn note_came_back(
    connection: &Connection,
    order: &Order,
    note: &RefundNote,
) -> Result<(), StoreError> {
    if note.items.is_empty() {
        return Ok(());
    }
    let held: Vec<ShipLine> = connection
        .prepare_cached(
            "SELECT line_number, quantity FROM withheld_lines WHERE order_number = ?1 AND refund_id = ?2",
        )?
        .query_map(params![order.number, note.refund_id.as_bytes()], |row| {
            units(row, 0, 1)
        })?
        .collect::<Result<_, _>>()?;
    let lines = gone(connection, order.number)?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO came_back_lines (order_number, refund_id, line_number, quantity) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for back in came_back(&lines, &note.items, &held) {
        statement.execute(params![
            order.number,
            note.refund_id.as_bytes(),
            back.line,
            back.quantity.get(),
        ])?;
    }
    Ok(())
}

fn enter(
    connection: &Connection,
    order: &Order,
    (kind, id, by): (&str, ReturnId, &Acting),
    at: Timestamp,
) -> Result<(), StoreError> {
    let note = id.to_string();
    let entry = change::Entry {
        kind,
        note: Some(&note),
        by,
        at,
    };
    change::append_entry(connection, order, &entry)
}

fn units(row: &Row<'_>, line: usize, quantity: usize) -> rusqlite::Result<ShipLine> {
    let units = Quantity::try_from(row.get::<_, u32>(quantity)?);
    Ok(ShipLine {
        line: row.get(line)?,
        quantity: units.map_err(|error| read::broken(quantity, error))?,
    })
}

fn standing(
    connection: &Connection,
    order: &Order,
    id: ReturnId,
) -> Result<Standing, Abort<ReturnError>> {
    let found: Option<(i64, ReturnStatus)> = connection
        .prepare_cached(
            "SELECT return_number, status FROM returns WHERE order_number = ?1 AND return_id = ?2",
        )?
        .query_row(params![order.number, id.as_bytes()], |row| {
            Ok((row.get(0)?, read::parsed(row, 1)?))
        })
        .optional()?;
    let (number, status) = found.ok_or_else(|| of_order(OrderError::NotFound))?;
    let lines = connection
        .prepare_cached(
            "SELECT line_number, quantity FROM return_lines
              WHERE order_number = ?1 AND return_number = ?2
              ORDER BY line_number",
        )?
        .query_map(params![order.number, number], |row| units(row, 0, 1))?
        .collect::<Result<_, _>>()?;
    Ok(Standing {
        number,
        status,
        lines,
    })
}

fn gone(connection: &Connection, number: i64) -> Result<Vec<GoneLine>, StoreError> {
    let line = |row: &Row<'_>| {
        Ok(GoneLine {
            line: row.get(0)?,
            variant: VariantId::from_bytes(row.get(1)?),
            sold: row.get(2)?,
            sent: row.get(3)?,
            withheld: row.get(4)?,
            returned: row.get(5)?,
            came_back: row.get(6)?,
        })
    };
    let lines = connection
        .prepare_cached(
            "SELECT l.line_number, l.variant_id, l.quantity,
                    (SELECT COALESCE(SUM(s.quantity), 0) FROM shipment_lines s
                      WHERE s.order_number = l.order_number AND s.line_number = l.line_number),
                    (SELECT COALESCE(SUM(w.quantity), 0) FROM withheld_lines w
                      WHERE w.order_number = l.order_number AND w.line_number = l.line_number),
                    (SELECT COALESCE(SUM(b.quantity), 0)
                       FROM return_lines b
                       JOIN returns r ON r.order_number = b.order_number AND r.return_number = b.return_number
                      WHERE b.order_number = l.order_number AND b.line_number = l.line_number
                        AND r.status <> 'refused'),
                    (SELECT COALESCE(SUM(c.quantity), 0) FROM came_back_lines c
                      WHERE c.order_number = l.order_number AND c.line_number = l.line_number)
               FROM order_lines l
              WHERE l.order_number = ?1
              ORDER BY l.line_number",
        )?
        .query_map([number], line)?
        .collect::<Result<_, _>>()?;
    Ok(lines)
}

/// What a return is made of, without its lines. Its order is found by its number, whichever way returns are walked.
const COLUMNS: &str = "r.return_id, r.return_number, r.status, r.reason, r.note, r.refund_id, r.created_at_ms, \
                       r.updated_at_ms, r.order_number, \
                       (SELECT o.order_id FROM orders o WHERE o.order_number = r.order_number)";

fn view(row: &Row<'_>) -> rusqlite::Result<ReturnView> {
    let refund: Option<[u8; 16]> = row.get(5)?;
    Ok(ReturnView {
        id: ReturnId::from_bytes(row.get(0)?),
        order_id: OrderId::from_bytes(row.get(9)?),
        order_number: row.get(8)?,
        number: row.get(1)?,
        status: read::parsed(row, 2)?,
        lines: Vec::new(),
        reason: row.get(3)?,
        note: row.get(4)?,
        refund_id: refund.map(RefundId::from_bytes),
        created_at: Timestamp::from_ms(row.get(6)?),
        updated_at: Timestamp::from_ms(row.get(7)?),
    })
}

fn all(connection: &Connection, id: OrderId) -> Result<Vec<ReturnView>, StoreError> {
    let Some(order) = read::order(connection, id)? else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM returns r WHERE r.order_number = ?1 ORDER BY r.return_number"
    );
    let returns = connection
        .prepare_cached(&sql)?
        .query_map([order.number], view)?
        .collect::<Result<_, _>>()?;
    with_lines(connection, returns)
}

/// A page of all returns; `whose` says of which status.
fn page_of(whose: &str) -> String {
    format!(
        "SELECT {COLUMNS}
           FROM returns r
          WHERE {whose}
            AND (r.created_at_ms, r.order_number, r.return_number) < (?2, ?3, ?4)
          ORDER BY r.created_at_ms DESC, r.order_number DESC, r.return_number DESC
          LIMIT ?5"
    )
}

/// Of a status, and of any: each is walked along an index of its own.
const OF_STATUS: &str = "r.status = ?1";
const OF_ANY: &str = "?1 IS NULL";

fn list(connection: &Connection, wish: &ReturnWish) -> Result<Page<ReturnView>, StoreError> {
    let sql = page_of(wish.status.map_or(OF_ANY, |_| OF_STATUS));
    let values = params![
        wish.status.map(ReturnStatus::as_str),
        wish.before.at_ms,
        wish.before.order,
        wish.before.number,
        wish.limit.saturating_add(1),
    ];
    let mut returns = connection
        .prepare_cached(&sql)?
        .query_map(values, view)?
        .collect::<Result<_, _>>()?;
    let next_cursor = cut(&mut returns, wish.limit);
    Ok(Page {
        data: with_lines(connection, returns)?,
        next_cursor,
    })
}

/// The lines of many returns in one statement, each with the place of its return among them.
fn with_lines(
    connection: &Connection,
    mut returns: Vec<ReturnView>,
) -> Result<Vec<ReturnView>, StoreError> {
    let keys = returns.iter().map(|one| (one.order_number, one.number));
    let keys: Vec<(i64, u32)> = keys.collect();
    let keys = serde_json::to_string(&keys).map_err(|error| StoreError::Other(Box::new(error)))?;
    let line = |row: &Row<'_>| {
        let ShipLine { line, quantity } = units(row, 1, 2)?;
        let line = ReturnLineView {
            line,
            sku: row.get(3)?,
            name: row.get(4)?,
            quantity,
            written_off: row.get(5)?,
        };
        Ok((row.get::<_, u32>(0)?, line))
    };
    let mut statement = connection.prepare_cached(
        "SELECT wish.key, b.line_number, b.quantity, l.sku, l.name, b.written_off
           FROM json_each(?1) wish
          CROSS JOIN return_lines b
          CROSS JOIN order_lines l
          WHERE b.order_number = json_extract(wish.value, '$[0]')
            AND b.return_number = json_extract(wish.value, '$[1]')
            AND l.order_number = b.order_number
            AND l.line_number = b.line_number
          ORDER BY wish.key, b.line_number",
    )?;
    for row in statement.query_map([keys], line)? {
        let (place, line) = row?;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(one) = returns.get_mut(place) {
            one.lines.push(line);
        }
    }
    Ok(returns)
}

/// One statement for all, which reads at one moment and along the index alone: a return is counted once.
const COUNTS: &str = "SELECT wish.value,
                             (SELECT COUNT(*) FROM (SELECT 1 FROM returns r WHERE r.status = wish.value LIMIT ?2))
                        FROM json_each(?1) wish";

fn counts(connection: &Connection, most: i64) -> Result<Vec<(ReturnStatus, i64)>, StoreError> {
    let all = serde_json::to_string(&ReturnStatus::ALL);
    let all = all.map_err(|error| StoreError::Other(Box::new(error)))?;
    let mut statement = connection.prepare_cached(COUNTS)?;
    let counted = statement.query_map(params![all, most], |row| {
        Ok((read::parsed(row, 0)?, row.get(1)?))
    })?;
    Ok(counted.collect::<Result<_, _>>()?)
}

/// What a customer wrote goes with them, before their orders are nobody's.
pub(super) fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE returns SET reason = '', note = NULL
              WHERE order_number IN (SELECT order_number FROM orders WHERE customer_id = ?1)",
        )?
        .execute([customer.as_bytes()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_are_listed_and_counted_along_indices() {
        let mut connection = Connection::open_in_memory().unwrap();
        platform::db::migrate::migrate(&mut connection, &super::super::MIGRATIONS, 1).unwrap();
        for (sql, walk) in [
            (page_of(OF_ANY), "returns_by_created"),
            (page_of(OF_STATUS), "returns_by_status"),
            (COUNTS.to_owned(), "COVERING INDEX returns_by_status"),
        ] {
            let explained = format!("EXPLAIN QUERY PLAN {sql}");
            let mut statement = connection.prepare(&explained).unwrap();
            let mut rows = statement.raw_query();
            let mut plan = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                plan.push(row.get::<_, String>(3).unwrap());
            }
            let plan = plan.join("; ");
            assert!(plan.contains(walk), "{walk}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
