//! Holding stock for orders: the hottest path of the shop. A batch is read and decided without any lock, and then
//! written in one statement, which calls the function of `migrations/postgres/0002_hold.sql`. It locks stock rows last:
//! nodes that fight for one SKU hold it only for a commit. A write that finds the shelf changed is undone, and the
//! batch is decided once more under the locks.

use super::{
    reserved::{Known, Offers},
    stock,
};
use crate::domain::shelf::{Shelf, Taken};
use contracts::{
    catalog::{Reserve, ReserveError, Reserved},
    values::{OrderId, Timestamp},
};
use platform::{
    db::{
        Abort, StoreError,
        postgres::{Bytes, Connection, Database, ToSql},
    },
    fault,
};
use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) type Answer = Result<Reserved, ReserveError>;

/// A reservation to be written.
#[derive(Debug)]
struct Held {
    order_id: OrderId,
    fingerprint: [u8; 32],
    hold_until: Timestamp,
    lines: Vec<Taken>,
}

/// What is to be written for a batch.
#[derive(Debug, Default)]
struct Plan {
    /// By order.
    held: BTreeMap<OrderId, Held>,
    /// Units by the number of their variant.
    taken: BTreeMap<i64, i64>,
    /// The versions that prices were read at, by the number of their variant.
    versions: BTreeMap<i64, i64>,
}

pub(super) async fn all(
    database: &Database,
    batch: Vec<Reserve>,
    at: Timestamp,
) -> Result<Vec<Answer>, StoreError> {
    let (answers, plan) = {
        let connection = database.read().await?;
        let ids: Vec<OrderId> = batch.iter().map(|wish| wish.order_id).collect();
        connection.prepare(&[Offers::SQL, Known::SQL]).await?;
        // The offers first: whoever took the last units for the same order is known then.
        let (offers, known) = tokio::join!(
            Offers::read(&connection, &batch, at),
            Known::read(&connection, &ids)
        );
        decide(&batch, offers?, &known?)
    };
    if plan.held.is_empty() {
        return Ok(answers);
    }
    let written = database.write_once(plan, move |c, plan| Box::pin(hold(c, plan, at)));
    match written.await {
        Ok(()) => Ok(answers),
        Err(error) if CHANGED.iter().any(|name| error.violates(name)) => database
            .write(batch, move |c, batch| Box::pin(under_locks(c, batch, at)))
            .await
            .map_err(super::storage),
        Err(error) => Err(error),
    }
}

/// Constraints that say that the shelf is not as it was when the batch was decided; or that this very batch was
/// written, and its answer was lost.
const CHANGED: [&str; 2] = ["stock_as_decided", "reservations_order_key"];

/// Decides each wish by itself, in order.
fn decide(batch: &[Reserve], offers: Offers, known: &Known) -> (Vec<Answer>, Plan) {
    let Offers {
        mut shelf,
        versions,
    } = offers;
    let mut plan = Plan::default();
    let mut first: HashMap<OrderId, ([u8; 32], Reserved)> = HashMap::new();
    let mut answers = Vec::with_capacity(batch.len());
    for wish in batch {
        let answer = match (known.answer(wish), first.get(&wish.order_id)) {
            (Some(answer), _) => answer,
            (None, Some((fingerprint, reserved))) if *fingerprint == wish.fingerprint => {
                Ok(reserved.clone())
            }
            (None, Some(_)) => Err(ReserveError::FingerprintDiffers),
            (None, None) => take(&mut shelf, wish, &mut plan),
        };
        if let Ok(reserved) = &answer {
            first
                .entry(wish.order_id)
                .or_insert_with(|| (wish.fingerprint, reserved.clone()));
        }
        answers.push(answer);
    }
    plan.taken = shelf.taken().collect();
    plan.versions = versions;
    plan.versions
        .retain(|number, _| plan.taken.contains_key(number));
    (answers, plan)
}

fn take(shelf: &mut Shelf, wish: &Reserve, plan: &mut Plan) -> Answer {
    let asked = (wish.expected_total.as_ref(), wish.currency);
    let lines = shelf.take(&wish.lines, asked)?;
    let reserved = Reserved {
        lines: lines.iter().map(|taken| taken.line.clone()).collect(),
        hold_until: wish.hold_until,
    };
    plan.held.insert(
        wish.order_id,
        Held {
            order_id: wish.order_id,
            fingerprint: wish.fingerprint,
            hold_until: wish.hold_until,
            lines,
        },
    );
    Ok(reserved)
}

const HOLD: &str = "SELECT hold_stock_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// Writes a whole plan, or nothing if it cannot be written as it is.
async fn hold(connection: &Connection, plan: &Plan, at: Timestamp) -> Result<(), StoreError> {
    fault::point("place.reserve_written");
    let (held, lines) = (Ids::of(plan.held.values()), Lines::of(plan));
    let variants: Vec<i64> = plan.taken.keys().copied().collect();
    let units: Vec<i64> = plan.taken.values().copied().collect();
    let versions: Vec<i64> = plan.versions.values().copied().collect();
    let at_ms = at.as_ms();
    let parameters: [&(dyn ToSql + Sync); 13] = [
        &held.ids,
        &held.fingerprints,
        &held.until,
        &at_ms,
        &lines.places,
        &lines.numbers,
        &lines.variants,
        &lines.quantities,
        &lines.prices,
        &lines.currencies,
        &variants,
        &units,
        &versions,
    ];
    connection.execute(HOLD, &parameters).await.map(drop)
}

