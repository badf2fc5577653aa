//! Discounts in PostgreSQL: made, changed and read. Their uses are counted in `uses`.

use super::storage_of;
use crate::{
    domain::discount,
    store::{
        discounts::{AUTOMATIC_MAX, DIFFERING, Rules, Used},
        view::cut_discounts as cut,
    },
};
use contracts::{
    orders::{DiscountCode, DiscountError, DiscountQuery, DiscountView, NewDiscount},
    request::Precondition,
    values::{Currency, DiscountId, Money, Page, Timestamp, Version},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};

const COLUMNS: &str = "discount_id, code, basis_points, amount_minor, minimum_minor, currency, starts_at_ms, \
                       ends_at_ms, uses_max, customer_uses_max, uses, active, version, created_at_ms, updated_at_ms, \
                       name, automatic, rules";

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
    let rules = Rules::parse(row.try_get(17)?).map_err(storage_of)?;
    Ok(DiscountView {
        id: DiscountId::from_bytes(id),
        code: DiscountCode::parse(&code).map_err(storage_of)?,
        name: row.try_get(15)?,
        automatic: row.try_get(16)?,
        basis_points: small(2)?,
        amount: money(3)?,
        takes_off: rules.takes_off,
        only: rules.only,
        buy: rules.buy,
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
        "SELECT {COLUMNS} FROM discounts
          WHERE code COLLATE \"C\" > $1 AND ($3::boolean IS NULL OR active = $3)
          ORDER BY code COLLATE \"C\"
          LIMIT $2"
    );
    let count = i64::from(limit).saturating_add(1);
    let rows = connection
        .query(&sql, &[&after, &count, &query.active])
        .await?;
    let mut data = rows
        .iter()
        .map(discount_of)
        .collect::<Result<Vec<_>, _>>()?;
    let next_cursor = cut(&mut data, limit);
    Ok(Page { data, next_cursor })
}

/// How many are given and how many are not, of so many rows at most.
pub(super) async fn count(connection: &Connection, most: i64) -> Result<[i64; 2], StoreError> {
    let sql = "SELECT COUNT(*) FILTER (WHERE active), COUNT(*) FILTER (WHERE NOT active)
                 FROM (SELECT active FROM discounts LIMIT $1) AS found";
    let row = connection.query_one(sql, &[&most]).await?;
    Ok([row.try_get(0)?, row.try_get(1)?])
}

pub(super) async fn make(
    connection: &Connection,
    id: DiscountId,
    wish: &NewDiscount,
    now: Timestamp,
) -> Result<DiscountView, Abort<DiscountError>> {
    let made = discount::made(id, wish.clone(), now).map_err(Abort::Refused)?;
    stay_few(connection, &made).await?;
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
    stay_few(connection, &after).await?;
    write(connection, &after).await?;
    Ok(after)
}

/// Refuses one more of those that are given by themselves than there may be. Who makes one waits for whoever makes
/// another; the lock's number is ours to choose.
async fn stay_few(
    connection: &Connection,
    discount: &DiscountView,
) -> Result<(), Abort<DiscountError>> {
    if !(discount.automatic && discount.active) {
        return Ok(());
    }
    let lock = "SELECT pg_advisory_xact_lock(7104)";
    connection.execute_batch(lock).await?;
    let others = automatic(connection).await?;
    let others = others.iter().filter(|other| other.id != discount.id);
    if others.count() >= AUTOMATIC_MAX {
        return Err(Abort::Refused(DiscountError::TooMany));
    }
    Ok(())
}

pub(super) async fn automatic(connection: &Connection) -> Result<Vec<DiscountView>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM discounts WHERE automatic AND active ORDER BY code COLLATE \"C\""
    );
    let rows = connection.query(&sql, &[]).await?;
    rows.iter().map(discount_of).collect()
}

pub(super) async fn used(
    connection: &Connection,
    ids: &[DiscountId],
    customer_key: [u8; 32],
) -> Result<Used, StoreError> {
    let ids: Vec<Bytes<16>> = ids.iter().map(|id| Bytes(*id.as_bytes())).collect();
    let sql = "SELECT d.discount_id, d.uses, (SELECT COUNT(*) FROM discount_uses u
                                               WHERE u.discount_id = d.discount_id AND u.customer_key = $2)
                 FROM discounts d WHERE d.discount_id = ANY($1)";
    let rows = connection.query(sql, &[&ids, &Bytes(customer_key)]).await?;
    let used = rows.iter().map(|row| {
        let Bytes(id): Bytes<16> = row.try_get(0)?;
        let counts = (row.try_get(1)?, row.try_get(2)?);
        Ok((DiscountId::from_bytes(id), counts))
    });
    used.collect()
}

async fn write(connection: &Connection, discount: &DiscountView) -> Result<(), StoreError> {
    let sql = "INSERT INTO discounts (discount_id, code, basis_points, amount_minor, minimum_minor, currency,
                                      starts_at_ms, ends_at_ms, uses_max, customer_uses_max, uses, active, version,
                                      created_at_ms, updated_at_ms, name, automatic, rules)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13, $14, $15, $16, $17)
               ON CONFLICT (discount_id) DO UPDATE
                  SET basis_points = $3, amount_minor = $4, minimum_minor = $5, currency = $6, starts_at_ms = $7,
                      ends_at_ms = $8, uses_max = $9, customer_uses_max = $10, active = $11, version = $12,
                      updated_at_ms = $14, name = $15, automatic = $16, rules = $17";
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
    let rules = Rules::text_of(discount)?;
    let parameters: [&(dyn ToSql + Sync); 17] = [
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
        &discount.name,
        &discount.automatic,
        &rules,
    ];
    connection.execute(sql, &parameters).await.map(drop)
}

/// For verification: codes that are counted otherwise than their orders have them.
pub(super) async fn differing(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let rows = connection.query(DIFFERING, &[]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
