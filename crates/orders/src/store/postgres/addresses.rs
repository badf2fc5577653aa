//! Where orders go, in PostgreSQL: a document beside an order that has an address, gone with its customer.

use crate::{domain::order::NewOrder, store::view};
use contracts::values::OrderId;
use platform::db::{StoreError, postgres::Connection};
use std::collections::HashMap;

/// Writes where those of the orders go that were written just now.
pub(super) async fn keep(
    connection: &Connection,
    orders: &[NewOrder],
    numbers: &HashMap<OrderId, i64>,
) -> Result<(), StoreError> {
    let (mut owners, mut addresses) = (Vec::new(), Vec::new());
    for order in orders {
        let address = view::document(order.address.as_ref())?;
        if let (Some(number), Some(address)) = (numbers.get(&order.id), address) {
            owners.push(*number);
            addresses.push(address);
        }
    }
    if owners.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO order_addresses (order_number, address) SELECT * FROM UNNEST($1::bigint[], $2::text[])";
    connection
        .execute(sql, &[&owners, &addresses])
        .await
        .map(drop)
}

/// Erases where these orders went.
pub(super) async fn forget(connection: &Connection, numbers: &[i64]) -> Result<(), StoreError> {
    let sql = "DELETE FROM order_addresses WHERE order_number = ANY($1)";
    connection.execute(sql, &[&numbers]).await.map(drop)
}
