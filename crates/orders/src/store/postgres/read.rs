//! Reading orders from PostgreSQL. A page of any length takes two statements.

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
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, parsed},
};
use std::collections::HashMap;

pub(super) const COLUMNS: &str = "order_number, order_id, customer_id, status, version, total_minor, currency, \
                                  tracking, payment_id, payment_due_at_ms, created_at_ms, updated_at_ms";

/// The parts of an order as a list, behind its columns: most have none.
pub(super) const PARTS: &str = "(SELECT json_agg(json_build_array(p.kind, p.title, p.amount_minor, p.code, p.tax) \
                                                ORDER BY p.part_number)::text \
                                   FROM order_parts p WHERE p.order_number = orders.order_number)";

/// Where it goes, behind its parts.
pub(super) const ADDRESS: &str =
    "(SELECT a.address FROM order_addresses a WHERE a.order_number = orders.order_number)";

/// A number that no longer reads as its type.
fn broken(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Other(Box::new(error))
}

fn id(row: &Row, column: usize) -> Result<[u8; 16], StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(column)?;
    Ok(id)
}

fn id_if_any(row: &Row, column: usize) -> Result<Option<[u8; 16]>, StoreError> {
    let found: Option<Bytes<16>> = row.try_get(column)?;
    Ok(found.map(|Bytes(id)| id))
}

/// An order from a row of `COLUMNS`.
pub(super) fn order_of(row: &Row) -> Result<Order, StoreError> {
    Ok(Order {
        number: row.try_get(0)?,
        id: OrderId::from_bytes(id(row, 1)?),
        customer_id: id_if_any(row, 2)?.map(UserId::from_bytes),
        status: parsed(row, 3)?,
        version: Version::try_from(row.try_get::<_, i64>(4)?).map_err(broken)?,
        total: Money::new(row.try_get(5)?, parsed(row, 6)?),
        tracking: row.try_get(7)?,
        payment_id: id_if_any(row, 8)?.map(PaymentId::from_bytes),
        payment_due_at: Timestamp::from_ms(row.try_get(9)?),
        created_at: Timestamp::from_ms(row.try_get(10)?),
        updated_at: Timestamp::from_ms(row.try_get(11)?),
    })
}

async fn order(connection: &Connection, id: OrderId) -> Result<Option<Order>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE order_id = $1");
    let row = connection
        .query_opt(&sql, &[&Bytes(*id.as_bytes())])
        .await?;
    row.as_ref().map(order_of).transpose()
}

/// The statuses of those that are there.
pub(super) async fn statuses(
    connection: &Connection,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, OrderStatus>, StoreError> {
    let sql = "SELECT order_id, status FROM orders WHERE order_id = ANY($1)";
    let rows = connection.query(sql, &[&super::bytes(ids)]).await?;
    rows.iter()
        .map(|row| Ok((OrderId::from_bytes(id(row, 0)?), parsed(row, 1)?)))
        .collect()
}

pub(super) async fn find(
    connection: &Connection,
    id: OrderId,
) -> Result<Option<Found>, StoreError> {
    let Some(order) = order(connection, id).await? else {
        return Ok(None);
    };
    // Lines never change: they need not be of the same snapshot.
    let sql = "SELECT DISTINCT seller_id FROM order_lines WHERE order_number = $1 LIMIT 2";
    let sellers = connection.query(sql, &[&order.number]).await?;
    let sole_seller = match sellers.as_slice() {
        [only] => Some(UserId::from_bytes(self::id(only, 0)?)),
        _ => None,
    };
    Ok(Some(Found { order, sole_seller }))
}

pub(super) async fn view(
    connection: &Connection,
    id: OrderId,
) -> Result<Option<OrderView>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, {PARTS}, {ADDRESS} FROM orders WHERE order_id = $1");
    let rows = connection.query(&sql, &[&Bytes(*id.as_bytes())]).await?;
    let orders = rows.iter().map(with_beside).collect::<Result<_, _>>()?;
    Ok(views(connection, orders).await?.pop())
}

pub(super) async fn paid_at(
    connection: &Connection,
    id: OrderId,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT e.at_ms
                 FROM orders o
                 JOIN order_events e ON e.order_number = o.order_number
                WHERE o.order_id = $1 AND e.kind = 'paid'
                LIMIT 1";
    let row = connection.query_opt(sql, &[&Bytes(*id.as_bytes())]).await?;
    row.map(|row| Ok(Timestamp::from_ms(row.try_get(0)?)))
        .transpose()
}

fn line_of(row: &Row, currency: Currency) -> Result<OrderLineView, StoreError> {
    let units = u32::try_from(row.try_get::<_, i64>(5)?).map_err(broken)?;
    let quantity = Quantity::try_from(units).map_err(broken)?;
    let unit_price = Money::new(row.try_get(6)?, currency);
    Ok(OrderLineView {
        product_id: ProductId::from_bytes(id(row, 1)?),
        variant_id: VariantId::from_bytes(id(row, 2)?),
        sku: row.try_get(3)?,
        name: row.try_get(4)?,
        quantity,
        unit_price,
        line_total: view::line_total(unit_price, quantity),
        tax: None,
    })
}

/// The lines of these orders, by number.
pub(super) async fn lines_of(
    connection: &Connection,
    orders: &[Order],
) -> Result<HashMap<i64, Vec<OrderLineView>>, StoreError> {
    let currencies: HashMap<i64, Currency> = orders
        .iter()
        .map(|order| (order.number, order.total.currency))
        .collect();
    let numbers: Vec<i64> = orders.iter().map(|order| order.number).collect();
    let sql = "SELECT order_number, product_id, variant_id, sku, name, quantity, unit_price_minor
                 FROM order_lines
                WHERE order_number = ANY($1)
                ORDER BY order_number, line_number";
    let mut lines: HashMap<i64, Vec<OrderLineView>> = HashMap::new();
    for row in connection.query(sql, &[&numbers]).await? {
        let number = row.try_get(0)?;
        if let Some(currency) = currencies.get(&number) {
            lines
                .entry(number)
                .or_default()
                .push(line_of(&row, *currency)?);
        }
    }
    Ok(lines)
}

