//! Callbacks that were taken in, what somebody should look at, and how far the provider's books were compared.

use super::{
    payments::name,
    rows::{count, time},
};
use crate::{
    domain::absurd_after,
    store::{KeptCallback, Review},
};
use contracts::{
    payments::{CallbackView, ReviewView},
    values::{PaymentId, Timestamp},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Connection, ToSql},
};
use std::convert::Infallible;

/// How long callbacks are remembered, so that a repetition is known.
const KEEP_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// Callbacks that are forgotten in one commit.
const FORGET_MAX: i64 = 64;

const INSERT: &str = "INSERT INTO callbacks (event_id, key, body, next_try_at_ms, received_at_ms)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (event_id) DO NOTHING";

/// Nodes that forget at the same time leave one another's rows alone.
const FORGET: &str = "DELETE FROM callbacks
      WHERE callback_number = ANY(ARRAY(SELECT callback_number
                                  FROM callbacks
                                 WHERE received_at_ms < $1 AND done_at_ms IS NOT NULL
                                 ORDER BY received_at_ms
                                 LIMIT $2
                                   FOR UPDATE SKIP LOCKED))";

pub(super) async fn keep(
    connection: &Connection,
    callback: &KeptCallback,
    body: &str,
    next_try_at: Timestamp,
) -> Result<bool, Abort<Infallible>> {
    let received = callback.received_at.as_ms();
    let values: [&(dyn ToSql + Sync); 5] = [
        &callback.event_id,
        &callback.key,
        &body,
        &next_try_at.as_ms(),
        &received,
    ];
    let kept = connection.execute(INSERT, &values).await?;
    let before = received.saturating_sub(KEEP_MS);
    connection.execute(FORGET, &[&before, &FORGET_MAX]).await?;
    Ok(kept == 1)
}

pub(super) async fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<KeptCallback>, StoreError> {
    let sql = "SELECT event_id, key, tries, received_at_ms
                 FROM callbacks
                WHERE done_at_ms IS NULL AND (next_try_at_ms <= $1 OR next_try_at_ms > $2)
                ORDER BY next_try_at_ms
                LIMIT $3";
    let absurd = absurd_after(now).as_ms();
    let values: [&(dyn ToSql + Sync); 3] = [&now.as_ms(), &absurd, &i64::from(limit)];
    let rows = connection.query(sql, &values).await?;
    rows.iter()
        .map(|row| {
            Ok(KeptCallback {
                event_id: row.try_get(0)?,
                key: row.try_get(1)?,
                tries: count(row, 2)?,
                received_at: time(row, 3)?,
            })
        })
        .collect()
}

pub(super) async fn of(
    connection: &Connection,
    id: PaymentId,
    limit: u32,
) -> Result<Vec<CallbackView>, StoreError> {
    let sql = "SELECT event_id, received_at_ms, done_at_ms, tries, body
                 FROM callbacks
                WHERE key = $1
                ORDER BY callback_number DESC
                LIMIT $2";
    let key = id.to_string();
    let rows = connection.query(sql, &[&key, &i64::from(limit)]).await?;
    rows.iter()
        .map(|row| {
            Ok(CallbackView {
                event_id: row.try_get(0)?,
                received_at: time(row, 1)?,
                done_at: row.try_get::<_, Option<i64>>(2)?.map(Timestamp::from_ms),
                tries: count(row, 3)?,
                body: row.try_get(4)?,
            })
        })
        .collect()
}

pub(super) async fn end(
    connection: &Connection,
    event_id: &str,
    next_try_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Abort<Infallible>> {
    let sql = "UPDATE callbacks
                  SET tries = tries + 1,
                      next_try_at_ms = COALESCE($2::bigint, next_try_at_ms),
                      done_at_ms = CASE WHEN $2::bigint IS NULL THEN $3::bigint END
                WHERE event_id = $1 AND done_at_ms IS NULL";
    let next_try_at = next_try_at.map(Timestamp::as_ms);
    let values: [&(dyn ToSql + Sync); 3] = [&event_id, &next_try_at, &now.as_ms()];
    connection.execute(sql, &values).await?;
    Ok(())
}

pub(super) async fn review(
    connection: &Connection,
    review: &Review,
    at: Timestamp,
) -> Result<(), Abort<Infallible>> {
    let sql = "INSERT INTO reviews (kind, subject, detail, at_ms)
               VALUES ($1, $2, $3, $4)
               ON CONFLICT (kind, subject) DO NOTHING";
    let values: [&(dyn ToSql + Sync); 4] =
        [&review.kind, &review.subject, &review.detail, &at.as_ms()];
    connection.execute(sql, &values).await?;
    Ok(())
}

pub(super) async fn reviews(
    connection: &Connection,
    limit: u32,
) -> Result<Vec<ReviewView>, StoreError> {
    let sql = "SELECT review_number, kind, subject, detail, at_ms
                 FROM reviews
                ORDER BY review_number DESC
                LIMIT $1";
    let rows = connection.query(sql, &[&i64::from(limit)]).await?;
    rows.iter()
        .map(|row| {
            Ok(ReviewView {
                number: row.try_get(0)?,
                kind: row.try_get(1)?,
                subject: row.try_get(2)?,
                detail: row.try_get(3)?,
                at: time(row, 4)?,
            })
        })
        .collect()
}

pub(super) async fn compared(connection: &Connection, provider: &str) -> Result<u64, StoreError> {
    let sql = "SELECT charge_after FROM reconciliation WHERE provider = $1";
    let row = connection.query_opt(sql, &[&provider]).await?;
    let upto: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(u64::try_from(upto.unwrap_or(0)).unwrap_or(0))
}

/// Several nodes compare, each for itself: who is behind takes nothing back.
pub(super) async fn note_compared(
    connection: &Connection,
    provider: &str,
    upto: u64,
) -> Result<(), Abort<Infallible>> {
    let sql = "INSERT INTO reconciliation (provider, charge_after)
               VALUES ($1, $2)
               ON CONFLICT (provider) DO UPDATE
                  SET charge_after = GREATEST(reconciliation.charge_after, excluded.charge_after)";
    let upto = i64::try_from(upto).unwrap_or(i64::MAX);
    connection.execute(sql, &[&provider, &upto]).await?;
    Ok(())
}

/// Lets no payment of this id begin any more, unless one has. Whoever is beginning one is waited for, and whoever
/// comes later sees it: the table is held for a moment, which is rare enough.
pub(super) async fn disown(
    connection: &Connection,
    id: PaymentId,
    at: Timestamp,
) -> Result<bool, Abort<Infallible>> {
    connection
        .execute_batch("LOCK TABLE payments IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    let sql = "INSERT INTO strays (payment_id, at_ms)
               SELECT $1::uuid, $2::bigint WHERE NOT EXISTS (SELECT 1 FROM payments WHERE payment_id = $1)
               ON CONFLICT DO NOTHING";
    connection.execute(sql, &[&name(id), &at.as_ms()]).await?;
    Ok(is_disowned(connection, id).await?)
}

pub(super) async fn is_disowned(
    connection: &Connection,
    id: PaymentId,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM strays WHERE payment_id = $1";
    let row = connection.query_opt(sql, &[&name(id)]).await?;
    Ok(row.is_some())
}
