//! Discounts in PostgreSQL. Uses are counted where orders are written, under locks that only those take who use what
//! has a limit: of the discount's row for a limit in all, of a customer's name for one of each.

use super::storage_of;
use crate::{
    domain::{discount, order::NewOrder},
    store::{discounts::DIFFERING, view::cut_discounts as cut},
};
use contracts::{
    orders::{DiscountCode, DiscountError, DiscountQuery, DiscountView, NewDiscount},
    request::Precondition,
    values::{Currency, DiscountId, Money, OrderId, Page, Timestamp, Version},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};
use std::collections::{BTreeSet, HashMap};

const COLUMNS: &str = "discount_id, code, basis_points, amount_minor, minimum_minor, currency, starts_at_ms, \
                       ends_at_ms, uses_max, customer_uses_max, uses, active, version, created_at_ms, updated_at_ms";

fn discount_of(row: &Row) -> Result<DiscountView, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(0)?;
    let code: String = row.try_get(1)?;
    let unit: Option<String> = row.try_get(5)?;
    let unit: Option<Currency> = unit
        .map(|unit| unit.parse().map_err(storage_of))
        .transpose()?;
    let whole = |column| -> Result<Option<i64>, StoreError> { Ok(row.try_get(column)?) };
    let money = |column| -> Result<Option<Money>, StoreError> {
        Ok(whole(column)?
            .zip(unit)
            .map(|(minor, unit)| Money::new(minor, unit)))
    };
    let small = |column| -> Result<Option<u32>, StoreError> {
        let found = whole(column)?.map(u32::try_from).transpose();
        found.map_err(storage_of)
    };
    let time = |column| -> Result<Option<Timestamp>, StoreError> {
        Ok(whole(column)?.map(Timestamp::from_ms))
    };
    let uses_max = small(8)?;
    let uses: i64 = row.try_get(10)?;
    Ok(DiscountView {
        id: DiscountId::from_bytes(id),
        code: DiscountCode::parse(&code).map_err(storage_of)?,
        basis_points: small(2)?,
        amount: money(3)?,
        minimum: money(4)?,
        starts_at: time(6)?,
        ends_at: time(7)?,
        uses_max,
        customer_uses_max: small(9)?,
        uses: uses_max.map(|_| uses),
        active: row.try_get(11)?,
        version: Version::try_from(row.try_get::<_, i64>(12)?).map_err(storage_of)?,
        created_at: Timestamp::from_ms(row.try_get(13)?),
        updated_at: Timestamp::from_ms(row.try_get(14)?),
    })
}

pub(super) async fn find(
    connection: &Connection,
    id: DiscountId,
) -> Result<Option<DiscountView>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM discounts WHERE discount_id = $1");
    let row = connection
        .query_opt(&sql, &[&Bytes(*id.as_bytes())])
        .await?;
    row.as_ref().map(discount_of).transpose()
}

pub(super) async fn of_code(
    connection: &Connection,
    code: &DiscountCode,
    customer_key: [u8; 32],
) -> Result<Option<(DiscountView, i64)>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM discounts WHERE code = $1");
    let Some(row) = connection.query_opt(&sql, &[&code.as_str()]).await? else {
        return Ok(None);
    };
    let discount = discount_of(&row)?;
    let used = match discount.customer_uses_max {
        Some(_) => {
            let sql =
                "SELECT COUNT(*) FROM discount_uses WHERE discount_id = $1 AND customer_key = $2";
            let id = Bytes(*discount.id.as_bytes());
            let row = connection
                .query_one(sql, &[&id, &Bytes(customer_key)])
                .await?;
            row.try_get(0)?
        }
        None => 0,
    };
    Ok(Some((discount, used)))
}

pub(super) async fn list(
    connection: &Connection,
    query: &DiscountQuery,
    after: &str,
) -> Result<Page<DiscountView>, StoreError> {
    let limit = query.limit.get();
    // Codes are of ASCII: one order everywhere.
    let sql = format!(
        "SELECT {COLUMNS} FROM discounts WHERE code COLLATE \"C\" > $1 ORDER BY code COLLATE \"C\" LIMIT $2"
    );
    let count = i64::from(limit).saturating_add(1);
    let rows = connection.query(&sql, &[&after, &count]).await?;
    let mut data = rows
        .iter()
        .map(discount_of)
        .collect::<Result<Vec<_>, _>>()?;
    let next_cursor = cut(&mut data, limit);
    Ok(Page { data, next_cursor })
}

pub(super) async fn make(
    connection: &Connection,
    id: DiscountId,
    wish: &NewDiscount,
    now: Timestamp,
) -> Result<DiscountView, Abort<DiscountError>> {
    let made = discount::made(id, wish.clone(), now).map_err(Abort::Refused)?;
    let written = write(connection, &made).await.map_err(Abort::Failed);
    written.map_err(|abort| {
        abort.or_constraint("discounts_code_unique", || DiscountError::CodeTaken)
    })?;
    Ok(made)
}

