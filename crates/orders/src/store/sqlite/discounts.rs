//! Discounts in SQLite, and the parts of orders that they make. Uses are counted where orders are written.

use super::read::{broken, currency};
use crate::{
    domain::{
        discount,
        order::{NewOrder, Order},
        pricing::Use,
    },
    store::{
        PlaceRefusal,
        discounts::{AUTOMATIC_MAX, DIFFERING, Rules, Used},
        view,
    },
};
use contracts::{
    orders::{DiscountCode, DiscountError, DiscountQuery, DiscountView, NewDiscount},
    request::Precondition,
    values::{DiscountId, Money, Page, Timestamp, Version},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str = "discount_id, code, basis_points, amount_minor, minimum_minor, currency, starts_at_ms, \
                       ends_at_ms, uses_max, customer_uses_max, uses, active, version, created_at_ms, updated_at_ms, \
                       name, automatic, rules";

fn read_discount(row: &Row<'_>) -> Result<DiscountView, rusqlite::Error> {
    let code: String = row.get(1)?;
    let unit: Option<String> = row.get(5)?;
    let unit = unit.map(|unit| currency(&unit, 5)).transpose()?;
    let money = |column| -> Result<Option<Money>, rusqlite::Error> {
        let minor: Option<i64> = row.get(column)?;
        Ok(minor.zip(unit).map(|(minor, unit)| Money::new(minor, unit)))
    };
    let time = |column| -> Result<Option<Timestamp>, rusqlite::Error> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_ms))
    };
    let uses_max: Option<u32> = row.get(8)?;
    let uses: i64 = row.get(10)?;
    let rules: Option<String> = row.get(17)?;
    let rules = Rules::parse(rules.as_deref()).map_err(|error| broken(17, error))?;
    Ok(DiscountView {
        id: DiscountId::from_bytes(row.get(0)?),
        code: DiscountCode::parse(&code).map_err(|error| broken(1, error))?,
        name: row.get(15)?,
        automatic: row.get(16)?,
        basis_points: row.get(2)?,
        amount: money(3)?,
        takes_off: rules.takes_off,
        only: rules.only,
        buy: rules.buy,
        minimum: money(4)?,
        starts_at: time(6)?,
        ends_at: time(7)?,
        uses_max,
        customer_uses_max: row.get(9)?,
        uses: uses_max.map(|_| uses),
        active: row.get(11)?,
        version: Version::try_from(row.get::<_, i64>(12)?).map_err(|error| broken(12, error))?,
        created_at: Timestamp::from_ms(row.get(13)?),
        updated_at: Timestamp::from_ms(row.get(14)?),
    })
}

pub(super) fn find(
    connection: &Connection,
    id: DiscountId,
) -> Result<Option<DiscountView>, StoreError> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM discounts WHERE discount_id = ?1"
        ))?
        .query_row([id.as_bytes()], read_discount)
        .optional()?)
}

pub(super) fn of_code(
    connection: &Connection,
    code: &DiscountCode,
    customer_key: [u8; 32],
) -> Result<Option<(DiscountView, i64)>, StoreError> {
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM discounts WHERE code = ?1"))?
        .query_row([code.as_str()], read_discount)
        .optional()?;
    let Some(discount) = found else {
        return Ok(None);
    };
    let used = match discount.customer_uses_max {
        Some(_) => used_by(connection, discount.id, customer_key)?,
        None => 0,
    };
    Ok(Some((discount, used)))
}

fn used_by(
    connection: &Connection,
    id: DiscountId,
    customer_key: [u8; 32],
) -> Result<i64, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT COUNT(*) FROM discount_uses WHERE discount_id = ?1 AND customer_key = ?2",
        )?
        .query_row(params![id.as_bytes(), customer_key], |row| row.get(0))?)
}

