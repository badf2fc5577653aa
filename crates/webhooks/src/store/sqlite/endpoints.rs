//! The table of webhooks, as people change it.

use super::rows::{self, ENDPOINT};
use crate::{
    domain::endpoint::{Edit, Endpoint},
    store::{Kept, NewEndpoint, still_current, words},
};
use contracts::{
    request::{Answered, Precondition},
    values::{Timestamp, WebhookId},
    webhooks::WebhookError,
};
use platform::db::{Abort, keys};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn make(
    connection: &Connection,
    new: &NewEndpoint,
) -> Result<Answered<Endpoint>, Abort<WebhookError>> {
    if let Some(request) = &new.request
        && let Some(kept) =
            keys::recall::<Kept, _>(connection, request, || WebhookError::KeyReused)?
    {
        let first = find(connection, kept.id)?;
        let first = first.ok_or(Abort::Refused(WebhookError::NotFound))?;
        return Ok(Answered::replayed(first));
    }
    let there: u32 = connection.query_row("SELECT COUNT(*) FROM webhooks", [], |row| row.get(0))?;
    if there >= new.most {
        return Err(Abort::Refused(WebhookError::TooMany { most: new.most }));
    }
    let mut endpoint = new.endpoint.clone();
    // It hears of what comes, not of what was.
    endpoint.told = last_sequence(connection)?;
    connection.execute(
        "INSERT INTO webhooks (webhook_id, url, kinds, description, status, secret, told_sequence, version,
                               created_at_ms, updated_at_ms, owned_until_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 0)",
        params![
            endpoint.id.as_bytes(),
            endpoint.url,
            words(&endpoint.types),
            endpoint.description,
            endpoint.status.as_str(),
            endpoint.secret,
            endpoint.told,
            endpoint.version.get(),
            endpoint.created_at.as_ms(),
        ],
    )?;
    if let Some(request) = &new.request {
        let kept = Kept { id: endpoint.id };
        keys::remember(connection, request, &kept, endpoint.created_at)?;
    }
    Ok(Answered::fresh(endpoint))
}

pub(super) fn last_sequence(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT last_sequence FROM feed WHERE feed_id = 1")?
        .query_row([], |row| row.get(0))
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Endpoint>> {
    let sql = format!("SELECT {ENDPOINT} FROM webhooks ORDER BY created_at_ms, webhook_id");
    connection
        .prepare_cached(&sql)?
        .query_map([], rows::endpoint)?
        .collect()
}

pub(super) fn find(connection: &Connection, id: WebhookId) -> rusqlite::Result<Option<Endpoint>> {
    let sql = format!("SELECT {ENDPOINT} FROM webhooks WHERE webhook_id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], rows::endpoint)
        .optional()
}

fn current(
    connection: &Connection,
    id: WebhookId,
    sent: Precondition,
) -> Result<Endpoint, Abort<WebhookError>> {
    let found = find(connection, id)?.ok_or(Abort::Refused(WebhookError::NotFound))?;
    still_current(&found, sent).map_err(Abort::Refused)?;
    Ok(found)
}

pub(super) fn change(
    connection: &Connection,
    id: WebhookId,
    sent: Precondition,
    edit: &Edit,
    now: Timestamp,
) -> Result<Endpoint, Abort<WebhookError>> {
    let changed = current(connection, id, sent)?.edited(edit, now);
    let (former, until) = changed.former.unzip();
    connection.execute(
        "UPDATE webhooks
            SET url = ?2, kinds = ?3, description = ?4, secret = ?5, former_secret = ?6, former_until_ms = ?7
          WHERE webhook_id = ?1",
        params![
            id.as_bytes(),
            changed.url,
            words(&changed.types),
            changed.description,
            changed.secret,
            former,
            until.map(Timestamp::as_ms),
        ],
    )?;
    keep_standing(connection, &changed)?;
    Ok(changed)
}

/// Whether it hears, since when it fails, and of which version that is.
pub(super) fn keep_standing(connection: &Connection, endpoint: &Endpoint) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE webhooks
                SET status = ?2, disabled_reason = ?3, failing_since_ms = ?4, version = ?5, updated_at_ms = ?6
              WHERE webhook_id = ?1",
        )?
        .execute(params![
            endpoint.id.as_bytes(),
            endpoint.status.as_str(),
            endpoint.disabled_reason,
            endpoint.failing_since.map(Timestamp::as_ms),
            endpoint.version.get(),
            endpoint.updated_at.as_ms(),
        ])
        .map(drop)
}

pub(super) fn remove(
    connection: &Connection,
    id: WebhookId,
    sent: Precondition,
) -> Result<(), Abort<WebhookError>> {
    current(connection, id, sent)?;
    // By hand, whatever the connection thinks of foreign keys.
    for sql in [
        "DELETE FROM deliveries WHERE webhook_id = ?1",
        "DELETE FROM webhooks WHERE webhook_id = ?1",
    ] {
        connection.execute(sql, [id.as_bytes()])?;
    }
    Ok(())
}

pub(super) fn rewind(
    connection: &Connection,
    id: WebhookId,
    since: Timestamp,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "UPDATE webhooks
                SET told_sequence = MIN(told_sequence, COALESCE(
                    (SELECT MIN(sequence) - 1 FROM events WHERE at_ms >= ?2), told_sequence))
              WHERE webhook_id = ?1
             RETURNING told_sequence + 1",
        )?
        .query_row(params![id.as_bytes(), since.as_ms()], |row| row.get(0))
        .optional()
}
