//! What was sent, in PostgreSQL: a parcel, its lines, the timeline and the order's move in one write, under the lock of
//! the order's row.

use super::{change, mails, read};
use crate::{
    domain::{
        order::{Happening, Order},
        shipment::{Parcel, SentLine, is_over, parcel, withheld},
        status,
    },
    store::{
        Acting,
        shipments::{KeptShipment, Sending, Sent, of_order, sent_in_part},
    },
};
use contracts::{
    orders::{
        OrderError, OrderMailKind, OrderMove, OrderStatus, RefundNote, ShipError, ShipmentLineView,
        ShipmentView,
    },
    values::{OrderId, Quantity, ShipmentId, Timestamp, VariantId},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql, keys},
};

pub(super) async fn send(
    connection: &Connection,
    sending: &Sending,
) -> Result<Sent, Abort<ShipError>> {
    if let Some(request) = &sending.request
        && let Some(KeptShipment { id }) =
            keys::recall(connection, request, || ShipError::KeyReused).await?
    {
        return Ok(Sent { id, replayed: true });
    }
    let order = locked(connection, sending.order).await.map_err(of_order)?;
    let refused = |error: OrderError| Abort::Refused(ShipError::from(error));
    status::check(order.status, OrderStatus::Shipped).map_err(refused)?;
    let lines = sent_lines(connection, order.number).await?;
    let parcel = parcel(&lines, sending.lines.as_deref()).map_err(refused)?;
    insert(connection, &order, sending, &parcel).await?;
    let news = (OrderMailKind::Shipped, sending.id.as_bytes());
    mails::owe(connection, &order, news, sending.at).await?;
    if parcel.is_last {
        let step = OrderMove::Ship {
            tracking: sending.tracking.clone(),
        };
        happen(connection, order.id, step, &sending.by, sending.at)
            .await
            .map_err(of_order)?;
    } else {
        note(connection, &order, sending).await?;
    }
    if let Some(request) = &sending.request {
        let kept = KeptShipment { id: sending.id };
        keys::remember(connection, request, &kept, sending.at).await?;
    }
    Ok(Sent {
        id: sending.id,
        replayed: false,
    })
}

/// Calls an order off, unless something of it is on its way.
pub(super) async fn call_off(
    connection: &Connection,
    id: OrderId,
    by: &Acting,
    now: Timestamp,
) -> Result<(Order, Order), Abort<OrderError>> {
    let order = locked(connection, id).await?;
    let lines = sent_lines(connection, order.number).await?;
    if lines.iter().any(|line| line.sent > 0) && order.status == OrderStatus::Paid {
        return Err(Abort::Refused(sent_in_part()));
    }
    happen(connection, id, OrderMove::Cancel, by, now).await
}

async fn happen(
    connection: &Connection,
    id: OrderId,
    step: OrderMove,
    by: &Acting,
    now: Timestamp,
) -> Result<(Order, Order), Abort<OrderError>> {
    let batch = [(id, Happening::Moved(step), by.clone())];
    let happened = change::happen_all(connection, &batch, now).await;
    let mut happened = happened.map_err(super::storage)?;
    let nothing = || StoreError::Other("nothing happened".into());
    happened.pop().ok_or_else(nothing)?.map_err(Abort::Refused)
}

pub(super) async fn locked(
    connection: &Connection,
    id: OrderId,
) -> Result<Order, Abort<OrderError>> {
    let columns = read::COLUMNS;
    let sql = format!("SELECT {columns} FROM orders WHERE order_id = $1 FOR UPDATE");
    let row = connection
        .query_opt(&sql, &[&Bytes(*id.as_bytes())])
        .await?;
    let row = row.ok_or(Abort::Refused(OrderError::NotFound))?;
    Ok(read::order_of(&row)?)
}

fn number(row: &Row, column: usize) -> Result<u32, StoreError> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|error| StoreError::Other(Box::new(error)))
}

/// Keeps what a refund puts back on sale out of every later parcel, under the lock of the order's row. Whether with
/// that the last parcel has gone.
pub(super) async fn withhold(
    connection: &Connection,
    order: &Order,
    note: &RefundNote,
) -> Result<bool, StoreError> {
    if note.items.is_empty() || !status::leads_to(order.status, OrderStatus::Shipped) {
        return Ok(false);
    }
    let held = withheld(&sent_lines(connection, order.number).await?, &note.items);
    let lines: Vec<i64> = held.iter().map(|one| one.line.into()).collect();
    let units: Vec<i64> = held.iter().map(|one| one.quantity.get().into()).collect();
    let sql = "INSERT INTO withheld_lines (order_number, refund_id, line_number, quantity)
               SELECT $1, $2, line_number, quantity
                 FROM UNNEST($3::bigint[], $4::bigint[]) AS held (line_number, quantity)";
    let refund = Bytes(*note.refund_id.as_bytes());
    connection
        .execute(sql, &[&order.number, &refund, &lines, &units])
        .await?;
    Ok(is_over(&sent_lines(connection, order.number).await?))
}

