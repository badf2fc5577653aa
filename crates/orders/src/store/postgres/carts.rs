//! Carts in PostgreSQL: locked, decided by the domain, and written in the same transaction. Of two carts the one with
//! the smaller id is locked first.

use super::storage_of;
use crate::{
    domain::cart::{self, Bounds, Cart, Choice, Line, NewCart, Owner, SetLine},
    store::view,
};
use contracts::{
    orders::{CartError, CartStatus, DiscountCode},
    values::{
        CartId, Currency, Money, OrderId, ProductId, Quantity, ShippingMethodId, Timestamp, UserId,
        VariantId, Version,
    },
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql, parsed},
};
use std::convert::Infallible;

const COLUMNS: &str = "cart_id, version, status, customer_id, token_hash, order_id, created_at_ms, updated_at_ms, \
                       expires_at_ms, discount_code, shipping_method_id, shipping_address, currency";

fn cart_of(row: &Row) -> Result<Cart, StoreError> {
    let id = |column| -> Result<Option<[u8; 16]>, StoreError> {
        let found: Option<Bytes<16>> = row.try_get(column)?;
        Ok(found.map(|Bytes(id)| id))
    };
    let token_hash: Option<Bytes<32>> = row.try_get(4)?;
    let address: Option<&str> = row.try_get(11)?;
    let code: Option<String> = row.try_get(9)?;
    let code = code.map(|code| DiscountCode::parse(&code)).transpose();
    let currency: Option<&str> = row.try_get(12)?;
    let currency = currency.map(str::parse).transpose();
    Ok(Cart {
        currency: currency.map_err(storage_of)?,
        discount_code: code.map_err(storage_of)?,
        id: CartId::from_bytes(id(0)?.unwrap_or_default()),
        version: Version::try_from(row.try_get::<_, i64>(1)?).map_err(storage_of)?,
        status: parsed(row, 2)?,
        customer_id: id(3)?.map(UserId::from_bytes),
        token_hash: token_hash.map(|Bytes(hash)| hash),
        order_id: id(5)?.map(OrderId::from_bytes),
        created_at: Timestamp::from_ms(row.try_get(6)?),
        updated_at: Timestamp::from_ms(row.try_get(7)?),
        expires_at: Timestamp::from_ms(row.try_get(8)?),
        shipping_method: id(10)?.map(ShippingMethodId::from_bytes),
        shipping_address: address.map(view::address).transpose()?,
        lines: Vec::new(),
    })
}

fn line_of(row: &Row) -> Result<Line, StoreError> {
    let Bytes(product): Bytes<16> = row.try_get(0)?;
    let Bytes(variant): Bytes<16> = row.try_get(1)?;
    let units = u32::try_from(row.try_get::<_, i64>(2)?).map_err(storage_of)?;
    Ok(Line {
        product_id: ProductId::from_bytes(product),
        variant_id: VariantId::from_bytes(variant),
        quantity: Quantity::try_from(units).map_err(storage_of)?,
        seen: Money::new(row.try_get(3)?, parsed(row, 4)?),
    })
}

async fn with_lines(connection: &Connection, cart: Cart) -> Result<Cart, StoreError> {
    let sql = "SELECT product_id, variant_id, quantity, seen_price_minor, currency
                 FROM cart_lines
                WHERE cart_id = $1
                ORDER BY line_number";
    let rows = connection
        .query(sql, &[&Bytes(*cart.id.as_bytes())])
        .await?;
    let lines = rows.iter().map(line_of).collect::<Result<_, _>>()?;
    Ok(Cart { lines, ..cart })
}

async fn one(
    connection: &Connection,
    condition: &str,
    parameter: &(dyn ToSql + Sync),
) -> Result<Option<Cart>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM carts WHERE {condition}");
    let Some(row) = connection.query_opt(&sql, &[parameter]).await? else {
        return Ok(None);
    };
    Ok(Some(with_lines(connection, cart_of(&row)?).await?))
}

/// The cart's row and its lines are two statements: whoever needs them of one state has a snapshot or a lock.
pub(super) async fn find(connection: &Connection, id: CartId) -> Result<Option<Cart>, StoreError> {
    one(connection, "cart_id = $1", &Bytes(*id.as_bytes())).await
}

async fn locked(connection: &Connection, id: CartId) -> Result<Option<Cart>, StoreError> {
    let condition = "cart_id = $1 FOR UPDATE";
    one(connection, condition, &Bytes(*id.as_bytes())).await
}

