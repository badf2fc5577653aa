//! How reservations end, in batches; each stock row is written once, in the order of variant numbers.

use super::{broken, reserve};
use crate::{
    domain::reservation::{self, Effect, Step},
    store::Moved,
};
use contracts::{
    catalog::{Overdue, ReservationState, Resolve, ResolveError},
    values::{OrderId, ProductId, Timestamp},
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

type Answer = Result<(), ResolveError>;
/// What a batch does to each variant, on hand and reserved.
pub(super) type Units = BTreeMap<i64, (i64, i64)>;

pub(super) fn all(
    connection: &Connection,
    batch: &[Resolve],
    at: Timestamp,
) -> Result<Moved<Answer>, StoreError> {
    let mut moved = Units::new();
    let answers = batch
        .iter()
        .map(|wish| one(connection, &mut moved, wish, at))
        .collect::<Result<Vec<_>, _>>()?;
    let products = write(connection, moved)?;
    Ok(Moved { answers, products })
}

/// Each stock row once, in the order of variant numbers; gives their products. Rows that nothing moves keep their
/// version.
pub(super) fn write(connection: &Connection, moved: Units) -> Result<Vec<ProductId>, StoreError> {
    let mut product = connection.prepare_cached(
        "SELECT p.product_id
           FROM variants v
           JOIN products p ON p.product_number = v.product_number
          WHERE v.variant_number = ?1",
    )?;
    let mut products = Vec::with_capacity(moved.len());
    let mut statement = connection.prepare_cached(
        "UPDATE stock SET on_hand = on_hand + ?2, reserved = reserved + ?3, version = version + (?2 <> 0 OR ?3 <> 0)
          WHERE variant_number = ?1",
    )?;
    for (number, (on_hand, reserved)) in moved {
        if statement.execute([number, on_hand, reserved])? != 1 {
            return Err(broken("a reservation names no stock"));
        }
        let id = product.query_row([number], |row| row.get(0))?;
        products.push(ProductId::from_bytes(id));
    }
    Ok(products)
}

fn one(
    connection: &Connection,
    moved: &mut Units,
    wish: &Resolve,
    at: Timestamp,
) -> Result<Answer, StoreError> {
    let known: Option<(i64, ReservationState)> = connection
        .prepare_cached(
            "SELECT reservation_number, state
               FROM reservations
              WHERE reservation_number = (SELECT number FROM by_order WHERE order_id = ?1)",
        )?
        .query_row([wish.order_id.as_bytes()], |row| {
            Ok((row.get(0)?, reserve::state(row, 1)?))
        })
        .optional()?;
    let Some((number, from)) = known else {
        return Ok(Err(ResolveError::Unknown));
    };
    match reservation::step(from, wish.to) {
        None => Ok(Err(ResolveError::Resolved(from))),
        Some(Step::Stay) => gather(connection, number, Effect::NONE, moved).map(Ok),
        Some(Step::Go(effect)) => {
            record(connection, number, from, wish, at)?;
            gather(connection, number, effect, moved)?;
            Ok(Ok(()))
        }
    }
}

/// The first end and a later return are kept apart: both are movements.
fn record(
    connection: &Connection,
    number: i64,
    from: ReservationState,
    wish: &Resolve,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = if wish.to == ReservationState::Returned {
        "UPDATE reservations SET state = ?3, returned_at_ms = ?4, returned_by = ?5
          WHERE reservation_number = ?1 AND state = ?2"
    } else {
        "UPDATE reservations SET state = ?3, resolved_at_ms = ?4, resolved_by = ?5
          WHERE reservation_number = ?1 AND state = ?2"
    };
    let values = params![
        number,
        from.as_str(),
        wish.to.as_str(),
        at.as_ms(),
        wish.actor
    ];
    if connection.prepare_cached(sql)?.execute(values)? == 1 {
        Ok(())
    } else {
        Err(broken("a reservation changed under its only writer"))
    }
}

fn gather(
    connection: &Connection,
    number: i64,
    effect: Effect,
    moved: &mut Units,
) -> Result<(), StoreError> {
    // What came back with refunds is on the shelf already: only an order that was sold can have such.
    let mut statement = connection.prepare_cached(
        "SELECT variant_number, quantity FROM reservation_lines WHERE reservation_number = ?1
          UNION ALL
         SELECT variant_number, -quantity FROM reservation_returns WHERE reservation_number = ?1",
    )?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        let units: i64 = row.get(1)?;
        let (on_hand, reserved) = moved.entry(row.get(0)?).or_insert((0, 0));
        *on_hand = on_hand.saturating_add(units.saturating_mul(effect.on_hand));
        *reserved = reserved.saturating_add(units.saturating_mul(effect.reserved));
    }
    Ok(())
}

/// Orders whose reservations are open past a moment, oldest first.
pub(super) fn overdue(
    connection: &Connection,
    before: Timestamp,
    after: Option<Overdue>,
    limit: u32,
) -> Result<Vec<Overdue>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT order_id, hold_until_at_ms
           FROM reservations
          WHERE state = 'open' AND hold_until_at_ms < ?1 AND (hold_until_at_ms, order_id) > (?2, ?3)
          ORDER BY hold_until_at_ms, order_id
          LIMIT ?4",
    )?;
    // No id is shorter than another, so an empty one comes before all of them.
    let (at_ms, id): (i64, &[u8]) = after.as_ref().map_or((i64::MIN, &[]), |seen| {
        (seen.hold_until.as_ms(), seen.order_id.as_bytes())
    });
    let rows = statement.query_map(params![before.as_ms(), at_ms, id, limit], |row| {
        Ok(Overdue {
            order_id: OrderId::from_bytes(row.get(0)?),
            hold_until: Timestamp::from_ms(row.get(1)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