pub(super) fn list(
    connection: &Connection,
    query: &DiscountQuery,
    after: &str,
) -> Result<Page<DiscountView>, StoreError> {
    let limit = query.limit.get();
    let sql = format!(
        "SELECT {COLUMNS} FROM discounts WHERE code > ?1 AND (?3 IS NULL OR active = ?3) ORDER BY code LIMIT ?2"
    );
    let mut data: Vec<DiscountView> = connection
        .prepare_cached(&sql)?
        .query_map(
            params![after, i64::from(limit).saturating_add(1), query.active],
            read_discount,
        )?
        .collect::<Result<_, _>>()?;
    let next_cursor = view::cut_discounts(&mut data, limit);
    Ok(Page { data, next_cursor })
}

/// How many are given and how many are not, of so many rows at most.
pub(super) fn counts(connection: &Connection, most: i64) -> Result<[i64; 2], StoreError> {
    let sql = "SELECT COALESCE(SUM(active), 0), COALESCE(SUM(1 - active), 0)
                 FROM (SELECT active FROM discounts LIMIT ?1)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([most], |row| Ok([row.get(0)?, row.get(1)?]))?)
}

pub(super) fn make(
    connection: &Connection,
    id: DiscountId,
    wish: NewDiscount,
    now: Timestamp,
) -> Result<DiscountView, Abort<DiscountError>> {
    let made = discount::made(id, wish, now).map_err(Abort::Refused)?;
    let taken = connection
        .prepare_cached("SELECT 1 FROM discounts WHERE code = ?1")?
        .exists([made.code.as_str()])?;
    if taken {
        return Err(Abort::Refused(DiscountError::CodeTaken));
    }
    stay_few(connection, &made)?;
    write(connection, &made)?;
    Ok(made)
}

pub(super) fn replace(
    connection: &Connection,
    id: DiscountId,
    (sent, wish): (Precondition, NewDiscount),
    now: Timestamp,
) -> Result<DiscountView, Abort<DiscountError>> {
    let before = find(connection, id)?.ok_or(Abort::Refused(DiscountError::NotFound))?;
    let after = discount::replaced(&before, sent, wish, now).map_err(Abort::Refused)?;
    stay_few(connection, &after)?;
    write(connection, &after)?;
    Ok(after)
}

/// Refuses one more of those that are given by themselves than there may be.
fn stay_few(connection: &Connection, discount: &DiscountView) -> Result<(), Abort<DiscountError>> {
    if !(discount.automatic && discount.active) {
        return Ok(());
    }
    let others = automatic(connection)?;
    let others = others.iter().filter(|other| other.id != discount.id);
    if others.count() >= AUTOMATIC_MAX {
        return Err(Abort::Refused(DiscountError::TooMany));
    }
    Ok(())
}

pub(super) fn automatic(connection: &Connection) -> Result<Vec<DiscountView>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM discounts WHERE automatic = 1 AND active = 1 ORDER BY code");
    Ok(connection
        .prepare_cached(&sql)?
        .query_map([], read_discount)?
        .collect::<Result<_, _>>()?)
}

pub(super) fn used(
    connection: &Connection,
    ids: &[DiscountId],
    customer_key: [u8; 32],
) -> Result<Used, StoreError> {
    let sql = "SELECT d.uses, (SELECT COUNT(*) FROM discount_uses u
                                WHERE u.discount_id = d.discount_id AND u.customer_key = ?2)
                 FROM discounts d WHERE d.discount_id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut used = Used::new();
    for id in ids {
        let found = statement
            .query_row(params![id.as_bytes(), customer_key], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        used.extend(found.map(|found| (*id, found)));
    }
    Ok(used)
}

