//! The rows of refunds. What was captured bounds them in the transaction that decides them, and by a CHECK.

use super::{ledger, other, payments, unreadable};
use crate::{
    domain::{Refund, RefundIntent, Stage, absurd_after, ledger::Transaction},
    store::{Delay, Lease, RefundRefusal, deciding},
};
use contracts::{
    catalog::ReturnedItem,
    payments::SagaState,
    values::{
        Currency, Money, OrderId, PaymentId, Quantity, RefundId, Timestamp, VariantId, Version,
    },
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, Params, Row, params};
use std::collections::HashMap;

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

const INSERT: &str = "INSERT INTO refunds (refund_id, payment_id, order_id, fingerprint, version, stage, amount_minor,
                          currency, reference, reason, actor, owner, fence, next_try_at_ms, created_at_ms,
                          updated_at_ms)
     VALUES (?1, ?2, ?3, ?4, 1, 'decided', ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, ?12, ?12)";

const COUNT: &str = "UPDATE payments
        SET refunding_minor = refunding_minor + ?2,
            updated_at_ms = ?3
      WHERE payment_id = ?1";

const ADVANCE: &str = "UPDATE refunds
        SET stage = ?4,
            whole = whole OR ?5,
            updated_at_ms = ?6,
            tries = 0,
            parked_at_ms = NULL,
            waits_for = NULL,
            owner = iif(?4 = 'noted', NULL, owner),
            version = version + 1
      WHERE refund_id = ?1
        AND version = ?2
        AND fence = ?3";

/// The payment is given back whole once all of it was.
const BOOK: &str = "UPDATE payments
        SET refunded_minor = refunded_minor + ?2,
            status = iif(refunded_minor + ?2 = amount_minor, 'refunded', status),
            updated_at_ms = ?3,
            version = version + 1
      WHERE payment_id = ?1
        AND status = 'captured'
     RETURNING status = 'refunded'";

const POSTPONE: &str = "UPDATE refunds
        SET tries = tries + ?5,
            next_try_at_ms = ?4,
            parked_at_ms = ?6,
            waits_for = ?7,
            owner = NULL
      WHERE refund_id = ?1
        AND version = ?2
        AND fence = ?3";

const CLAIM: &str = "UPDATE refunds
        SET owner = ?2,
            fence = fence + 1,
            next_try_at_ms = ?3
      WHERE refund_id = ?1
        AND stage <> 'noted'
        AND (owner IS NULL OR owner = ?2 OR next_try_at_ms <= ?4 OR next_try_at_ms > ?5)";

const ONE: &str = columns!("SELECT", "FROM refunds WHERE refund_id = ?1");

const OF_PAYMENT: &str = columns!(
    "SELECT",
    "FROM refunds WHERE payment_id = ?1 ORDER BY refund_number LIMIT 1000"
);

const DUE: &str = "SELECT refund_id
       FROM refunds
      WHERE stage <> 'noted'
        AND parked_at_ms IS NULL
        AND (next_try_at_ms <= ?1 OR next_try_at_ms > ?2)
      ORDER BY next_try_at_ms
      LIMIT ?3";

const AFTER: &str = columns!(
    "SELECT",
    "FROM refunds
      WHERE (payment_id, refund_id) > (?1, ?2)
      ORDER BY payment_id, refund_id
      LIMIT ?3"
);

const UNENDED: &str = columns!(
    "SELECT",
    "FROM refunds
      WHERE stage <> 'noted'
        AND refund_id > ?1
        AND (?2 IS NULL OR (parked_at_ms IS NOT NULL) = ?2)
      ORDER BY refund_id
      LIMIT ?3"
);

