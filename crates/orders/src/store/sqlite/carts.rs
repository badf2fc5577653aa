//! Carts in SQLite: read and decided inside the transaction that writes them.

use super::read::{broken, currency, parsed};
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
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::convert::Infallible;

const COLUMNS: &str = "cart_id, version, status, customer_id, token_hash, order_id, created_at_ms, updated_at_ms, \
                       expires_at_ms, discount_code, shipping_method_id, shipping_address, currency";

fn read_cart(row: &Row<'_>) -> Result<Cart, rusqlite::Error> {
    Ok(Cart {
        id: CartId::from_bytes(row.get(0)?),
        version: Version::try_from(row.get::<_, i64>(1)?).map_err(|error| broken(1, error))?,
        status: parsed(row, 2)?,
        customer_id: row.get::<_, Option<[u8; 16]>>(3)?.map(UserId::from_bytes),
        token_hash: row.get(4)?,
        order_id: row.get::<_, Option<[u8; 16]>>(5)?.map(OrderId::from_bytes),
        created_at: Timestamp::from_ms(row.get(6)?),
        updated_at: Timestamp::from_ms(row.get(7)?),
        expires_at: Timestamp::from_ms(row.get(8)?),
        discount_code: row
            .get::<_, Option<String>>(9)?
            .map(|code| DiscountCode::parse(&code).map_err(|error| broken(9, error)))
            .transpose()?,
        shipping_method: row
            .get::<_, Option<[u8; 16]>>(10)?
            .map(ShippingMethodId::from_bytes),
        shipping_address: row
            .get::<_, Option<String>>(11)?
            .map(|json| view::address(&json).map_err(|error| broken(11, error)))
            .transpose()?,
        currency: row
            .get::<_, Option<String>>(12)?
            .map(|code| currency(&code, 12))
            .transpose()?,
        lines: Vec::new(),
    })
}

fn read_line(row: &Row<'_>) -> Result<Line, rusqlite::Error> {
    let code: String = row.get(4)?;
    Ok(Line {
        product_id: ProductId::from_bytes(row.get(0)?),
        variant_id: VariantId::from_bytes(row.get(1)?),
        quantity: Quantity::try_from(row.get::<_, u32>(2)?).map_err(|error| broken(2, error))?,
        seen: Money::new(row.get(3)?, currency(&code, 4)?),
    })
}

pub(super) fn find(connection: &Connection, id: CartId) -> Result<Option<Cart>, StoreError> {
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM carts WHERE cart_id = ?1"))?
        .query_row([id.as_bytes()], read_cart)
        .optional()?;
    found.map(|cart| with_lines(connection, cart)).transpose()
}

fn with_lines(connection: &Connection, cart: Cart) -> Result<Cart, StoreError> {
    let lines = connection
        .prepare_cached(
            "SELECT product_id, variant_id, quantity, seen_price_minor, currency
               FROM cart_lines
              WHERE cart_id = ?1
              ORDER BY line_number",
        )?
        .query_map([cart.id.as_bytes()], read_line)?
        .collect::<Result<_, _>>()?;
    Ok(Cart { lines, ..cart })
}

pub(super) fn open_of(
    connection: &Connection,
    customer: UserId,
) -> Result<Option<Cart>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM carts WHERE customer_id = ?1 AND status = 'open'");
    let found = connection
        .prepare_cached(&sql)?
        .query_row([customer.as_bytes()], read_cart)
        .optional()?;
    found.map(|cart| with_lines(connection, cart)).transpose()
}

pub(super) fn open(
    connection: &Connection,
    new: &NewCart,
) -> Result<(Cart, bool), Abort<CartError>> {
    let address_key = match &new.owner {
        Owner::User(customer) => {
            if let Some(cart) = open_of(connection, *customer)? {
                return Ok((cart, false));
            }
            None
        }
        Owner::Guest { address_key, .. } => {
            let open: u32 = connection
                .prepare_cached(
                    "SELECT COUNT(*) FROM carts WHERE address_key = ?1 AND status = 'open'",
                )?
                .query_row([address_key], |row| row.get(0))?;
            if open >= new.most {
                return Err(Abort::Refused(CartError::TooMany));
            }
            Some(*address_key)
        }
    };
    let cart = new.opened();
    connection
        .prepare_cached(
            "INSERT INTO carts (cart_id, version, status, customer_id, token_hash, address_key, created_at_ms,
                                updated_at_ms, expires_at_ms)
             VALUES (?1, 1, 'open', ?2, ?3, ?4, ?5, ?5, ?6)",
        )?
        .execute(params![
            cart.id.as_bytes(),
            cart.customer_id.as_ref().map(UserId::as_bytes),
            cart.token_hash,
            address_key,
            cart.created_at.as_ms(),
            cart.expires_at.as_ms(),
        ])?;
    Ok((cart, true))
}

