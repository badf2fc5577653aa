//! The rows of payments. A payment is moved by whoever read its version and holds its fence, and by nobody else.

use super::{
    ledger,
    rows::{BEFORE_ALL, bytes, other, parked, progress_of, time},
    taking::Move,
};
use crate::{
    domain::{Intent, Payment, absurd_after},
    store::{
        Delay, Lease, Taken,
        kept::{Columns, Read},
    },
};
use contracts::{
    payments::SagaState,
    values::{Money, OrderId, PaymentId, Timestamp, Version},
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
            " payment_id, order_id, fingerprint, version, status, amount_minor, currency, method,
              reference, decline_code, action_url, action_due_at_ms, void_wanted, late, refunding_minor,
              refunded_minor, owner, fence, tries, next_try_at_ms, parked_at_ms IS NOT NULL, reason,
              told_at_ms IS NOT NULL, created_at_ms, updated_at_ms ",
            $after
        )
    };
}

const INSERT: &str = columns!(
    "INSERT INTO payments (payment_id, order_id, fingerprint, version, status, amount_minor, currency,
                           method, owner, fence, next_try_at_ms, created_at_ms, updated_at_ms)
     SELECT $1::uuid, $2::uuid, $3::bytea, 1, 'pending', $4::bigint, $5::text, $6::text, $7::text, 1, $8::bigint,
            $9::bigint, $9::bigint
      WHERE NOT EXISTS (SELECT 1 FROM strays WHERE payment_id = $1)
     RETURNING",
    ""
);

const LOCK: &str = "SELECT payment_id
       FROM payments
      WHERE payment_id = ANY($1)
      ORDER BY payment_id
        FOR UPDATE";

const ADVANCE: &str = columns!(
    "UPDATE payments
        SET status = move.to_status,
            reference = move.to_reference,
            decline_code = move.to_code,
            action_url = move.to_url,
            action_due_at_ms = move.to_due_ms,
            void_wanted = void_wanted AND move.to_status IN ('pending', 'requires_action'),
            late = late OR move.is_late,
            told_at_ms = move.told_ms,
            updated_at_ms = move.at_ms,
            next_try_at_ms = move.lease_ms,
            tries = 0,
            parked_at_ms = NULL,
            reason = NULL,
            version = version + 1
       FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                   $8::text[], $9::bigint[], $10::boolean[], $11::bigint[], $12::bigint[], $13::bigint[])
            AS move (id, from_version, from_status, from_fence, to_status, to_reference, to_code, to_url,
                     to_due_ms, is_late, told_ms, at_ms, lease_ms)
      WHERE payment_id = move.id
        AND version = move.from_version
        AND status = move.from_status
        AND fence = move.from_fence
     RETURNING",
    ""
);

const MARK_TOLD: &str = columns!(
    "UPDATE payments
        SET told_at_ms = $4,
            owner = NULL,
            tries = 0,
            reason = NULL
      WHERE payment_id = $1
        AND version = $2
        AND fence = $3
     RETURNING",
    ""
);

const POSTPONE: &str = "UPDATE payments
        SET tries = tries + $5,
            next_try_at_ms = $4,
            parked_at_ms = $6,
            reason = $7,
            owner = NULL
      WHERE payment_id = $1
        AND version = $2
        AND fence = $3";

/// Whoever takes it over raises the fence: what the former owner still writes matches no row.
const CLAIM: &str = columns!(
    "UPDATE payments
        SET owner = $2,
            fence = fence + 1,
            next_try_at_ms = $3
      WHERE payment_id = $1
        AND (owner IS NULL OR owner = $2 OR next_try_at_ms <= $4 OR next_try_at_ms > $5)
     RETURNING",
    ""
);

