//! What was sent, in SQLite: a parcel, its lines, the timeline and the order's move in one write.

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
use platform::db::{Abort, StoreError, keys};
use rusqlite::{Connection, Row, params};

pub(super) fn send(connection: &Connection, sending: &Sending) -> Result<Sent, Abort<ShipError>> {
    if let Some(request) = &sending.request
        && let Some(KeptShipment { id }) =
            keys::recall(connection, request, || ShipError::KeyReused)?
    {
        return Ok(Sent { id, replayed: true });
    }
    let order = read::order(connection, sending.order)?;
    let order = order.ok_or(Abort::Refused(OrderError::NotFound.into()))?;
    let refused = |error: OrderError| Abort::Refused(ShipError::from(error));
    status::check(order.status, OrderStatus::Shipped).map_err(refused)?;
    let lines = sent_lines(connection, order.number)?;
    let parcel = parcel(&lines, sending.lines.as_deref()).map_err(refused)?;
    insert(connection, &order, sending, &parcel)?;
    let news = (OrderMailKind::Shipped, sending.id.as_bytes());
    mails::owe(connection, &order, news, sending.at)?;
    if parcel.is_last {
        let step = OrderMove::Ship {
            tracking: sending.tracking.clone(),
        };
        let happening = Happening::Moved(step);
        change::happen(connection, order.id, &happening, &sending.by, sending.at)
            .map_err(of_order)?;
    } else {
        let note = sending.note();
        let entry = change::Entry {
            kind: "shipped_in_part",
            note: note.as_deref(),
            by: &sending.by,
            at: sending.at,
        };
        change::append_entry(connection, &order, &entry)?;
    }
    if let Some(request) = &sending.request {
        let kept = KeptShipment { id: sending.id };
        keys::remember(connection, request, &kept, sending.at)?;
    }
    Ok(Sent {
        id: sending.id,
        replayed: false,
    })
}

/// Calls an order off, unless something of it is on its way.
pub(super) fn call_off(
    connection: &Connection,
    id: OrderId,
    by: &Acting,
    now: Timestamp,
) -> Result<(Order, Order), Abort<OrderError>> {
    let order = read::order(connection, id)?.ok_or(Abort::Refused(OrderError::NotFound))?;
    let lines = sent_lines(connection, order.number)?;
    if lines.iter().any(|line| line.sent > 0) && order.status == OrderStatus::Paid {
        return Err(Abort::Refused(sent_in_part()));
    }
    change::happen(
        connection,
        id,
        &Happening::Moved(OrderMove::Cancel),
        by,
        now,
    )
}

/// Keeps what a refund puts back on sale out of every later parcel. Whether with that the last parcel has gone.
pub(super) fn withhold(
    connection: &Connection,
    order: &Order,
    note: &RefundNote,
) -> Result<bool, StoreError> {
    if note.items.is_empty() || !status::leads_to(order.status, OrderStatus::Shipped) {
        return Ok(false);
    }
    let lines = sent_lines(connection, order.number)?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO withheld_lines (order_number, refund_id, line_number, quantity) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for held in withheld(&lines, &note.items) {
        statement.execute(params![
            order.number,
            note.refund_id.as_bytes(),
            held.line,
            held.quantity.get()
        ])?;
    }
    Ok(is_over(&sent_lines(connection, order.number)?))
}

fn sent_lines(connection: &Connection, number: i64) -> Result<Vec<SentLine>, StoreError> {
    let line = |row: &Row<'_>| {
        Ok(SentLine {
            line: row.get(0)?,
            variant: VariantId::from_bytes(row.get(1)?),
            sold: row.get(2)?,
            sent: row.get(3)?,
            withheld: row.get(4)?,
        })
    };
    let lines = connection
        .prepare_cached(
            "SELECT l.line_number, l.variant_id, l.quantity,
                    (SELECT COALESCE(SUM(s.quantity), 0) FROM shipment_lines s
                      WHERE s.order_number = l.order_number AND s.line_number = l.line_number),
                    (SELECT COALESCE(SUM(w.quantity), 0) FROM withheld_lines w
                      WHERE w.order_number = l.order_number AND w.line_number = l.line_number)
               FROM order_lines l
              WHERE l.order_number = ?1
              ORDER BY l.line_number",
        )?
        .query_map([number], line)?
        .collect::<Result<_, _>>()?;
    Ok(lines)
}

fn insert(
    connection: &Connection,
    order: &Order,
    sending: &Sending,
    parcel: &Parcel,
) -> Result<(), StoreError> {
    let shipment: i64 = connection
        .prepare_cached(
            "INSERT INTO shipments (order_number, shipment_number, shipment_id, carrier, tracking, tracking_url, at_ms)
             SELECT ?1, COALESCE(MAX(shipment_number), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM shipments WHERE order_number = ?1
             RETURNING shipment_number",
        )?
        .query_row(
            params![
                order.number,
                sending.id.as_bytes(),
                sending.carrier,
                sending.tracking,
                sending.tracking_url,
                sending.at.as_ms(),
            ],
            |row| row.get(0),
        )?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO shipment_lines (order_number, shipment_number, line_number, quantity) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for line in &parcel.lines {
        statement.execute(params![
            order.number,
            shipment,
            line.line,
            line.quantity.get()
        ])?;
    }
    Ok(())
}

pub(super) fn all(connection: &Connection, id: OrderId) -> Result<Vec<ShipmentView>, StoreError> {
    let Some(order) = read::order(connection, id)? else {
        return Ok(Vec::new());
    };
    let shipment = |row: &Row<'_>| {
        Ok(ShipmentView {
            id: ShipmentId::from_bytes(row.get(0)?),
            order_id: id,
            number: row.get(1)?,
            lines: Vec::new(),
            carrier: row.get(2)?,
            tracking: row.get(3)?,
            tracking_url: row.get(4)?,
            created_at: Timestamp::from_ms(row.get(5)?),
        })
    };
    let mut shipments: Vec<ShipmentView> = connection
        .prepare_cached(
            "SELECT shipment_id, shipment_number, carrier, tracking, tracking_url, at_ms
               FROM shipments WHERE order_number = ?1 ORDER BY shipment_number",
        )?
        .query_map([order.number], shipment)?
        .collect::<Result<_, _>>()?;
    let line = |row: &Row<'_>| {
        let quantity = Quantity::try_from(row.get::<_, u32>(4)?);
        let line = ShipmentLineView {
            line: row.get(1)?,
            sku: row.get(2)?,
            name: row.get(3)?,
            quantity: quantity.map_err(|error| read::broken(4, error))?,
        };
        Ok((row.get::<_, u32>(0)?, line))
    };
    let mut statement = connection.prepare_cached(
        "SELECT s.shipment_number, s.line_number, l.sku, l.name, s.quantity
           FROM shipment_lines s
           JOIN order_lines l ON l.order_number = s.order_number AND l.line_number = s.line_number
          WHERE s.order_number = ?1
          ORDER BY s.shipment_number, s.line_number",
    )?;
    for row in statement.query_map([order.number], line)? {
        let (number, line) = row?;
        if let Some(one) = shipments.iter_mut().find(|one| one.number == number) {
            one.lines.push(line);
        }
    }
    Ok(shipments)
}
