//! Ways of shipping in PostgreSQL. Who makes one waits for whoever makes another, so that they stay few.

use super::{PostgresStore, storage_of};
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
    keys::Making,
    postgres::{Bytes, Connection, Row, ToSql, keys, parsed},
};

#[async_trait]
impl ShippingStore for PostgresStore {
    async fn make_shipping_method(
        &self,
        making: Making<ShippingMethodId>,
        wish: NewShippingMethod,
    ) -> Result<Answered<ShippingMethodView>, Abort<ShippingError>> {
        self.database
            .write((wish, making), |c, (wish, making)| {
                let once = (making.request.as_ref(), making.at);
                let made = make(c, (making.id, wish), making.at);
                Box::pin(keys::once(c, once, || ShippingError::KeyReused, made))
            })
            .await
    }

    async fn replace_shipping_method(
        &self,
        id: ShippingMethodId,
        sent: Precondition,
        wish: NewShippingMethod,
        now: Timestamp,
    ) -> Result<ShippingMethodView, Abort<ShippingError>> {
        self.database
            .write((wish, id, sent), move |c, (wish, id, sent)| {
                Box::pin(replace(c, *id, (*sent, wish), now))
            })
            .await
    }

    async fn shipping_methods(&self) -> Result<Vec<ShippingMethodView>, StoreError> {
        all(&self.database.read().await?).await
    }
}

async fn make(
    connection: &Connection,
    (id, wish): (ShippingMethodId, &NewShippingMethod),
    now: Timestamp,
) -> Result<ShippingMethodView, Abort<ShippingError>> {
    connection
        .execute_batch("LOCK TABLE shipping_methods IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    if i64::try_from(all(connection).await?.len()).unwrap_or(i64::MAX) >= METHODS_MAX {
        return Err(Abort::Refused(ShippingError::TooMany));
    }
    let made = shipping::made(id, wish.clone(), now).map_err(Abort::Refused)?;
    put(connection, &made).await?;
    Ok(made)
}

async fn replace(
    connection: &Connection,
    id: ShippingMethodId,
    (sent, wish): (Precondition, &NewShippingMethod),
    now: Timestamp,
) -> Result<ShippingMethodView, Abort<ShippingError>> {
    let sql = format!("SELECT {COLUMNS} FROM shipping_methods WHERE method_id = $1 FOR UPDATE");
    let row = connection
        .query_opt(&sql, &[&Bytes(*id.as_bytes())])
        .await?;
    let before = row.as_ref().map(method_of).transpose()?;
    let before = before.ok_or(Abort::Refused(ShippingError::NotFound))?;
    let after = shipping::replaced(&before, sent, wish.clone(), now).map_err(Abort::Refused)?;
    put(connection, &after).await?;
    Ok(after)
}

const COLUMNS: &str = "method_id, name, price_minor, free_from_minor, currency, active, version, created_at_ms, \
                       updated_at_ms, rules";

async fn all(connection: &Connection) -> Result<Vec<ShippingMethodView>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM shipping_methods ORDER BY name COLLATE \"C\", method_id");
    let rows = connection.query(&sql, &[]).await?;
    rows.iter().map(method_of).collect()
}

fn method_of(row: &Row) -> Result<ShippingMethodView, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(0)?;
    let unit = parsed(row, 4)?;
    let free_from: Option<i64> = row.try_get(3)?;
    let rules = Rules::of(row.try_get(9)?)?;
    Ok(ShippingMethodView {
        id: ShippingMethodId::from_bytes(id),
        name: row.try_get(1)?,
        price: Money::new(row.try_get(2)?, unit),
        free_from: free_from.map(|minor| Money::new(minor, unit)),
        weight_max_grams: rules.weight_max_grams,
        bands: rules.bands,
        zones: rules.zones,
        currencies: rules.currencies,
        active: row.try_get(5)?,
        version: Version::try_from(row.try_get::<_, i64>(6)?).map_err(storage_of)?,
        created_at: Timestamp::from_ms(row.try_get(7)?),
        updated_at: Timestamp::from_ms(row.try_get(8)?),
    })
}

async fn put(connection: &Connection, method: &ShippingMethodView) -> Result<(), StoreError> {
    let sql = "INSERT INTO shipping_methods (method_id, name, price_minor, free_from_minor, currency, active, version,
                                             created_at_ms, updated_at_ms, rules)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
               ON CONFLICT (method_id) DO UPDATE
                  SET name = $2, price_minor = $3, free_from_minor = $4, currency = $5, active = $6, version = $7,
                      updated_at_ms = $9, rules = $10";
    let (id, unit) = (Bytes(*method.id.as_bytes()), method.price.currency.code());
    let free_from = method.free_from.map(|from| from.minor);
    let version = method.version.get();
    let (created_at, updated_at) = (method.created_at.as_ms(), method.updated_at.as_ms());
    let rules = Rules::document(method)?;
    let parameters: [&(dyn ToSql + Sync); 10] = [
        &id,
        &method.name,
        &method.price.minor,
        &free_from,
        &unit,
        &method.active,
        &version,
        &created_at,
        &updated_at,
        &rules,
    ];
    connection.execute(sql, &parameters).await.map(drop)
}