async fn sent_lines(connection: &Connection, order: i64) -> Result<Vec<SentLine>, StoreError> {
    let sql = "SELECT l.line_number, l.quantity,
                      (SELECT COALESCE(SUM(s.quantity), 0)::bigint FROM shipment_lines s
                        WHERE s.order_number = l.order_number AND s.line_number = l.line_number),
                      (SELECT COALESCE(SUM(w.quantity), 0)::bigint FROM withheld_lines w
                        WHERE w.order_number = l.order_number AND w.line_number = l.line_number),
                      l.variant_id
                 FROM order_lines l
                WHERE l.order_number = $1
                ORDER BY l.line_number";
    let rows = connection.query(sql, &[&order]).await?;
    let line = |row: &Row| {
        let Bytes(variant): Bytes<16> = row.try_get(4)?;
        Ok(SentLine {
            line: number(row, 0)?,
            variant: VariantId::from_bytes(variant),
            sold: number(row, 1)?,
            sent: number(row, 2)?,
            withheld: number(row, 3)?,
        })
    };
    rows.iter().map(line).collect()
}

async fn insert(
    connection: &Connection,
    order: &Order,
    sending: &Sending,
    parcel: &Parcel,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO shipments (order_number, shipment_number, shipment_id, carrier, tracking, tracking_url,
                                      at_ms)
               SELECT $1::bigint, COALESCE(MAX(shipment_number), 0) + 1, $2::uuid, $3::text, $4::text, $5::text,
                      $6::bigint
                 FROM shipments WHERE order_number = $1
               RETURNING shipment_number";
    let values: [&(dyn ToSql + Sync); 6] = [
        &order.number,
        &Bytes(*sending.id.as_bytes()),
        &sending.carrier,
        &sending.tracking,
        &sending.tracking_url,
        &sending.at.as_ms(),
    ];
    let shipment: i64 = connection.query_one(sql, &values).await?.try_get(0)?;
    let lines: Vec<i64> = parcel.lines.iter().map(|one| one.line.into()).collect();
    let units: Vec<i64> = parcel
        .lines
        .iter()
        .map(|one| one.quantity.get().into())
        .collect();
    let sql = "INSERT INTO shipment_lines (order_number, shipment_number, line_number, quantity)
               SELECT $1, $2, line_number, quantity
                 FROM UNNEST($3::bigint[], $4::bigint[]) AS sent (line_number, quantity)";
    connection
        .execute(sql, &[&order.number, &shipment, &lines, &units])
        .await?;
    Ok(())
}

/// A parcel that is not the last moves nothing.
async fn note(connection: &Connection, order: &Order, sending: &Sending) -> Result<(), StoreError> {
    let sql = "INSERT INTO order_events (order_number, sequence, kind, status, version, actor, note, at_ms,
                                         request_id)
               SELECT $1::bigint, MAX(sequence) + 1, 'shipped_in_part', $2::text, $3::bigint, $4::text, $5::text,
                      $6::bigint, $7::text
                 FROM order_events
                WHERE order_number = $1";
    let values: [&(dyn ToSql + Sync); 7] = [
        &order.number,
        &order.status.as_str(),
        &order.version.get(),
        &sending.by.actor,
        &sending.note(),
        &sending.at.as_ms(),
        &sending.by.request,
    ];
    connection.execute(sql, &values).await.map(drop)
}

pub(super) async fn all(
    connection: &Connection,
    id: OrderId,
) -> Result<Vec<ShipmentView>, StoreError> {
    let sql = "SELECT s.shipment_id, s.shipment_number, s.carrier, s.tracking, s.tracking_url, s.at_ms,
                      l.line_number, o.sku, o.name, l.quantity
                 FROM shipments s
                 JOIN shipment_lines l ON l.order_number = s.order_number AND l.shipment_number = s.shipment_number
                 JOIN order_lines o ON o.order_number = l.order_number AND o.line_number = l.line_number
                WHERE s.order_number = (SELECT order_number FROM orders WHERE order_id = $1)
                ORDER BY s.shipment_number, l.line_number";
    let rows = connection.query(sql, &[&Bytes(*id.as_bytes())]).await?;
    let mut shipments: Vec<ShipmentView> = Vec::new();
    for row in &rows {
        let place = number(row, 1)?;
        if shipments.last().is_none_or(|last| last.number != place) {
            let Bytes(shipment): Bytes<16> = row.try_get(0)?;
            shipments.push(ShipmentView {
                id: ShipmentId::from_bytes(shipment),
                order_id: id,
                number: place,
                lines: Vec::new(),
                carrier: row.try_get(2)?,
                tracking: row.try_get(3)?,
                tracking_url: row.try_get(4)?,
                created_at: Timestamp::from_ms(row.try_get(5)?),
            });
        }
        let quantity = Quantity::try_from(number(row, 9)?);
        let line = ShipmentLineView {
            line: number(row, 6)?,
            sku: row.try_get(7)?,
            name: row.try_get(8)?,
            quantity: quantity.map_err(|error| StoreError::Other(Box::new(error)))?,
        };
        if let Some(last) = shipments.last_mut() {
            last.lines.push(line);
        }
    }
    Ok(shipments)
}