/// The cart that a user has open.
pub(super) async fn open_of(
    connection: &Connection,
    customer: UserId,
) -> Result<Option<Cart>, StoreError> {
    let condition = "customer_id = $1 AND status = 'open'";
    one(connection, condition, &Bytes(*customer.as_bytes())).await
}

pub(super) async fn open(
    connection: &Connection,
    new: &NewCart,
) -> Result<(Cart, bool), Abort<CartError>> {
    let (customer, token_hash, address_key) = match &new.owner {
        Owner::User(id) => (Some(Bytes(*id.as_bytes())), None, None),
        Owner::Guest {
            token_hash,
            address_key,
        } => (None, Some(Bytes(*token_hash)), Some(Bytes(*address_key))),
    };
    // Nodes that open carts from one address at one moment may each open one more.
    let sql = "INSERT INTO carts (cart_id, version, status, customer_id, token_hash, address_key, created_at_ms,
                                  updated_at_ms, expires_at_ms)
               SELECT $1, 1, 'open', $2, $3, $4, $5, $5, $6
                WHERE $4::bytea IS NULL
                   OR (SELECT COUNT(*) FROM carts WHERE address_key = $4 AND status = 'open') < $7
               ON CONFLICT (customer_id) WHERE status = 'open' AND customer_id IS NOT NULL DO NOTHING";
    let (id, at, expires_at) = (
        Bytes(*new.id.as_bytes()),
        new.at.as_ms(),
        new.expires_at.as_ms(),
    );
    let most = i64::from(new.most);
    let parameters: [&(dyn ToSql + Sync); 7] = [
        &id,
        &customer,
        &token_hash,
        &address_key,
        &at,
        &expires_at,
        &most,
    ];
    if connection.execute(sql, &parameters).await? == 1 {
        return Ok((new.opened(), true));
    }
    let Some(customer) = customer else {
        return Err(Abort::Refused(CartError::TooMany));
    };
    let condition = "customer_id = $1 AND status = 'open'";
    let found = one(connection, condition, &customer).await?;
    // It was there a moment ago, and was bought since.
    Ok((
        found.ok_or(Abort::Refused(CartError::ChangedMeanwhile))?,
        false,
    ))
}

pub(super) async fn set(
    connection: &Connection,
    id: CartId,
    wish: &SetLine,
    bounds: Bounds,
    now: Timestamp,
) -> Result<Cart, Abort<CartError>> {
    let before = locked(connection, id).await?;
    let before = before.ok_or(Abort::Refused(CartError::NotFound))?;
    let after = cart::set(&before, wish, bounds, now).map_err(Abort::Refused)?;
    write(connection, &before, &after).await?;
    Ok(after)
}

pub(super) async fn choose(
    connection: &Connection,
    id: CartId,
    choice: Choice,
    bounds: Bounds,
    now: Timestamp,
) -> Result<Cart, Abort<CartError>> {
    let before = locked(connection, id).await?;
    let before = before.ok_or(Abort::Refused(CartError::NotFound))?;
    let after = cart::choose(&before, choice, bounds, now).map_err(Abort::Refused)?;
    write(connection, &before, &after).await?;
    Ok(after)
}

pub(super) async fn merge(
    connection: &Connection,
    from: CartId,
    new: &NewCart,
    bounds: Bounds,
) -> Result<Cart, Abort<CartError>> {
    let (into, _) = open(connection, new).await?;
    let mut ids = [from, into.id];
    ids.sort_unstable();
    for id in ids {
        locked(connection, id).await?;
    }
    let gone = || Abort::Refused(CartError::NotFound);
    let from = find(connection, from).await?.ok_or_else(gone)?;
    let into = find(connection, into.id).await?.ok_or_else(gone)?;
    // Again: its lines are there since the first time.
    if from.status == CartStatus::Merged {
        return Ok(into);
    }
    let (merged, after) = cart::merge(&from, &into, bounds, new.at).map_err(Abort::Refused)?;
    write(connection, &from, &merged).await?;
    write(connection, &into, &after).await?;
    Ok(after)
}

