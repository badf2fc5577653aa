//! Records of earlier orders, in PostgreSQL: a batch is two statements over lists.

use super::{PostgresStore, storage};
use crate::store::earlier::{EarlierStore, EarlierWish, NewEarlier, Place, page};
use async_trait::async_trait;
use contracts::{
    orders::{EarlierLineView, EarlierOrderView, EarlierTotals},
    values::{EarlierOrderId, Email, Money, Page, Timestamp, UserId},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql, parsed},
};
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
};

const COLUMNS: &str = "earlier_number, placed_at_ms, earlier_id, source, number, customer_id, customer_ref, status,
    currency, shipping_minor, tax_minor, discount_minor, total_minor, refunded_minor, imported_at_ms";

const LIST: &str = "FROM earlier_orders
     WHERE ($1::uuid IS NULL OR customer_id = $1)
       AND ($2::text IS NULL OR source = $2)
       AND (placed_at_ms, earlier_number) < ($3, $4)
     ORDER BY placed_at_ms DESC, earlier_number DESC
     LIMIT $5";

const TOTALS: &str =
    "SELECT o.source, o.currency, COUNT(*), SUM(l.lines)::bigint, SUM(l.units)::bigint,
                             SUM(o.total_minor)::bigint, SUM(o.refunded_minor)::bigint
       FROM earlier_orders o
       JOIN (SELECT earlier_number, COUNT(*) AS lines, SUM(quantity) AS units
               FROM earlier_order_lines
              GROUP BY earlier_number) l ON l.earlier_number = o.earlier_number
      WHERE $1::text IS NULL OR o.source = $1
      GROUP BY o.source, o.currency
      ORDER BY o.source COLLATE \"C\", o.currency";

/// In the order of ids, so that two imports of the same records wait for each other in one direction only.
const KEEP: &str = "INSERT INTO earlier_orders (earlier_id, source, number, customer_id, email_key, customer_ref,
                                 status, currency, placed_at_ms, imported_at_ms, subtotal_minor, shipping_minor,
                                 tax_minor, discount_minor, total_minor, refunded_minor)
     SELECT id, source, number, customer, email, reference, status, currency, placed, $10::bigint, subtotal, shipping,
            tax, discount, total, refunded
       FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                   $9::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                   $16::bigint[])
            AS wish (id, source, number, customer, email, reference, status, currency, placed, subtotal, shipping, tax,
                     discount, total, refunded)
      ORDER BY id
     ON CONFLICT DO NOTHING
     RETURNING earlier_id, earlier_number";

#[async_trait]
impl EarlierStore for PostgresStore {
    async fn import_earlier(
        &self,
        orders: Vec<NewEarlier>,
        at: Timestamp,
        commit: bool,
    ) -> Result<Vec<bool>, StoreError> {
        if !commit {
            return unknown(&self.database.read().await?, &orders).await;
        }
        self.database
            .write(orders, move |c, orders| Box::pin(keep(c, orders, at)))
            .await
            .map_err(storage)
    }

    async fn earlier_order(
        &self,
        id: EarlierOrderId,
    ) -> Result<Option<EarlierOrderView>, StoreError> {
        let connection = self.database.read().await?;
        let sql = format!("SELECT {COLUMNS} FROM earlier_orders WHERE earlier_id = $1");
        let rows = connection.query(&sql, &[&Bytes(*id.as_bytes())]).await?;
        let found = with_lines(&connection, &rows).await?;
        Ok(found.into_iter().next().map(|(_, view)| view))
    }

    async fn earlier_orders(
        &self,
        wish: EarlierWish,
    ) -> Result<Page<EarlierOrderView>, StoreError> {
        let connection = self.database.read().await?;
        let values: [&(dyn ToSql + Sync); 5] = [
            &wish.customer.map(|id| Bytes(*id.as_bytes())),
            &wish.source,
            &wish.before.placed_at_ms,
            &wish.before.number,
            &i64::from(wish.limit.saturating_add(1)),
        ];
        let sql = format!("SELECT {COLUMNS} {LIST}");
        let rows = connection.query(&sql, &values).await?;
        Ok(page(with_lines(&connection, &rows).await?, wish.limit))
    }

