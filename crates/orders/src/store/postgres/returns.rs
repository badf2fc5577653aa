//! Returns, in PostgreSQL: each step with its entry in the timeline, in one write, under the lock of the order's row.

use super::{PostgresStore, mails, read, shipments, storage_of};
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
    db::{
        Abort, StoreError,
        postgres::{Bytes, Connection, Row, ToSql, keys, parsed},
    },
    outbox::postgres::{Draft, append_all},
};

#[async_trait]
impl ReturnStore for PostgresStore {
    async fn ask_return(&self, asking: Asking) -> Result<Returning, Abort<ReturnError>> {
        let write = self
            .database
            .write(asking, |c, asking| Box::pin(ask(c, asking)));
        write.await
    }

    async fn answer_return(&self, answering: Answering) -> Result<(), Abort<ReturnError>> {
        let write = self
            .database
            .write(answering, |c, answering| Box::pin(answer(c, answering)));
        write.await
    }

    async fn receive_return(&self, receiving: Receiving) -> Result<(), Abort<ReturnError>> {
        let write = self
            .database
            .write(receiving, |c, receiving| Box::pin(receive(c, receiving)));
        write.await
    }

    async fn returns(&self, id: OrderId) -> Result<Vec<ReturnView>, StoreError> {
        all(&self.database.read().await?, id).await
    }

    async fn all_returns(&self, wish: ReturnWish) -> Result<Page<ReturnView>, StoreError> {
        list(&self.database.read().await?, &wish).await
    }

    async fn count_returns(&self, most: i64) -> Result<Vec<(ReturnStatus, i64)>, StoreError> {
        counts(&self.database.read().await?, most).await
    }
}

async fn locked(connection: &Connection, id: OrderId) -> Result<Order, Abort<ReturnError>> {
    let order = shipments::locked(connection, id).await;
    order.map_err(|abort| match abort {
        Abort::Refused(refusal) => of_order(refusal),
        Abort::Failed(error) => Abort::Failed(error),
    })
}

async fn ask(connection: &Connection, asking: &Asking) -> Result<Returning, Abort<ReturnError>> {
    if let Some(request) = &asking.request
        && let Some(KeptReturn { id }) =
            keys::recall(connection, request, || ReturnError::KeyReused).await?
    {
        return Ok(Returning { id, replayed: true });
    }
    let order = locked(connection, asking.order).await?;
    check(&gone(connection, order.number).await?, &asking.lines).map_err(of_order)?;
    let sql = "INSERT INTO returns (order_number, return_number, return_id, status, reason, created_at_ms,
                                    updated_at_ms)
               SELECT $1::bigint, COALESCE(MAX(return_number), 0) + 1, $2::uuid, 'requested', $3::text, $4::bigint,
                      $4::bigint
                 FROM returns
                WHERE order_number = $1
               HAVING COUNT(*) < $5::bigint
               RETURNING return_number";
    let values: [&(dyn ToSql + Sync); 5] = [
        &order.number,
        &Bytes(*asking.id.as_bytes()),
        &asking.reason,
        &asking.at.as_ms(),
        &i64::from(asking.most),
    ];
    let row = connection.query_opt(sql, &values).await?;
    let row = row.ok_or_else(|| Abort::Refused(too_many(asking.most)))?;
    let number: i64 = row.try_get(0).map_err(StoreError::from)?;
    let lines: Vec<i64> = asking.lines.iter().map(|one| one.line.into()).collect();
    let units: Vec<i64> = asking
        .lines
        .iter()
        .map(|one| one.quantity.get().into())
        .collect();
    let sql =
        "INSERT INTO return_lines (order_number, return_number, line_number, quantity, written_off)
               SELECT $1, $2, line_number, quantity, FALSE
                 FROM UNNEST($3::bigint[], $4::bigint[]) AS back (line_number, quantity)";
    connection
        .execute(sql, &[&order.number, &number, &lines, &units])
        .await?;
    let entry = ("return_requested", asking.id, &asking.by);
    enter(connection, &order, entry, asking.at).await?;
    if let Some(request) = &asking.request {
        let kept = KeptReturn { id: asking.id };
        keys::remember(connection, request, &kept, asking.at).await?;
    }
    Ok(Returning {
        id: asking.id,
        replayed: false,
    })
}

