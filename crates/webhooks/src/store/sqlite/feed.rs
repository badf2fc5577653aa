//! The feed: events in the one order that all see, and how far each outbox was read.

use super::{
    endpoints::last_sequence,
    rows::{self, EVENT},
};
use crate::store::{Gathered, PRUNE_PAGE};
use contracts::{
    trace::beside,
    values::{Timestamp, WebhookId},
    webhooks::EventView,
};
use rusqlite::{Connection, params};
use std::collections::HashMap;

pub(super) fn page(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> rusqlite::Result<Vec<EventView>> {
    let sql = format!("SELECT {EVENT} FROM events WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
    connection
        .prepare_cached(&sql)?
        .query_map(params![after, limit], rows::event)?
        .collect()
}

pub(super) fn places(connection: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    connection
        .prepare_cached("SELECT source, number FROM sources")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

pub(super) fn gather(connection: &Connection, page: &Gathered) -> rusqlite::Result<bool> {
    connection.execute(
        "INSERT INTO sources VALUES (?1, 0) ON CONFLICT DO NOTHING",
        [page.source],
    )?;
    let moved = connection
        .prepare_cached("UPDATE sources SET number = ?3 WHERE source = ?1 AND number = ?2")?
        .execute(params![page.source, page.from, page.to])?;
    if moved == 0 {
        return Ok(false);
    }
    let mut sequence = last_sequence(connection)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (sequence, event_id, kind, data, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for told in &page.events {
        sequence = sequence.saturating_add(1);
        insert.execute(params![
            sequence,
            told.id.as_bytes(),
            told.kind.as_str(),
            beside(told.data.clone(), told.trace).to_string(),
            told.at.as_ms(),
        ])?;
    }
    connection
        .prepare_cached("UPDATE feed SET last_sequence = ?1 WHERE feed_id = 1")?
        .execute([sequence])?;
    Ok(true)
}

pub(super) fn prune(
    connection: &Connection,
    before: Timestamp,
    log_max: u32,
) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM events WHERE sequence IN (
             SELECT sequence FROM events WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
        params![before.as_ms(), PRUNE_PAGE],
    )?;
    connection.execute(
        "DELETE FROM deliveries WHERE delivery_id IN (
             SELECT delivery_id FROM deliveries WHERE created_at_ms < ?1 ORDER BY created_at_ms LIMIT ?2)",
        params![before.as_ms(), PRUNE_PAGE],
    )?;
    for endpoint in super::endpoints::all(connection)? {
        keep_newest(connection, endpoint.id, log_max)?;
    }
    Ok(())
}

/// Lets go of the oldest that ended, beyond so many.
fn keep_newest(connection: &Connection, id: WebhookId, log_max: u32) -> rusqlite::Result<()> {
    connection
        .execute(
            "DELETE FROM deliveries WHERE delivery_id IN (
                 SELECT delivery_id FROM deliveries
                  WHERE webhook_id = ?1 AND status <> 'pending'
                  ORDER BY delivery_id DESC
                  LIMIT ?3 OFFSET ?2)",
            params![id.as_bytes(), log_max, PRUNE_PAGE],
        )
        .map(drop)
}
