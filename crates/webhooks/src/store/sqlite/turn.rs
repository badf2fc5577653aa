//! A webhook's turn: one write that keeps what became of the last exchanges and finds the next.

use super::{deliveries, endpoints, feed, rows};
use crate::{
    domain::endpoint::{Endpoint, Outcome},
    store::{FILL_PAGE, Turn, Work, filled},
};
use contracts::values::{Timestamp, WebhookId};
use rusqlite::{Connection, OptionalExtension, params};

/// Whether somebody has taken a webhook, who may be gone.
pub(super) fn is_any_taken(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM webhooks WHERE owned_until_ms > 0)";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Webhooks are nobody's any more: this owner's, or all.
pub(super) fn let_go(connection: &Connection, owner: Option<[u8; 16]>) -> rusqlite::Result<()> {
    let sql = "UPDATE webhooks
                  SET owner = NULL, owned_until_ms = 0
                WHERE owned_until_ms > 0 AND (?1 IS NULL OR owner = ?1)";
    connection.execute(sql, [owner]).map(drop)
}

pub(super) fn busy(
    connection: &Connection,
    now: Timestamp,
    waiting_max: u32,
) -> rusqlite::Result<Vec<WebhookId>> {
    let sql = "SELECT w.webhook_id
                 FROM webhooks w
                WHERE w.status = 'enabled'
                  AND w.owned_until_ms <= ?1
                  AND (EXISTS (SELECT 1 FROM deliveries d
                                WHERE d.webhook_id = w.webhook_id AND d.status = 'pending' AND d.due_at_ms <= ?1)
                       OR (w.told_sequence < (SELECT last_sequence FROM feed WHERE feed_id = 1)
                           AND (SELECT COUNT(*) FROM deliveries d
                                 WHERE d.webhook_id = w.webhook_id AND d.status = 'pending') < ?2))";
    connection
        .prepare_cached(sql)?
        .query_map(params![now.as_ms(), waiting_max], |row| {
            Ok(WebhookId::from_bytes(row.get(0)?))
        })?
        .collect()
}

pub(super) fn take(connection: &Connection, turn: &Turn) -> rusqlite::Result<Option<Work>> {
    let Some(before) = owned(connection, turn)? else {
        return Ok(None);
    };
    let endpoint = settle(connection, turn, before)?;
    if !endpoint.hears() {
        hold(connection, turn.id, None)?;
        return Ok(None);
    }
    let told = fill(connection, turn, &endpoint)?;
    let due = deliveries::due(connection, turn.id, turn.now, turn.at_once)?;
    let more = !due.is_empty() || told > endpoint.told;
    hold(connection, turn.id, more.then_some(turn))?;
    Ok(Some(Work {
        endpoint: Endpoint { told, ..endpoint },
        due,
        more,
    }))
}

/// The webhook, unless another node has it or nobody any more.
fn owned(connection: &Connection, turn: &Turn) -> rusqlite::Result<Option<Endpoint>> {
    let sql = format!(
        "SELECT {} FROM webhooks
          WHERE webhook_id = ?1 AND (owner IS NULL OR owner = ?2 OR owned_until_ms <= ?3)",
        rows::ENDPOINT
    );
    connection
        .prepare_cached(&sql)?
        .query_row(
            params![turn.id.as_bytes(), turn.owner, turn.now.as_ms()],
            rows::endpoint,
        )
        .optional()
}

fn settle(connection: &Connection, turn: &Turn, before: Endpoint) -> rusqlite::Result<Endpoint> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (delivery, outcome) in &turn.ended {
        deliveries::settle(connection, &delivery.clone().after(outcome, turn.now))?;
        outcomes.push(outcome.clone());
    }
    let after = before
        .clone()
        .after(&outcomes, turn.now, turn.give_up_after_ms);
    if before.failing_since.is_some() && after.failing_since.is_none() {
        deliveries::hurry(connection, turn.id, turn.now)?;
    }
    if before != after {
        endpoints::keep_standing(connection, &after)?;
    }
    Ok(after)
}

/// Makes deliveries of what came since; gives how far that is.
fn fill(connection: &Connection, turn: &Turn, endpoint: &Endpoint) -> rusqlite::Result<i64> {
    let waiting = deliveries::pending(connection, turn.id)?;
    let room = turn.waiting_max.saturating_sub(waiting);
    if room == 0 {
        return Ok(endpoint.told);
    }
    let events = feed::page(connection, endpoint.told, FILL_PAGE)?;
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let (made, told) = filled(endpoint, events, room, turn.now);
    for delivery in &made {
        deliveries::insert(connection, delivery)?;
    }
    if told != endpoint.told {
        connection
            .prepare_cached("UPDATE webhooks SET told_sequence = ?2 WHERE webhook_id = ?1")?
            .execute(params![turn.id.as_bytes(), told])?;
    }
    Ok(told)
}

/// Keeps the webhook for whoever took it, or lets it go.
fn hold(connection: &Connection, id: WebhookId, turn: Option<&Turn>) -> rusqlite::Result<()> {
    let owner = turn.map(|turn| turn.owner);
    let until = turn.map_or(0, |turn| turn.owned_until.as_ms());
    connection
        .prepare_cached(
            "UPDATE webhooks SET owner = ?2, owned_until_ms = ?3 WHERE webhook_id = ?1",
        )?
        .execute(params![id.as_bytes(), owner, until])
        .map(drop)
}
