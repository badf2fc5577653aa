//! Reading orders. A page of any length takes two statements.

use crate::{
    domain::order::Order,
    store::{
        Found,
        view::{self, Beside, Kept},
    },
};
use contracts::{
    orders::{OrderEventView, OrderLineView, OrderQuery, OrderStatus, OrderView},
    values::{
        Currency, Email, Money, OrderId, Page, PaymentId, ProductId, Quantity, Timestamp, UserId,
        VariantId, Version,
    },
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};
use std::{collections::HashMap, error::Error, str::FromStr};

const COLUMNS: &str = "order_number, order_id, customer_id, status, version, total_minor, currency, tracking, \
                       payment_id, payment_due_at_ms, created_at_ms, updated_at_ms";

/// The parts of an order as a list, behind its columns: most have none.
const PARTS: &str = "(SELECT json_group_array(json_array(p.kind, p.title, p.amount_minor, p.code, p.tax) \
                                         ORDER BY p.part_number) \
                        FROM order_parts p WHERE p.order_number = orders.order_number)";

/// Where it goes, behind its parts.
const ADDRESS: &str =
    "(SELECT a.address FROM order_addresses a WHERE a.order_number = orders.order_number)";

/// Of the order with this id.
const BY_ID: &str = "WHERE order_number = (SELECT number FROM by_order WHERE order_id = ?1)";

/// A stored text that no longer reads as its type.
pub(super) fn broken(column: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

pub(super) fn currency(text: &str, column: usize) -> Result<Currency, rusqlite::Error> {
    text.parse().map_err(|error| broken(column, error))
}

pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> Result<T, rusqlite::Error>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    row.get::<_, String>(column)?
        .parse()
        .map_err(|error| broken(column, error))
}

fn read_order(row: &Row<'_>) -> Result<Order, rusqlite::Error> {
    Ok(Order {
        number: row.get(0)?,
        id: OrderId::from_bytes(row.get(1)?),
        customer_id: row.get::<_, Option<[u8; 16]>>(2)?.map(UserId::from_bytes),
        status: parsed(row, 3)?,
        version: Version::try_from(row.get::<_, i64>(4)?).map_err(|error| broken(4, error))?,
        total: Money::new(row.get(5)?, parsed(row, 6)?),
        tracking: row.get(7)?,
        payment_id: row
            .get::<_, Option<[u8; 16]>>(8)?
            .map(PaymentId::from_bytes),
        payment_due_at: Timestamp::from_ms(row.get(9)?),
        created_at: Timestamp::from_ms(row.get(10)?),
        updated_at: Timestamp::from_ms(row.get(11)?),
    })
}

pub(super) fn order(connection: &Connection, id: OrderId) -> Result<Option<Order>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM orders {BY_ID}");
    Ok(connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], read_order)
        .optional()?)
}

pub(super) fn status(
    connection: &Connection,
    id: OrderId,
) -> Result<Option<OrderStatus>, StoreError> {
    Ok(connection
        .prepare_cached(&format!("SELECT status FROM orders {BY_ID}"))?
        .query_row([id.as_bytes()], |row| parsed(row, 0))
        .optional()?)
}

pub(super) fn find(connection: &Connection, id: OrderId) -> Result<Option<Found>, StoreError> {
    let Some(order) = order(connection, id)? else {
        return Ok(None);
    };
    let sellers: Vec<[u8; 16]> = connection
        .prepare_cached(
            "SELECT DISTINCT seller_id FROM order_lines WHERE order_number = ?1 LIMIT 2",
        )?
        .query_map([order.number], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let sole_seller = match sellers.as_slice() {
        [only] => Some(UserId::from_bytes(*only)),
        _ => None,
    };
    Ok(Some(Found { order, sole_seller }))
}

pub(super) fn view(connection: &Connection, id: OrderId) -> Result<Option<OrderView>, StoreError> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS}, {PARTS}, {ADDRESS} FROM orders {BY_ID}"
        ))?
        .query_row([id.as_bytes()], with_beside)
        .optional()?;
    let Some((order, kept)) = found else {
        return Ok(None);
    };
    let lines = lines_of(connection, order.number, order.total.currency)?;
    let beside = kept.read(order.total.currency)?;
    Ok(Some(view::of(order, lines, beside)))
}

