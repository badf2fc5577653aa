//! Changes of orders that exist: decided by the domain inside the transaction that writes them.

use super::{
    super::{Acting, Happened},
    addresses, carts, discounts, earlier, mails, read, returns, shipments,
};
use crate::domain::order::{Change, Happening, Order, apply, refund_entry};
use contracts::{
    orders::{OrderCancelled, OrderError, OrderMailKind, OrderMove, OrderMoved, OrderStatus},
    values::{Email, OrderId, Timestamp, UserId},
};
use platform::{
    db::{Abort, StoreError},
    outbox,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::convert::Infallible;

pub(super) fn happen(
    connection: &Connection,
    id: OrderId,
    happening: &Happening,
    by: &Acting,
    now: Timestamp,
) -> Result<(Order, Order), Abort<OrderError>> {
    let before = read::order(connection, id)?.ok_or(Abort::Refused(OrderError::NotFound))?;
    if let Happening::Refunded(note) = happening
        && is_in_timeline(connection, &before, &refund_entry(note))?
    {
        return Ok((before.clone(), before));
    }
    let Some(change) = apply(&before, happening, now).map_err(Abort::Refused)? else {
        return Ok((before.clone(), before));
    };
    write(connection, &before, &change, by, now)?;
    if let Happening::Refunded(note) = happening {
        let news = (OrderMailKind::Refunded, note.refund_id.as_bytes());
        if note.amount.minor > 0 {
            mails::owe(connection, &change.after, news, now)?;
        }
        if returns::settle(connection, &change.after, note.refund_id, now)? {
            return Ok((before, change.after));
        }
        let is_over = shipments::withhold(connection, &change.after, note)?;
        returns::note_came_back(connection, &change.after, note)?;
        if !is_over {
            return Ok((before, change.after));
        }
        let rest = Happening::Moved(OrderMove::Ship { tracking: None });
        let (_, after) = happen(connection, id, &rest, by, now)?;
        return Ok((before, after));
    }
    Ok((before, change.after))
}

/// What is refused has written nothing, so that its neighbours in the batch are not touched.
pub(super) fn happen_all(
    connection: &Connection,
    batch: &[(OrderId, Happening, Acting)],
    now: Timestamp,
) -> Result<Vec<Happened>, Abort<Infallible>> {
    let mut answers = Vec::with_capacity(batch.len());
    for (id, happening, by) in batch {
        answers.push(match happen(connection, *id, happening, by, now) {
            Ok(happened) => Ok(happened),
            Err(Abort::Refused(refusal)) => Err(refusal),
            Err(Abort::Failed(error)) => return Err(Abort::Failed(error)),
        });
    }
    Ok(answers)
}

fn is_in_timeline(connection: &Connection, order: &Order, note: &str) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM order_events WHERE order_number = ?1 AND note = ?2")?
        .exists(params![order.number, note])?)
}

fn write(
    connection: &Connection,
    before: &Order,
    change: &Change,
    by: &Acting,
    now: Timestamp,
) -> Result<(), StoreError> {
    let after = &change.after;
    let changed = connection
        .prepare_cached(
            "UPDATE orders
                SET status = ?3, version = ?4, tracking = ?5, payment_id = ?6, updated_at_ms = ?7
              WHERE order_number = ?1 AND version = ?2",
        )?
        .execute(params![
            before.number,
            before.version.get(),
            after.status.as_str(),
            after.version.get(),
            after.tracking,
            after
                .payment_id
                .as_ref()
                .map(contracts::values::PaymentId::as_bytes),
            after.updated_at.as_ms(),
        ])?;
    if changed != 1 {
        return Err(StoreError::Lost(format!(
            "order {} changed while it was written",
            before.id
        )));
    }
    let entry = Entry {
        kind: change.kind,
        note: change.note.as_deref(),
        by,
        at: now,
    };
    append_entry(connection, after, &entry)?;
    if after.status == before.status {
        return Ok(());
    }
    if after.status == OrderStatus::Cancelled {
        discounts::free(connection, after)?;
        // Only money that was taken goes back.
        let payment_id = after
            .payment_id
            .filter(|_| before.status == OrderStatus::Paid);
        return outbox::append(
            connection,
            &OrderCancelled {
                order_id: after.id,
                payment_id,
            },
            now,
        );
    }
    let event = OrderMoved {
        order_id: after.id,
        status: after.status,
        version: after.version,
    };
    outbox::append(connection, &event, now)
}

