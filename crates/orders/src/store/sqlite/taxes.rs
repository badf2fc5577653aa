//! Tax rates in SQLite.

use super::{
    SqliteStore,
    read::{broken, parsed},
};
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
    keys::{self, Making},
};
use rusqlite::{Connection, Row, params};

#[async_trait]
impl TaxStore for SqliteStore {
    async fn make_tax_rate(
        &self,
        making: Making<TaxRateId>,
        wish: NewTaxRate,
    ) -> Result<Answered<TaxRateView>, Abort<TaxError>> {
        let write = self.database.write(move |c| {
            let once = (making.request.as_ref(), making.at);
            keys::once(
                c,
                once,
                || TaxError::KeyReused,
                || {
                    let others = all(c)?;
                    if others.len() >= RATES_MAX {
                        return Err(Abort::Refused(TaxError::TooMany));
                    }
                    let made =
                        rate::made(making.id, wish, &others, making.at).map_err(Abort::Refused)?;
                    put(c, &made)?;
                    Ok(made)
                },
            )
        });
        write.await
    }

    async fn replace_tax_rate(
        &self,
        id: TaxRateId,
        sent: Precondition,
        wish: NewTaxRate,
        now: Timestamp,
    ) -> Result<TaxRateView, Abort<TaxError>> {
        let write = self.database.write(move |c| {
            let others = all(c)?;
            let before = others.iter().find(|one| one.id == id);
            let before = before.ok_or(Abort::Refused(TaxError::NotFound))?;
            let after = rate::replaced(before, (sent, wish), &others, now);
            let after = after.map_err(Abort::Refused)?;
            put(c, &after)?;
            Ok(after)
        });
        write.await
    }

    async fn delete_tax_rate(
        &self,
        id: TaxRateId,
        sent: Precondition,
    ) -> Result<(), Abort<TaxError>> {
        let write = self.database.write(move |c| {
            let before = all(c)?.into_iter().find(|one| one.id == id);
            let before = before.ok_or(Abort::Refused(TaxError::NotFound))?;
            rate::current(&before, sent).map_err(Abort::Refused)?;
            c.prepare_cached("DELETE FROM tax_rates WHERE rate_id = ?1")?
                .execute([id.as_bytes()])?;
            Ok(())
        });
        write.await
    }

    async fn tax_rates(&self) -> Result<Vec<TaxRateView>, StoreError> {
        self.database.read(all).await
    }
}

fn all(connection: &Connection) -> Result<Vec<TaxRateView>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT rate_id, name, country, region, class, millionths, version, created_at_ms, updated_at_ms
               FROM tax_rates
              ORDER BY country, region_key, class",
        )?
        .query_map([], read_rate)?
        .collect::<Result<_, _>>()?)
}

fn read_rate(row: &Row<'_>) -> Result<TaxRateView, rusqlite::Error> {
    let country: String = row.get(2)?;
    Ok(TaxRateView {
        id: TaxRateId::from_bytes(row.get(0)?),
        name: row.get(1)?,
        country: Country::parse(&country).map_err(|error| broken(2, error))?,
        region: row.get(3)?,
        class: parsed(row, 4)?,
        millionths: row.get(5)?,
        version: Version::try_from(row.get::<_, i64>(6)?).map_err(|error| broken(6, error))?,
        created_at: Timestamp::from_ms(row.get(7)?),
        updated_at: Timestamp::from_ms(row.get(8)?),
    })
}

fn put(connection: &Connection, rate: &TaxRateView) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO tax_rates (rate_id, name, country, region, region_key, class, millionths, version,
                                    created_at_ms, updated_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (rate_id) DO UPDATE
                SET name = ?2, country = ?3, region = ?4, region_key = ?5, class = ?6, millionths = ?7, version = ?8,
                    updated_at_ms = ?10",
        )?
        .execute(params![
            rate.id.as_bytes(),
            rate.name,
            rate.country.code(),
            rate.region,
            rate::region_key(rate.region.as_deref()),
            rate.class.as_str(),
            rate.millionths,
            rate.version.get(),
            rate.created_at.as_ms(),
            rate.updated_at.as_ms(),
        ])?;
    Ok(())
}
