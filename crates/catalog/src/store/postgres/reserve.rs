//! Holding stock for orders: the hottest path of the shop. A batch is read and decided without any lock, and then
//! written in one round trip, with the stock rows locked last: nodes that fight for one SKU hold it only for a commit.
//! A write that finds the shelf changed is undone, and the batch is decided once more under the locks.

use super::{
    broken,
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

/// The shelf is not as it was when the batch was decided.
#[derive(Debug)]
struct Changed;

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
            Offers::read(&connection, &batch),
            Known::read(&connection, &ids)
        );
        decide(&batch, offers?, &known?)
    };
    if plan.held.is_empty() {
        return Ok(answers);
    }
    let written = database
        .write(plan, move |c, plan| {
            Box::pin(write_if_unchanged(c, plan, at))
        })
        .await;
    match written {
        Ok(()) => Ok(answers),
        Err(Abort::Failed(error)) => Err(error),
        Err(Abort::Refused(Changed)) => database
            .write(batch, move |c, batch| Box::pin(under_locks(c, batch, at)))
            .await
            .map_err(super::storage),
    }
}

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
    let lines = shelf.take(&wish.lines, wish.expected_total.as_ref())?;
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

/// Price and status of what is taken, looked at when its stock is locked: the prices are those of this transaction.
const COUNT_UNCHANGED: &str = "SELECT COUNT(*)
   FROM UNNEST($1::bigint[], $2::bigint[]) AS seen (variant_number, version)
   JOIN variants v ON v.variant_number = seen.variant_number
   JOIN products p ON p.product_number = v.product_number
  WHERE p.version = seen.version";

async fn write_if_unchanged(
    connection: &Connection,
    plan: &Plan,
    at: Timestamp,
) -> Result<(), Abort<Changed>> {
    let numbers: Vec<i64> = plan.versions.keys().copied().collect();
    let versions: Vec<i64> = plan.versions.values().copied().collect();
    connection
        .prepare(&[INSERT, stock::LOCK, TAKE, COUNT_UNCHANGED])
        .await?;
    let (is_written, unchanged) = tokio::join!(write(connection, plan, at), async {
        let row = connection
            .query_one(COUNT_UNCHANGED, &[&numbers, &versions])
            .await?;
        Ok::<i64, StoreError>(row.try_get(0)?)
    });
    if is_written? && usize::try_from(unchanged?) == Ok(numbers.len()) {
        fault::point("place.reserve_written");
        Ok(())
    } else {
        Err(Abort::Refused(Changed))
    }
}

/// Takes units that are there. What is not there any more is not counted.
const TAKE: &str = "UPDATE stock
    SET reserved = stock.reserved + taken.units, version = stock.version + 1
   FROM UNNEST($1::bigint[], $2::bigint[]) AS taken (variant_number, units)
  WHERE stock.variant_number = taken.variant_number AND stock.on_hand - stock.reserved >= taken.units";

/// Writes a whole plan in one round trip; false if it cannot be written as it is, and must be undone.
async fn write(connection: &Connection, plan: &Plan, at: Timestamp) -> Result<bool, StoreError> {
    let numbers: Vec<i64> = plan.taken.keys().copied().collect();
    let units: Vec<i64> = plan.taken.values().copied().collect();
    // They go out together and are done in this order: keys of reservations come before stock.
    let (inserted, locked, taken) = tokio::join!(
        insert(connection, plan.held.values(), at),
        async { connection.query(stock::LOCK, &[&numbers]).await },
        async { connection.execute(TAKE, &[&numbers, &units]).await }
    );
    let inserted = inserted?;
    locked?;
    Ok(inserted.len() == plan.held.len() && stock::is(taken?, numbers.len()))
}

