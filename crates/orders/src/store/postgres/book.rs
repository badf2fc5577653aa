//! Addresses that customers keep, in PostgreSQL. Whoever keeps one waits for whoever keeps another of the same
//! customer, so that there are never too many, and for whoever erases the customer, so that none is left.

use super::PostgresStore;
use crate::store::{
    book::{BookStore, Keeping},
    view,
};
use async_trait::async_trait;
use contracts::{
    orders::{BookError, KEPT_ADDRESSES_MAX, KeptAddress},
    values::{KeptAddressId, Timestamp, UserId},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};

#[async_trait]
impl BookStore for PostgresStore {
    async fn keep_address(&self, wish: Keeping) -> Result<KeptAddress, Abort<BookError>> {
        self.database
            .write(wish, |c, wish| Box::pin(keep(c, wish)))
            .await
    }

    async fn kept_addresses(&self, customer: UserId) -> Result<Vec<KeptAddress>, StoreError> {
        all(&self.database.read().await?, customer).await
    }

    async fn forget_address(
        &self,
        customer: UserId,
        id: KeptAddressId,
    ) -> Result<(), Abort<BookError>> {
        self.database
            .write((customer, id), |c, (customer, id)| {
                Box::pin(forget_one(c, *customer, *id))
            })
            .await
    }
}

async fn keep(connection: &Connection, wish: &Keeping) -> Result<KeptAddress, Abort<BookError>> {
    let customer = Bytes(*wish.customer.as_bytes());
    take_turns(connection, &customer).await?;
    let erased = "SELECT 1 FROM erased_customers WHERE customer_id = $1";
    if !connection.query(erased, &[&customer]).await?.is_empty() {
        return Err(Abort::Refused(BookError::Erased));
    }
    let kept = all(connection, wish.customer).await?;
    if let Some(same) = kept.iter().find(|one| one.address == wish.address) {
        return Ok(same.clone());
    }
    let most = usize::try_from(KEPT_ADDRESSES_MAX).unwrap_or(usize::MAX);
    if kept.len() >= most {
        return Err(Abort::Refused(BookError::TooMany));
    }
    let document = view::document(Some(&wish.address))?.unwrap_or_default();
    let sql = "INSERT INTO kept_addresses (address_id, customer_id, address, created_at_ms)
               VALUES ($1, $2, $3, $4)";
    let values: [&(dyn ToSql + Sync); 4] = [
        &Bytes(*wish.id.as_bytes()),
        &customer,
        &document,
        &wish.at.as_ms(),
    ];
    connection.execute(sql, &values).await?;
    Ok(KeptAddress {
        id: wish.id,
        address: wish.address.clone(),
        created_at: wish.at,
    })
}

/// One at a time of a customer's, to the end of the commit. The statements that follow see what whoever had the turn
/// before has written.
async fn take_turns(connection: &Connection, customer: &Bytes<16>) -> Result<(), StoreError> {
    let lock = "SELECT pg_advisory_xact_lock(7105, hashtext($1::uuid::text))";
    connection.query(lock, &[customer]).await?;
    Ok(())
}

async fn all(connection: &Connection, customer: UserId) -> Result<Vec<KeptAddress>, StoreError> {
    let sql = "SELECT address_id, address, created_at_ms
                 FROM kept_addresses
                WHERE customer_id = $1
                ORDER BY address_number DESC";
    let rows = connection
        .query(sql, &[&Bytes(*customer.as_bytes())])
        .await?;
    let kept = |row: &Row| {
        let Bytes(id): Bytes<16> = row.try_get(0)?;
        Ok(KeptAddress {
            id: KeptAddressId::from_bytes(id),
            address: view::address(row.try_get(1)?)?,
            created_at: Timestamp::from_ms(row.try_get(2)?),
        })
    };
    rows.iter().map(kept).collect()
}

async fn forget_one(
    connection: &Connection,
    customer: UserId,
    id: KeptAddressId,
) -> Result<(), Abort<BookError>> {
    let sql = "DELETE FROM kept_addresses WHERE customer_id = $1 AND address_id = $2";
    let (customer, id) = (Bytes(*customer.as_bytes()), Bytes(*id.as_bytes()));
    if connection.execute(sql, &[&customer, &id]).await? == 0 {
        return Err(Abort::Refused(BookError::NotFound));
    }
    Ok(())
}

/// Forgets all of a customer's, for good: the mark outlives whatever token may still be about. An erasure that is told
/// of twice is due once.
pub(super) async fn forget(
    connection: &Connection,
    customer: UserId,
    again_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let customer = Bytes(*customer.as_bytes());
    take_turns(connection, &customer).await?;
    let sql = "INSERT INTO erased_customers (customer_id, again_at_ms) VALUES ($1, $2)
               ON CONFLICT (customer_id) DO UPDATE SET again_at_ms = NULL WHERE excluded.again_at_ms IS NULL";
    let again_at = again_at.map(Timestamp::as_ms);
    connection.execute(sql, &[&customer, &again_at]).await?;
    let sql = "DELETE FROM kept_addresses WHERE customer_id = $1";
    connection.execute(sql, &[&customer]).await?;
    Ok(())
}

/// Customers who are due to be erased once more.
pub(super) async fn half_erased(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT customer_id FROM erased_customers WHERE again_at_ms <= $1 ORDER BY again_at_ms LIMIT $2";
    let rows = connection
        .query(sql, &[&now.as_ms(), &i64::from(limit)])
        .await?;
    rows.iter()
        .map(|row| {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            Ok(UserId::from_bytes(id))
        })
        .collect()
}