async fn answer(connection: &Connection, answering: &Answering) -> Result<(), Abort<ReturnError>> {
    let order = locked(connection, answering.order).await?;
    let standing = standing(connection, &order, answering.id).await?;
    if !moves(standing.status, answering.to)? {
        return Ok(());
    }
    let sql = "UPDATE returns SET status = $3, note = $4, updated_at_ms = $5
                WHERE order_number = $1 AND return_number = $2";
    let values: [&(dyn ToSql + Sync); 5] = [
        &order.number,
        &standing.number,
        &answering.to.as_str(),
        &answering.note,
        &answering.at.as_ms(),
    ];
    connection.execute(sql, &values).await?;
    let (kind, mail) = if answering.to == ReturnStatus::Approved {
        ("return_approved", OrderMailKind::ReturnApproved)
    } else {
        ("return_refused", OrderMailKind::ReturnRefused)
    };
    let news = (mail, answering.id.as_bytes());
    mails::owe(connection, &order, news, answering.at).await?;
    let entry = (kind, answering.id, &answering.by);
    Ok(enter(connection, &order, entry, answering.at).await?)
}

async fn receive(connection: &Connection, receiving: &Receiving) -> Result<(), Abort<ReturnError>> {
    let order = locked(connection, receiving.order).await?;
    let standing = standing(connection, &order, receiving.id).await?;
    if !moves(standing.status, ReturnStatus::Received)? {
        return Ok(());
    }
    let view = read::view(connection, receiving.order).await?;
    let view = view.ok_or_else(|| of_order(OrderError::NotFound))?;
    let event = received(&view, order.payment_id, &standing, receiving)?;
    let sql = "UPDATE returns SET status = 'received', refund_id = $3, updated_at_ms = $4
                WHERE order_number = $1 AND return_number = $2";
    let values: [&(dyn ToSql + Sync); 4] = [
        &order.number,
        &standing.number,
        &Bytes(*event.refund_id.as_bytes()),
        &receiving.at.as_ms(),
    ];
    connection.execute(sql, &values).await?;
    let lost: Vec<i64> = receiving
        .written_off
        .iter()
        .map(|line| (*line).into())
        .collect();
    let sql = "UPDATE return_lines SET written_off = TRUE
                WHERE order_number = $1 AND return_number = $2 AND line_number = ANY($3)";
    connection
        .execute(sql, &[&order.number, &standing.number, &lost])
        .await?;
    let entry = ("return_received", receiving.id, &receiving.by);
    enter(connection, &order, entry, receiving.at).await?;
    let draft = Draft::of(&event, receiving.at)?;
    Ok(append_all(connection, &[draft]).await?)
}

/// A refund that was noted: if it is a return's, that is at its end, and the units are not looked at, for they were
/// sent. Whether it was one.
pub(super) async fn settle(
    connection: &Connection,
    order: &Order,
    refund: RefundId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE returns SET status = 'refunded', updated_at_ms = $3
                WHERE order_number = $1 AND refund_id = $2";
    let refund = Bytes(*refund.as_bytes());
    let settled = connection
        .execute(sql, &[&order.number, &refund, &at.as_ms()])
        .await?;
    Ok(settled > 0)
}

/// Keeps which units that were sent a refund of no return brought back: they cannot come back once more.
pub(super) async fn note_came_back(
    connection: &Connection,
    order: &Order,
    note: &RefundNote,
) -> Result<(), StoreError> {
    if note.items.is_empty() {
        return Ok(());
    }
    let refund = Bytes(*note.refund_id.as_bytes());
    let sql = "SELECT line_number, quantity FROM withheld_lines WHERE order_number = $1 AND refund_id = $2";
    let rows = connection.query(sql, &[&order.number, &refund]).await?;
    let held: Vec<ShipLine> = rows
        .iter()
        .map(|row| units(row, 0, 1))
        .collect::<Result<_, _>>()?;
    let back = came_back(&gone(connection, order.number).await?, &note.items, &held);
    let lines: Vec<i64> = back.iter().map(|one| one.line.into()).collect();
    let units: Vec<i64> = back.iter().map(|one| one.quantity.get().into()).collect();
    let sql = "INSERT INTO came_back_lines (order_number, refund_id, line_number, quantity)
               SELECT $1, $2, line_number, quantity
                 FROM UNNEST($3::bigint[], $4::bigint[]) AS back (line_number, quantity)";
    connection
        .execute(sql, &[&order.number, &refund, &lines, &units])
        .await
        .map(drop)
}