    async fn earlier_totals(
        &self,
        source: Option<String>,
    ) -> Result<Vec<EarlierTotals>, StoreError> {
        let connection = self.database.read().await?;
        let rows = connection.query(TOTALS, &[&source]).await?;
        let totals = |row: &Row| {
            let currency = parsed(row, 1)?;
            Ok(EarlierTotals {
                source: row.try_get(0)?,
                orders: row.try_get(2)?,
                lines: row.try_get(3)?,
                units: row.try_get(4)?,
                total: Money::new(row.try_get(5)?, currency),
                refunded: Money::new(row.try_get(6)?, currency),
            })
        };
        rows.iter().map(totals).collect()
    }
}

fn id_of(one: &NewEarlier) -> Bytes<16> {
    Bytes(*one.order.id.as_bytes())
}

/// A record that comes twice is new once, as it would be if they were written.
async fn unknown(connection: &Connection, orders: &[NewEarlier]) -> Result<Vec<bool>, StoreError> {
    let ids: Vec<Bytes<16>> = orders.iter().map(id_of).collect();
    let sql = "SELECT earlier_id FROM earlier_orders WHERE earlier_id = ANY($1)";
    let rows = connection.query(sql, &[&ids]).await?;
    let known = rows.iter().map(|row| row.try_get(0).map(|Bytes(id)| id));
    let mut seen = known.collect::<Result<HashSet<[u8; 16]>, _>>()?;
    let is_new = |one: &NewEarlier| seen.insert(*one.order.id.as_bytes());
    Ok(orders.iter().map(is_new).collect())
}

async fn keep(
    connection: &Connection,
    orders: &[NewEarlier],
    at: Timestamp,
) -> Result<Vec<bool>, Abort<Infallible>> {
    let mut made = keep_heads(connection, orders, at).await?;
    let (mut numbers, mut places) = (Vec::new(), Vec::new());
    let (mut skus, mut names) = (Vec::new(), Vec::new());
    let (mut quantities, mut prices) = (Vec::new(), Vec::new());
    let mut fresh = Vec::with_capacity(orders.len());
    for NewEarlier { order, .. } in orders {
        // The second of two of the same number finds nothing more.
        let number = made.remove(order.id.as_bytes());
        fresh.push(number.is_some());
        let Some(number) = number else { continue };
        for (line, place) in order.lines.iter().zip(1_i64..) {
            numbers.push(number);
            places.push(place);
            skus.push(line.sku.as_str());
            names.push(line.name.as_str());
            quantities.push(line.quantity);
            prices.push(line.unit_price_minor);
        }
    }
    let sql = "INSERT INTO earlier_order_lines (earlier_number, line_number, sku, name, quantity, unit_price_minor)
               SELECT *
                 FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])";
    let values: [&(dyn ToSql + Sync); 6] = [&numbers, &places, &skus, &names, &quantities, &prices];
    connection.execute(sql, &values).await?;
    Ok(fresh)
}

/// The numbers of those that are new.
async fn keep_heads(
    connection: &Connection,
    orders: &[NewEarlier],
    at: Timestamp,
) -> Result<HashMap<[u8; 16], i64>, StoreError> {
    let each = || orders.iter().map(|one| &one.order);
    let ids: Vec<Bytes<16>> = orders.iter().map(id_of).collect();
    let sources: Vec<&str> = each().map(|order| order.source.as_str()).collect();
    let numbers: Vec<&str> = each().map(|order| order.number.as_str()).collect();
    let customer = |one: &NewEarlier| one.customer.map(|id| Bytes(*id.as_bytes()));
    let customers: Vec<Option<Bytes<16>>> = orders.iter().map(customer).collect();
    // Once it is certain whose it is, the address is not needed any more.
    let email = |one: &NewEarlier| {
        let email = one.order.email.as_ref().filter(|_| one.customer.is_none());
        email.map(|email| email.key().to_owned())
    };
    let emails: Vec<Option<String>> = orders.iter().map(email).collect();
    let references: Vec<Option<&str>> = each().map(|order| order.customer_ref.as_deref()).collect();
    let statuses: Vec<&str> = each().map(|order| order.status.as_str()).collect();
    let currencies: Vec<&str> = each().map(|order| order.currency.code()).collect();
    let placed: Vec<i64> = each().map(|order| order.placed_at.as_ms()).collect();
    let subtotals: Vec<i64> = each().map(|order| order.sums.subtotal).collect();
    let shipping: Vec<i64> = each().map(|order| order.sums.shipping).collect();
    let taxes: Vec<i64> = each().map(|order| order.sums.tax).collect();
    let discounts: Vec<i64> = each().map(|order| order.sums.discount).collect();
    let totals: Vec<i64> = each().map(|order| order.sums.total).collect();
    let refunded: Vec<i64> = each().map(|order| order.sums.refunded).collect();
    let at = at.as_ms();
    let values: [&(dyn ToSql + Sync); 16] = [
        &ids,
        &sources,
        &numbers,
        &customers,
        &emails,
        &references,
        &statuses,
        &currencies,
        &placed,
        &at,
        &subtotals,
        &shipping,
        &taxes,
        &discounts,
        &totals,
        &refunded,
    ];
    let rows = connection.query(KEEP, &values).await?;
    let number = |row: &Row| {
        let Bytes(id): Bytes<16> = row.try_get(0)?;
        Ok((id, row.try_get(1)?))
    };
    rows.iter().map(number).collect()
}

