//! Where orders go, in SQLite: a document beside an order that has an address, gone with its customer.

use crate::{domain::order::NewOrder, store::view};
use contracts::values::UserId;
use platform::db::StoreError;
use rusqlite::{Connection, params};

/// Writes where an order goes, in its commit.
pub(super) fn keep(
    connection: &Connection,
    number: i64,
    order: &NewOrder,
) -> Result<(), StoreError> {
    let Some(address) = view::document(order.address.as_ref())? else {
        return Ok(());
    };
    connection
        .prepare_cached("INSERT INTO order_addresses (order_number, address) VALUES (?1, ?2)")?
        .execute(params![number, address])?;
    Ok(())
}

/// Erases where this customer's orders went.
pub(super) fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM order_addresses
              WHERE order_number IN (SELECT order_number FROM orders WHERE customer_id = ?1)",
        )?
        .execute([customer.as_bytes()])?;
    Ok(())
}
