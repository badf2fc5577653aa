//! Tax rates in PostgreSQL. Who changes one waits for whoever changes another, so that a place has one a class.

use super::{PostgresStore, storage_of};
use crate::{
    domain::rate,
    store::taxes::{RATES_MAX, TaxStore},
};
use async_trait::async_trait;
use contracts::{
    orders::{NewTaxRate, TaxError, TaxRateView},
    request::{Answered, Precondition},
    values::{Country, TaxRateId, Timestamp, Version},
};
use platform::db::{
    Abort, StoreError,
    keys::Making,
    postgres::{Bytes, Connection, Row, ToSql, keys, parsed},
};

#[async_trait]
impl TaxStore for PostgresStore {
    async fn make_tax_rate(
        &self,
        making: Making<TaxRateId>,
        wish: NewTaxRate,
    ) -> Result<Answered<TaxRateView>, Abort<TaxError>> {
        self.database
            .write((wish, making), |c, (wish, making)| {
                let once = (making.request.as_ref(), making.at);
                let made = make(c, (making.id, wish), making.at);
                Box::pin(keys::once(c, once, || TaxError::KeyReused, made))
            })
            .await
    }

    async fn replace_tax_rate(
        &self,
        id: TaxRateId,
        sent: Precondition,
        wish: NewTaxRate,
        now: Timestamp,
    ) -> Result<TaxRateView, Abort<TaxError>> {
        self.database
            .write((wish, id, sent), move |c, (wish, id, sent)| {
                Box::pin(replace(c, *id, (*sent, wish), now))
            })
            .await
    }

    async fn delete_tax_rate(
        &self,
        id: TaxRateId,
        sent: Precondition,
    ) -> Result<(), Abort<TaxError>> {
        self.database
            .write((id, sent), move |c, (id, sent)| {
                Box::pin(delete(c, *id, *sent))
            })
            .await
    }

    async fn tax_rates(&self) -> Result<Vec<TaxRateView>, StoreError> {
        all(&self.database.read().await?).await
    }
}

/// All rates, while nobody else changes any.
async fn locked(connection: &Connection) -> Result<Vec<TaxRateView>, StoreError> {
    connection
        .execute_batch("LOCK TABLE tax_rates IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    all(connection).await
}

async fn make(
    connection: &Connection,
    (id, wish): (TaxRateId, &NewTaxRate),
    now: Timestamp,
) -> Result<TaxRateView, Abort<TaxError>> {
    let others = locked(connection).await?;
    if others.len() >= RATES_MAX {
        return Err(Abort::Refused(TaxError::TooMany));
    }
    let made = rate::made(id, wish.clone(), &others, now).map_err(Abort::Refused)?;
    put(connection, &made).await?;
    Ok(made)
}

async fn replace(
    connection: &Connection,
    id: TaxRateId,
    (sent, wish): (Precondition, &NewTaxRate),
    now: Timestamp,
) -> Result<TaxRateView, Abort<TaxError>> {
    let others = locked(connection).await?;
    let before = others.iter().find(|one| one.id == id);
    let before = before.ok_or(Abort::Refused(TaxError::NotFound))?;
    let after = rate::replaced(before, (sent, wish.clone()), &others, now);
    let after = after.map_err(Abort::Refused)?;
    put(connection, &after).await?;
    Ok(after)
}

async fn delete(
    connection: &Connection,
    id: TaxRateId,
    sent: Precondition,
) -> Result<(), Abort<TaxError>> {
    let before = locked(connection).await?;
    let before = before.iter().find(|one| one.id == id);
    let before = before.ok_or(Abort::Refused(TaxError::NotFound))?;
    rate::current(before, sent).map_err(Abort::Refused)?;
    let sql = "DELETE FROM tax_rates WHERE rate_id = $1";
    connection.execute(sql, &[&Bytes(*id.as_bytes())]).await?;
    Ok(())
}

async fn all(connection: &Connection) -> Result<Vec<TaxRateView>, StoreError> {
    let sql = "SELECT rate_id, name, country, region, class, millionths, version, created_at_ms, updated_at_ms
                 FROM tax_rates
                ORDER BY country COLLATE \"C\", region_key COLLATE \"C\", class COLLATE \"C\"";
    let rows = connection.query(sql, &[]).await?;
    rows.iter().map(rate_of).collect()
}

fn rate_of(row: &Row) -> Result<TaxRateView, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(0)?;
    Ok(TaxRateView {
        id: TaxRateId::from_bytes(id),
        name: row.try_get(1)?,
        country: Country::parse(row.try_get(2)?).map_err(storage_of)?,
        region: row.try_get(3)?,
        class: parsed(row, 4)?,
        millionths: u32::try_from(row.try_get::<_, i64>(5)?).map_err(storage_of)?,
        version: Version::try_from(row.try_get::<_, i64>(6)?).map_err(storage_of)?,
        created_at: Timestamp::from_ms(row.try_get(7)?),
        updated_at: Timestamp::from_ms(row.try_get(8)?),
    })
}

async fn put(connection: &Connection, rate: &TaxRateView) -> Result<(), StoreError> {
    let sql = "INSERT INTO tax_rates (rate_id, name, country, region, region_key, class, millionths, version,
                                      created_at_ms, updated_at_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
               ON CONFLICT (rate_id) DO UPDATE
                  SET name = $2, country = $3, region = $4, region_key = $5, class = $6, millionths = $7, version = $8,
                      updated_at_ms = $10";
    let (id, country) = (Bytes(*rate.id.as_bytes()), rate.country.code());
    let key = rate::region_key(rate.region.as_deref());
    let (class, millionths) = (rate.class.as_str(), i64::from(rate.millionths));
    let version = rate.version.get();
    let (created_at, updated_at) = (rate.created_at.as_ms(), rate.updated_at.as_ms());
    let parameters: [&(dyn ToSql + Sync); 10] = [
        &id,
        &rate.name,
        &country,
        &rate.region,
        &key,
        &class,
        &millionths,
        &version,
        &created_at,
        &updated_at,
    ];
    connection.execute(sql, &parameters).await.map(drop)
}