/// The refund that stands, and whether it stood before.
pub(super) fn begin(
    connection: &Connection,
    intent: &RefundIntent,
    at: Timestamp,
    lease: &Lease,
) -> Result<(Refund, bool), Abort<RefundRefusal>> {
    let refused = |refusal| Err(Abort::Refused(refusal));
    if let Some(known) = one(connection, intent.id)? {
        return if known.fingerprint == intent.fingerprint {
            Ok((known, true))
        } else {
            refused(RefundRefusal::Differs)
        };
    }
    let Some(payment) = payments::one(connection, intent.payment_id)? else {
        return refused(RefundRefusal::Unknown);
    };
    let (reference, amount) = deciding::money(&payment, intent).map_err(Abort::Refused)?;
    let before = units_before(connection, intent)?;
    deciding::units(intent, before).map_err(Abort::Refused)?;
    connection
        .prepare_cached(INSERT)
        .map_err(StoreError::from)?
        .execute(params![
            intent.id.as_bytes(),
            intent.payment_id.as_bytes(),
            payment.order_id.as_bytes(),
            intent.fingerprint,
            amount,
            payment.amount.currency.code(),
            reference,
            intent.reason,
            intent.actor,
            lease.owner,
            lease.until.as_ms(),
            at.as_ms(),
        ])?;
    insert_items(connection, intent)?;
    connection.prepare_cached(COUNT)?.execute(params![
        intent.payment_id.as_bytes(),
        amount,
        at.as_ms()
    ])?;
    let written = one(connection, intent.id)?.ok_or_else(|| other("the refund was not written"))?;
    Ok((written, false))
}

fn units_before(
    connection: &Connection,
    intent: &RefundIntent,
) -> Result<HashMap<VariantId, i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT COALESCE(SUM(quantity), 0) FROM refund_items WHERE payment_id = ?1 AND variant_id = ?2",
    )?;
    let mut before = HashMap::new();
    for (item, _) in intent.items.iter().chain(&intent.lost) {
        let keys = params![intent.payment_id.as_bytes(), item.variant_id.as_bytes()];
        before.insert(
            item.variant_id,
            statement.query_row(keys, |row| row.get(0))?,
        );
    }
    Ok(before)
}

fn insert_items(connection: &Connection, intent: &RefundIntent) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO refund_items (refund_id, payment_id, variant_id, quantity) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (item, _) in &intent.items {
        statement.execute(params![
            intent.id.as_bytes(),
            intent.payment_id.as_bytes(),
            item.variant_id.as_bytes(),
            item.quantity.get(),
        ])?;
    }
    Ok(())
}

pub(super) fn book(
    connection: &Connection,
    refund: &Refund,
    transaction: &Transaction,
    at: Timestamp,
) -> Result<Option<Refund>, StoreError> {
    let values = params![
        refund.payment_id.as_bytes(),
        refund.amount.minor,
        at.as_ms()
    ];
    let payment = payments::one(connection, refund.payment_id)?;
    let payment = payment.ok_or_else(|| other("the payment of a refund has gone"))?;
    let mut whole = false;
    if deciding::books_money(&payment, refund.amount.minor) {
        whole = connection
            .prepare_cached(BOOK)?
            .query_row(values, |row| row.get(0))?;
        ledger::post(connection, transaction, at)?;
    }
    if !moved(connection, refund, Stage::Booked, whole, at)? {
        // Somebody else booked it: none of this is kept.
        return Err(StoreError::Lost("another booked the refund".to_owned()));
    }
    one(connection, refund.id)
}

pub(super) fn advance(
    connection: &Connection,
    refund: &Refund,
    to: Stage,
    at: Timestamp,
) -> Result<Option<Refund>, StoreError> {
    if moved(connection, refund, to, false, at)? {
        one(connection, refund.id)
    } else {
        Ok(None)
    }
}

fn moved(
    connection: &Connection,
    refund: &Refund,
    to: Stage,
    whole: bool,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let values = params![
        refund.id.as_bytes(),
        refund.version.get(),
        refund.progress.fence,
        to.as_str(),
        whole,
        at.as_ms(),
    ];
    Ok(connection.prepare_cached(ADVANCE)?.execute(values)? == 1)
}

pub(super) fn postpone(
    connection: &Connection,
    refund: &Refund,
    delay: &Delay,
) -> Result<(), StoreError> {
    let values = params![
        refund.id.as_bytes(),
        refund.version.get(),
        refund.progress.fence,
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
    id: RefundId,
    lease: &Lease,
    now: Timestamp,
) -> Result<Option<Refund>, StoreError> {
    let values = params![
        id.as_bytes(),
        lease.owner,
        lease.until.as_ms(),
        now.as_ms(),
        absurd_after(now).as_ms(),
    ];
    if connection.prepare_cached(CLAIM)?.execute(values)? == 1 {
        one(connection, id)
    } else {
        Ok(None)
    }
}

pub(super) fn release_leases(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE refunds
                SET owner = NULL, next_try_at_ms = ?1
              WHERE stage <> 'noted' AND owner IS NOT NULL",
        )?
        .execute([now.as_ms()])?;
    Ok(())
}

