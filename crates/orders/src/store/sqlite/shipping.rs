//! Ways of shipping in SQLite.

use super::{
    SqliteStore,
    read::{broken, currency},
};
use crate::{
    domain::shipping,
    store::shipping::{METHODS_MAX, Rules, ShippingStore},
};
use async_trait::async_trait;
use contracts::{
    orders::{NewShippingMethod, ShippingError, ShippingMethodView},
    request::{Answered, Precondition},
    values::{Money, ShippingMethodId, Timestamp, Version},
};
use platform::db::{
    Abort, StoreError,
    keys::{self, Making},
};
use rusqlite::{Connection, Row, params};

#[async_trait]
impl ShippingStore for SqliteStore {
    async fn make_shipping_method(
        &self,
        making: Making<ShippingMethodId>,
        wish: NewShippingMethod,
    ) -> Result<Answered<ShippingMethodView>, Abort<ShippingError>> {
        let write = self.database.write(move |c| {
            let once = (making.request.as_ref(), making.at);
            keys::once(
                c,
                once,
                || ShippingError::KeyReused,
                || {
                    if i64::try_from(all(c)?.len()).unwrap_or(i64::MAX) >= METHODS_MAX {
                        return Err(Abort::Refused(ShippingError::TooMany));
                    }
                    let made =
                        shipping::made(making.id, wish, making.at).map_err(Abort::Refused)?;
                    put(c, &made)?;
                    Ok(made)
                },
            )
        });
        write.await
    }

    async fn replace_shipping_method(
        &self,
        id: ShippingMethodId,
        sent: Precondition,
        wish: NewShippingMethod,
        now: Timestamp,
    ) -> Result<ShippingMethodView, Abort<ShippingError>> {
        let write = self.database.write(move |c| {
            let before = all(c)?.into_iter().find(|one| one.id == id);
            let before = before.ok_or(Abort::Refused(ShippingError::NotFound))?;
            let after = shipping::replaced(&before, sent, wish, now).map_err(Abort::Refused)?;
            put(c, &after)?;
            Ok(after)
        });
        write.await
    }

    async fn shipping_methods(&self) -> Result<Vec<ShippingMethodView>, StoreError> {
        self.database.read(all).await
    }
}

fn all(connection: &Connection) -> Result<Vec<ShippingMethodView>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT method_id, name, price_minor, free_from_minor, currency, active, version, created_at_ms,
                    updated_at_ms, rules
               FROM shipping_methods
              ORDER BY name, method_id",
        )?
        .query_map([], read_method)?
        .collect::<Result<_, _>>()?)
}

fn read_method(row: &Row<'_>) -> Result<ShippingMethodView, rusqlite::Error> {
    let unit: String = row.get(4)?;
    let unit = currency(&unit, 4)?;
    let free_from: Option<i64> = row.get(3)?;
    let rules: Option<String> = row.get(9)?;
    let rules = Rules::of(rules.as_deref()).map_err(|error| broken(9, error))?;
    Ok(ShippingMethodView {
        id: ShippingMethodId::from_bytes(row.get(0)?),
        name: row.get(1)?,
        price: Money::new(row.get(2)?, unit),
        free_from: free_from.map(|minor| Money::new(minor, unit)),
        weight_max_grams: rules.weight_max_grams,
        bands: rules.bands,
        zones: rules.zones,
        currencies: rules.currencies,
        active: row.get(5)?,
        version: Version::try_from(row.get::<_, i64>(6)?).map_err(|error| broken(6, error))?,
        created_at: Timestamp::from_ms(row.get(7)?),
        updated_at: Timestamp::from_ms(row.get(8)?),
    })
}

fn put(connection: &Connection, method: &ShippingMethodView) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO shipping_methods (method_id, name, price_minor, free_from_minor, currency, active, version,
                                           created_at_ms, updated_at_ms, rules)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (method_id) DO UPDATE
                SET name = ?2, price_minor = ?3, free_from_minor = ?4, currency = ?5, active = ?6, version = ?7,
                    updated_at_ms = ?9, rules = ?10",
        )?
        .execute(params![
            method.id.as_bytes(),
            method.name,
            method.price.minor,
            method.free_from.map(|from| from.minor),
            method.price.currency.code(),
            method.active,
            method.version.get(),
            method.created_at.as_ms(),
            method.updated_at.as_ms(),
            Rules::document(method)?,
        ])?;
    Ok(())
}
