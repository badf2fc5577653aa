//! Callbacks that were taken in, what somebody should look at, and how far the provider's books were compared.

use crate::{
    domain::absurd_after,
    store::{KeptCallback, Review},
};
use contracts::{
    payments::{CallbackView, ReviewView},
    values::{PaymentId, Timestamp},
};
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

/// How long callbacks are remembered, so that a repetition is known.
const KEEP_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

pub(super) fn keep(
    connection: &Connection,
    callback: &KeptCallback,
    body: &str,
    next_try_at: Timestamp,
) -> Result<bool, StoreError> {
    let kept = connection
        .prepare_cached(
            "INSERT INTO callbacks (event_id, key, body, next_try_at_ms, received_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (event_id) DO NOTHING",
        )?
        .execute(params![
            callback.event_id,
            callback.key,
            body,
            next_try_at.as_ms(),
            callback.received_at.as_ms()
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM callbacks WHERE received_at_ms < ?1 AND done_at_ms IS NOT NULL",
        )?
        .execute([callback.received_at.as_ms().saturating_sub(KEEP_MS)])?;
    Ok(kept == 1)
}

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<KeptCallback>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT event_id, key, tries, received_at_ms
           FROM callbacks
          WHERE done_at_ms IS NULL AND (next_try_at_ms <= ?1 OR next_try_at_ms > ?2)
          ORDER BY next_try_at_ms
          LIMIT ?3",
    )?;
    let values = params![now.as_ms(), absurd_after(now).as_ms(), limit];
    let rows = statement.query_map(values, |row| {
        Ok(KeptCallback {
            event_id: row.get(0)?,
            key: row.get(1)?,
            tries: row.get(2)?,
            received_at: Timestamp::from_ms(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn of(
    connection: &Connection,
    id: PaymentId,
    limit: u32,
) -> Result<Vec<CallbackView>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT event_id, received_at_ms, done_at_ms, tries, body
           FROM callbacks
          WHERE key = ?1
          ORDER BY callback_number DESC
          LIMIT ?2",
    )?;
    let rows = statement.query_map(params![id.to_string(), limit], |row| {
        Ok(CallbackView {
            event_id: row.get(0)?,
            received_at: Timestamp::from_ms(row.get(1)?),
            done_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_ms),
            tries: row.get(3)?,
            body: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn end(
    connection: &Connection,
    event_id: &str,
    next_try_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE callbacks
                SET tries = tries + 1,
                    next_try_at_ms = COALESCE(?2, next_try_at_ms),
                    done_at_ms = iif(?2 IS NULL, ?3, NULL)
              WHERE event_id = ?1 AND done_at_ms IS NULL",
        )?
        .execute(params![
            event_id,
            next_try_at.map(Timestamp::as_ms),
            now.as_ms()
        ])?;
    Ok(())
}

pub(super) fn review(
    connection: &Connection,
    review: &Review,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO reviews (kind, subject, detail, at_ms)
             VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind, subject) DO NOTHING",
        )?
        .execute(params![
            review.kind,
            review.subject,
            review.detail,
            at.as_ms()
        ])?;
    Ok(())
}

pub(super) fn reviews(connection: &Connection, limit: u32) -> Result<Vec<ReviewView>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT review_number, kind, subject, detail, at_ms
           FROM reviews
          ORDER BY review_number DESC
          LIMIT ?1",
    )?;
    let rows = statement.query_map([limit], |row| {
        Ok(ReviewView {
            number: row.get(0)?,
            kind: row.get(1)?,
            subject: row.get(2)?,
            detail: row.get(3)?,
            at: Timestamp::from_ms(row.get(4)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn compared(connection: &Connection, provider: &str) -> Result<u64, StoreError> {
    let upto: Option<i64> = connection
        .prepare_cached("SELECT charge_after FROM reconciliation WHERE provider = ?1")?
        .query_row([provider], |row| row.get(0))
        .optional()?;
    Ok(u64::try_from(upto.unwrap_or(0)).unwrap_or(0))
}

pub(super) fn note_compared(
    connection: &Connection,
    provider: &str,
    upto: u64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO reconciliation (provider, charge_after)
             VALUES (?1, ?2)
             ON CONFLICT (provider) DO UPDATE SET charge_after = excluded.charge_after",
        )?
        .execute(params![provider, i64::try_from(upto).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// Lets no payment of this id begin any more, unless one has.
pub(super) fn disown(
    connection: &Connection,
    id: PaymentId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO strays (payment_id, at_ms)
             SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM payments WHERE payment_id = ?1)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![id.as_bytes(), at.as_ms()])?;
    is_disowned(connection, id)
}

pub(super) fn is_disowned(connection: &Connection, id: PaymentId) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM strays WHERE payment_id = ?1")?
        .exists([id.as_bytes()])?)
}
