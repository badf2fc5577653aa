//! Records of earlier orders, in SQLite.

use super::{SqliteStore, read::parsed};
use crate::store::earlier::{EarlierStore, EarlierWish, NewEarlier, Place, page};
use async_trait::async_trait;
use contracts::{
    orders::{EarlierLineView, EarlierOrderView, EarlierTotals},
    values::{Currency, EarlierOrderId, Email, Money, Page, Timestamp, UserId},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::{collections::HashSet, convert::Infallible};

const COLUMNS: &str = "earlier_number, placed_at_ms, earlier_id, source, number, customer_id, customer_ref, status,
    currency, shipping_minor, tax_minor, discount_minor, total_minor, refunded_minor, imported_at_ms";

#[async_trait]
impl EarlierStore for SqliteStore {
    async fn import_earlier(
        &self,
        orders: Vec<NewEarlier>,
        at: Timestamp,
        commit: bool,
    ) -> Result<Vec<bool>, StoreError> {
        if !commit {
            let read = self.database.read(move |c| Ok(unknown(c, &orders)?));
            return read.await;
        }
        let write = self.database.write(move |c| {
            let kept = orders.iter().map(|one| keep(c, one, at));
            kept.collect::<Result<Vec<_>, Abort<Infallible>>>()
        });
        write.await.map_err(super::storage)
    }

    async fn earlier_order(
        &self,
        id: EarlierOrderId,
    ) -> Result<Option<EarlierOrderView>, StoreError> {
        let read = self.database.read(move |c| {
            let sql = format!("SELECT {COLUMNS} FROM earlier_orders WHERE earlier_id = ?1");
            let mut find = c.prepare_cached(&sql)?;
            let found = find.query_row([id.as_bytes()], view).optional()?;
            found.map(|one| with_lines(c, one)).transpose()
        });
        Ok(read.await?.map(|(_, view)| view))
    }

    async fn earlier_orders(
        &self,
        wish: EarlierWish,
    ) -> Result<Page<EarlierOrderView>, StoreError> {
        self.database.read(move |c| list(c, &wish)).await
    }

    async fn earlier_totals(
        &self,
        source: Option<String>,
    ) -> Result<Vec<EarlierTotals>, StoreError> {
        let read = self.database.read(move |c| totals(c, source.as_deref()));
        read.await
    }
}

/// A record that comes twice is new once, as it would be if they were written.
fn unknown(connection: &Connection, orders: &[NewEarlier]) -> rusqlite::Result<Vec<bool>> {
    let mut find =
        connection.prepare_cached("SELECT 1 FROM earlier_orders WHERE earlier_id = ?1")?;
    let mut seen = HashSet::new();
    let one = |one: &NewEarlier| {
        Ok(!find.exists([one.order.id.as_bytes()])? && seen.insert(one.order.id))
    };
    orders.iter().map(one).collect()
}

fn keep(
    connection: &Connection,
    NewEarlier { order, customer }: &NewEarlier,
    at: Timestamp,
) -> Result<bool, Abort<Infallible>> {
    // Once it is certain whose it is, the address is not needed any more.
    let email = order.email.as_ref().filter(|_| customer.is_none());
    let number: Option<i64> = connection
        .prepare_cached(
            "INSERT INTO earlier_orders (earlier_id, source, number, customer_id, email_key, customer_ref, status,
                                         currency, subtotal_minor, shipping_minor, tax_minor, discount_minor,
                                         total_minor, refunded_minor, placed_at_ms, imported_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
             ON CONFLICT DO NOTHING
             RETURNING earlier_number",
        )?
        .query_row(
            params![
                order.id.as_bytes(),
                order.source,
                order.number,
                customer.as_ref().map(UserId::as_bytes),
                email.map(Email::key),
                order.customer_ref,
                order.status.as_str(),
                order.currency.code(),
                order.sums.subtotal,
                order.sums.shipping,
                order.sums.tax,
                order.sums.discount,
                order.sums.total,
                order.sums.refunded,
                order.placed_at.as_ms(),
                at.as_ms(),
            ],
            |row| row.get(0),
        )
        .optional()?;
    let Some(number) = number else {
        return Ok(false);
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO earlier_order_lines (earlier_number, line_number, sku, name, quantity, unit_price_minor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (line, place) in order.lines.iter().zip(1_i64..) {
        let (quantity, price) = (line.quantity, line.unit_price_minor);
        insert.execute(params![number, place, line.sku, line.name, quantity, price])?;
    }
    Ok(true)
}

fn list(connection: &Connection, wish: &EarlierWish) -> Result<Page<EarlierOrderView>, StoreError> {
    let whose = match wish.customer {
        Some(_) => "customer_id = ?1",
        None => "?1 IS NULL",
    };
    let sql = format!(
        "SELECT {COLUMNS}
           FROM earlier_orders
          WHERE {whose}
            AND (?2 IS NULL OR source = ?2)
            AND (placed_at_ms, earlier_number) < (?3, ?4)
          ORDER BY placed_at_ms DESC, earlier_number DESC
          LIMIT ?5"
    );
    let values = params![
        wish.customer.as_ref().map(UserId::as_bytes),
        wish.source,
        wish.before.placed_at_ms,
        wish.before.number,
        wish.limit.saturating_add(1),
    ];
    let mut find = connection.prepare_cached(&sql)?;
    let found = find
        .query_map(values, view)?
        .collect::<Result<Vec<_>, _>>()?;
    let rows = found.into_iter().map(|one| with_lines(connection, one));
    Ok(page(rows.collect::<Result<_, _>>()?, wish.limit))
}

fn totals(connection: &Connection, source: Option<&str>) -> Result<Vec<EarlierTotals>, StoreError> {
    let sql =
        "SELECT o.source, o.currency, COUNT(*), SUM(l.lines), SUM(l.units), SUM(o.total_minor),
                      SUM(o.refunded_minor)
                 FROM earlier_orders o
                 JOIN (SELECT earlier_number, COUNT(*) AS lines, SUM(quantity) AS units
                         FROM earlier_order_lines
                        GROUP BY earlier_number) l ON l.earlier_number = o.earlier_number
                WHERE ?1 IS NULL OR o.source = ?1
                GROUP BY o.source, o.currency
                ORDER BY o.source, o.currency";
    let mut sum = connection.prepare_cached(sql)?;
    let rows = sum.query_map([source], totals_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn totals_of(row: &Row<'_>) -> rusqlite::Result<EarlierTotals> {
    let currency = parsed(row, 1)?;
    Ok(EarlierTotals {
        source: row.get(0)?,
        orders: row.get(2)?,
        lines: row.get(3)?,
        units: row.get(4)?,
        total: Money::new(row.get(5)?, currency),
        refunded: Money::new(row.get(6)?, currency),
    })
}

/// A record without its lines.
fn view(row: &Row<'_>) -> rusqlite::Result<(Place, EarlierOrderView)> {
    let currency = parsed(row, 8)?;
    let customer: Option<[u8; 16]> = row.get(5)?;
    let place = Place {
        number: row.get(0)?,
        placed_at_ms: row.get(1)?,
    };
    let view = EarlierOrderView {
        id: EarlierOrderId::from_bytes(row.get(2)?),
        source: row.get(3)?,
        number: row.get(4)?,
        customer_id: customer.map(UserId::from_bytes),
        customer_ref: row.get(6)?,
        status: parsed(row, 7)?,
        lines: Vec::new(),
        shipping: Money::new(row.get(9)?, currency),
        tax: Money::new(row.get(10)?, currency),
        discount: Money::new(row.get(11)?, currency),
        total: Money::new(row.get(12)?, currency),
        refunded: Money::new(row.get(13)?, currency),
        placed_at: Timestamp::from_ms(place.placed_at_ms),
        imported_at: Timestamp::from_ms(row.get(14)?),
    };
    Ok((place, view))
}

/// Which are few a record, and lie together.
fn with_lines(
    connection: &Connection,
    (place, mut view): (Place, EarlierOrderView),
) -> Result<(Place, EarlierOrderView), StoreError> {
    let currency: Currency = view.total.currency;
    let line = |row: &Row<'_>| {
        Ok(EarlierLineView {
            sku: row.get(0)?,
            name: row.get(1)?,
            quantity: row.get(2)?,
            unit_price: Money::new(row.get(3)?, currency),
        })
    };
    view.lines = connection
        .prepare_cached(
            "SELECT sku, name, quantity, unit_price_minor
               FROM earlier_order_lines
              WHERE earlier_number = ?1
              ORDER BY line_number",
        )?
        .query_map([place.number], line)?
        .collect::<Result<_, _>>()?;
    Ok((place, view))
}

/// Gives so many records of this address to its user.
pub(super) fn claim(
    connection: &Connection,
    user: UserId,
    email: &Email,
    limit: u32,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE earlier_orders
                SET customer_id = ?1, email_key = NULL
              WHERE earlier_number IN (SELECT earlier_number
                                         FROM earlier_orders
                                        WHERE email_key = ?2 AND email_key IS NOT NULL AND customer_id IS NULL
                                        LIMIT ?3)",
        )?
        .execute(params![user.as_bytes(), email.key(), limit])
}

/// Leaves of a customer's records what was bought, and nobody's name.
pub(super) fn forget(connection: &Connection, customer: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE earlier_orders
                SET customer_id = NULL, email_key = NULL, customer_ref = NULL
              WHERE customer_id = ?1",
        )?
        .execute([customer.as_bytes()])?;
    Ok(())
}
