//! How reservations end, in batches: all of a batch are locked and read, the domain decides on each in turn, and what
//! moved is written at once. What is refused has written nothing, so its neighbours are not touched.

use super::{
    FIRST_ID, broken, read,
    reserved::{bytes, state},
    stock::{self, Units},
};
use crate::{
    domain::reservation::{self, Effect, Step},
    store::Moved,
};
use contracts::{
    catalog::{Overdue, ReservationState, Resolve, ResolveError},
    values::{OrderId, Timestamp},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
};

type Answer = Result<(), ResolveError>;

/// A reservation of a batch, as it stands after the wishes so far.
pub(super) struct Standing {
    pub(super) number: i64,
    pub(super) state: ReservationState,
    /// What of it is neither back on the shelf nor given up: units by variant.
    pub(super) units: BTreeMap<i64, i64>,
    resolved_by: Option<String>,
    returned_by: Option<String>,
}

/// In the order of ids, as they are inserted.
pub(super) const LOCK: &str = "SELECT order_id, reservation_number, state
   FROM reservations
  WHERE order_id = ANY($1)
  ORDER BY order_id
    FOR NO KEY UPDATE";

/// What came back with refunds is on the shelf already: only an order that was sold can have such.
pub(super) const UNITS: &str = "WITH meant AS MATERIALIZED (
         SELECT order_id, reservation_number FROM reservations WHERE order_id = ANY($1)
     )
     SELECT m.order_id, l.variant_number, l.quantity
       FROM meant m
       JOIN reservation_lines l ON l.reservation_number = m.reservation_number
      UNION ALL
     SELECT m.order_id, b.variant_number, -b.quantity
       FROM meant m
       JOIN reservation_returns b ON b.reservation_number = m.reservation_number";

/// Locks the reservations of these orders and reads what they hold, in one round trip.
pub(super) async fn lock(
    connection: &Connection,
    orders: &[OrderId],
) -> Result<HashMap<OrderId, Standing>, StoreError> {
    let ids = bytes(orders);
    connection.prepare(&[LOCK, UNITS]).await?;
    // The units after the lock: nothing comes back of a reservation that somebody else has locked.
    let (rows, units) = tokio::join!(async { connection.query(LOCK, &[&ids]).await }, async {
        connection.query(UNITS, &[&ids]).await
    });
    let mut standing = rows?
        .iter()
        .map(|row| Ok((OrderId::from_bytes(read::id(row, 0)?), standing_of(row)?)))
        .collect::<Result<HashMap<_, _>, StoreError>>()?;
    for row in units? {
        if let Some(one) = standing.get_mut(&OrderId::from_bytes(read::id(&row, 0)?)) {
            let held = one.units.entry(row.try_get(1)?).or_insert(0);
            *held = held.saturating_add(row.try_get(2)?);
        }
    }
    Ok(standing)
}

fn standing_of(row: &Row) -> Result<Standing, StoreError> {
    Ok(Standing {
        number: row.try_get(1)?,
        state: state(row, 2)?,
        units: BTreeMap::new(),
        resolved_by: None,
        returned_by: None,
    })
}

pub(super) async fn all(
    connection: &Connection,
    batch: &[Resolve],
    at: Timestamp,
) -> Result<Moved<Answer>, Abort<Infallible>> {
    let orders: Vec<OrderId> = batch.iter().map(|wish| wish.order_id).collect();
    let mut standing = lock(connection, &orders).await?;
    let mut moved = Units::new();
    let answers = batch
        .iter()
        .map(|wish| match standing.get_mut(&wish.order_id) {
            None => Err(ResolveError::Unknown),
            Some(one) => one.resolve(wish, &mut moved),
        })
        .collect();
    write(connection, standing.values(), at).await?;
    let products = stock::move_all(connection, &moved).await?;
    Ok(Moved { answers, products })
}

impl Standing {
    fn resolve(&mut self, wish: &Resolve, moved: &mut Units) -> Answer {
        match reservation::step(self.state, wish.to) {
            None => Err(ResolveError::Resolved(self.state)),
            Some(Step::Stay) => {
                self.gather(Effect::NONE, moved);
                Ok(())
            }
            Some(Step::Go(effect)) => {
                self.state = wish.to;
                // The first end and a later return are kept apart: both are movements.
                if wish.to == ReservationState::Returned {
                    self.returned_by = Some(wish.actor.clone());
                } else {
                    self.resolved_by = Some(wish.actor.clone());
                }
                self.gather(effect, moved);
                Ok(())
            }
        }
    }

    fn gather(&self, effect: Effect, moved: &mut Units) {
        for (variant, units) in &self.units {
            let (on_hand, reserved) = moved.entry(*variant).or_insert((0, 0));
            *on_hand = on_hand.saturating_add(units.saturating_mul(effect.on_hand));
            *reserved = reserved.saturating_add(units.saturating_mul(effect.reserved));
        }
    }

    fn has_moved(&self) -> bool {
        self.resolved_by.is_some() || self.returned_by.is_some()
    }
}

const UPDATE: &str = "UPDATE reservations
    SET state = new.state,
        resolved_at_ms = CASE WHEN new.resolved_by IS NULL THEN reservations.resolved_at_ms ELSE $5 END,
        resolved_by = COALESCE(new.resolved_by, reservations.resolved_by),
        returned_at_ms = CASE WHEN new.returned_by IS NULL THEN reservations.returned_at_ms ELSE $5 END,
        returned_by = COALESCE(new.returned_by, reservations.returned_by)
   FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[])
        AS new (reservation_number, state, resolved_by, returned_by)
  WHERE reservations.reservation_number = new.reservation_number";

async fn write(
    connection: &Connection,
    standing: impl Iterator<Item = &Standing>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let moved: Vec<&Standing> = standing.filter(|one| one.has_moved()).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = moved.iter().map(|one| one.number).collect();
    let states: Vec<&str> = moved.iter().map(|one| one.state.as_str()).collect();
    let resolved: Vec<Option<&str>> = moved.iter().map(|one| one.resolved_by.as_deref()).collect();
    let returned: Vec<Option<&str>> = moved.iter().map(|one| one.returned_by.as_deref()).collect();
    let at_ms = at.as_ms();
    let parameters: [&(dyn ToSql + Sync); 5] = [&numbers, &states, &resolved, &returned, &at_ms];
    if stock::is(connection.execute(UPDATE, &parameters).await?, moved.len()) {
        Ok(())
    } else {
        Err(broken("a reservation went away under its lock"))
    }
}

/// Orders whose reservations are open past a moment, oldest first.
pub(super) async fn overdue(
    connection: &Connection,
    before: Timestamp,
    after: Option<Overdue>,
    limit: u32,
) -> Result<Vec<Overdue>, StoreError> {
    let sql = "SELECT order_id, hold_until_at_ms
                 FROM reservations
                WHERE state = 'open' AND hold_until_at_ms < $1 AND (hold_until_at_ms, order_id) > ($2, $3)
                ORDER BY hold_until_at_ms, order_id
                LIMIT $4";
    let (at_ms, id) = after.map_or((i64::MIN, FIRST_ID), |seen| {
        (seen.hold_until.as_ms(), Bytes(*seen.order_id.as_bytes()))
    });
    let rows = connection
        .query(sql, &[&before.as_ms(), &at_ms, &id, &i64::from(limit)])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Overdue {
                order_id: OrderId::from_bytes(read::id(row, 0)?),
                hold_until: Timestamp::from_ms(row.try_get(1)?),
            })
        })
        .collect()
}
