//! Addresses that customers keep, in SQLite.

use super::SqliteStore;
use crate::store::{
    book::{BookStore, Keeping},
    view,
};
use async_trait::async_trait;
use contracts::{
    orders::{BookError, KEPT_ADDRESSES_MAX, KeptAddress},
    values::{KeptAddressId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, params};

#[async_trait]
impl BookStore for SqliteStore {
    async fn keep_address(&self, wish: Keeping) -> Result<KeptAddress, Abort<BookError>> {
        self.database.write(move |c| keep(c, &wish)).await
    }

    async fn kept_addresses(&self, customer: UserId) -> Result<Vec<KeptAddress>, StoreError> {
        self.database.read(move |c| all(c, customer)).await
    }

    async fn forget_address(
        &self,
        customer: UserId,
        id: KeptAddressId,
    ) -> Result<(), Abort<BookError>> {
        let write = self.database.write(move |c| {
            let gone = c
                .prepare_cached(
                    "DELETE FROM kept_addresses WHERE customer_id = ?1 AND address_id = ?2",
                )?
                .execute(params![customer.as_bytes(), id.as_bytes()])?;
            if gone == 0 {
                return Err(Abort::Refused(BookError::NotFound));
            }
            Ok(())
        });
        write.await
    }
}

fn keep(connection: &Connection, wish: &Keeping) -> Result<KeptAddress, Abort<BookError>> {
    if is_erased(connection, wish.customer)? {
        return Err(Abort::Refused(BookError::Erased));
    }
    let kept = all(connection, wish.customer)?;
    if let Some(same) = kept.iter().find(|one| one.address == wish.address) {
        return Ok(same.clone());
    }
    let most = usize::try_from(KEPT_ADDRESSES_MAX).unwrap_or(usize::MAX);
    if kept.len() >= most {
        return Err(Abort::Refused(BookError::TooMany));
    }
    let document = view::document(Some(&wish.address))?.unwrap_or_default();
    connection
        .prepare_cached(
            "INSERT INTO kept_addresses (address_id, customer_id, address, created_at_ms)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            wish.id.as_bytes(),
            wish.customer.as_bytes(),
            document,
            wish.at.as_ms()
        ])?;
    Ok(KeptAddress {
        id: wish.id,
        address: wish.address.clone(),
        created_at: wish.at,
    })
}

fn all(connection: &Connection, customer: UserId) -> Result<Vec<KeptAddress>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT address_id, address, created_at_ms
           FROM kept_addresses
          WHERE customer_id = ?1
          ORDER BY address_number DESC",
    )?;
    let mut rows = statement.query([customer.as_bytes()])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(KeptAddress {
            id: KeptAddressId::from_bytes(row.get(0)?),
            address: view::address(&row.get::<_, String>(1)?)?,
            created_at: Timestamp::from_ms(row.get(2)?),
        });
    }
    Ok(all)
}

fn is_erased(connection: &Connection, customer: UserId) -> Result<bool, StoreError> {
    let erased = connection
        .prepare_cached("SELECT 1 FROM erased_customers WHERE customer_id = ?1")?
        .exists([customer.as_bytes()])?;
    Ok(erased)
}

/// Forgets all of a customer's, for good: the mark outlives whatever token may still be about. An erasure that is told
/// of twice is due once.
pub(super) fn forget(
    connection: &Connection,
    customer: UserId,
    again_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO erased_customers (customer_id, again_at_ms) VALUES (?1, ?2)
             ON CONFLICT (customer_id) DO UPDATE SET again_at_ms = NULL WHERE excluded.again_at_ms IS NULL",
        )?
        .execute(params![customer.as_bytes(), again_at.map(Timestamp::as_ms)])?;
    connection
        .prepare_cached("DELETE FROM kept_addresses WHERE customer_id = ?1")?
        .execute([customer.as_bytes()])?;
    Ok(())
}

/// Customers who are due to be erased once more.
pub(super) fn half_erased(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<UserId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT customer_id FROM erased_customers WHERE again_at_ms <= ?1 ORDER BY again_at_ms LIMIT ?2",
    )?;
    let due = statement.query_map(params![now.as_ms(), limit], |row| {
        Ok(UserId::from_bytes(row.get(0)?))
    })?;
    Ok(due.collect::<Result<_, _>>()?)
}