/// The due are picked once, by a list, and each node passes over what another is picking: so they share the work.
const TAKE_DUE: &str = columns!(
    "UPDATE payments
        SET owner = $1,
            fence = fence + 1,
            next_try_at_ms = $2
      WHERE payment_id = ANY(ARRAY(
                SELECT payment_id
                  FROM payments
                 WHERE told_at_ms IS NULL
                   AND parked_at_ms IS NULL
                   AND (next_try_at_ms <= $3 OR next_try_at_ms > $4)
                   AND payment_id <> ALL($5)
                 ORDER BY next_try_at_ms
                 LIMIT $6
                   FOR UPDATE SKIP LOCKED))
     RETURNING",
    ""
);

const ONE: &str = columns!("SELECT", "FROM payments WHERE payment_id = $1");

/// Whoever decides something from it holds it until their transaction ends.
const ONE_LOCKED: &str = columns!("SELECT", "FROM payments WHERE payment_id = $1 FOR UPDATE");

const CAPTURED_OF: &str = columns!(
    "SELECT",
    "FROM payments
      WHERE order_id = $1
        AND status IN ('captured', 'refunded')
        AND NOT late
      ORDER BY payment_number DESC
      LIMIT 1"
);

/// Two walks along the index: what is due, and what a clock that was put back left behind.
const DUE: &str = "(SELECT payment_id
        FROM payments
       WHERE told_at_ms IS NULL
         AND parked_at_ms IS NULL
         AND next_try_at_ms <= $1
       ORDER BY next_try_at_ms
       LIMIT $3)
     UNION ALL
     (SELECT payment_id
        FROM payments
       WHERE told_at_ms IS NULL
         AND parked_at_ms IS NULL
         AND next_try_at_ms > $2
       ORDER BY next_try_at_ms
       LIMIT $3)
      LIMIT $3";

const AFTER: &str = columns!(
    "SELECT",
    "FROM payments
      WHERE (order_id, payment_id) > ($1, $2)
      ORDER BY order_id, payment_id
      LIMIT $3"
);

const UNENDED: &str = columns!(
    "SELECT",
    "FROM payments
      WHERE told_at_ms IS NULL
        AND payment_id > $1
        AND ($2::boolean IS NULL OR (parked_at_ms IS NOT NULL) = $2)
      ORDER BY payment_id
      LIMIT $3"
);

