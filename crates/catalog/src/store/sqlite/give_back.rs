//! Taking some units of a sold order back onto the shelf, with a refund: each refund once, never more than was sold.

use super::resolve::{self, Units};
use crate::store::Moved;
use contracts::{
    catalog::{GiveBack, GiveBackError, ReservationState, ReturnedItem},
    values::{Timestamp, VariantId},
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

type Answer = Result<(), GiveBackError>;

const RESERVATION: &str = "SELECT reservation_number, state
   FROM reservations
  WHERE reservation_number = (SELECT number FROM by_order WHERE order_id = ?1)";

const KNOWN: &str = "SELECT 1 FROM reservation_returns WHERE refund_id = ?1";

/// The variant's number and how many of its units are still sold.
const LEFT: &str = "SELECT v.variant_number,
       COALESCE((SELECT SUM(l.quantity)
                   FROM reservation_lines l
                  WHERE l.reservation_number = ?1 AND l.variant_number = v.variant_number), 0)
       - COALESCE((SELECT SUM(b.quantity)
                     FROM reservation_returns b
                    WHERE b.reservation_number = ?1 AND b.variant_number = v.variant_number), 0)
  FROM variants v
 WHERE v.variant_id = ?2";

const INSERT: &str = "INSERT INTO reservation_returns (reservation_number, refund_id, variant_number, quantity, actor,
                                      at_ms)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

pub(super) fn all(
    connection: &Connection,
    batch: &[GiveBack],
    at: Timestamp,
) -> Result<Moved<Answer>, StoreError> {
    let mut moved = Units::new();
    let answers = batch
        .iter()
        .map(|wish| one(connection, &mut moved, wish, at))
        .collect::<Result<Vec<_>, _>>()?;
    let products = resolve::write(connection, moved)?;
    Ok(Moved { answers, products })
}

fn one(
    connection: &Connection,
    moved: &mut Units,
    wish: &GiveBack,
    at: Timestamp,
) -> Result<Answer, StoreError> {
    let known = connection
        .prepare_cached(RESERVATION)?
        .query_row([wish.order_id.as_bytes()], |row| {
            Ok((row.get::<_, i64>(0)?, super::reserve::state(row, 1)?))
        })
        .optional()?;
    let Some((number, state)) = known else {
        return Ok(Err(GiveBackError::Unknown));
    };
    match state {
        ReservationState::Committed => {}
        // All of it came back already.
        ReservationState::Returned => return Ok(Ok(())),
        ReservationState::Open | ReservationState::Released | ReservationState::Expired => {
            return Ok(Err(GiveBackError::NotSold(state)));
        }
    }
    if connection
        .prepare_cached(KNOWN)?
        .exists([wish.refund_id.as_bytes()])?
    {
        return Ok(Ok(()));
    }
    let rows = match sold(connection, number, &wish.items)? {
        Ok(rows) => rows,
        Err(refusal) => return Ok(Err(refusal)),
    };
    for (variant, units) in rows {
        connection.prepare_cached(INSERT)?.execute(params![
            number,
            wish.refund_id.as_bytes(),
            variant,
            units,
            wish.actor,
            at.as_ms()
        ])?;
        let (on_hand, _) = moved.entry(variant).or_insert((0, 0));
        *on_hand = on_hand.saturating_add(units);
    }
    Ok(Ok(()))
}

/// The items by number, all of them or none: no more of each than is still sold.
fn sold(
    connection: &Connection,
    number: i64,
    items: &[ReturnedItem],
) -> Result<Result<Vec<(i64, i64)>, GiveBackError>, StoreError> {
    let mut statement = connection.prepare_cached(LEFT)?;
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        let id: VariantId = item.variant_id;
        let found: Option<(i64, i64)> = statement
            .query_row(params![number, id.as_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let units = i64::from(item.quantity.get());
        match found {
            Some((variant, left)) if units <= left => rows.push((variant, units)),
            Some((_, left)) => {
                return Ok(Err(GiveBackError::TooMany {
                    variant_id: id,
                    left,
                }));
            }
            None => {
                return Ok(Err(GiveBackError::TooMany {
                    variant_id: id,
                    left: 0,
                }));
            }
        }
    }
    Ok(Ok(rows))
}
