//! The rows of refunds. What was captured bounds them under the lock of their payment, and by a CHECK.

use super::{
    ledger, payments,
    rows::{BEFORE_ALL, bytes, count, other, parked, progress_of, time},
};
use crate::{
    domain::{Refund, RefundIntent, Stage, absurd_after, ledger::Transaction},
    store::{Delay, Lease, RefundRefusal, deciding},
};
use contracts::{
    catalog::ReturnedItem,
    payments::SagaState,
    values::{Money, OrderId, PaymentId, Quantity, RefundId, Timestamp, VariantId, Version},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql, parsed},
};
use std::{collections::HashMap, convert::Infallible};

macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " refund_id, payment_id, order_id, fingerprint, version, stage, amount_minor, currency, reference,
              whole, reason, actor, owner, fence, tries, next_try_at_ms, parked_at_ms IS NOT NULL, waits_for,
              created_at_ms, updated_at_ms ",
            $after
        )
    };
}

const INSERT: &str = columns!(
    "INSERT INTO refunds (refund_id, payment_id, order_id, fingerprint, version, stage, amount_minor,
                          currency, reference, reason, actor, owner, fence, next_try_at_ms, created_at_ms,
                          updated_at_ms)
     VALUES ($1, $2, $3, $4, 1, 'decided', $5, $6, $7, $8, $9, $10, 1, $11, $12, $12)
     RETURNING",
    ""
);

const INSERT_ITEMS: &str = "INSERT INTO refund_items (refund_id, payment_id, variant_id, quantity)
     SELECT $1, $2, item.*
       FROM UNNEST($3::uuid[], $4::bigint[]) AS item";

const COUNT: &str = "UPDATE payments
        SET refunding_minor = refunding_minor + $2,
            updated_at_ms = $3
      WHERE payment_id = $1";

const ADVANCE: &str = columns!(
    "UPDATE refunds
        SET stage = $4::text,
            whole = whole OR $5,
            updated_at_ms = $6,
            tries = 0,
            parked_at_ms = NULL,
            waits_for = NULL,
            owner = CASE WHEN $4::text = 'noted' THEN NULL ELSE owner END,
            version = version + 1
      WHERE refund_id = $1
        AND version = $2
        AND fence = $3
     RETURNING",
    ""
);

const STILL_MINE: &str = "SELECT refund_id
       FROM refunds
      WHERE refund_id = $1
        AND version = $2
        AND fence = $3
        FOR UPDATE";

/// The payment is given back whole once all of it was.
const BOOK: &str = "UPDATE payments
        SET refunded_minor = refunded_minor + $2,
            status = CASE WHEN refunded_minor + $2 = amount_minor THEN 'refunded' ELSE status END,
            updated_at_ms = $3,
            version = version + 1
      WHERE payment_id = $1
        AND status = 'captured'
     RETURNING status = 'refunded'";

const POSTPONE: &str = "UPDATE refunds
        SET tries = tries + $5,
            next_try_at_ms = $4,
            parked_at_ms = $6,
            waits_for = $7,
            owner = NULL
      WHERE refund_id = $1
        AND version = $2
        AND fence = $3";

/// Whoever takes it over raises the fence: what the former owner still writes matches no row.
const CLAIM: &str = columns!(
    "UPDATE refunds
        SET owner = $2,
            fence = fence + 1,
            next_try_at_ms = $3
      WHERE refund_id = $1
        AND stage <> 'noted'
        AND (owner IS NULL OR owner = $2 OR next_try_at_ms <= $4 OR next_try_at_ms > $5)
     RETURNING",
    ""
);

/// The due are picked once, by a list, and each node passes over what another is picking: so they share the work.
const TAKE_DUE: &str = columns!(
    "UPDATE refunds
        SET owner = $1,
            fence = fence + 1,
            next_try_at_ms = $2
      WHERE refund_id = ANY(ARRAY(
                SELECT refund_id
                  FROM refunds
                 WHERE stage <> 'noted'
                   AND parked_at_ms IS NULL
                   AND (next_try_at_ms <= $3 OR next_try_at_ms > $4)
                   AND refund_id <> ALL($5)
                 ORDER BY next_try_at_ms
                 LIMIT $6
                   FOR UPDATE SKIP LOCKED))
     RETURNING",
    ""
);

const ONE: &str = columns!("SELECT", "FROM refunds WHERE refund_id = $1");

