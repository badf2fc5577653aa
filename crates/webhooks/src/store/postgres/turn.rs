//! A webhook's turn: one write that keeps what became of the last exchanges and finds the next. The webhook's row is
//! locked meanwhile.

use super::{deliveries, endpoints, feed, hook, rows};
use crate::{
    domain::endpoint::{Endpoint, Outcome},
    store::{FILL_PAGE, Turn, Work, filled},
};
use contracts::values::{Timestamp, WebhookId};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};
use std::convert::Infallible;

pub(super) async fn busy(
    connection: &Connection,
    now: Timestamp,
    waiting_max: u32,
) -> Result<Vec<WebhookId>, StoreError> {
    let sql = "SELECT w.webhook_id
                 FROM webhooks w
                WHERE w.status = 'enabled'
                  AND w.owned_until_ms <= $1
                  AND (EXISTS (SELECT 1 FROM deliveries d
                                WHERE d.webhook_id = w.webhook_id AND d.status = 'pending' AND d.due_at_ms <= $1)
                       OR (w.told_sequence < (SELECT last_sequence FROM feed WHERE feed_id = 1)
                           AND (SELECT COUNT(*) FROM deliveries d
                                 WHERE d.webhook_id = w.webhook_id AND d.status = 'pending') < $2))";
    let rows = connection
        .query(sql, &[&now.as_ms(), &i64::from(waiting_max)])
        .await?;
    rows.iter().map(rows::webhook_id).collect()
}

/// This owner's webhooks are nobody's any more.
pub(super) async fn let_go(connection: &Connection, owner: [u8; 16]) -> Result<(), StoreError> {
    let sql = "UPDATE webhooks SET owner = NULL, owned_until_ms = 0 WHERE owner = $1";
    connection.execute(sql, &[&Bytes(owner)]).await.map(drop)
}

pub(super) async fn take(
    connection: &Connection,
    turn: &Turn,
) -> Result<Option<Work>, Abort<Infallible>> {
    let Some(before) = owned(connection, turn).await? else {
        return Ok(None);
    };
    let endpoint = settle(connection, turn, before).await?;
    if !endpoint.hears() {
        hold(connection, turn.id, None).await?;
        return Ok(None);
    }
    let told = fill(connection, turn, &endpoint).await?;
    let due = deliveries::due(connection, turn.id, turn.now, turn.at_once).await?;
    let more = !due.is_empty() || told > endpoint.told;
    hold(connection, turn.id, more.then_some(turn)).await?;
    Ok(Some(Work {
        endpoint: Endpoint { told, ..endpoint },
        due,
        more,
    }))
}

/// The webhook, unless another node has it or nobody any more.
async fn owned(connection: &Connection, turn: &Turn) -> Result<Option<Endpoint>, StoreError> {
    let sql = format!(
        "SELECT {} FROM webhooks
          WHERE webhook_id = $1 AND (owner IS NULL OR owner = $2 OR owned_until_ms <= $3)
            FOR UPDATE",
        rows::ENDPOINT
    );
    let values: [&(dyn ToSql + Sync); 3] = [&hook(turn.id), &Bytes(turn.owner), &turn.now.as_ms()];
    let row = connection.query_opt(&sql, &values).await?;
    row.as_ref().map(rows::endpoint).transpose()
}

async fn settle(
    connection: &Connection,
    turn: &Turn,
    before: Endpoint,
) -> Result<Endpoint, StoreError> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (delivery, outcome) in &turn.ended {
        let after = delivery.clone().after(outcome, turn.now);
        deliveries::settle(connection, &after).await?;
        outcomes.push(outcome.clone());
    }
    let after = before
        .clone()
        .after(&outcomes, turn.now, turn.give_up_after_ms);
    if before.failing_since.is_some() && after.failing_since.is_none() {
        deliveries::hurry(connection, turn.id, turn.now).await?;
    }
    if before != after {
        endpoints::keep_standing(connection, &after).await?;
    }
    Ok(after)
}

/// Makes deliveries of what came since; gives how far that is.
async fn fill(
    connection: &Connection,
    turn: &Turn,
    endpoint: &Endpoint,
) -> Result<i64, StoreError> {
    let waiting = deliveries::pending(connection, turn.id).await?;
    let room = turn.waiting_max.saturating_sub(waiting);
    if room == 0 {
        return Ok(endpoint.told);
    }
    let events = feed::page(connection, endpoint.told, FILL_PAGE).await?;
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let (made, told) = filled(endpoint, events, room, turn.now);
    if !made.is_empty() {
        deliveries::insert(connection, &made).await?;
    }
    if told != endpoint.told {
        let sql = "UPDATE webhooks SET told_sequence = $2 WHERE webhook_id = $1";
        connection.execute(sql, &[&hook(turn.id), &told]).await?;
    }
    Ok(told)
}

/// Keeps the webhook for whoever took it, or lets it go.
async fn hold(
    connection: &Connection,
    id: WebhookId,
    turn: Option<&Turn>,
) -> Result<(), StoreError> {
    let owner = turn.map(|turn| Bytes(turn.owner));
    let until = turn.map_or(0, |turn| turn.owned_until.as_ms());
    let sql = "UPDATE webhooks SET owner = $2, owned_until_ms = $3 WHERE webhook_id = $1";
    connection
        .execute(sql, &[&hook(id), &owner, &until])
        .await
        .map(drop)
}