fn with_beside(row: &Row<'_>) -> Result<(Order, Kept), rusqlite::Error> {
    Ok((read_order(row)?, kept(row, 12)?))
}

fn kept(row: &Row<'_>, first: usize) -> Result<Kept, rusqlite::Error> {
    Ok(Kept {
        parts: row.get(first)?,
        address: row.get(first.saturating_add(1))?,
    })
}

/// What is kept of one order beside its lines.
pub(super) fn beside_of(
    connection: &Connection,
    number: i64,
    currency: Currency,
) -> Result<Beside, StoreError> {
    let sql = format!("SELECT {PARTS}, {ADDRESS} FROM orders WHERE order_number = ?1");
    let kept = connection
        .prepare_cached(&sql)?
        .query_row([number], |row| kept(row, 0))?;
    kept.read(currency)
}

pub(super) fn paid_at(
    connection: &Connection,
    id: OrderId,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!("SELECT at_ms FROM order_events {BY_ID} AND kind = 'paid'");
    let at = connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(at.map(Timestamp::from_ms))
}

const LINE_COLUMNS: &str =
    "order_number, product_id, variant_id, sku, name, quantity, unit_price_minor";

fn read_line(row: &Row<'_>, currency: Currency) -> Result<OrderLineView, rusqlite::Error> {
    let quantity = Quantity::try_from(row.get::<_, u32>(5)?).map_err(|error| broken(5, error))?;
    let unit_price = Money::new(row.get(6)?, currency);
    Ok(OrderLineView {
        product_id: ProductId::from_bytes(row.get(1)?),
        variant_id: VariantId::from_bytes(row.get(2)?),
        sku: row.get(3)?,
        name: row.get(4)?,
        quantity,
        unit_price,
        line_total: view::line_total(unit_price, quantity),
        tax: None,
    })
}