const OF_PAYMENT: &str = columns!(
    "SELECT",
    "FROM refunds WHERE payment_id = $1 ORDER BY refund_number LIMIT 1000"
);

/// Two walks along the index: what is due, and what a clock that was put back left behind.
const DUE: &str = "(SELECT refund_id
        FROM refunds
       WHERE stage <> 'noted'
         AND parked_at_ms IS NULL
         AND next_try_at_ms <= $1
       ORDER BY next_try_at_ms
       LIMIT $3)
     UNION ALL
     (SELECT refund_id
        FROM refunds
       WHERE stage <> 'noted'
         AND parked_at_ms IS NULL
         AND next_try_at_ms > $2
       ORDER BY next_try_at_ms
       LIMIT $3)
      LIMIT $3";

const AFTER: &str = columns!(
    "SELECT",
    "FROM refunds
      WHERE (payment_id, refund_id) > ($1, $2)
      ORDER BY payment_id, refund_id
      LIMIT $3"
);

const UNENDED: &str = columns!(
    "SELECT",
    "FROM refunds
      WHERE stage <> 'noted'
        AND refund_id > $1
        AND ($2::boolean IS NULL OR (parked_at_ms IS NOT NULL) = $2)
      ORDER BY refund_id
      LIMIT $3"
);

const ITEMS: &str = "SELECT refund_id, variant_id, quantity
       FROM refund_items
      WHERE refund_id = ANY($1)
      ORDER BY refund_id, variant_id";

const UNITS: &str = "SELECT variant_id, SUM(quantity)::bigint
       FROM refund_items
      WHERE payment_id = $1 AND variant_id = ANY($2)
      GROUP BY variant_id";

fn name(id: RefundId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

/// The refund that stands, and whether it stood before.
pub(super) async fn begin(
    connection: &Connection,
    intent: &RefundIntent,
    at: Timestamp,
    lease: &Lease,
) -> Result<(Refund, bool), Abort<RefundRefusal>> {
    // All refunds of a payment are decided one after the other. What is read from here on stays true.
    let payment = payments::locked(connection, intent.payment_id).await?;
    if let Some(known) = one(connection, intent.id).await? {
        return if known.fingerprint == intent.fingerprint {
            Ok((known, true))
        } else {
            Err(Abort::Refused(RefundRefusal::Differs))
        };
    }
    let payment = payment.ok_or(Abort::Refused(RefundRefusal::Unknown))?;
    let (reference, amount) = deciding::money(&payment, intent).map_err(Abort::Refused)?;
    let before = units_before(connection, intent).await?;
    deciding::units(intent, before).map_err(Abort::Refused)?;
    let payment_id = payments::name(intent.payment_id);
    let values: [&(dyn ToSql + Sync); 12] = [
        &name(intent.id),
        &payment_id,
        &Bytes(*payment.order_id.as_bytes()),
        &Bytes(intent.fingerprint),
        &amount,
        &payment.amount.currency.code(),
        &reference,
        &intent.reason,
        &intent.actor,
        &lease.owner,
        &lease.until.as_ms(),
        &at.as_ms(),
    ];
    let row = connection.query_one(INSERT, &values).await?;
    insert_items(connection, intent).await?;
    let counted: [&(dyn ToSql + Sync); 3] = [&payment_id, &amount, &at.as_ms()];
    connection.execute(COUNT, &counted).await?;
    let mut refund = refund_of(&row)?;
    // As they are read: by variant.
    refund.items = intent.items.iter().map(|(item, _)| *item).collect();
    refund.items.sort_unstable_by_key(|item| item.variant_id);
    Ok((refund, false))
}

async fn units_before(
    connection: &Connection,
    intent: &RefundIntent,
) -> Result<HashMap<VariantId, i64>, StoreError> {
    let variants = variants_of(intent.items.iter().chain(&intent.lost));
    if variants.is_empty() {
        return Ok(HashMap::new());
    }
    let values: [&(dyn ToSql + Sync); 2] = [&payments::name(intent.payment_id), &variants];
    let rows = connection.query(UNITS, &values).await?;
    rows.iter()
        .map(|row| Ok((VariantId::from_bytes(bytes(row, 0)?), row.try_get(1)?)))
        .collect()
}

async fn insert_items(connection: &Connection, intent: &RefundIntent) -> Result<(), StoreError> {
    if intent.items.is_empty() {
        return Ok(());
    }
    let quantities: Vec<i64> = intent
        .items
        .iter()
        .map(|(item, _)| item.quantity.get().into())
        .collect();
    let (id, payment_id) = (name(intent.id), payments::name(intent.payment_id));
    let variants = variants_of(intent.items.iter());
    let values: [&(dyn ToSql + Sync); 4] = [&id, &payment_id, &variants, &quantities];
    connection.execute(INSERT_ITEMS, &values).await.map(drop)
}

fn variants_of<'a>(items: impl Iterator<Item = &'a (ReturnedItem, i64)>) -> Vec<Bytes<16>> {
    let id = |(item, _): &(ReturnedItem, i64)| Bytes(*item.variant_id.as_bytes());
    items.map(id).collect()
}