pub(super) fn name(id: PaymentId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

pub(super) async fn begin(
    connection: &Connection,
    intent: &Intent,
    at: Timestamp,
    lease: &Lease,
) -> Result<Payment, Abort<Taken>> {
    let order = Bytes(*intent.order_id.as_bytes());
    let values: [&(dyn ToSql + Sync); 9] = [
        &name(intent.id),
        &order,
        &Bytes(intent.fingerprint),
        &intent.amount.minor,
        &intent.amount.currency.code(),
        &intent.method,
        &lease.owner,
        &lease.until.as_ms(),
        &at.as_ms(),
    ];
    let row = connection.query_opt(INSERT, &values).await.map_err(taken)?;
    Ok(payment_of(&row.ok_or(Abort::Refused(Taken))?)?)
}

/// Moves all that are where they were read, and books what they take.
pub(super) async fn advance_all(
    connection: &Connection,
    moves: &[Move],
) -> Result<Vec<Option<Payment>>, Abort<Taken>> {
    if moves.len() > 1 {
        let ids: Vec<Bytes<16>> = moves.iter().map(|(from, _)| name(from.id)).collect();
        connection.query(LOCK, &[&ids]).await?;
    }
    let rows = update_all(connection, moves).await.map_err(taken)?;
    let moved = rows.iter().map(payment_of).collect::<Result<Vec<_>, _>>()?;
    let mut moved: HashMap<PaymentId, Payment> = moved
        .into_iter()
        .map(|payment| (payment.id, payment))
        .collect();
    let booked: Vec<_> = moves
        .iter()
        .filter(|(from, _)| moved.contains_key(&from.id))
        .filter_map(|(_, change)| Some((change.booked.as_ref()?, change.at)))
        .collect();
    ledger::post_all(connection, &booked).await?;
    Ok(moves
        .iter()
        .map(|(from, _)| moved.remove(&from.id))
        .collect())
}

async fn update_all(connection: &Connection, moves: &[Move]) -> Result<Vec<Row>, StoreError> {
    let from = || moves.iter().map(|(from, _)| from);
    let to = || moves.iter().map(|(_, change)| change);
    let kept: Vec<Columns<'_>> = to().map(|change| Columns::of(&change.to)).collect();
    let ids: Vec<Bytes<16>> = from().map(|payment| name(payment.id)).collect();
    let versions: Vec<i64> = from().map(|payment| payment.version.get()).collect();
    let statuses: Vec<&str> = from()
        .map(|payment| payment.state.status().as_str())
        .collect();
    let fences: Vec<i64> = from().map(|payment| payment.progress.fence).collect();
    let to_statuses: Vec<&str> = to().map(|change| change.to.status().as_str()).collect();
    let references: Vec<Option<&str>> = kept.iter().map(|kept| kept.reference).collect();
    let codes: Vec<Option<&str>> = kept.iter().map(|kept| kept.decline_code).collect();
    let urls: Vec<Option<&str>> = kept.iter().map(|kept| kept.action_url).collect();
    let dues: Vec<Option<i64>> = kept.iter().map(|kept| kept.action_due_at_ms).collect();
    let late: Vec<bool> = to().map(|change| change.late).collect();
    let told: Vec<Option<i64>> = to()
        .map(|change| change.told.then_some(change.at.as_ms()))
        .collect();
    let times: Vec<i64> = to().map(|change| change.at.as_ms()).collect();
    let leases: Vec<i64> = to().map(|change| change.lease_until.as_ms()).collect();
    let values: [&(dyn ToSql + Sync); 13] = [
        &ids,
        &versions,
        &statuses,
        &fences,
        &to_statuses,
        &references,
        &codes,
        &urls,
        &dues,
        &late,
        &told,
        &times,
        &leases,
    ];
    connection.query(ADVANCE, &values).await
}

/// Only what took no money yet can be given up, and it is due at once.
pub(super) async fn want_void(
    connection: &Connection,
    id: PaymentId,
    now: Timestamp,
) -> Result<(), Abort<Infallible>> {
    let sql = "UPDATE payments
                  SET void_wanted = TRUE,
                      parked_at_ms = NULL,
                      next_try_at_ms = CASE WHEN owner IS NULL THEN $2 ELSE next_try_at_ms END
                WHERE payment_id = $1
                  AND status IN ('pending', 'requires_action')";
    connection.execute(sql, &[&name(id), &now.as_ms()]).await?;
    Ok(())
}

pub(super) async fn mark_told(
    connection: &Connection,
    payment: &Payment,
    at: Timestamp,
) -> Result<Option<Payment>, Abort<Infallible>> {
    let (version, fence) = (payment.version.get(), payment.progress.fence);
    let values: [&(dyn ToSql + Sync); 4] = [&name(payment.id), &version, &fence, &at.as_ms()];
    Ok(first(connection, MARK_TOLD, &values).await?)
}

pub(super) async fn postpone(
    connection: &Connection,
    payment: &Payment,
    delay: &Delay,
) -> Result<(), Abort<Infallible>> {
    let until = delay.until.as_ms();
    let values: [&(dyn ToSql + Sync); 7] = [
        &name(payment.id),
        &payment.version.get(),
        &payment.progress.fence,
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
    id: PaymentId,
    lease: &Lease,
    now: Timestamp,
) -> Result<Option<Payment>, Abort<Infallible>> {
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
    (limit, except): (u32, &[PaymentId]),
) -> Result<Vec<Payment>, Abort<Infallible>> {
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
    let sql = "UPDATE payments
                  SET owner = NULL, next_try_at_ms = $1
                WHERE told_at_ms IS NULL AND owner IS NOT NULL";
    connection.execute(sql, &[&now.as_ms()]).await.map(drop)
}

pub(super) async fn unpark(
    connection: &Connection,
    id: PaymentId,
    now: Timestamp,
) -> Result<(), Abort<Infallible>> {
    let sql = "UPDATE payments
                  SET parked_at_ms = NULL,
                      tries = 0,
                      next_try_at_ms = CASE WHEN owner IS NULL THEN $2 ELSE next_try_at_ms END
                WHERE payment_id = $1 AND told_at_ms IS NULL";
    connection.execute(sql, &[&name(id), &now.as_ms()]).await?;
    Ok(())
}

pub(super) async fn one(
    connection: &Connection,
    id: PaymentId,
) -> Result<Option<Payment>, StoreError> {
    first(connection, ONE, &[&name(id)]).await
}

/// One payment, which nobody else changes until this transaction ends.
pub(super) async fn locked(
    connection: &Connection,
    id: PaymentId,
) -> Result<Option<Payment>, StoreError> {
    first(connection, ONE_LOCKED, &[&name(id)]).await
}

pub(super) async fn captured_of(
    connection: &Connection,
    id: OrderId,
) -> Result<Option<Payment>, StoreError> {
    first(connection, CAPTURED_OF, &[&Bytes(*id.as_bytes())]).await
}

pub(super) async fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<PaymentId>, StoreError> {
    let absurd = absurd_after(now).as_ms();
    let values: [&(dyn ToSql + Sync); 3] = [&now.as_ms(), &absurd, &i64::from(limit)];
    let rows = connection.query(DUE, &values).await?;
    rows.iter()
        .map(|row| Ok(PaymentId::from_bytes(bytes(row, 0)?)))
        .collect()
}

pub(super) async fn after(
    connection: &Connection,
    last: Option<(OrderId, PaymentId)>,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    let (order, payment) = last.map_or((BEFORE_ALL, BEFORE_ALL), |(order, payment)| {
        (Bytes(*order.as_bytes()), name(payment))
    });
    all(connection, AFTER, &[&order, &payment, &i64::from(limit)]).await
}

pub(super) async fn unended(
    connection: &Connection,
    state: Option<SagaState>,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    let after = after.map_or(BEFORE_ALL, name);
    let values: [&(dyn ToSql + Sync); 3] = [&after, &parked(state), &i64::from(limit)];
    all(connection, UNENDED, &values).await
}

/// The order has a payment under way, or (on another node) this very one was begun a moment ago.
fn taken(error: StoreError) -> Abort<Taken> {
    Abort::from(error)
        .or_constraint("payments_one_per_order", || Taken)
        .or_constraint("payments_id_unique", || Taken)
}

async fn first(
    connection: &Connection,
    sql: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Option<Payment>, StoreError> {
    let row = connection.query_opt(sql, values).await?;
    row.as_ref().map(payment_of).transpose()
}

async fn all(
    connection: &Connection,
    sql: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Payment>, StoreError> {
    let rows = connection.query(sql, values).await?;
    rows.iter().map(payment_of).collect()
}

fn payment_of(row: &Row) -> Result<Payment, StoreError> {
    let read = Read {
        status: parsed(row, 4)?,
        reference: row.try_get(8)?,
        decline_code: row.try_get(9)?,
        action_url: row.try_get(10)?,
        action_due_at_ms: row.try_get(11)?,
    };
    Ok(Payment {
        id: PaymentId::from_bytes(bytes(row, 0)?),
        order_id: OrderId::from_bytes(bytes(row, 1)?),
        fingerprint: bytes(row, 2)?,
        version: Version::try_from(row.try_get::<_, i64>(3)?).map_err(other)?,
        state: read.state()?,
        amount: Money::new(row.try_get(5)?, parsed(row, 6)?),
        method: row.try_get(7)?,
        void_wanted: row.try_get(12)?,
        late: row.try_get(13)?,
        refunding_minor: row.try_get(14)?,
        refunded_minor: row.try_get(15)?,
        progress: progress_of(row, 16)?,
        told: row.try_get(22)?,
        created_at: time(row, 23)?,
        updated_at: time(row, 24)?,
    })
}