/// Reservations as lists, a column each.
struct Ids {
    ids: Vec<Bytes<16>>,
    fingerprints: Vec<Bytes<32>>,
    until: Vec<i64>,
}

impl Ids {
    fn of<'h>(held: impl Iterator<Item = &'h Held> + Clone) -> Self {
        Self {
            ids: held
                .clone()
                .map(|one| Bytes(*one.order_id.as_bytes()))
                .collect(),
            fingerprints: held.clone().map(|one| Bytes(one.fingerprint)).collect(),
            until: held.map(|one| one.hold_until.as_ms()).collect(),
        }
    }
}

/// Lines as lists, a column each. Reservations are counted from 1, their lines from 0.
#[derive(Default)]
struct Lines<'p> {
    places: Vec<i64>,
    numbers: Vec<i64>,
    variants: Vec<i64>,
    quantities: Vec<i64>,
    prices: Vec<i64>,
    currencies: Vec<&'p str>,
}

impl<'p> Lines<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut lines = Self::default();
        for (place, one) in (1_i64..).zip(plan.held.values()) {
            for (number, taken) in (0_i64..).zip(&one.lines) {
                lines.places.push(place);
                lines.numbers.push(number);
                lines.variants.push(taken.number);
                lines.quantities.push(i64::from(taken.line.quantity.get()));
                lines.prices.push(taken.line.unit_price.minor);
                lines.currencies.push(taken.line.unit_price.currency.code());
            }
        }
        lines
    }
}

/// In the order of ids, as everywhere.
const CLAIM: &str =
    "INSERT INTO reservations (order_id, state, fingerprint, hold_until_at_ms, created_at_ms)
     SELECT wish.order_id, 'open', wish.fingerprint, wish.hold_until_at_ms, $4
       FROM UNNEST($1::uuid[], $2::bytea[], $3::bigint[]) AS wish (order_id, fingerprint, hold_until_at_ms)
      ORDER BY wish.order_id
     ON CONFLICT (order_id) DO NOTHING
     RETURNING order_id";

/// Reservations that hold nothing yet: the ids of those that were not there.
async fn claim(
    connection: &Connection,
    claims: &BTreeMap<OrderId, Held>,
    at: Timestamp,
) -> Result<HashSet<OrderId>, StoreError> {
    let wishes = Ids::of(claims.values());
    let at_ms = at.as_ms();
    let rows = connection
        .query(
            CLAIM,
            &[&wishes.ids, &wishes.fingerprints, &wishes.until, &at_ms],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            Ok(OrderId::from_bytes(id))
        })
        .collect()
}

/// Whoever edits a product locks its row, and touches no stock: prices stand still only behind a lock of their own.
const LOCK_PRICES: &str = "SELECT p.product_number
   FROM products p
   JOIN variants v ON v.product_number = p.product_number
  WHERE v.variant_number = ANY($1)
  ORDER BY p.product_number
    FOR SHARE OF p";

const UNCLAIM: &str = "DELETE FROM reservations WHERE order_id = ANY($1)";

/// Decides with nobody else at the shelf. The keys are claimed first, with reservations that hold nothing: a twin is
/// either there by then, or waits until this ends.
async fn under_locks(
    connection: &Connection,
    batch: &[Reserve],
    at: Timestamp,
) -> Result<Vec<Answer>, Abort<std::convert::Infallible>> {
    let claims: BTreeMap<OrderId, Held> = batch
        .iter()
        .map(|wish| {
            let claim = Held {
                order_id: wish.order_id,
                fingerprint: wish.fingerprint,
                hold_until: wish.hold_until,
                lines: Vec::new(),
            };
            (wish.order_id, claim)
        })
        .collect();
    let claimed = claim(connection, &claims, at).await?;
    let seen = Offers::read(connection, batch, at).await?;
    let numbers: Vec<i64> = seen.versions.keys().copied().collect();
    connection.query(LOCK_PRICES, &[&numbers]).await?;
    connection.query(stock::LOCK, &[&numbers]).await?;
    // Read again, now that nobody can change it.
    let offers = Offers::read(connection, batch, at).await?;
    let rest: Vec<OrderId> = claims
        .into_keys()
        .filter(|id| !claimed.contains(id))
        .collect();
    let known = Known::read(connection, &rest).await?;
    let (answers, plan) = decide(batch, offers, &known);
    let claimed: Vec<Bytes<16>> = claimed.iter().map(|id| Bytes(*id.as_bytes())).collect();
    connection.execute(UNCLAIM, &[&claimed]).await?;
    if plan.held.is_empty() {
        return Ok(answers);
    }
    // Nothing can have changed under the locks: if something has, nothing is kept.
    hold(connection, &plan, at).await?;
    Ok(answers)
}