pub(super) async fn book(
    connection: &Connection,
    refund: &Refund,
    transaction: &Transaction,
    at: Timestamp,
) -> Result<Option<Refund>, Abort<Infallible>> {
    let payment = payments::locked(connection, refund.payment_id).await?;
    let payment = payment.ok_or_else(|| other("the payment of a refund has gone"))?;
    let (version, fence) = (refund.version.get(), refund.progress.fence);
    let mine: [&(dyn ToSql + Sync); 3] = [&name(refund.id), &version, &fence];
    if connection.query_opt(STILL_MINE, &mine).await?.is_none() {
        return Ok(None);
    }
    let mut whole = false;
    if deciding::books_money(&payment, refund.amount.minor) {
        let id = payments::name(refund.payment_id);
        let values: [&(dyn ToSql + Sync); 3] = [&id, &refund.amount.minor, &at.as_ms()];
        whole = connection
            .query_one(BOOK, &values)
            .await?
            .try_get(0)
            .map_err(StoreError::from)?;
        ledger::post_all(connection, &[(transaction, at)]).await?;
    }
    Ok(moved(connection, refund, (Stage::Booked, whole), at).await?)
}

pub(super) async fn advance(
    connection: &Connection,
    refund: &Refund,
    to: Stage,
    at: Timestamp,
) -> Result<Option<Refund>, Abort<Infallible>> {
    Ok(moved(connection, refund, (to, false), at).await?)
}

async fn moved(
    connection: &Connection,
    refund: &Refund,
    (to, whole): (Stage, bool),
    at: Timestamp,
) -> Result<Option<Refund>, StoreError> {
    let values: [&(dyn ToSql + Sync); 6] = [
        &name(refund.id),
        &refund.version.get(),
        &refund.progress.fence,
        &to.as_str(),
        &whole,
        &at.as_ms(),
    ];
    first(connection, ADVANCE, &values).await
}

pub(super) async fn postpone(
    connection: &Connection,
    refund: &Refund,
    delay: &Delay,
) -> Result<(), Abort<Infallible>> {
    let until = delay.until.as_ms();
    let values: [&(dyn ToSql + Sync); 7] = [
        &name(refund.id),
        &refund.version.get(),
        &refund.progress.fence,
        &until,
        &i64::from(delay.failed),
        &delay.parked.then_some(until),
        &delay.reason,
    ];
    connection.execute(POSTPONE, &values).await?;
    Ok(())
}

pub(super) async fn claim(
    connection: &Connection,
    id: RefundId,
    lease: &Lease,
    now: Timestamp,
) -> Result<Option<Refund>, Abort<Infallible>> {
    let values: [&(dyn ToSql + Sync); 5] = [
        &name(id),
        &lease.owner,
        &lease.until.as_ms(),
        &now.as_ms(),
        &absurd_after(now).as_ms(),
    ];
    Ok(first(connection, CLAIM, &values).await?)
}

pub(super) async fn take_due(
    connection: &Connection,
    lease: &Lease,
    now: Timestamp,
    (limit, except): (u32, &[RefundId]),
) -> Result<Vec<Refund>, Abort<Infallible>> {
    let except: Vec<Bytes<16>> = except.iter().copied().map(name).collect();
    let values: [&(dyn ToSql + Sync); 6] = [
        &lease.owner,
        &lease.until.as_ms(),
        &now.as_ms(),
        &absurd_after(now).as_ms(),
        &except,
        &i64::from(limit),
    ];
    Ok(all(connection, TAKE_DUE, &values).await?)
}