pub(super) fn unpark(
    connection: &Connection,
    id: RefundId,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE refunds
                SET parked_at_ms = NULL,
                    tries = 0,
                    next_try_at_ms = iif(owner IS NULL, ?2, next_try_at_ms)
              WHERE refund_id = ?1 AND stage <> 'noted'",
        )?
        .execute(params![id.as_bytes(), now.as_ms()])?;
    Ok(())
}

pub(super) fn one(connection: &Connection, id: RefundId) -> Result<Option<Refund>, StoreError> {
    Ok(all(connection, ONE, [id.as_bytes()])?.into_iter().next())
}

pub(super) fn of_payment(
    connection: &Connection,
    id: PaymentId,
) -> Result<Vec<Refund>, StoreError> {
    all(connection, OF_PAYMENT, [id.as_bytes()])
}

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<RefundId>, StoreError> {
    let mut statement = connection.prepare_cached(DUE)?;
    let values = params![now.as_ms(), absurd_after(now).as_ms(), limit];
    let ids = statement.query_map(values, |row| row.get(0).map(RefundId::from_bytes))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn after(
    connection: &Connection,
    last: Option<(PaymentId, RefundId)>,
    limit: u32,
) -> Result<Vec<Refund>, StoreError> {
    let (payment, refund): (&[u8], &[u8]) = match &last {
        Some((payment, refund)) => (payment.as_bytes(), refund.as_bytes()),
        None => (&[], &[]),
    };
    all(connection, AFTER, params![payment, refund, limit])
}

pub(super) fn unended(
    connection: &Connection,
    state: Option<SagaState>,
    after: Option<RefundId>,
    limit: u32,
) -> Result<Vec<Refund>, StoreError> {
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes().as_slice());
    let parked = state.map(|state| state == SagaState::Parked);
    all(connection, UNENDED, params![after, parked, limit])
}

fn all(
    connection: &Connection,
    sql: &'static str,
    values: impl Params,
) -> Result<Vec<Refund>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut refunds = Vec::new();
    while let Some(row) = rows.next()? {
        let mut refund = refund_of(row)?;
        refund.items = items_of(connection, refund.id)?;
        refunds.push(refund);
    }
    Ok(refunds)
}

fn items_of(connection: &Connection, id: RefundId) -> Result<Vec<ReturnedItem>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT variant_id, quantity FROM refund_items WHERE refund_id = ?1 ORDER BY variant_id",
    )?;
    let mut rows = statement.query([id.as_bytes()])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let units: u32 = row.get(1)?;
        items.push(ReturnedItem {
            variant_id: VariantId::from_bytes(row.get(0)?),
            quantity: Quantity::try_from(units).map_err(other)?,
        });
    }
    Ok(items)
}

fn refund_of(row: &Row<'_>) -> Result<Refund, StoreError> {
    let currency: Currency = row.get::<_, String>(7)?.parse().map_err(unreadable)?;
    Ok(Refund {
        id: RefundId::from_bytes(row.get(0)?),
        payment_id: PaymentId::from_bytes(row.get(1)?),
        order_id: OrderId::from_bytes(row.get(2)?),
        fingerprint: row.get(3)?,
        version: Version::try_from(row.get::<_, i64>(4)?).map_err(unreadable)?,
        stage: row.get::<_, String>(5)?.parse().map_err(unreadable)?,
        amount: Money::new(row.get(6)?, currency),
        reference: row.get(8)?,
        whole: row.get(9)?,
        items: Vec::new(),
        reason: row.get(10)?,
        actor: row.get(11)?,
        progress: payments::progress_of(row, 12)?,
        created_at: Timestamp::from_ms(row.get(18)?),
        updated_at: Timestamp::from_ms(row.get(19)?),
    })
}