async fn with_lines(
    connection: &Connection,
    rows: &[Row],
) -> Result<Vec<(Place, EarlierOrderView)>, StoreError> {
    let mut views = rows.iter().map(view).collect::<Result<Vec<_>, _>>()?;
    let numbers: Vec<i64> = views.iter().map(|(place, _)| place.number).collect();
    let sql = "SELECT earlier_number, sku, name, quantity, unit_price_minor
                 FROM earlier_order_lines
                WHERE earlier_number = ANY($1)
                ORDER BY earlier_number, line_number";
    let mut lines: HashMap<i64, Vec<(String, String, i64, i64)>> = HashMap::new();
    for row in connection.query(sql, &[&numbers]).await? {
        let line = (
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
            row.try_get(4)?,
        );
        lines.entry(row.try_get(0)?).or_default().push(line);
    }
    for (place, view) in &mut views {
        let currency = view.total.currency;
        let own = lines.remove(&place.number).unwrap_or_default();
        let line = |(sku, name, quantity, price)| EarlierLineView {
            sku,
            name,
            quantity,
            unit_price: Money::new(price, currency),
        };
        view.lines = own.into_iter().map(line).collect();
    }
    Ok(views)
}

/// A record without its lines.
fn view(row: &Row) -> Result<(Place, EarlierOrderView), StoreError> {
    let currency = parsed(row, 8)?;
    let Bytes(id): Bytes<16> = row.try_get(2)?;
    let customer: Option<Bytes<16>> = row.try_get(5)?;
    let place = Place {
        number: row.try_get(0)?,
        placed_at_ms: row.try_get(1)?,
    };
    let view = EarlierOrderView {
        id: EarlierOrderId::from_bytes(id),
        source: row.try_get(3)?,
        number: row.try_get(4)?,
        customer_id: customer.map(|Bytes(id)| UserId::from_bytes(id)),
        customer_ref: row.try_get(6)?,
        status: parsed(row, 7)?,
        lines: Vec::new(),
        shipping: Money::new(row.try_get(9)?, currency),
        tax: Money::new(row.try_get(10)?, currency),
        discount: Money::new(row.try_get(11)?, currency),
        total: Money::new(row.try_get(12)?, currency),
        refunded: Money::new(row.try_get(13)?, currency),
        placed_at: Timestamp::from_ms(place.placed_at_ms),
        imported_at: Timestamp::from_ms(row.try_get(14)?),
    };
    Ok((place, view))
}

/// Gives so many records of this address to its user.
pub(super) async fn claim(
    connection: &Connection,
    user: UserId,
    email: &Email,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "WITH mine AS (SELECT earlier_number
                               FROM earlier_orders
                              WHERE email_key = $2 AND email_key IS NOT NULL AND customer_id IS NULL
                              ORDER BY earlier_number
                              LIMIT $3
                                FOR UPDATE)
               UPDATE earlier_orders
                  SET customer_id = $1, email_key = NULL
                 FROM mine
                WHERE earlier_orders.earlier_number = mine.earlier_number";
    let values: [&(dyn ToSql + Sync); 3] =
        [&Bytes(*user.as_bytes()), &email.key(), &i64::from(limit)];
    connection.execute(sql, &values).await
}

/// Leaves of a customer's records what was bought, and nobody's name.
pub(super) async fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    let sql = "WITH theirs AS (SELECT earlier_number
                                 FROM earlier_orders
                                WHERE customer_id = $1
                                ORDER BY earlier_number
                                  FOR UPDATE)
               UPDATE earlier_orders
                  SET customer_id = NULL, email_key = NULL, customer_ref = NULL
                 FROM theirs
                WHERE earlier_orders.earlier_number = theirs.earlier_number";
    connection
        .execute(sql, &[&Bytes(*customer.as_bytes())])
        .await?;
    Ok(())
}
