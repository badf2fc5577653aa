//! Writing orders, many in one commit, in two round trips: the orders, which gives them their numbers, and all that
//! belongs to them. The only INSERT into `orders` on PostgreSQL is here.

use super::{bytes, read};
use crate::{
    domain::order::NewOrder,
    store::{PlaceRefusal, Placed, view},
};
use contracts::{
    orders::{OrderPlaced, OrderStatus, OrderView},
    values::{OrderId, UserId, Version},
};
use platform::{
    db::{
        Abort, StoreError,
        postgres::{Bytes, Connection, ToSql},
    },
    outbox::postgres::{Draft, append_all},
};
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
};

/// The lock between placing and giving up: many may place at once, but an id is given up only when nobody is.
/// Its number is ours to choose; it is taken before any row.
pub(super) const MAY_PLACE: &str = "SELECT pg_advisory_xact_lock_shared(7102)";
pub(super) const MAY_GIVE_UP: &str = "SELECT pg_advisory_xact_lock(7102)";

type Answer = Result<Placed, PlaceRefusal>;

pub(super) async fn place_all(
    connection: &Connection,
    batch: &[NewOrder],
) -> Result<Vec<Answer>, Abort<Infallible>> {
    // Twins in one batch: the first is written, the others find it.
    let mut seen = HashSet::new();
    let fresh: Vec<&NewOrder> = batch.iter().filter(|order| seen.insert(order.id)).collect();
    let numbers = insert(connection, &fresh).await?;
    let written: Vec<(i64, &NewOrder)> = fresh
        .iter()
        .filter_map(|order| Some((*numbers.get(&order.id)?, *order)))
        .collect();
    complete(connection, &written).await?;
    let rest: Vec<OrderId> = fresh
        .iter()
        .map(|order| order.id)
        .filter(|id| !numbers.contains_key(id))
        .collect();
    let known = Known::read(connection, &rest).await?;
    let mut firsts = HashMap::new();
    let answers = batch.iter().map(|order| match numbers.get(&order.id) {
        None => known.answer(order.id, order.fingerprint),
        Some(number) => match firsts.get(&order.id) {
            None => {
                firsts.insert(order.id, order);
                Ok(written_now(*number, order, false))
            }
            Some(first) => Ok(twin(*number, first, order)),
        },
    });
    Ok(answers.collect::<Result<_, StoreError>>()?)
}

fn written_now(number: i64, order: &NewOrder, replayed: bool) -> Answer {
    Ok(Placed {
        view: view::first(number, order.clone()),
        replayed,
    })
}

fn twin(number: i64, first: &NewOrder, order: &NewOrder) -> Answer {
    if first.fingerprint == order.fingerprint {
        written_now(number, first, true)
    } else {
        Err(PlaceRefusal::FingerprintDiffers)
    }
}

/// By id, so that two nodes with the same twins wait for each other in one direction only.
const INSERT: &str =
    "INSERT INTO orders (order_id, customer_id, guest_email, fingerprint, status, version, total_minor, currency,
                         payment_due_at_ms, created_at_ms, updated_at_ms)
     SELECT fresh.order_id, customer_id, guest_email, fingerprint, 'pending', 1, total_minor, currency,
            payment_due_at_ms, created_at_ms, created_at_ms
       FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::bigint[], $6::text[], $7::bigint[],
                   $8::bigint[])
            AS fresh (order_id, customer_id, guest_email, fingerprint, total_minor, currency, payment_due_at_ms,
                      created_at_ms)
      WHERE NOT EXISTS (SELECT 1 FROM abandoned_orders abandoned WHERE abandoned.order_id = fresh.order_id)
      ORDER BY fresh.order_id
     ON CONFLICT (order_id) DO NOTHING
     RETURNING order_id, order_number";