/// What moves nothing of the order.
async fn enter(
    connection: &Connection,
    order: &Order,
    (kind, id, by): (&str, ReturnId, &Acting),
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO order_events (order_number, sequence, kind, status, version, actor, note, at_ms,
                                         request_id)
               SELECT $1::bigint, MAX(sequence) + 1, $2::text, $3::text, $4::bigint, $5::text, $6::text, $7::bigint,
                      $8::text
                 FROM order_events
                WHERE order_number = $1";
    let values: [&(dyn ToSql + Sync); 8] = [
        &order.number,
        &kind,
        &order.status.as_str(),
        &order.version.get(),
        &by.actor,
        &id.to_string(),
        &at.as_ms(),
        &by.request,
    ];
    connection.execute(sql, &values).await.map(drop)
}

fn number(row: &Row, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.try_get::<_, i64>(column)?).map_err(storage_of)
}

fn units(row: &Row, line: usize, quantity: usize) -> Result<ShipLine, StoreError> {
    Ok(ShipLine {
        line: number(row, line)?,
        quantity: Quantity::try_from(number(row, quantity)?).map_err(storage_of)?,
    })
}

async fn standing(
    connection: &Connection,
    order: &Order,
    id: ReturnId,
) -> Result<Standing, Abort<ReturnError>> {
    let sql =
        "SELECT return_number, status FROM returns WHERE order_number = $1 AND return_id = $2";
    let id = Bytes(*id.as_bytes());
    let row = connection.query_opt(sql, &[&order.number, &id]).await?;
    let row = row.ok_or_else(|| of_order(OrderError::NotFound))?;
    let place: i64 = row.try_get(0).map_err(StoreError::from)?;
    let sql = "SELECT line_number, quantity FROM return_lines
                WHERE order_number = $1 AND return_number = $2
                ORDER BY line_number";
    let rows = connection.query(sql, &[&order.number, &place]).await?;
    let lines = rows.iter().map(|row| units(row, 0, 1));
    Ok(Standing {
        number: place,
        status: parsed(&row, 1)?,
        lines: lines.collect::<Result<_, _>>()?,
    })
}

async fn gone(connection: &Connection, order: i64) -> Result<Vec<GoneLine>, StoreError> {
    let sql = "SELECT l.line_number, l.quantity,
                      (SELECT COALESCE(SUM(s.quantity), 0)::bigint FROM shipment_lines s
                        WHERE s.order_number = l.order_number AND s.line_number = l.line_number),
                      (SELECT COALESCE(SUM(w.quantity), 0)::bigint FROM withheld_lines w
                        WHERE w.order_number = l.order_number AND w.line_number = l.line_number),
                      (SELECT COALESCE(SUM(b.quantity), 0)::bigint
                         FROM return_lines b
                         JOIN returns r ON r.order_number = b.order_number AND r.return_number = b.return_number
                        WHERE b.order_number = l.order_number AND b.line_number = l.line_number
                          AND r.status <> 'refused'),
                      (SELECT COALESCE(SUM(c.quantity), 0)::bigint FROM came_back_lines c
                        WHERE c.order_number = l.order_number AND c.line_number = l.line_number),
                      l.variant_id
                 FROM order_lines l
                WHERE l.order_number = $1
                ORDER BY l.line_number";
    let rows = connection.query(sql, &[&order]).await?;
    let line = |row: &Row| {
        let Bytes(variant): Bytes<16> = row.try_get(6)?;
        Ok(GoneLine {
            line: number(row, 0)?,
            variant: VariantId::from_bytes(variant),
            sold: number(row, 1)?,
            sent: number(row, 2)?,
            withheld: number(row, 3)?,
            returned: number(row, 4)?,
            came_back: number(row, 5)?,
        })
    };
    rows.iter().map(line).collect()
}

/// What a return and one of its lines are made of.
const COLUMNS: &str = "r.return_id, r.return_number, r.status, r.reason, r.note, r.refund_id, r.created_at_ms, \
                       r.updated_at_ms, b.line_number, b.quantity, b.written_off, l.sku, l.name, r.order_number, \
                       o.order_id";

/// Its order and its lines, beside a return.
const LINES: &str = "JOIN orders o ON o.order_number = r.order_number \
     JOIN return_lines b ON b.order_number = r.order_number AND b.return_number = r.return_number \
     JOIN order_lines l ON l.order_number = b.order_number AND l.line_number = b.line_number";