async fn write(connection: &Connection, before: &Cart, after: &Cart) -> Result<(), StoreError> {
    if before == after {
        return Ok(());
    }
    let id = Bytes(*after.id.as_bytes());
    let sql = "UPDATE carts
                  SET version = $2, status = $3, updated_at_ms = $4, expires_at_ms = $5, discount_code = $6,
                      shipping_method_id = $7, shipping_address = $8, currency = $9
                WHERE cart_id = $1";
    let code = after.discount_code.as_ref().map(DiscountCode::as_str);
    let (version, status) = (after.version.get(), after.status.as_str());
    let (updated_at, expires_at) = (after.updated_at.as_ms(), after.expires_at.as_ms());
    let method = after.shipping_method.map(|id| Bytes(*id.as_bytes()));
    let address = view::document(after.shipping_address.as_ref())?;
    let currency = after.currency.as_ref().map(Currency::code);
    let parameters: [&(dyn ToSql + Sync); 9] = [
        &id,
        &version,
        &status,
        &updated_at,
        &expires_at,
        &code,
        &method,
        &address,
        &currency,
    ];
    connection.execute(sql, &parameters).await?;
    if before.lines == after.lines {
        return Ok(());
    }
    connection
        .execute("DELETE FROM cart_lines WHERE cart_id = $1", &[&id])
        .await?;
    insert_lines(connection, after).await
}

async fn insert_lines(connection: &Connection, cart: &Cart) -> Result<(), StoreError> {
    let lines = || cart.lines.iter();
    let products: Vec<Bytes<16>> = lines()
        .map(|line| Bytes(*line.product_id.as_bytes()))
        .collect();
    let variants: Vec<Bytes<16>> = lines()
        .map(|line| Bytes(*line.variant_id.as_bytes()))
        .collect();
    let quantities: Vec<i64> = lines().map(|line| i64::from(line.quantity.get())).collect();
    let prices: Vec<i64> = lines().map(|line| line.seen.minor).collect();
    let currencies: Vec<&str> = lines().map(|line| line.seen.currency.code()).collect();
    let sql = "INSERT INTO cart_lines (cart_id, line_number, product_id, variant_id, quantity, seen_price_minor,
                                       currency)
               SELECT $1, line.place, line.product_id, line.variant_id, line.quantity, line.price, line.currency
                 FROM UNNEST($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::text[]) WITH ORDINALITY
                      AS line (product_id, variant_id, quantity, price, currency, place)";
    let id = Bytes(*cart.id.as_bytes());
    let parameters: [&(dyn ToSql + Sync); 6] =
        [&id, &products, &variants, &quantities, &prices, &currencies];
    connection.execute(sql, &parameters).await.map(drop)
}

pub(super) async fn touch(
    connection: &Connection,
    (id, version): (CartId, Version),
    now: Timestamp,
) -> Result<(), Abort<Infallible>> {
    let sql = "UPDATE carts SET version = version + 1, updated_at_ms = $3
                WHERE cart_id = $1 AND version = $2 AND status = 'open'";
    let id = Bytes(*id.as_bytes());
    connection
        .execute(sql, &[&id, &version.get(), &now.as_ms()])
        .await?;
    Ok(())
}

pub(super) async fn any_over(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM carts WHERE expires_at_ms <= $1)";
    let row = connection.query_one(sql, &[&now.as_ms()]).await?;
    Ok(row.try_get(0)?)
}

pub(super) async fn sweep(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, Abort<Infallible>> {
    // Nodes that sweep at once take different ones.
    let sql = "SELECT cart_id FROM carts WHERE expires_at_ms <= $1
                ORDER BY expires_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED";
    let rows = connection
        .query(sql, &[&now.as_ms(), &i64::from(limit)])
        .await?;
    let over = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<Bytes<16>>, _>>()?;
    delete(connection, &over).await?;
    Ok(over.len())
}

pub(super) async fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    let sql = "SELECT cart_id FROM carts WHERE customer_id = $1 ORDER BY cart_id FOR UPDATE";
    let rows = connection
        .query(sql, &[&Bytes(*customer.as_bytes())])
        .await?;
    let theirs = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<Bytes<16>>, _>>()?;
    delete(connection, &theirs).await
}

async fn delete(connection: &Connection, ids: &[Bytes<16>]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    for sql in [
        "DELETE FROM cart_lines WHERE cart_id = ANY($1)",
        "DELETE FROM carts WHERE cart_id = ANY($1)",
    ] {
        connection.execute(sql, &[&ids]).await?;
    }
    Ok(())
}
