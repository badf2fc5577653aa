//! Writing orders, many in one statement, which calls the function of `migrations/postgres/0020_request_ids.sql`. The
//! only INSERT into `orders` on PostgreSQL is there (and in its predecessor), and it is called from here only.

use super::{bytes, read};
use crate::{
    domain::order::NewOrder,
    store::{PlaceRefusal, Placed, view},
};
use contracts::{
    orders::{OrderPlaced, OrderStatus, OrderView},
    values::{Email, OrderId, Version},
};
use platform::{
    db::{
        StoreError,
        postgres::{Bytes, Connection, Database, ToSql},
    },
    outbox::postgres::{Columns, Draft},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The lock between placing and giving up: many may place at once, but an id is given up only when nobody is.
/// Its number is ours to choose, and the one in the function that places; it is taken before any row.
pub(super) const MAY_GIVE_UP: &str = "SELECT pg_advisory_xact_lock(7102)";

/// Stands in an event where the function puts the order's number.
const NUMBER_TO_COME: i64 = 0;

type Answer = Result<Placed, PlaceRefusal>;

/// A batch and its events, which are in the order of [`sorted`].
#[derive(Debug)]
pub(super) struct Fresh {
    batch: Arc<Vec<NewOrder>>,
    events: Vec<Draft>,
}

impl Fresh {
    pub(super) fn of(batch: Arc<Vec<NewOrder>>) -> Result<Self, StoreError> {
        let events = sorted(&batch).into_iter().map(|order| {
            let event = OrderPlaced {
                order_id: order.id,
                number: NUMBER_TO_COME,
                total: order.total,
            };
            Draft::in_trace(&event, order.created_at, order.trace)
        });
        let events = events.collect::<Result<_, _>>()?;
        Ok(Self { batch, events })
    }
}

/// By id. Of twins in one batch the first is written, the others find it.
fn sorted(batch: &[NewOrder]) -> Vec<&NewOrder> {
    let mut seen = HashSet::new();
    let mut orders: Vec<&NewOrder> = batch.iter().filter(|order| seen.insert(order.id)).collect();
    orders.sort_unstable_by_key(|order| order.id);
    orders
}

/// What each of a batch hears, once it is written: those without a number were there already, or given up.
pub(super) async fn answers(
    database: &Database,
    batch: &[NewOrder],
    numbers: &HashMap<OrderId, i64>,
) -> Result<Vec<Answer>, StoreError> {
    let rest: Vec<OrderId> = batch
        .iter()
        .map(|order| order.id)
        .filter(|id| !numbers.contains_key(id))
        .collect();
    let known = if rest.is_empty() {
        Known::default()
    } else {
        Known::read(&database.read().await?, &rest).await?
    };
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
    answers.collect()
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

const PLACE: &str = "SELECT place_orders_2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
                     $18, $19, $20, $21, $22, $23)";

/// Writes what is not there and was not given up, with all that belongs to it: the numbers it got. Made again it
/// writes nothing more.
pub(super) async fn write(
    connection: &Connection,
    fresh: &Fresh,
) -> Result<HashMap<OrderId, i64>, StoreError> {
    let orders = sorted(&fresh.batch);
    let lines = Lines::of(&orders);
    let ids: Vec<Bytes<16>> = orders
        .iter()
        .map(|order| Bytes(*order.id.as_bytes()))
        .collect();
    let customers: Vec<Option<Bytes<16>>> = orders
        .iter()
        .map(|order| Some(Bytes(*order.customer_id?.as_bytes())))
        .collect();
    let emails: Vec<Option<&str>> = orders
        .iter()
        .map(|order| order.guest_email.as_ref().map(Email::as_str))
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
    let actors: Vec<String> = orders.iter().map(|order| actor(order)).collect();
    let requests: Vec<Option<&str>> = orders
        .iter()
        .map(|order| order.request.as_deref())
        .collect();
    let events = Columns::of(&fresh.events);
    let parameters: [&(dyn ToSql + Sync); 23] = [
        &ids,
        &customers,
        &emails,
        &fingerprints,
        &totals,
        &currencies,
        &due,
        &events.times,
        &actors,
        &requests,
        &lines.places,
        &lines.numbers,
        &lines.products,
        &lines.variants,
        &lines.sellers,
        &lines.skus,
        &lines.names,
        &lines.quantities,
        &lines.prices,
        &events.ids,
        &events.names,
        &events.subjects,
        &events.payloads,
    ];
    let numbers: Vec<Option<i64>> = connection.query_one(PLACE, &parameters).await?.try_get(0)?;
    let numbered = orders.iter().zip(numbers);
    Ok(numbered
        .filter_map(|(order, number)| Some((order.id, number?)))
        .collect())
}

fn actor(order: &NewOrder) -> String {
    order
        .customer_id
        .map_or_else(|| "guest".to_owned(), |id| id.to_string())
}

/// Lines as lists, a column each. Orders and lines are counted from 1.
#[derive(Default)]
struct Lines<'o> {
    places: Vec<i64>,
    numbers: Vec<i64>,
    products: Vec<Bytes<16>>,
    variants: Vec<Bytes<16>>,
    sellers: Vec<Bytes<16>>,
    skus: Vec<&'o str>,
    names: Vec<&'o str>,
    quantities: Vec<i64>,
    prices: Vec<i64>,
}

impl<'o> Lines<'o> {
    fn of(orders: &[&'o NewOrder]) -> Self {
        let mut lines = Self::default();
        for (place, order) in (1_i64..).zip(orders) {
            for (number, line) in (1_i64..).zip(&order.lines) {
                lines.places.push(place);
                lines.numbers.push(number);
                lines.products.push(Bytes(*line.product_id.as_bytes()));
                lines.variants.push(Bytes(*line.variant_id.as_bytes()));
                lines.sellers.push(Bytes(*line.seller_id.as_bytes()));
                lines.skus.push(&line.sku);
                lines.names.push(&line.name);
                lines.quantities.push(i64::from(line.quantity.get()));
                lines.prices.push(line.unit_price.minor);
            }
        }
        lines
    }
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
#[derive(Default)]
pub(super) struct Known {
    orders: HashMap<OrderId, ([u8; 32], OrderView)>,
    given_up: HashSet<OrderId>,
}

impl Known {
    pub(super) async fn read(connection: &Connection, ids: &[OrderId]) -> Result<Self, StoreError> {
        let mut known = Self::default();
        let ids = bytes(ids);
        let sql = format!(
            "SELECT {}, {}, {}, fingerprint FROM orders WHERE order_id = ANY($1)",
            read::COLUMNS,
            read::PARTS,
            read::ADDRESS
        );
        let rows = connection.query(&sql, &[&ids]).await?;
        let found = rows
            .iter()
            .map(read::with_beside)
            .collect::<Result<Vec<_>, _>>()?;
        let (orders, beside): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let mut lines = read::lines_of(connection, &orders).await?;
        for (row, (order, beside)) in rows.iter().zip(orders.into_iter().zip(beside)) {
            let Bytes(fingerprint): Bytes<32> = row.try_get(14)?;
            let items = lines.remove(&order.number).unwrap_or_default();
            let mut view = view::of(order, items, beside);
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

    pub(super) fn has(&self, id: OrderId) -> bool {
        self.orders.contains_key(&id) || self.given_up.contains(&id)
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
