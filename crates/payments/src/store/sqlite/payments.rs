//! The rows of payments. A payment is moved by whoever read its version and holds its fence, and by nobody else.

use super::{ledger, unreadable};
use crate::{
    domain::{Intent, Payment, Progress, State, absurd_after},
    store::{
        Change, Delay, Lease, Taken,
        kept::{Columns, Read},
    },
};
use contracts::{
    payments::SagaState,
    values::{Currency, Money, OrderId, PaymentId, Timestamp, Version},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, Params, Row, params};

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
     SELECT ?1, ?2, ?3, 1, 'pending', ?4, ?5, ?6, ?7, 1, ?8, ?9, ?9
      WHERE NOT EXISTS (SELECT 1 FROM strays WHERE payment_id = ?1)
     RETURNING",
    ""
);

const ADVANCE: &str = columns!(
    "UPDATE payments
        SET status = ?5,
            reference = ?6,
            decline_code = ?7,
            action_url = ?8,
            action_due_at_ms = ?9,
            void_wanted = iif(?5 IN ('pending', 'requires_action'), void_wanted, 0),
            late = ?10,
            told_at_ms = ?11,
            updated_at_ms = ?12,
            next_try_at_ms = ?13,
            tries = 0,
            parked_at_ms = NULL,
            reason = NULL,
            version = version + 1
      WHERE payment_id = ?1
        AND version = ?2
        AND status = ?3
        AND fence = ?4
     RETURNING",
    ""
);

const MARK_TOLD: &str = columns!(
    "UPDATE payments
        SET told_at_ms = ?4,
            owner = NULL,
            tries = 0,
            reason = NULL
      WHERE payment_id = ?1
        AND version = ?2
        AND fence = ?3
     RETURNING",
    ""
);

const POSTPONE: &str = "UPDATE payments
        SET tries = tries + ?5,
            next_try_at_ms = ?4,
            parked_at_ms = ?6,
            reason = ?7,
            owner = NULL
      WHERE payment_id = ?1
        AND version = ?2
        AND fence = ?3";

/// Whoever takes it over raises the fence: what the former owner still writes matches no row.
const CLAIM: &str = columns!(
    "UPDATE payments
        SET owner = ?2,
            fence = fence + 1,
            next_try_at_ms = ?3
      WHERE payment_id = ?1
        AND (owner IS NULL OR owner = ?2 OR next_try_at_ms <= ?4 OR next_try_at_ms > ?5)
     RETURNING",
    ""
);

const ONE: &str = columns!("SELECT", "FROM payments WHERE payment_id = ?1");

const CAPTURED_OF: &str = columns!(
    "SELECT",
    "FROM payments
      WHERE order_id = ?1
        AND status IN ('captured', 'refunded')
        AND late = 0
      ORDER BY payment_number DESC
      LIMIT 1"
);

const DUE: &str = "SELECT payment_id
       FROM payments
      WHERE told_at_ms IS NULL
        AND parked_at_ms IS NULL
        AND (next_try_at_ms <= ?1 OR next_try_at_ms > ?2)
      ORDER BY next_try_at_ms
      LIMIT ?3";

const AFTER: &str = columns!(
    "SELECT",
    "FROM payments
      WHERE (order_id, payment_id) > (?1, ?2)
      ORDER BY order_id, payment_id
      LIMIT ?3"
);

const UNENDED: &str = columns!(
    "SELECT",
    "FROM payments
      WHERE told_at_ms IS NULL
        AND payment_id > ?1
        AND (?2 IS NULL OR (parked_at_ms IS NOT NULL) = ?2)
      ORDER BY payment_id
      LIMIT ?3"
);

pub(super) fn begin(
    connection: &Connection,
    intent: &Intent,
    at: Timestamp,
    lease: &Lease,
) -> Result<Payment, Abort<Taken>> {
    let values = params![
        intent.id.as_bytes(),
        intent.order_id.as_bytes(),
        intent.fingerprint,
        intent.amount.minor,
        intent.amount.currency.code(),
        intent.method,
        lease.owner,
        lease.until.as_ms(),
        at.as_ms(),
    ];
    let written = first(connection, INSERT, values).map_err(taken)?;
    written.ok_or(Abort::Refused(Taken))
}

pub(super) fn advance(
    connection: &Connection,
    from: &Payment,
    change: &Change,
) -> Result<Option<Payment>, Abort<Taken>> {
    let kept = Columns::of(&change.to);
    let values = params![
        from.id.as_bytes(),
        from.version.get(),
        from.state.status().as_str(),
        from.progress.fence,
        change.to.status().as_str(),
        kept.reference,
        kept.decline_code,
        kept.action_url,
        kept.action_due_at_ms,
        change.late || from.late,
        change.told.then_some(change.at.as_ms()),
        change.at.as_ms(),
        change.lease_until.as_ms(),
    ];
    let moved = first(connection, ADVANCE, values).map_err(taken)?;
    if let (Some(_), Some(transaction)) = (&moved, &change.booked) {
        ledger::post(connection, transaction, change.at)?;
    }
    Ok(moved)
}

/// Only what took no money yet can be given up, and it is due at once.
pub(super) fn want_void(
    connection: &Connection,
    id: PaymentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE payments
                SET void_wanted = 1,
                    parked_at_ms = NULL,
                    next_try_at_ms = iif(owner IS NULL, ?2, next_try_at_ms)
              WHERE payment_id = ?1
                AND status IN ('pending', 'requires_action')",
        )?
        .execute(params![id.as_bytes(), now.as_ms()])?;
    Ok(())
}