fn write(connection: &Connection, discount: &DiscountView) -> Result<(), StoreError> {
    let rules = Rules::text_of(discount)?;
    connection
        .prepare_cached(
            "INSERT INTO discounts (discount_id, code, basis_points, amount_minor, minimum_minor, currency,
                                    starts_at_ms, ends_at_ms, uses_max, customer_uses_max, uses, active, version,
                                    created_at_ms, updated_at_ms, name, automatic, rules)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (discount_id) DO UPDATE
                SET basis_points = ?3, amount_minor = ?4, minimum_minor = ?5, currency = ?6, starts_at_ms = ?7,
                    ends_at_ms = ?8, uses_max = ?9, customer_uses_max = ?10, active = ?11, version = ?12,
                    updated_at_ms = ?14, name = ?15, automatic = ?16, rules = ?17",
        )?
        .execute(params![
            discount.id.as_bytes(),
            discount.code.as_str(),
            discount.basis_points,
            discount.amount.map(|money| money.minor),
            discount.minimum.map(|money| money.minor),
            discount::currency(discount).as_ref().map(contracts::values::Currency::code),
            discount.starts_at.map(Timestamp::as_ms),
            discount.ends_at.map(Timestamp::as_ms),
            discount.uses_max,
            discount.customer_uses_max,
            discount.active,
            discount.version.get(),
            discount.created_at.as_ms(),
            discount.updated_at.as_ms(),
            discount.name,
            discount.automatic,
            rules,
        ])?;
    Ok(())
}

/// Makes of an order what the limits have room for, or says why it is none. Nobody else writes between this and
/// [`take`].
pub(super) fn settle(
    connection: &Connection,
    order: &mut NewOrder,
) -> Result<Option<PlaceRefusal>, StoreError> {
    while !have_room(connection, &order.uses)? {
        if !order.turn() {
            return Ok(Some(PlaceRefusal::DiscountSpent));
        }
    }
    Ok(None)
}

fn have_room(connection: &Connection, uses: &[Use]) -> Result<bool, StoreError> {
    for used in uses.iter().filter(|used| used.is_limited()) {
        let has_room = connection
            .prepare_cached(
                "SELECT 1 FROM discounts WHERE discount_id = ?1 AND (uses_max IS NULL OR uses < uses_max)",
            )?
            .exists([used.discount_id.as_bytes()])?;
        let most = used.customer_uses_max.map(i64::from);
        let spent = match most {
            Some(most) => used_by(connection, used.discount_id, used.customer_key)? >= most,
            None => false,
        };
        if !has_room || spent {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes what an order costs beside its lines, and counts the uses of what has a limit.
pub(super) fn take(
    connection: &Connection,
    number: i64,
    order: &NewOrder,
) -> Result<(), StoreError> {
    for (part_number, part) in (1_i64..).zip(&order.parts) {
        connection
            .prepare_cached(
                "INSERT INTO order_parts (order_number, part_number, kind, title, amount_minor, code, tax)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                number,
                part_number,
                part.kind.as_str(),
                part.title,
                part.amount.minor,
                part.code.as_ref().map(DiscountCode::as_str),
                view::tax_document(part)?,
            ])?;
    }
    for used in order.uses.iter().filter(|used| used.is_limited()) {
        count(connection, number, used)?;
    }
    Ok(())
}

fn count(connection: &Connection, number: i64, used: &Use) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO discount_uses (discount_id, customer_key, order_number) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![used.discount_id.as_bytes(), used.customer_key, number])?;
    connection
        .prepare_cached(
            "UPDATE discounts SET uses = uses + 1 WHERE discount_id = ?1 AND uses_max IS NOT NULL",
        )?
        .execute([used.discount_id.as_bytes()])?;
    Ok(())
}

/// An order that is called off uses nothing any more.
pub(super) fn free(connection: &Connection, order: &Order) -> Result<(), StoreError> {
    let freed: Vec<[u8; 16]> = connection
        .prepare_cached("DELETE FROM discount_uses WHERE order_number = ?1 RETURNING discount_id")?
        .query_map([order.number], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in freed {
        connection
            .prepare_cached("UPDATE discounts SET uses = uses - 1 WHERE discount_id = ?1 AND uses_max IS NOT NULL")?
            .execute([id])?;
    }
    Ok(())
}

/// For verification: codes that are counted otherwise than their orders have them.
pub(super) fn differing(connection: &Connection) -> Result<Vec<String>, StoreError> {
    Ok(connection
        .prepare_cached(DIFFERING)?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}
