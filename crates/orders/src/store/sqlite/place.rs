//! Writing orders, many in one commit. The only INSERT into `orders` of the workspace is here.

use super::{
    addresses, carts, change, discounts,
    read::{beside_of, lines_of},
};
use crate::{
    domain::order::NewOrder,
    store::{PlaceRefusal, Placed, view},
};
use contracts::{
    orders::{OrderPlaced, OrderStatus, OrderView},
    values::{Money, OrderId, Timestamp, UserId, Version},
};
use platform::{
    db::{Abort, StoreError, sqlite::by_order},
    outbox,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::convert::Infallible;

pub(super) fn place_all(
    connection: &Connection,
    batch: Vec<NewOrder>,
) -> Result<Vec<Result<Placed, PlaceRefusal>>, Abort<Infallible>> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT MAX(order_number) FROM orders")?
        .query_row([], |row| row.get(0))?;
    let mut number = last.map_or(view::FIRST_NUMBER, |last| last.saturating_add(1));
    let mut answers = Vec::with_capacity(batch.len());
    for mut order in batch {
        // Twins in one batch meet here too: the second finds the first.
        if let Some(known) = known(connection, order.id, order.fingerprint)? {
            answers.push(known);
            continue;
        }
        if !order.is_plain()
            && let Some(refusal) = refusal(connection, &mut order)?
        {
            change::give_up(connection, &[order.id], order.created_at)?;
            answers.push(Err(refusal));
            continue;
        }
        insert(connection, number, &order)?;
        answers.push(Ok(Placed {
            view: view::first(number, order),
            replayed: false,
        }));
        number = number.saturating_add(1);
    }
    Ok(answers)
}

/// Why an order cannot have what it comes with. The cart is the order's afterwards, and nothing else was written.
fn refusal(
    connection: &Connection,
    order: &mut NewOrder,
) -> Result<Option<PlaceRefusal>, StoreError> {
    if let Some(refusal) = discounts::settle(connection, order)? {
        return Ok(Some(refusal));
    }
    let Some(cart) = order.cart else {
        return Ok(None);
    };
    let claimed = carts::claim(connection, cart, order.id, order.created_at)?;
    Ok((!claimed).then_some(PlaceRefusal::CartChanged))
}

fn insert(connection: &Connection, number: i64, order: &NewOrder) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO orders (order_number, order_id, customer_id, guest_email, fingerprint, status, version,
                                 total_minor, currency, payment_due_at_ms, created_at_ms, updated_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 1, ?6, ?7, ?8, ?9, ?9)",
        )?
        .execute(params![
            number,
            order.id.as_bytes(),
            order.customer_id.as_ref().map(UserId::as_bytes),
            order.guest_email.as_ref().map(contracts::values::Email::as_str),
            order.fingerprint,
            order.total.minor,
            order.total.currency.code(),
            order.payment_due_at.as_ms(),
            order.created_at.as_ms(),
        ])?;
    by_order::add(connection, order.id, number)?;
    let mut insert_line = connection.prepare_cached(
        "INSERT INTO order_lines (order_number, line_number, product_id, variant_id, seller_id, sku, name,
                                  quantity, unit_price_minor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for (index, line) in order.lines.iter().enumerate() {
        insert_line.execute(params![
            number,
            i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1),
            line.product_id.as_bytes(),
            line.variant_id.as_bytes(),
            line.seller_id.as_bytes(),
            line.sku,
            line.name,
            line.quantity.get(),
            line.unit_price.minor,
        ])?;
    }
    if !order.is_plain() {
        discounts::take(connection, number, order)?;
        addresses::keep(connection, number, order)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO order_events (order_number, sequence, kind, status, version, actor, at_ms, request_id)
             VALUES (?1, 1, 'placed', 'pending', 1, ?2, ?3, ?4)",
        )?
        .execute(params![
            number,
            order
                .customer_id
                .map_or_else(|| "guest".to_owned(), |id| id.to_string()),
            order.created_at.as_ms(),
            order.request,
        ])?;
    let event = OrderPlaced {
        order_id: order.id,
        number,
        total: order.total,
    };
    outbox::append_in(connection, &event, order.created_at, order.trace)
}

/// What became of an id earlier: its order as first answered, or a refusal.
pub(super) fn known(
    connection: &Connection,
    id: OrderId,
    fingerprint: [u8; 32],
) -> Result<Option<Result<Placed, PlaceRefusal>>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT order_number, customer_id, fingerprint, total_minor, currency, payment_due_at_ms, created_at_ms
               FROM orders
              WHERE order_number = (SELECT number FROM by_order WHERE order_id = ?1)",
        )?
        .query_row([id.as_bytes()], |row| {
            let currency: String = row.get(4)?;
            let created_at = Timestamp::from_ms(row.get(6)?);
            let same: bool = row.get::<_, [u8; 32]>(2)? == fingerprint;
            Ok((same, OrderView {
                id,
                number: row.get(0)?,
                version: Version::FIRST,
                status: OrderStatus::Pending,
                customer_id: row.get::<_, Option<[u8; 16]>>(1)?.map(UserId::from_bytes),
                items: Vec::new(),
                parts: Vec::new(),
                shipping_address: None,
                total: Money::new(row.get(3)?, super::read::currency(&currency, 4)?),
                payment_due_at: Timestamp::from_ms(row.get(5)?),
                tracking: None,
                created_at,
                updated_at: created_at,
                order_token: None,
            }))
        })
        .optional()?;
    match found {
        Some((false, _)) => Ok(Some(Err(PlaceRefusal::FingerprintDiffers))),
        Some((true, mut first)) => {
            let currency = first.total.currency;
            let beside = beside_of(connection, first.number, currency)?;
            let items = lines_of(connection, first.number, currency)?;
            first.items = view::taxed(items, &beside.parts);
            first.parts = beside.parts;
            first.shipping_address = beside.address;
            Ok(Some(Ok(Placed {
                view: first,
                replayed: true,
            })))
        }
        None => {
            let abandoned = connection
                .prepare_cached("SELECT 1 FROM abandoned_orders WHERE order_id = ?1")?
                .exists([id.as_bytes()])?;
            Ok(abandoned.then_some(Err(PlaceRefusal::GivenUp)))
        }
    }
}