pub(super) fn set(
    connection: &Connection,
    id: CartId,
    wish: &SetLine,
    bounds: Bounds,
    now: Timestamp,
) -> Result<Cart, Abort<CartError>> {
    let before = find(connection, id)?.ok_or(Abort::Refused(CartError::NotFound))?;
    let after = cart::set(&before, wish, bounds, now).map_err(Abort::Refused)?;
    write(connection, &before, &after)?;
    Ok(after)
}

pub(super) fn choose(
    connection: &Connection,
    id: CartId,
    choice: Choice,
    bounds: Bounds,
    now: Timestamp,
) -> Result<Cart, Abort<CartError>> {
    let before = find(connection, id)?.ok_or(Abort::Refused(CartError::NotFound))?;
    let after = cart::choose(&before, choice, bounds, now).map_err(Abort::Refused)?;
    write(connection, &before, &after)?;
    Ok(after)
}

pub(super) fn merge(
    connection: &Connection,
    from: CartId,
    new: &NewCart,
    bounds: Bounds,
) -> Result<Cart, Abort<CartError>> {
    let (into, _) = open(connection, new)?;
    let from = find(connection, from)?.ok_or(Abort::Refused(CartError::NotFound))?;
    // Again: its lines are there since the first time.
    if from.status == CartStatus::Merged {
        return Ok(into);
    }
    let (merged, after) = cart::merge(&from, &into, bounds, new.at).map_err(Abort::Refused)?;
    write(connection, &from, &merged)?;
    write(connection, &into, &after)?;
    Ok(after)
}

fn write(connection: &Connection, before: &Cart, after: &Cart) -> Result<(), StoreError> {
    if before == after {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE carts
                SET version = ?2, status = ?3, updated_at_ms = ?4, expires_at_ms = ?5, discount_code = ?6,
                    shipping_method_id = ?7, shipping_address = ?8, currency = ?9
              WHERE cart_id = ?1",
        )?
        .execute(params![
            after.id.as_bytes(),
            after.version.get(),
            after.status.as_str(),
            after.updated_at.as_ms(),
            after.expires_at.as_ms(),
            after.discount_code.as_ref().map(DiscountCode::as_str),
            after.shipping_method.as_ref().map(ShippingMethodId::as_bytes),
            view::document(after.shipping_address.as_ref())?,
            after.currency.as_ref().map(Currency::code),
        ])?;
    if before.lines == after.lines {
        return Ok(());
    }
    connection
        .prepare_cached("DELETE FROM cart_lines WHERE cart_id = ?1")?
        .execute([after.id.as_bytes()])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO cart_lines (cart_id, line_number, product_id, variant_id, quantity, seen_price_minor, currency)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (number, line) in (1_i64..).zip(&after.lines) {
        insert.execute(params![
            after.id.as_bytes(),
            number,
            line.product_id.as_bytes(),
            line.variant_id.as_bytes(),
            line.quantity.get(),
            line.seen.minor,
            line.seen.currency.code(),
        ])?;
    }
    Ok(())
}

/// Makes a cart of this version the order's, if it still is open: in the commit that writes the order, which keeps the
/// address from now on.
pub(super) fn claim(
    connection: &Connection,
    (id, version): (CartId, Version),
    order_id: OrderId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let claimed = connection
        .prepare_cached(
            "UPDATE carts
                SET status = 'ordered', order_id = ?3, version = version + 1, updated_at_ms = ?4,
                    shipping_address = NULL
              WHERE cart_id = ?1 AND version = ?2 AND status = 'open'",
        )?
        .execute(params![
            id.as_bytes(),
            version.get(),
            order_id.as_bytes(),
            now.as_ms()
        ])?;
    Ok(claimed == 1)
}

pub(super) fn touch(
    connection: &Connection,
    id: CartId,
    version: Version,
    now: Timestamp,
) -> Result<(), Abort<Infallible>> {
    connection
        .prepare_cached(
            "UPDATE carts SET version = version + 1, updated_at_ms = ?3
              WHERE cart_id = ?1 AND version = ?2 AND status = 'open'",
        )?
        .execute(params![id.as_bytes(), version.get(), now.as_ms()])?;
    Ok(())
}

pub(super) fn any_over(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM carts WHERE expires_at_ms <= ?1")?
        .exists([now.as_ms()])?)
}

pub(super) fn sweep(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, Abort<Infallible>> {
    const OVER: &str =
        "SELECT cart_id FROM carts WHERE expires_at_ms <= ?1 ORDER BY expires_at_ms LIMIT ?2";
    let bounds = params![now.as_ms(), limit];
    connection
        .prepare_cached(&format!("DELETE FROM cart_lines WHERE cart_id IN ({OVER})"))?
        .execute(bounds)?;
    Ok(connection
        .prepare_cached(&format!("DELETE FROM carts WHERE cart_id IN ({OVER})"))?
        .execute(bounds)?)
}

pub(super) fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM cart_lines WHERE cart_id IN (SELECT cart_id FROM carts WHERE customer_id = ?1)",
        )?
        .execute([customer.as_bytes()])?;
    connection
        .prepare_cached("DELETE FROM carts WHERE customer_id = ?1")?
        .execute([customer.as_bytes()])?;
    Ok(())
}
