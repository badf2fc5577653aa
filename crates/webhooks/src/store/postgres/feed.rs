//! The feed: events in the one order that all see, and how far each outbox was read. Numbers are given under the lock
//! of the feed's row, so that none appears after a higher one.

use super::rows::{self, EVENT};
use crate::store::{Gathered, PRUNE_PAGE};
use contracts::{trace::beside, values::Timestamp, webhooks::EventView};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};
use std::{collections::HashMap, convert::Infallible};

pub(super) async fn page(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> Result<Vec<EventView>, StoreError> {
    let sql = format!("SELECT {EVENT} FROM events WHERE sequence > $1 ORDER BY sequence LIMIT $2");
    let rows = connection.query(&sql, &[&after, &i64::from(limit)]).await?;
    rows.iter().map(rows::event).collect()
}

pub(super) async fn places(connection: &Connection) -> Result<HashMap<String, i64>, StoreError> {
    let rows = connection
        .query("SELECT source, number FROM sources", &[])
        .await?;
    let place = |row: &platform::db::postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(place).collect()
}

pub(super) async fn gather(
    connection: &Connection,
    page: &Gathered,
) -> Result<bool, Abort<Infallible>> {
    let sql = "SELECT last_sequence FROM feed WHERE feed_id = 1 FOR UPDATE";
    let feed = connection.query_one(sql, &[]).await?;
    let last: i64 = feed.try_get(0).map_err(StoreError::from)?;
    let sql = "INSERT INTO sources (source, number) VALUES ($1, 0) ON CONFLICT DO NOTHING";
    connection.execute(sql, &[&page.source]).await?;
    let sql = "UPDATE sources SET number = $3 WHERE source = $1 AND number = $2";
    let moved = connection
        .execute(sql, &[&page.source, &page.from, &page.to])
        .await?;
    if moved == 0 {
        return Ok(false);
    }
    if page.events.is_empty() {
        return Ok(true);
    }
    let ids: Vec<Bytes<16>> = page
        .events
        .iter()
        .map(|told| Bytes(*told.id.as_bytes()))
        .collect();
    let kinds: Vec<&str> = page.events.iter().map(|told| told.kind.as_str()).collect();
    let data: Vec<String> = page
        .events
        .iter()
        .map(|told| beside(told.data.clone(), told.trace).to_string())
        .collect();
    let times: Vec<i64> = page.events.iter().map(|told| told.at.as_ms()).collect();
    let sql = "INSERT INTO events (sequence, event_id, kind, data, at_ms)
               SELECT $1 + place, event_id, kind, data, at_ms
                 FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::bigint[])
                      WITH ORDINALITY AS told (event_id, kind, data, at_ms, place)";
    let values: [&(dyn ToSql + Sync); 5] = [&last, &ids, &kinds, &data, &times];
    let added = connection.execute(sql, &values).await?;
    let last = last.saturating_add(i64::try_from(added).unwrap_or(i64::MAX));
    let sql = "UPDATE feed SET last_sequence = $1 WHERE feed_id = 1";
    connection.execute(sql, &[&last]).await?;
    Ok(true)
}

pub(super) async fn prune(
    connection: &Connection,
    before: Timestamp,
    log_max: u32,
) -> Result<(), StoreError> {
    let page = i64::from(PRUNE_PAGE);
    let sql = "DELETE FROM events WHERE sequence IN (
                   SELECT sequence FROM events WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)";
    connection.execute(sql, &[&before.as_ms(), &page]).await?;
    let sql = "DELETE FROM deliveries WHERE delivery_id IN (
                   SELECT delivery_id FROM deliveries WHERE created_at_ms < $1 ORDER BY created_at_ms LIMIT $2)";
    connection.execute(sql, &[&before.as_ms(), &page]).await?;
    // The oldest that ended, beyond so many of each webhook.
    let sql = "DELETE FROM deliveries WHERE delivery_id IN (
                   SELECT old.delivery_id
                     FROM webhooks w
                    CROSS JOIN LATERAL (SELECT d.delivery_id FROM deliveries d
                                         WHERE d.webhook_id = w.webhook_id AND d.status <> 'pending'
                                         ORDER BY d.delivery_id DESC
                                         LIMIT $2 OFFSET $1) AS old)";
    connection
        .execute(sql, &[&i64::from(log_max), &page])
        .await?;
    Ok(())
}