async fn all(connection: &Connection, id: OrderId) -> Result<Vec<ReturnView>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}
           FROM returns r
           {LINES}
          WHERE r.order_number = (SELECT order_number FROM orders WHERE order_id = $1)
          ORDER BY r.return_number, b.line_number"
    );
    let rows = connection.query(&sql, &[&Bytes(*id.as_bytes())]).await?;
    gathered(&rows)
}

async fn list(connection: &Connection, wish: &ReturnWish) -> Result<Page<ReturnView>, StoreError> {
    // Of a status, and of any: each is walked along an index of its own.
    let whose = match wish.status {
        Some(_) => "status = $1",
        None => "$1::text IS NULL",
    };
    let sql = format!(
        "SELECT {COLUMNS}
           FROM (SELECT *
                   FROM returns
                  WHERE {whose}
                    AND (created_at_ms, order_number, return_number) < ($2, $3, $4)
                  ORDER BY created_at_ms DESC, order_number DESC, return_number DESC
                  LIMIT $5) AS r
           {LINES}
          ORDER BY r.created_at_ms DESC, r.order_number DESC, r.return_number DESC, b.line_number"
    );
    let values: [&(dyn ToSql + Sync); 5] = [
        &wish.status.map(ReturnStatus::as_str),
        &wish.before.at_ms,
        &wish.before.order,
        &wish.before.number,
        &i64::from(wish.limit.saturating_add(1)),
    ];
    let mut data = gathered(&connection.query(&sql, &values).await?)?;
    let next_cursor = cut(&mut data, wish.limit);
    Ok(Page { data, next_cursor })
}

/// One statement for all, which reads at one moment and along the index alone: a return is counted once.
async fn counts(
    connection: &Connection,
    most: i64,
) -> Result<Vec<(ReturnStatus, i64)>, StoreError> {
    let sql = "SELECT wish.status,
                      (SELECT COUNT(*) FROM (SELECT 1 FROM returns r WHERE r.status = wish.status LIMIT $2) AS found)
                 FROM UNNEST($1::text[]) AS wish (status)";
    let all: Vec<&str> = ReturnStatus::ALL.map(ReturnStatus::as_str).to_vec();
    let rows = connection.query(sql, &[&all, &most]).await?;
    rows.iter()
        .map(|row| Ok((parsed(row, 0)?, row.try_get(1)?)))
        .collect()
}

/// Returns of rows in which each is as often as it has lines, these behind each other.
fn gathered(rows: &[Row]) -> Result<Vec<ReturnView>, StoreError> {
    let mut returns: Vec<ReturnView> = Vec::new();
    for row in rows {
        let (order, place): (i64, u32) = (row.try_get(13)?, number(row, 1)?);
        let is_another = |last: &ReturnView| (last.order_number, last.number) != (order, place);
        if returns.last().is_none_or(is_another) {
            returns.push(without_lines(row)?);
        }
        let ShipLine { line, quantity } = units(row, 8, 9)?;
        let line = ReturnLineView {
            line,
            sku: row.try_get(11)?,
            name: row.try_get(12)?,
            quantity,
            written_off: row.try_get(10)?,
        };
        if let Some(last) = returns.last_mut() {
            last.lines.push(line);
        }
    }
    Ok(returns)
}

fn without_lines(row: &Row) -> Result<ReturnView, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(0)?;
    let Bytes(order): Bytes<16> = row.try_get(14)?;
    let refund: Option<Bytes<16>> = row.try_get(5)?;
    Ok(ReturnView {
        id: ReturnId::from_bytes(id),
        order_id: OrderId::from_bytes(order),
        order_number: row.try_get(13)?,
        number: number(row, 1)?,
        status: parsed(row, 2)?,
        lines: Vec::new(),
        reason: row.try_get(3)?,
        note: row.try_get(4)?,
        refund_id: refund.map(|Bytes(refund)| RefundId::from_bytes(refund)),
        created_at: Timestamp::from_ms(row.try_get(6)?),
        updated_at: Timestamp::from_ms(row.try_get(7)?),
    })
}

/// What a customer wrote goes with them, before their orders are nobody's.
pub(super) async fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    let sql = "UPDATE returns SET reason = '', note = NULL
                WHERE order_number IN (SELECT order_number FROM orders WHERE customer_id = $1)";
    let customer = Bytes(*customer.as_bytes());
    connection.execute(sql, &[&customer]).await.map(drop)
}