pub(super) async fn replace(
    connection: &Connection,
    id: DiscountId,
    (sent, wish): (Precondition, NewDiscount),
    now: Timestamp,
) -> Result<DiscountView, Abort<DiscountError>> {
    let sql = format!("SELECT {COLUMNS} FROM discounts WHERE discount_id = $1 FOR UPDATE");
    let row = connection
        .query_opt(&sql, &[&Bytes(*id.as_bytes())])
        .await?;
    let before = row.as_ref().map(discount_of).transpose()?;
    let before = before.ok_or(Abort::Refused(DiscountError::NotFound))?;
    let after = discount::replaced(&before, sent, wish, now).map_err(Abort::Refused)?;
    write(connection, &after).await?;
    Ok(after)
}

async fn write(connection: &Connection, discount: &DiscountView) -> Result<(), StoreError> {
    let sql = "INSERT INTO discounts (discount_id, code, basis_points, amount_minor, minimum_minor, currency,
                                      starts_at_ms, ends_at_ms, uses_max, customer_uses_max, uses, active, version,
                                      created_at_ms, updated_at_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13, $14)
               ON CONFLICT (discount_id) DO UPDATE
                  SET basis_points = $3, amount_minor = $4, minimum_minor = $5, currency = $6, starts_at_ms = $7,
                      ends_at_ms = $8, uses_max = $9, customer_uses_max = $10, active = $11, version = $12,
                      updated_at_ms = $14";
    let id = Bytes(*discount.id.as_bytes());
    let unit = discount::currency(discount);
    let (code, unit) = (discount.code.as_str(), unit.as_ref().map(Currency::code));
    let minor = |money: Option<Money>| money.map(|money| money.minor);
    let (points, amount) = (discount.basis_points.map(i64::from), minor(discount.amount));
    let (minimum, version) = (minor(discount.minimum), discount.version.get());
    let time = |at: Option<Timestamp>| at.map(Timestamp::as_ms);
    let (starts_at, ends_at) = (time(discount.starts_at), time(discount.ends_at));
    let (uses, customer_uses) = (
        discount.uses_max.map(i64::from),
        discount.customer_uses_max.map(i64::from),
    );
    let (created_at, updated_at) = (discount.created_at.as_ms(), discount.updated_at.as_ms());
    let parameters: [&(dyn ToSql + Sync); 14] = [
        &id,
        &code,
        &points,
        &amount,
        &minimum,
        &unit,
        &starts_at,
        &ends_at,
        &uses,
        &customer_uses,
        &discount.active,
        &version,
        &created_at,
        &updated_at,
    ];
    connection.execute(sql, &parameters).await.map(drop)
}

/// How much room there is for the uses of a batch. Everything that it was asked of is locked.
#[derive(Debug, Default)]
pub(super) struct Room {
    left: HashMap<DiscountId, i64>,
    used: HashMap<(DiscountId, [u8; 32]), i64>,
}

impl Room {
    /// Locks discounts in the order of their ids, then customers' names in the order of theirs.
    pub(super) async fn lock(
        connection: &Connection,
        batch: &[NewOrder],
    ) -> Result<Self, StoreError> {
        let limited = || {
            let uses = batch.iter().filter_map(|order| order.discount.as_ref());
            uses.filter(|used| used.is_limited())
        };
        let mut room = Self::default();
        if limited().next().is_none() {
            return Ok(room);
        }
        let ids: BTreeSet<[u8; 16]> = limited()
            .filter(|used| used.uses_max.is_some())
            .map(|used| *used.discount_id.as_bytes())
            .collect();
        let ids: Vec<Bytes<16>> = ids.into_iter().map(Bytes).collect();
        let sql = "SELECT discount_id, uses_max - uses FROM discounts
                    WHERE discount_id = ANY($1) ORDER BY discount_id FOR UPDATE";
        for row in connection.query(sql, &[&ids]).await? {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            room.left
                .insert(DiscountId::from_bytes(id), row.try_get(1)?);
        }
        let names: BTreeSet<([u8; 32], [u8; 16])> = limited()
            .filter(|used| used.customer_uses_max.is_some())
            .map(|used| (used.customer_key, *used.discount_id.as_bytes()))
            .collect();
        let mut last = None;
        for (name, _) in &names {
            if last.replace(*name) != Some(*name) {
                let lock = "SELECT pg_advisory_xact_lock(7103, hashtext(ENCODE($1::bytea, 'hex')))";
                connection.query(lock, &[&Bytes(*name)]).await?;
            }
        }
        // A statement of its own: it sees what whoever had the locks before has written.
        let (names, ids): (Vec<_>, Vec<_>) = names
            .into_iter()
            .map(|(name, id)| (Bytes(name), Bytes(id)))
            .unzip();
        let sql = "SELECT discount_id, customer_key, COUNT(*)
                     FROM discount_uses
                     JOIN UNNEST($1::uuid[], $2::bytea[]) AS asked (discount_id, customer_key)
                          USING (discount_id, customer_key)
                    GROUP BY discount_id, customer_key";
        for row in connection.query(sql, &[&ids, &names]).await? {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            let Bytes(name): Bytes<32> = row.try_get(1)?;
            let key = (DiscountId::from_bytes(id), name);
            room.used.insert(key, row.try_get(2)?);
        }
        Ok(room)
    }