/// Writes what is not there and was not given up: the numbers it got.
async fn insert(
    connection: &Connection,
    orders: &[&NewOrder],
) -> Result<HashMap<OrderId, i64>, StoreError> {
    let ids: Vec<Bytes<16>> = orders
        .iter()
        .map(|order| Bytes(*order.id.as_bytes()))
        .collect();
    let user = |id: &UserId| Bytes(*id.as_bytes());
    let customers: Vec<Option<Bytes<16>>> = orders
        .iter()
        .map(|order| order.customer_id.as_ref().map(user))
        .collect();
    let emails: Vec<Option<&str>> = orders
        .iter()
        .map(|order| {
            order
                .guest_email
                .as_ref()
                .map(contracts::values::Email::as_str)
        })
        .collect();
    let fingerprints: Vec<Bytes<32>> = orders
        .iter()
        .map(|order| Bytes(order.fingerprint))
        .collect();
    let totals: Vec<i64> = orders.iter().map(|order| order.total.minor).collect();
    let currencies: Vec<&str> = orders
        .iter()
        .map(|order| order.total.currency.code())
        .collect();
    let due: Vec<i64> = orders
        .iter()
        .map(|order| order.payment_due_at.as_ms())
        .collect();
    let created: Vec<i64> = orders
        .iter()
        .map(|order| order.created_at.as_ms())
        .collect();
    let parameters: [&(dyn ToSql + Sync); 8] = [
        &ids,
        &customers,
        &emails,
        &fingerprints,
        &totals,
        &currencies,
        &due,
        &created,
    ];
    // Both go out at once, the lock first: the INSERT looks at what is given up when it has the lock.
    let (locked, rows) = tokio::join!(
        connection.execute_batch(MAY_PLACE),
        connection.query(INSERT, &parameters)
    );
    locked?;
    rows?
        .iter()
        .map(|row| {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            Ok((OrderId::from_bytes(id), row.try_get(1)?))
        })
        .collect()
}

/// Writes lines, first entries and events of orders that were written.
async fn complete(connection: &Connection, written: &[(i64, &NewOrder)]) -> Result<(), StoreError> {
    if written.is_empty() {
        return Ok(());
    }
    let drafts = written.iter().map(|(number, order)| {
        let event = OrderPlaced {
            order_id: order.id,
            number: *number,
            total: order.total,
        };
        Draft::of(&event, order.created_at)
    });
    let drafts = drafts.collect::<Result<Vec<_>, _>>()?;
    tokio::try_join!(
        insert_lines(connection, written),
        insert_entries(connection, written),
        append_all(connection, &drafts)
    )?;
    Ok(())
}

const INSERT_LINES: &str =
    "INSERT INTO order_lines (order_number, line_number, product_id, variant_id, seller_id, sku, name, quantity,
                              unit_price_minor)
     SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
                          $8::bigint[], $9::bigint[])";

async fn insert_lines(
    connection: &Connection,
    written: &[(i64, &NewOrder)],
) -> Result<(), StoreError> {
    let lines = || {
        written.iter().flat_map(|(number, order)| {
            (1_i64..)
                .zip(&order.lines)
                .map(|(place, line)| (*number, place, line))
        })
    };
    let numbers: Vec<i64> = lines().map(|(number, _, _)| number).collect();
    let places: Vec<i64> = lines().map(|(_, place, _)| place).collect();
    let products: Vec<Bytes<16>> = lines()
        .map(|(_, _, line)| Bytes(*line.product_id.as_bytes()))
        .collect();
    let variants: Vec<Bytes<16>> = lines()
        .map(|(_, _, line)| Bytes(*line.variant_id.as_bytes()))
        .collect();
    let sellers: Vec<Bytes<16>> = lines()
        .map(|(_, _, line)| Bytes(*line.seller_id.as_bytes()))
        .collect();
    let skus: Vec<&str> = lines().map(|(_, _, line)| line.sku.as_str()).collect();
    let names: Vec<&str> = lines().map(|(_, _, line)| line.name.as_str()).collect();
    let quantities: Vec<i64> = lines()
        .map(|(_, _, line)| i64::from(line.quantity.get()))
        .collect();
    let prices: Vec<i64> = lines().map(|(_, _, line)| line.unit_price.minor).collect();
    let parameters: [&(dyn ToSql + Sync); 9] = [
        &numbers,
        &places,
        &products,
        &variants,
        &sellers,
        &skus,
        &names,
        &quantities,
        &prices,
    ];
    connection
        .execute(INSERT_LINES, &parameters)
        .await
        .map(drop)
}