/// In the order of ids, so that two nodes with the same twins wait for each other in one direction only. A line finds
/// its reservation by its place among those that were written; if one is missing there is no place, and no line.
const INSERT: &str = "WITH fresh AS (
         INSERT INTO reservations (order_id, state, fingerprint, hold_until_at_ms, created_at_ms)
         SELECT wish.order_id, 'open', wish.fingerprint, wish.hold_until_at_ms, $4
           FROM UNNEST($1::uuid[], $2::bytea[], $3::bigint[]) AS wish (order_id, fingerprint, hold_until_at_ms)
          ORDER BY wish.order_id
         ON CONFLICT (order_id) DO NOTHING
         RETURNING order_id, reservation_number
     ),
     drawn AS MATERIALIZED (
         SELECT ARRAY_AGG(reservation_number ORDER BY order_id) AS numbers FROM fresh
     ),
     lines AS (
         INSERT INTO reservation_lines (reservation_number, line_number, variant_number, quantity, unit_price_minor,
                                        currency)
         SELECT drawn.numbers[line.place], line.line_number, line.variant_number, line.quantity,
                line.unit_price_minor, line.currency
           FROM drawn
          CROSS JOIN UNNEST($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[])
             AS line (place, line_number, variant_number, quantity, unit_price_minor, currency)
          WHERE CARDINALITY(drawn.numbers) = CARDINALITY($1)
     )
     SELECT order_id FROM fresh";

/// Inserts reservations, which are in the order of their ids, with their lines: the ids of those that were not there.
async fn insert(
    connection: &Connection,
    held: impl Iterator<Item = &Held> + Clone,
    at: Timestamp,
) -> Result<HashSet<OrderId>, StoreError> {
    let ids: Vec<Bytes<16>> = held
        .clone()
        .map(|one| Bytes(*one.order_id.as_bytes()))
        .collect();
    let fingerprints: Vec<Bytes<32>> = held.clone().map(|one| Bytes(one.fingerprint)).collect();
    let until: Vec<i64> = held.clone().map(|one| one.hold_until.as_ms()).collect();
    let lines: Vec<(i64, i64, &Taken)> = (1_i64..)
        .zip(held)
        .flat_map(|(place, one)| {
            (0_i64..)
                .zip(&one.lines)
                .map(move |(line_number, line)| (place, line_number, line))
        })
        .collect();
    let places: Vec<i64> = lines.iter().map(|(place, _, _)| *place).collect();
    let line_numbers: Vec<i64> = lines.iter().map(|(_, number, _)| *number).collect();
    let variants: Vec<i64> = lines.iter().map(|(_, _, one)| one.number).collect();
    let quantities: Vec<i64> = lines
        .iter()
        .map(|(_, _, one)| i64::from(one.line.quantity.get()))
        .collect();
    let prices: Vec<i64> = lines
        .iter()
        .map(|(_, _, one)| one.line.unit_price.minor)
        .collect();
    let currencies: Vec<&str> = lines
        .iter()
        .map(|(_, _, one)| one.line.unit_price.currency.code())
        .collect();
    let at_ms = at.as_ms();
    let parameters: [&(dyn ToSql + Sync); 10] = [
        &ids,
        &fingerprints,
        &until,
        &at_ms,
        &places,
        &line_numbers,
        &variants,
        &quantities,
        &prices,
        &currencies,
    ];
    let rows = connection.query(INSERT, &parameters).await?;
    rows.iter()
        .map(|row| {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            Ok(OrderId::from_bytes(id))
        })
        .collect()
}

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
    let claimed = insert(connection, claims.values(), at).await?;
    let seen = Offers::read(connection, batch).await?;
    let numbers: Vec<i64> = seen.versions.keys().copied().collect();
    connection.query(stock::LOCK, &[&numbers]).await?;
    // Read again, now that nobody can change it.
    let offers = Offers::read(connection, batch).await?;
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
    connection.prepare(&[INSERT, stock::LOCK, TAKE]).await?;
    if write(connection, &plan, at).await? {
        fault::point("place.reserve_written");
        Ok(answers)
    } else {
        Err(broken("stock changed under its lock").into())
    }
}