/// An entry of a timeline.
pub(super) struct Entry<'a> {
    pub(super) kind: &'a str,
    pub(super) note: Option<&'a str>,
    pub(super) by: &'a Acting,
    pub(super) at: Timestamp,
}

pub(super) fn append_entry(
    connection: &Connection,
    order: &Order,
    entry: &Entry<'_>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO order_events (order_number, sequence, kind, status, version, actor, note, at_ms, request_id)
             SELECT ?1, MAX(sequence) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
               FROM order_events
              WHERE order_number = ?1",
        )?
        .execute(params![
            order.number,
            entry.kind,
            order.status.as_str(),
            order.version.get(),
            entry.by.actor,
            entry.note,
            entry.at.as_ms(),
            entry.by.request,
        ])?;
    Ok(())
}

pub(super) fn give_up(
    connection: &Connection,
    ids: &[OrderId],
    now: Timestamp,
) -> Result<Vec<OrderId>, Abort<Infallible>> {
    let mut given_up = Vec::new();
    for id in ids {
        match read::status(connection, *id)? {
            None => {
                connection
                    .prepare_cached(
                        "INSERT INTO abandoned_orders (order_id, at_ms)
                         VALUES (?1, ?2)
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![id.as_bytes(), now.as_ms()])?;
                given_up.push(*id);
            }
            Some(OrderStatus::Cancelled) => given_up.push(*id),
            Some(_) => {}
        }
    }
    Ok(given_up)
}

/// From then on they are the user's like any other, and go with the account.
pub(super) fn claim(
    connection: &Connection,
    (user, email): (UserId, &Email),
    limit: u32,
) -> Result<u64, Abort<Infallible>> {
    let claimed = connection
        .prepare_cached(
            "UPDATE orders
                SET customer_id = ?1, guest_email = NULL
              WHERE order_number IN (SELECT order_number
                                       FROM orders
                                      WHERE LOWER(guest_email) = ?2 AND guest_email IS NOT NULL
                                        AND customer_id IS NULL
                                      LIMIT ?3)",
        )?
        .execute(params![user.as_bytes(), email.key(), limit])?;
    let earlier = earlier::claim(connection, user, email, limit)?;
    Ok(u64::try_from(claimed.saturating_add(earlier)).unwrap_or(u64::MAX))
}

pub(super) fn forget_customer(
    connection: &Connection,
    id: UserId,
    again_at: Option<Timestamp>,
) -> Result<(), Abort<Infallible>> {
    super::notes::forget(connection, id)?;
    mails::forget(connection, id)?;
    returns::forget(connection, id)?;
    addresses::forget(connection, id)?;
    connection
        .prepare_cached(
            "UPDATE order_events
                SET actor = CASE actor WHEN ?2 THEN 'erased' ELSE actor END, request_id = NULL
              WHERE actor IN (?2, 'system')
                AND order_number IN (SELECT order_number FROM orders WHERE customer_id = ?1)",
        )?
        .execute(params![id.as_bytes(), id.to_string()])?;
    connection
        .prepare_cached(
            "UPDATE orders SET customer_id = NULL, guest_email = NULL WHERE customer_id = ?1",
        )?
        .execute([id.as_bytes()])?;
    carts::forget(connection, id)?;
    earlier::forget(connection, id)?;
    super::book::forget(connection, id, again_at)?;
    Ok(())
}

pub(super) fn secret(
    connection: &Connection,
    name: &str,
    fresh: [u8; 32],
) -> Result<[u8; 32], Abort<Infallible>> {
    let known = connection
        .prepare_cached("SELECT value FROM secrets WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    connection
        .prepare_cached("INSERT INTO secrets (name, value) VALUES (?1, ?2)")?
        .execute(params![name, fresh])?;
    Ok(fresh)
}