pub(super) fn mark_told(
    connection: &Connection,
    payment: &Payment,
    at: Timestamp,
) -> Result<Option<Payment>, StoreError> {
    let values = params![
        payment.id.as_bytes(),
        payment.version.get(),
        payment.progress.fence,
        at.as_ms()
    ];
    first(connection, MARK_TOLD, values)
}

pub(super) fn postpone(
    connection: &Connection,
    payment: &Payment,
    delay: &Delay,
) -> Result<(), StoreError> {
    let values = params![
        payment.id.as_bytes(),
        payment.version.get(),
        payment.progress.fence,
        delay.until.as_ms(),
        delay.failed,
        delay.parked.then_some(delay.until.as_ms()),
        delay.reason,
    ];
    connection.prepare_cached(POSTPONE)?.execute(values)?;
    Ok(())
}

pub(super) fn claim(
    connection: &Connection,
    id: PaymentId,
    lease: &Lease,
    now: Timestamp,
) -> Result<Option<Payment>, StoreError> {
    let values = params![
        id.as_bytes(),
        lease.owner,
        lease.until.as_ms(),
        now.as_ms(),
        absurd_after(now).as_ms(),
    ];
    first(connection, CLAIM, values)
}

pub(super) fn release_leases(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE payments
                SET owner = NULL, next_try_at_ms = ?1
              WHERE told_at_ms IS NULL AND owner IS NOT NULL",
        )?
        .execute([now.as_ms()])?;
    Ok(())
}

pub(super) fn unpark(
    connection: &Connection,
    id: PaymentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE payments
                SET parked_at_ms = NULL,
                    tries = 0,
                    next_try_at_ms = iif(owner IS NULL, ?2, next_try_at_ms)
              WHERE payment_id = ?1 AND told_at_ms IS NULL",
        )?
        .execute(params![id.as_bytes(), now.as_ms()])?;
    Ok(())
}

pub(super) fn one(connection: &Connection, id: PaymentId) -> Result<Option<Payment>, StoreError> {
    first(connection, ONE, [id.as_bytes()])
}

pub(super) fn captured_of(
    connection: &Connection,
    id: OrderId,
) -> Result<Option<Payment>, StoreError> {
    first(connection, CAPTURED_OF, [id.as_bytes()])
}

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<PaymentId>, StoreError> {
    let mut statement = connection.prepare_cached(DUE)?;
    let values = params![now.as_ms(), absurd_after(now).as_ms(), limit];
    let ids = statement.query_map(values, |row| row.get(0).map(PaymentId::from_bytes))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn after(
    connection: &Connection,
    last: Option<(OrderId, PaymentId)>,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    // No id is shorter than another, so an empty one comes before all of them.
    let (order, payment): (&[u8], &[u8]) = match &last {
        Some((order, payment)) => (order.as_bytes(), payment.as_bytes()),
        None => (&[], &[]),
    };
    all(connection, AFTER, params![order, payment, limit])
}

pub(super) fn unended(
    connection: &Connection,
    state: Option<SagaState>,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes().as_slice());
    let parked = state.map(|state| state == SagaState::Parked);
    all(connection, UNENDED, params![after, parked, limit])
}

/// The order has a payment under way, or (from another process) this very one was begun a moment ago.
fn taken(error: StoreError) -> Abort<Taken> {
    Abort::from(error)
        .or_constraint("payments.order_id", || Taken)
        .or_constraint("payments.payment_id", || Taken)
}

fn first(
    connection: &Connection,
    sql: &'static str,
    values: impl Params,
) -> Result<Option<Payment>, StoreError> {
    Ok(all(connection, sql, values)?.into_iter().next())
}

fn all(
    connection: &Connection,
    sql: &'static str,
    values: impl Params,
) -> Result<Vec<Payment>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut payments = Vec::new();
    while let Some(row) = rows.next()? {
        payments.push(payment_of(row)?);
    }
    Ok(payments)
}

fn payment_of(row: &Row<'_>) -> Result<Payment, StoreError> {
    let currency: Currency = row.get::<_, String>(6)?.parse().map_err(unreadable)?;
    Ok(Payment {
        id: PaymentId::from_bytes(row.get(0)?),
        order_id: OrderId::from_bytes(row.get(1)?),
        fingerprint: row.get(2)?,
        version: Version::try_from(row.get::<_, i64>(3)?).map_err(unreadable)?,
        state: state_of(row)?,
        amount: Money::new(row.get(5)?, currency),
        method: row.get(7)?,
        void_wanted: row.get(12)?,
        late: row.get(13)?,
        refunding_minor: row.get(14)?,
        refunded_minor: row.get(15)?,
        progress: progress_of(row, 16)?,
        told: row.get(22)?,
        created_at: Timestamp::from_ms(row.get(23)?),
        updated_at: Timestamp::from_ms(row.get(24)?),
    })
}

/// Owner, fence, tries, next try, parked, reason: six columns from this one on.
pub(super) fn progress_of(row: &Row<'_>, first: usize) -> Result<Progress, StoreError> {
    let at = |place: usize| first.saturating_add(place);
    Ok(Progress {
        owner: row.get(first)?,
        fence: row.get(at(1))?,
        tries: row.get(at(2))?,
        next_try_at: Timestamp::from_ms(row.get(at(3))?),
        parked: row.get(at(4))?,
        reason: row.get(at(5))?,
    })
}

fn state_of(row: &Row<'_>) -> Result<State, StoreError> {
    let read = Read {
        status: row.get::<_, String>(4)?.parse().map_err(unreadable)?,
        reference: row.get(8)?,
        decline_code: row.get(9)?,
        action_url: row.get(10)?,
        action_due_at_ms: row.get(11)?,
    };
    read.state()
}