pub(super) async fn release_leases(
    connection: &Connection,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE refunds
                  SET owner = NULL, next_try_at_ms = $1
                WHERE stage <> 'noted' AND owner IS NOT NULL";
    connection.execute(sql, &[&now.as_ms()]).await.map(drop)
}

pub(super) async fn unpark(
    connection: &Connection,
    id: RefundId,
    now: Timestamp,
) -> Result<(), Abort<Infallible>> {
    let sql = "UPDATE refunds
                  SET parked_at_ms = NULL,
                      tries = 0,
                      next_try_at_ms = CASE WHEN owner IS NULL THEN $2 ELSE next_try_at_ms END
                WHERE refund_id = $1 AND stage <> 'noted'";
    connection.execute(sql, &[&name(id), &now.as_ms()]).await?;
    Ok(())
}

pub(super) async fn one(
    connection: &Connection,
    id: RefundId,
) -> Result<Option<Refund>, StoreError> {
    first(connection, ONE, &[&name(id)]).await
}

pub(super) async fn of_payment(
    connection: &Connection,
    id: PaymentId,
) -> Result<Vec<Refund>, StoreError> {
    all(connection, OF_PAYMENT, &[&payments::name(id)]).await
}

pub(super) async fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<RefundId>, StoreError> {
    let absurd = absurd_after(now).as_ms();
    let values: [&(dyn ToSql + Sync); 3] = [&now.as_ms(), &absurd, &i64::from(limit)];
    let rows = connection.query(DUE, &values).await?;
    rows.iter()
        .map(|row| Ok(RefundId::from_bytes(bytes(row, 0)?)))
        .collect()
}

pub(super) async fn after(
    connection: &Connection,
    last: Option<(PaymentId, RefundId)>,
    limit: u32,
) -> Result<Vec<Refund>, StoreError> {
    let (payment, refund) = last.map_or((BEFORE_ALL, BEFORE_ALL), |(payment, refund)| {
        (payments::name(payment), name(refund))
    });
    all(connection, AFTER, &[&payment, &refund, &i64::from(limit)]).await
}

pub(super) async fn unended(
    connection: &Connection,
    state: Option<SagaState>,
    after: Option<RefundId>,
    limit: u32,
) -> Result<Vec<Refund>, StoreError> {
    let after = after.map_or(BEFORE_ALL, name);
    let values: [&(dyn ToSql + Sync); 3] = [&after, &parked(state), &i64::from(limit)];
    all(connection, UNENDED, &values).await
}

async fn first(
    connection: &Connection,
    sql: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Option<Refund>, StoreError> {
    Ok(all(connection, sql, values).await?.into_iter().next())
}

/// Items never change: they need not be of the same snapshot.
async fn all(
    connection: &Connection,
    sql: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Refund>, StoreError> {
    let rows = connection.query(sql, values).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut refunds = rows.iter().map(refund_of).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<Bytes<16>> = refunds.iter().map(|refund| name(refund.id)).collect();
    let mut items: HashMap<RefundId, Vec<ReturnedItem>> = HashMap::new();
    for row in connection.query(ITEMS, &[&ids]).await? {
        let item = ReturnedItem {
            variant_id: VariantId::from_bytes(bytes(&row, 1)?),
            quantity: Quantity::try_from(count(&row, 2)?).map_err(other)?,
        };
        let id = RefundId::from_bytes(bytes(&row, 0)?);
        items.entry(id).or_default().push(item);
    }
    for refund in &mut refunds {
        refund.items = items.remove(&refund.id).unwrap_or_default();
    }
    Ok(refunds)
}

fn refund_of(row: &Row) -> Result<Refund, StoreError> {
    Ok(Refund {
        id: RefundId::from_bytes(bytes(row, 0)?),
        payment_id: PaymentId::from_bytes(bytes(row, 1)?),
        order_id: OrderId::from_bytes(bytes(row, 2)?),
        fingerprint: bytes(row, 3)?,
        version: Version::try_from(row.try_get::<_, i64>(4)?).map_err(other)?,
        stage: parsed(row, 5)?,
        amount: Money::new(row.try_get(6)?, parsed(row, 7)?),
        reference: row.try_get(8)?,
        whole: row.try_get(9)?,
        items: Vec::new(),
        reason: row.try_get(10)?,
        actor: row.try_get(11)?,
        progress: progress_of(row, 12)?,
        created_at: time(row, 18)?,
        updated_at: time(row, 19)?,
    })
}
