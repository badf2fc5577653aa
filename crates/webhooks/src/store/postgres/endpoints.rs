//! The table of webhooks, as people change it.

use super::{
    hook,
    rows::{self, ENDPOINT},
};
use crate::{
    domain::endpoint::{Edit, Endpoint},
    store::{Kept, NewEndpoint, still_current, words},
};
use contracts::{
    request::{Answered, Precondition},
    values::{Timestamp, WebhookId},
    webhooks::WebhookError,
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql, keys},
};
use std::convert::Infallible;

pub(super) async fn make(
    connection: &Connection,
    new: &NewEndpoint,
) -> Result<Answered<Endpoint>, Abort<WebhookError>> {
    if let Some(request) = &new.request
        && let Some(kept) =
            keys::recall::<Kept, _>(connection, request, || WebhookError::KeyReused).await?
    {
        let first = find(connection, kept.id).await?;
        let first = first.ok_or(Abort::Refused(WebhookError::NotFound))?;
        return Ok(Answered::replayed(first));
    }
    // Whoever makes a webhook waits for whoever makes another: together they could be too many.
    let sql = "SELECT last_sequence FROM feed WHERE feed_id = 1 FOR UPDATE";
    let told: i64 = connection
        .query_one(sql, &[])
        .await?
        .try_get(0)
        .map_err(StoreError::from)?;
    let sql = "SELECT COUNT(*) FROM webhooks";
    let there: i64 = connection
        .query_one(sql, &[])
        .await?
        .try_get(0)
        .map_err(StoreError::from)?;
    if there >= i64::from(new.most) {
        return Err(Abort::Refused(WebhookError::TooMany { most: new.most }));
    }
    // It hears of what comes, not of what was.
    let endpoint = Endpoint {
        told,
        ..new.endpoint.clone()
    };
    let sql = "INSERT INTO webhooks (webhook_id, url, kinds, description, status, secret, told_sequence, version,
                                     created_at_ms, updated_at_ms, owned_until_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 0)";
    let values: [&(dyn ToSql + Sync); 9] = [
        &hook(endpoint.id),
        &endpoint.url,
        &words(&endpoint.types),
        &endpoint.description,
        &endpoint.status.as_str(),
        &Bytes(endpoint.secret),
        &endpoint.told,
        &endpoint.version.get(),
        &endpoint.created_at.as_ms(),
    ];
    connection.execute(sql, &values).await?;
    if let Some(request) = &new.request {
        let kept = Kept { id: endpoint.id };
        keys::remember(connection, request, &kept, endpoint.created_at).await?;
    }
    Ok(Answered::fresh(endpoint))
}

pub(super) async fn all(connection: &Connection) -> Result<Vec<Endpoint>, StoreError> {
    let sql = format!("SELECT {ENDPOINT} FROM webhooks ORDER BY created_at_ms, webhook_id");
    let rows = connection.query(&sql, &[]).await?;
    rows.iter().map(rows::endpoint).collect()
}

pub(super) async fn find(
    connection: &Connection,
    id: WebhookId,
) -> Result<Option<Endpoint>, StoreError> {
    let sql = format!("SELECT {ENDPOINT} FROM webhooks WHERE webhook_id = $1");
    let row = connection.query_opt(&sql, &[&hook(id)]).await?;
    row.as_ref().map(rows::endpoint).transpose()
}

/// The webhook as it is now, and stays until this write has ended.
async fn current(
    connection: &Connection,
    id: WebhookId,
    sent: Precondition,
) -> Result<Endpoint, Abort<WebhookError>> {
    let sql = format!("SELECT {ENDPOINT} FROM webhooks WHERE webhook_id = $1 FOR UPDATE");
    let row = connection.query_opt(&sql, &[&hook(id)]).await?;
    let row = row.ok_or(Abort::Refused(WebhookError::NotFound))?;
    let found = rows::endpoint(&row)?;
    still_current(&found, sent).map_err(Abort::Refused)?;
    Ok(found)
}

pub(super) async fn change(
    connection: &Connection,
    id: WebhookId,
    sent: Precondition,
    edit: &Edit,
    now: Timestamp,
) -> Result<Endpoint, Abort<WebhookError>> {
    let changed = current(connection, id, sent).await?.edited(edit, now);
    let (former, until) = changed.former.unzip();
    let sql = "UPDATE webhooks
                  SET url = $2, kinds = $3, description = $4, secret = $5, former_secret = $6, former_until_ms = $7
                WHERE webhook_id = $1";
    let values: [&(dyn ToSql + Sync); 7] = [
        &hook(id),
        &changed.url,
        &words(&changed.types),
        &changed.description,
        &Bytes(changed.secret),
        &former.map(Bytes),
        &until.map(Timestamp::as_ms),
    ];
    connection.execute(sql, &values).await?;
    keep_standing(connection, &changed).await?;
    Ok(changed)
}

/// Whether it hears, since when it fails, and of which version that is.
pub(super) async fn keep_standing(
    connection: &Connection,
    endpoint: &Endpoint,
) -> Result<(), StoreError> {
    let sql = "UPDATE webhooks
                  SET status = $2, disabled_reason = $3, failing_since_ms = $4, version = $5, updated_at_ms = $6
                WHERE webhook_id = $1";
    let values: [&(dyn ToSql + Sync); 6] = [
        &hook(endpoint.id),
        &endpoint.status.as_str(),
        &endpoint.disabled_reason,
        &endpoint.failing_since.map(Timestamp::as_ms),
        &endpoint.version.get(),
        &endpoint.updated_at.as_ms(),
    ];
    connection.execute(sql, &values).await.map(drop)
}

pub(super) async fn remove(
    connection: &Connection,
    id: WebhookId,
    sent: Precondition,
) -> Result<(), Abort<WebhookError>> {
    current(connection, id, sent).await?;
    let sql = "DELETE FROM webhooks WHERE webhook_id = $1";
    connection.execute(sql, &[&hook(id)]).await?;
    Ok(())
}

pub(super) async fn rewind(
    connection: &Connection,
    id: WebhookId,
    since: Timestamp,
) -> Result<Option<i64>, Abort<Infallible>> {
    let sql = "UPDATE webhooks
                  SET told_sequence = LEAST(told_sequence, COALESCE(
                      (SELECT MIN(sequence) - 1 FROM events WHERE at_ms >= $2), told_sequence))
                WHERE webhook_id = $1
               RETURNING told_sequence + 1";
    let row = connection
        .query_opt(sql, &[&hook(id), &since.as_ms()])
        .await?;
    let next = row.map(|row| row.try_get(0)).transpose();
    Ok(next.map_err(StoreError::from)?)
}