/// An order and what is kept beside its lines, from a row of `COLUMNS`, `PARTS` and `ADDRESS`.
pub(super) fn with_beside(row: &Row) -> Result<(Order, Beside), StoreError> {
    let order = order_of(row)?;
    let kept = Kept {
        parts: row.try_get(12)?,
        address: row.try_get(13)?,
    };
    let beside = kept.read(order.total.currency)?;
    Ok((order, beside))
}

async fn views(
    connection: &Connection,
    orders: Vec<(Order, Beside)>,
) -> Result<Vec<OrderView>, StoreError> {
    let (orders, beside): (Vec<Order>, Vec<_>) = orders.into_iter().unzip();
    let mut lines = lines_of(connection, &orders).await?;
    let with_lines = orders.into_iter().zip(beside).map(|(order, beside)| {
        let items = lines.remove(&order.number).unwrap_or_default();
        view::of(order, items, beside)
    });
    Ok(with_lines.collect())
}

pub(super) async fn list(
    connection: &Connection,
    customer: Option<UserId>,
    query: &OrderQuery,
    before: i64,
) -> Result<Page<OrderView>, StoreError> {
    // Each parameter is used, so that one shape of call serves all; absent filters are constant.
    let mut sql =
        format!("SELECT {COLUMNS}, {PARTS}, {ADDRESS} FROM orders WHERE order_number < $1");
    sql.push_str(if customer.is_some() {
        " AND customer_id = $2"
    } else {
        " AND $2::uuid IS NULL"
    });
    sql.push_str(if query.status.is_some() {
        " AND status = $3"
    } else {
        " AND $3::text IS NULL"
    });
    sql.push_str(if query.created_after.is_some() {
        " AND created_at_ms >= $4
          AND order_number >= (SELECT MIN(order_number) FROM orders WHERE created_at_ms >= $4)"
    } else {
        " AND $4::bigint IS NULL"
    });
    sql.push_str(if query.number.is_some() {
        " AND order_number = $6"
    } else {
        " AND $6::bigint IS NULL"
    });
    sql.push_str(if query.guest_email.is_some() {
        " AND guest_email IS NOT NULL AND LOWER(guest_email) = LOWER($7)"
    } else {
        " AND $7::text IS NULL"
    });
    sql.push_str(" ORDER BY order_number DESC LIMIT $5");
    let limit = query.limit.get();
    let customer = customer.map(|id| Bytes(*id.as_bytes()));
    let status = query.status.map(OrderStatus::as_str);
    let after = query.created_after.map(Timestamp::as_ms);
    let count = i64::from(limit).saturating_add(1);
    let guest = query.guest_email.as_ref().map(Email::as_str);
    let rows = connection
        .query(
            &sql,
            &[
                &before,
                &customer,
                &status,
                &after,
                &count,
                &query.number,
                &guest,
            ],
        )
        .await?;
    let found = rows
        .iter()
        .map(with_beside)
        .collect::<Result<Vec<_>, _>>()?;
    let (mut orders, beside): (Vec<Order>, Vec<_>) = found.into_iter().unzip();
    let next_cursor = view::cut(&mut orders, limit);
    let shown = orders.into_iter().zip(beside).collect();
    Ok(Page {
        data: views(connection, shown).await?,
        next_cursor,
    })
}

pub(super) async fn timeline(
    connection: &Connection,
    id: OrderId,
) -> Result<Vec<OrderEventView>, StoreError> {
    let sql = "SELECT e.sequence, e.kind, e.status, e.actor, e.note, e.at_ms, e.request_id
                 FROM orders o
                 JOIN order_events e ON e.order_number = o.order_number
                WHERE o.order_id = $1
                ORDER BY e.sequence";
    let rows = connection.query(sql, &[&Bytes(*id.as_bytes())]).await?;
    rows.iter()
        .map(|row| {
            Ok(OrderEventView {
                sequence: row.try_get(0)?,
                kind: row.try_get(1)?,
                status: parsed(row, 2)?,
                actor: row.try_get(3)?,
                note: row.try_get(4)?,
                at: Timestamp::from_ms(row.try_get(5)?),
                request_id: row.try_get(6)?,
            })
        })
        .collect()
}

pub(super) async fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<OrderId>, StoreError> {
    let sql = "SELECT order_id
                 FROM orders
                WHERE status = 'pending' AND payment_due_at_ms <= $1 AND payment_id IS NULL
                ORDER BY payment_due_at_ms
                LIMIT $2";
    let rows = connection
        .query(sql, &[&now.as_ms(), &i64::from(limit)])
        .await?;
    rows.iter()
        .map(|row| Ok(OrderId::from_bytes(id(row, 0)?)))
        .collect()
}

/// Through the customer's orders, which are theirs alone.
pub(super) async fn has_bought(
    connection: &Connection,
    user: UserId,
    product: ProductId,
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (
             SELECT 1
               FROM orders o
               JOIN order_lines l ON l.order_number = o.order_number
              WHERE o.customer_id = $1
                AND o.status IN ('paid', 'shipped', 'delivered')
                AND l.product_id = $2)";
    let (user, product) = (Bytes(*user.as_bytes()), Bytes(*product.as_bytes()));
    let row = connection.query_one(sql, &[&user, &product]).await?;
    Ok(row.try_get(0)?)
}