const INSERT_ENTRIES: &str =
    "INSERT INTO order_events (order_number, sequence, kind, status, version, actor, at_ms)
     SELECT order_number, 1, 'placed', 'pending', 1, actor, at_ms
       FROM UNNEST($1::bigint[], $2::text[], $3::bigint[]) AS placed (order_number, actor, at_ms)";

async fn insert_entries(
    connection: &Connection,
    written: &[(i64, &NewOrder)],
) -> Result<(), StoreError> {
    let numbers: Vec<i64> = written.iter().map(|(number, _)| *number).collect();
    let actors: Vec<String> = written
        .iter()
        .map(|(_, order)| {
            order
                .customer_id
                .map_or_else(|| "guest".to_owned(), |id| id.to_string())
        })
        .collect();
    let times: Vec<i64> = written
        .iter()
        .map(|(_, order)| order.created_at.as_ms())
        .collect();
    connection
        .execute(INSERT_ENTRIES, &[&numbers, &actors, &times])
        .await
        .map(drop)
}

/// What became of an id earlier.
pub(super) async fn known(
    connection: &Connection,
    id: OrderId,
    fingerprint: [u8; 32],
) -> Result<Answer, StoreError> {
    let known = Known::read(connection, &[id]).await?;
    Ok(known
        .find(id, fingerprint)
        .unwrap_or(Err(PlaceRefusal::GivenUp)))
}

/// Orders as first answered, with their fingerprints, and ids that were given up.
struct Known {
    orders: HashMap<OrderId, ([u8; 32], OrderView)>,
    given_up: HashSet<OrderId>,
}

impl Known {
    async fn read(connection: &Connection, ids: &[OrderId]) -> Result<Self, StoreError> {
        let mut known = Self {
            orders: HashMap::new(),
            given_up: HashSet::new(),
        };
        if ids.is_empty() {
            return Ok(known);
        }
        let ids = bytes(ids);
        let sql = format!(
            "SELECT {}, fingerprint FROM orders WHERE order_id = ANY($1)",
            read::COLUMNS
        );
        let rows = connection.query(&sql, &[&ids]).await?;
        let orders = rows
            .iter()
            .map(read::order_of)
            .collect::<Result<Vec<_>, _>>()?;
        let mut lines = read::lines_of(connection, &orders).await?;
        for (row, order) in rows.iter().zip(orders) {
            let Bytes(fingerprint): Bytes<32> = row.try_get(12)?;
            let items = lines.remove(&order.number).unwrap_or_default();
            let mut view = view::of(order, items);
            // As it was answered then, whatever happened since.
            view.version = Version::FIRST;
            view.status = OrderStatus::Pending;
            view.tracking = None;
            view.updated_at = view.created_at;
            known.orders.insert(view.id, (fingerprint, view));
        }
        let sql = "SELECT order_id FROM abandoned_orders WHERE order_id = ANY($1)";
        for row in connection.query(sql, &[&ids]).await? {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            known.given_up.insert(OrderId::from_bytes(id));
        }
        Ok(known)
    }

    fn find(&self, id: OrderId, fingerprint: [u8; 32]) -> Option<Answer> {
        match self.orders.get(&id) {
            Some((before, view)) if *before == fingerprint => Some(Ok(Placed {
                view: view.clone(),
                replayed: true,
            })),
            Some(_) => Some(Err(PlaceRefusal::FingerprintDiffers)),
            None => self
                .given_up
                .contains(&id)
                .then_some(Err(PlaceRefusal::GivenUp)),
        }
    }

    /// Of an id that could not be written something must be there.
    fn answer(&self, id: OrderId, fingerprint: [u8; 32]) -> Result<Answer, StoreError> {
        let gone = || StoreError::Lost(format!("order {id} was neither written nor found"));
        self.find(id, fingerprint).ok_or_else(gone)
    }
}