    /// Takes the room of one use, if there is any.
    pub(super) fn take(&mut self, order: &NewOrder) -> bool {
        let Some(used) = &order.discount else {
            return true;
        };
        let key = (used.discount_id, used.customer_key);
        let mine = self.used.get(&key).copied().unwrap_or_default();
        let spent = used
            .customer_uses_max
            .is_some_and(|most| mine >= i64::from(most));
        // A discount that has gone meanwhile leaves nothing.
        let left = self
            .left
            .get(&used.discount_id)
            .copied()
            .unwrap_or_default();
        if spent || (used.uses_max.is_some() && left < 1) {
            return false;
        }
        if used.uses_max.is_some() {
            self.left.insert(used.discount_id, left.saturating_sub(1));
        }
        self.used.insert(key, mine.saturating_add(1));
        true
    }
}

/// Writes what orders cost beside their lines, and counts the uses.
pub(super) async fn write_parts(
    connection: &Connection,
    orders: &[NewOrder],
    numbers: &HashMap<OrderId, i64>,
) -> Result<(), StoreError> {
    let numbered = || {
        orders
            .iter()
            .filter_map(|order| Some((*numbers.get(&order.id)?, order)))
    };
    let (mut owners, mut places, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let (mut titles, mut amounts) = (Vec::new(), Vec::new());
    for (number, order) in numbered() {
        for (place, part) in (1_i64..).zip(&order.parts) {
            owners.push(number);
            places.push(place);
            kinds.push(part.kind.as_str());
            titles.push(part.title.as_str());
            amounts.push(part.amount.minor);
        }
    }
    if owners.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO order_parts (order_number, part_number, kind, title, amount_minor)
               SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])";
    connection
        .execute(sql, &[&owners, &places, &kinds, &titles, &amounts])
        .await?;
    let limited: Vec<_> = numbered()
        .filter_map(|(number, order)| Some((number, order.discount.as_ref()?)))
        .filter(|(_, used)| used.is_limited())
        .collect();
    if limited.is_empty() {
        return Ok(());
    }
    let ids: Vec<Bytes<16>> = limited
        .iter()
        .map(|(_, used)| Bytes(*used.discount_id.as_bytes()))
        .collect();
    let names: Vec<Bytes<32>> = limited
        .iter()
        .map(|(_, used)| Bytes(used.customer_key))
        .collect();
    let owners: Vec<i64> = limited.iter().map(|(number, _)| *number).collect();
    let sql = "INSERT INTO discount_uses (discount_id, customer_key, order_number)
               SELECT * FROM UNNEST($1::uuid[], $2::bytea[], $3::bigint[])";
    connection.execute(sql, &[&ids, &names, &owners]).await?;
    let sql = "UPDATE discounts SET uses = discounts.uses + more.uses
                 FROM (SELECT discount_id, COUNT(*) AS uses FROM UNNEST($1::uuid[]) AS used (discount_id)
                        GROUP BY discount_id) AS more
                WHERE discounts.discount_id = more.discount_id AND discounts.uses_max IS NOT NULL";
    connection.execute(sql, &[&ids]).await.map(drop)
}

/// Orders that are called off use nothing any more. Discounts are locked in the order of their ids.
pub(super) async fn free(connection: &Connection, orders: &[i64]) -> Result<(), StoreError> {
    if orders.is_empty() {
        return Ok(());
    }
    let sql = "DELETE FROM discount_uses WHERE order_number = ANY($1) RETURNING discount_id";
    let rows = connection.query(sql, &[&orders]).await?;
    let freed = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<Bytes<16>>, _>>()?;
    if freed.is_empty() {
        return Ok(());
    }
    let lock = "SELECT 1 FROM discounts
                 WHERE discount_id = ANY($1) AND uses_max IS NOT NULL ORDER BY discount_id FOR UPDATE";
    connection.query(lock, &[&freed]).await?;
    let sql = "UPDATE discounts SET uses = discounts.uses - fewer.uses
                 FROM (SELECT discount_id, COUNT(*) AS uses FROM UNNEST($1::uuid[]) AS freed (discount_id)
                        GROUP BY discount_id) AS fewer
                WHERE discounts.discount_id = fewer.discount_id AND discounts.uses_max IS NOT NULL";
    connection.execute(sql, &[&freed]).await.map(drop)
}

/// For verification: codes that are counted otherwise than their orders have them.
pub(super) async fn differing(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let rows = connection.query(DIFFERING, &[]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
