//! Orders that more is written with: a cart is theirs from the same commit on, and what a discount has room for is
//! counted in it. They are written in a transaction of their own, apart from plain ones, which stay one statement; the
//! insert is the same function.

use super::{
    addresses, bytes,
    discounts::{self, Room},
    place::{self, Fresh, Known},
};
use crate::{domain::order::NewOrder, store::PlaceRefusal};
use contracts::values::{CartId, OrderId};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, parsed},
};
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::Arc,
};

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    pub(super) numbers: HashMap<OrderId, i64>,
    /// Given up in the same commit, and why.
    pub(super) refused: HashMap<OrderId, PlaceRefusal>,
}

/// First the right to place, as the function that places takes it; then carts, discounts and customers, each in the
/// order of their ids.
pub(super) async fn place(
    connection: &Connection,
    batch: &[NewOrder],
) -> Result<Claimed, Abort<Infallible>> {
    connection
        .execute_batch("SELECT pg_advisory_xact_lock_shared(7102)")
        .await?;
    let mut open = open_carts(connection, batch).await?;
    let mut room = Room::lock(connection, batch).await?;
    // Twins of other nodes want the same cart and the same limits: what they wrote is seen now that those are locked.
    let ids: Vec<OrderId> = batch.iter().map(|order| order.id).collect();
    let known = Known::read(connection, &ids).await?;
    let mut claimed = Claimed::default();
    let mut orders: Vec<NewOrder> = Vec::new();
    let mut seen = HashSet::new();
    for order in batch {
        if known.has(order.id) || !seen.insert(order.id) {
            continue;
        }
        let cart_is_there = order
            .cart
            .is_none_or(|(cart, version)| open.get(&cart) == Some(&version.get()));
        let refusal = if !cart_is_there {
            PlaceRefusal::CartChanged
        } else if room.take(order) {
            if let Some((cart, _)) = order.cart {
                open.remove(&cart);
            }
            orders.push(order.clone());
            continue;
        } else {
            PlaceRefusal::DiscountSpent
        };
        claimed.refused.insert(order.id, refusal);
    }
    refuse(connection, &claimed, batch).await?;
    if orders.is_empty() {
        return Ok(claimed);
    }
    claim(connection, &orders).await?;
    let orders = Arc::new(orders);
    let fresh = Fresh::of(Arc::clone(&orders))?;
    claimed.numbers = place::write(connection, &fresh).await?;
    // Of another node's twin without a cart nothing is written here, and nothing counted.
    let written =
        |order: &NewOrder| order.cart.is_none() || claimed.numbers.contains_key(&order.id);
    if !orders.iter().all(written) {
        return Err(
            StoreError::Lost("an order of a locked cart was not written".to_owned()).into(),
        );
    }
    discounts::write_parts(connection, &orders, &claimed.numbers).await?;
    addresses::keep(connection, &orders, &claimed.numbers).await?;
    Ok(claimed)
}

/// The versions of those carts that are open, locked.
async fn open_carts(
    connection: &Connection,
    batch: &[NewOrder],
) -> Result<HashMap<CartId, i64>, StoreError> {
    let ids: Vec<Bytes<16>> = batch
        .iter()
        .filter_map(|order| Some(Bytes(*order.cart?.0.as_bytes())))
        .collect();
    let sql = "SELECT cart_id, version, status FROM carts WHERE cart_id = ANY($1) ORDER BY cart_id FOR UPDATE";
    let mut open = HashMap::new();
    for row in connection.query(sql, &[&ids]).await? {
        let Bytes(id): Bytes<16> = row.try_get(0)?;
        let status: contracts::orders::CartStatus = parsed(&row, 2)?;
        if status == contracts::orders::CartStatus::Open {
            open.insert(CartId::from_bytes(id), row.try_get(1)?);
        }
    }
    Ok(open)
}

/// A refused id is never written later: its stock may be given back at once.
async fn refuse(
    connection: &Connection,
    claimed: &Claimed,
    batch: &[NewOrder],
) -> Result<(), StoreError> {
    let Some(at) = batch.first().map(|order| order.created_at.as_ms()) else {
        return Ok(());
    };
    let mut refused: Vec<OrderId> = claimed.refused.keys().copied().collect();
    if refused.is_empty() {
        return Ok(());
    }
    refused.sort_unstable();
    let sql = "INSERT INTO abandoned_orders (order_id, at_ms)
               SELECT order_id, $2 FROM UNNEST($1::uuid[]) AS refused (order_id)
               ON CONFLICT DO NOTHING";
    connection
        .execute(sql, &[&bytes(&refused), &at])
        .await
        .map(drop)
}

/// Their orders keep the addresses from now on.
async fn claim(connection: &Connection, orders: &[NewOrder]) -> Result<(), StoreError> {
    let carts: Vec<Bytes<16>> = orders
        .iter()
        .filter_map(|order| Some(Bytes(*order.cart?.0.as_bytes())))
        .collect();
    let buys = || orders.iter().filter(|order| order.cart.is_some());
    let ids: Vec<OrderId> = buys().map(|order| order.id).collect();
    let times: Vec<i64> = buys().map(|order| order.created_at.as_ms()).collect();
    let sql = "UPDATE carts
                  SET status = 'ordered', order_id = claim.order_id, version = carts.version + 1,
                      updated_at_ms = claim.at_ms, shipping_address = NULL
                 FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[]) AS claim (cart_id, order_id, at_ms)
                WHERE carts.cart_id = claim.cart_id";
    connection
        .execute(sql, &[&carts, &bytes(&ids), &times])
        .await
        .map(drop)
}