pub(super) fn lines_of(
    connection: &Connection,
    number: i64,
    currency: Currency,
) -> Result<Vec<OrderLineView>, StoreError> {
    let sql = format!(
        "SELECT {LINE_COLUMNS} FROM order_lines WHERE order_number = ?1 ORDER BY line_number"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let lines = statement.query_map([number], |row| read_line(row, currency))?;
    Ok(lines.collect::<Result<_, _>>()?)
}

pub(super) fn list(
    connection: &Connection,
    customer: Option<UserId>,
    query: &OrderQuery,
    before: i64,
) -> Result<Page<OrderView>, StoreError> {
    // Each parameter is used, so that one shape of call serves all; absent filters are constant.
    let mut sql =
        format!("SELECT {COLUMNS}, {PARTS}, {ADDRESS} FROM orders WHERE order_number < ?1");
    sql.push_str(if customer.is_some() {
        " AND customer_id = ?2"
    } else {
        " AND ?2 IS NULL"
    });
    sql.push_str(if query.status.is_some() {
        " AND status = ?3"
    } else {
        " AND ?3 IS NULL"
    });
    sql.push_str(if query.created_after.is_some() {
        " AND created_at_ms >= ?4
          AND order_number >= (SELECT MIN(order_number) FROM orders WHERE created_at_ms >= ?4)"
    } else {
        " AND ?4 IS NULL"
    });
    sql.push_str(if query.number.is_some() {
        " AND order_number = ?6"
    } else {
        " AND ?6 IS NULL"
    });
    sql.push_str(if query.guest_email.is_some() {
        " AND guest_email IS NOT NULL AND LOWER(guest_email) = LOWER(?7)"
    } else {
        " AND ?7 IS NULL"
    });
    sql.push_str(" ORDER BY order_number DESC LIMIT ?5");
    let limit = query.limit.get();
    let found: Vec<(Order, Kept)> = connection
        .prepare_cached(&sql)?
        .query_map(
            params![
                before,
                customer.as_ref().map(UserId::as_bytes),
                query.status.map(OrderStatus::as_str),
                query.created_after.map(Timestamp::as_ms),
                i64::from(limit).saturating_add(1),
                query.number,
                query.guest_email.as_ref().map(Email::as_str),
            ],
            with_beside,
        )?
        .collect::<Result<_, _>>()?;
    let (mut orders, kept): (Vec<Order>, Vec<Kept>) = found.into_iter().unzip();
    let next_cursor = view::cut(&mut orders, limit);
    let mut lines = lines_by_order(connection, &orders)?;
    let data = orders
        .into_iter()
        .zip(kept)
        .map(|(order, kept)| {
            let items = lines.remove(&order.number).unwrap_or_default();
            let beside = kept.read(order.total.currency)?;
            Ok(view::of(order, items, beside))
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Page { data, next_cursor })
}

fn lines_by_order(
    connection: &Connection,
    orders: &[Order],
) -> Result<HashMap<i64, Vec<OrderLineView>>, StoreError> {
    let currencies: HashMap<i64, Currency> = orders
        .iter()
        .map(|order| (order.number, order.total.currency))
        .collect();
    let numbers: Vec<i64> = orders.iter().map(|order| order.number).collect();
    let numbers =
        serde_json::to_string(&numbers).map_err(|error| StoreError::Other(Box::new(error)))?;
    let sql = format!(
        "SELECT {LINE_COLUMNS}
           FROM order_lines
          WHERE order_number IN (SELECT value FROM json_each(?1))
          ORDER BY order_number, line_number"
    );
    let mut lines: HashMap<i64, Vec<OrderLineView>> = HashMap::new();
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([numbers])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let Some(currency) = currencies.get(&number) else {
            continue;
        };
        lines
            .entry(number)
            .or_default()
            .push(read_line(row, *currency)?);
    }
    Ok(lines)
}

pub(super) fn timeline(
    connection: &Connection,
    id: OrderId,
) -> Result<Vec<OrderEventView>, StoreError> {
    let sql = format!(
        "SELECT sequence, kind, status, actor, note, at_ms, request_id FROM order_events {BY_ID} ORDER BY sequence"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let events = statement.query_map([id.as_bytes()], |row| {
        Ok(OrderEventView {
            sequence: row.get(0)?,
            kind: row.get(1)?,
            status: parsed(row, 2)?,
            actor: row.get(3)?,
            note: row.get(4)?,
            at: Timestamp::from_ms(row.get(5)?),
            request_id: row.get(6)?,
        })
    })?;
    Ok(events.collect::<Result<_, _>>()?)
}

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<OrderId>, StoreError> {
    // The index is named because the planner would rather look at every pending order, each second.
    let sql = "SELECT order_id
                 FROM orders INDEXED BY orders_by_payment_due
                WHERE status = 'pending' AND payment_due_at_ms <= ?1 AND payment_id IS NULL
                ORDER BY payment_due_at_ms
                LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let ids = statement.query_map(params![now.as_ms(), limit], |row| {
        row.get(0).map(OrderId::from_bytes)
    })?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Through the customer's orders, which are theirs alone.
pub(super) fn has_bought(
    connection: &Connection,
    user: UserId,
    product: ProductId,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (
             SELECT 1
               FROM orders o
               JOIN order_lines l ON l.order_number = o.order_number
              WHERE o.customer_id = ?1
                AND o.status IN ('paid', 'shipped', 'delivered')
                AND l.product_id = ?2)",
    )?;
    Ok(
        statement.query_row(params![user.as_bytes(), product.as_bytes()], |row| {
            row.get(0)
        })?,
    )
}
