//! The table of API keys, of which only hashes are kept. The user's row is locked before any key of theirs, but where
//! a use is noted: that takes one key alone.

use super::{PostgresStore, factors, mails, rows, security, users};
use crate::{
    domain::{
        api_keys::{Former, scopes_from_text, scopes_text},
        roles::Roles,
        security::SecurityEvent,
    },
    store::{
        SWEEP_MAX,
        api_keys::{
            ApiKeys, FoundKey, KEEP_OVER_SECONDS, Kept, KeyUse, NewApiKey, Revoked, Turn, USE_MS,
            of_key, secrets,
        },
        failure,
    },
};
use async_trait::async_trait;
use contracts::{
    identity::{ApiKeyError, ApiKeyView, KeyHolder},
    request::Answered,
    values::{ApiKeyId, Timestamp, UserId},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql, keys},
};
use std::net::IpAddr;

/// The columns that [`view`] reads, in its order.
macro_rules! keys {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " key_id, user_id, name, scopes, created_at_ms, expires_at_ms, rotated_at_ms, former_until_ms,
              revoked_at_ms, last_used_at_ms, last_used_from ",
            $after
        )
    };
}

/// Keys of one user are counted one after the other.
const LOCK_OWNER: &str = "SELECT user_id FROM users WHERE user_id = $1 FOR UPDATE";

const INSERT: &str = keys!(
    "INSERT INTO api_keys (key_id, user_id, name, scopes, secret_hash, created_at_ms, rotated_at_ms, expires_at_ms)
     SELECT $1, $2, $3, $4, $5, $6, $6, $7
      WHERE (SELECT COUNT(*)
               FROM api_keys
              WHERE user_id = $2 AND revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > $6)) < $8
     RETURNING",
    ""
);

const LIST: &str = keys!(
    "SELECT",
    "FROM api_keys
      WHERE user_id = $1 AND ($2::uuid IS NULL OR key_id < $2)
      ORDER BY key_id DESC
      LIMIT $3"
);

const ONE: &str = keys!("SELECT", "FROM api_keys WHERE key_id = $1");

const REVOKE: &str = "UPDATE api_keys
        SET revoked_at_ms = $3, former_hash = NULL, former_until_ms = NULL
      WHERE key_id = $1 AND ($2::uuid IS NULL OR user_id = $2) AND revoked_at_ms IS NULL
     RETURNING user_id";

const REPLACE: &str = keys!(
    "UPDATE api_keys
        SET secret_hash = $2, former_hash = $3, former_until_ms = $4, rotated_at_ms = $5
      WHERE key_id = $1 AND revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > $5)
     RETURNING",
    ""
);

const FOUND: &str =
    "SELECT k.key_id, k.scopes, u.user_id, u.roles, u.token_epoch, k.secret_hash, k.former_hash,
            k.former_until_ms, k.expires_at_ms, k.last_used_at_ms,
            k.revoked_at_ms IS NOT NULL OR u.disabled_at_ms IS NOT NULL
       FROM api_keys k
       JOIN users u ON u.user_id = k.user_id
      WHERE k.key_id = $1 AND u.deleted_at_ms IS NULL";

const NOTE: &str = "UPDATE api_keys
        SET last_used_at_ms = $2, last_used_from = $3
      WHERE key_id = $1 AND (last_used_at_ms IS NULL OR last_used_at_ms <= $4)";

/// Nodes that sweep at the same time leave one another's rows alone.
const SWEEP: &str = "DELETE FROM api_keys
      WHERE key_number = ANY(ARRAY(SELECT key_number
                             FROM api_keys
                            WHERE revoked_at_ms <= $1 OR expires_at_ms <= $1
                            ORDER BY key_number
                            LIMIT $2
                              FOR UPDATE SKIP LOCKED))";

fn name(id: ApiKeyId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

fn owner_name(id: UserId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

fn key_id(row: &Row) -> Result<ApiKeyId, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(0)?;
    Ok(ApiKeyId::from_bytes(id))
}

fn time(row: &Row, column: usize) -> Result<Option<Timestamp>, StoreError> {
    let ms: Option<i64> = row.try_get(column)?;
    Ok(ms.map(Timestamp::from_ms))
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Other(Box::new(error))
}

fn view(row: &Row) -> Result<ApiKeyView, StoreError> {
    let from: Option<&str> = row.try_get(10)?;
    let from: Result<Option<IpAddr>, _> = from.map(str::parse).transpose();
    Ok(ApiKeyView {
        id: key_id(row)?,
        owner: rows::user_id(row, 1)?,
        name: row.try_get(2)?,
        scopes: scopes_from_text(row.try_get(3)?),
        created_at: rows::time(row, 4)?,
        expires_at: time(row, 5)?,
        rotated_at: rows::time(row, 6)?,
        former_until: time(row, 7)?,
        revoked_at: time(row, 8)?,
        last_used_at: time(row, 9)?,
        last_used_from: from.map_err(unreadable)?,
    })
}

#[async_trait]
impl ApiKeys for PostgresStore {
    async fn make_api_key(
        &self,
        key: NewApiKey,
    ) -> Result<Answered<ApiKeyView>, Abort<ApiKeyError>> {
        self.database
            .write(key, |c, key| Box::pin(make(c, key)))
            .await
    }

    async fn api_keys(
        &self,
        owner: UserId,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKeyView>, StoreError> {
        let (owner, after, limit) = (owner_name(owner), after.map(name), i64::from(limit));
        let values: [&(dyn ToSql + Sync); 3] = [&owner, &after, &limit];
        let rows = self.database.read().await?.query(LIST, &values).await?;
        rows.iter().map(view).collect()
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKeyView>, StoreError> {
        find(&self.database.read().await?, id).await
    }

    async fn revoke_api_key(
        &self,
        id: ApiKeyId,
        owner: Option<UserId>,
        event: SecurityEvent,
    ) -> Result<Revoked, StoreError> {
        self.database
            .write(event, move |c, event| {
                Box::pin(async move { Ok(revoke(c, id, owner, event).await?) })
            })
            .await
            .map_err(failure)
    }

    async fn turn_api_key(&self, turn: Turn) -> Result<ApiKeyView, Abort<ApiKeyError>> {
        self.database
            .write(turn, |c, turn| Box::pin(replace(c, turn)))
            .await
    }

    async fn find_api_key(&self, id: ApiKeyId) -> Result<Option<FoundKey>, StoreError> {
        found(&self.database.read().await?, id).await
    }

    async fn note_key_uses(&self, mut uses: Vec<KeyUse>) -> Result<(), StoreError> {
        // In one order everywhere: nodes note the same keys.
        uses.sort_unstable_by_key(|one| one.id);
        self.database
            .write(uses, |c, uses| {
                Box::pin(async move {
                    for one in uses {
                        note(c, one).await?;
                    }
                    Ok(())
                })
            })
            .await
            .map_err(failure)
    }
}

async fn make(
    connection: &Connection,
    key: &NewApiKey,
) -> Result<Answered<ApiKeyView>, Abort<ApiKeyError>> {
    if let Some(request) = &key.request {
        let kept = keys::recall(connection, request, || ApiKeyError::KeyReused).await?;
        if let Some(Kept { id }) = kept {
            let first = find(connection, id).await?;
            let first = first.ok_or(Abort::Refused(ApiKeyError::NotFound))?;
            return Ok(Answered::replayed(first));
        }
    }
    let made = insert(connection, key).await?;
    mails::insert(connection, made.owner, &key.notice).await?;
    security::insert(connection, &key.event).await?;
    if let Some(request) = &key.request {
        keys::remember(connection, request, &Kept { id: made.id }, key.at).await?;
    }
    Ok(Answered::fresh(made))
}

async fn insert(
    connection: &Connection,
    key: &NewApiKey,
) -> Result<ApiKeyView, Abort<ApiKeyError>> {
    let owner = owner_name(key.proven.user_id);
    connection.query_opt(LOCK_OWNER, &[&owner]).await?;
    let is_proven = users::still_proven(connection, &key.proven).await?;
    if is_proven.is_none() {
        return Err(Abort::Refused(ApiKeyError::InvalidCredentials));
    }
    if !key.by_command {
        let spent = factors::spend(connection, &key.proven).await;
        spent.map_err(of_key)?;
    }
    let expires_at = key.expires_at.map(Timestamp::as_ms);
    let values: [&(dyn ToSql + Sync); 8] = [
        &name(key.id),
        &owner,
        &key.name,
        &scopes_text(&key.scopes),
        &Bytes(key.secret),
        &key.at.as_ms(),
        &expires_at,
        &i64::from(key.most),
    ];
    match connection.query_opt(INSERT, &values).await? {
        Some(row) => Ok(view(&row)?),
        None => Err(Abort::Refused(ApiKeyError::TooMany { most: key.most })),
    }
}

async fn find(connection: &Connection, id: ApiKeyId) -> Result<Option<ApiKeyView>, StoreError> {
    let row = connection.query_opt(ONE, &[&name(id)]).await?;
    row.as_ref().map(view).transpose()
}

async fn revoke(
    connection: &Connection,
    id: ApiKeyId,
    owner: Option<UserId>,
    event: &SecurityEvent,
) -> Result<Revoked, StoreError> {
    let (named, at) = (owner.map(owner_name), event.at.as_ms());
    let values: [&(dyn ToSql + Sync); 3] = [&name(id), &named, &at];
    if let Some(row) = connection.query_opt(REVOKE, &values).await? {
        let event = event.clone().of(rows::user_id(&row, 0)?);
        security::insert(connection, &event).await?;
        return Ok(Revoked::Now(event));
    }
    let known = find(connection, id).await?;
    let is_there = known.is_some_and(|key| owner.is_none_or(|owner| key.owner == owner));
    Ok(if is_there {
        Revoked::Before
    } else {
        Revoked::Nothing
    })
}

async fn replace(connection: &Connection, turn: &Turn) -> Result<ApiKeyView, Abort<ApiKeyError>> {
    let owner = owner_name(turn.proven.user_id);
    // Two changes of one key come one after the other.
    connection.query_opt(LOCK_OWNER, &[&owner]).await?;
    let owner = users::still_proven(connection, &turn.proven).await?;
    let owner = owner.ok_or(Abort::Refused(ApiKeyError::InvalidCredentials))?;
    let spent = factors::spend(connection, &turn.proven).await;
    spent.map_err(of_key)?;
    let found = found(connection, turn.id).await?;
    let found = found.filter(|found| found.holder.user_id == owner.id && !found.has_ended);
    let found = found.ok_or(Abort::Refused(ApiKeyError::NotFound))?;
    let former = found.secrets.former_after(turn.at, turn.grace_seconds);
    let (hash, until) = halves(former);
    let values: [&(dyn ToSql + Sync); 5] = [
        &name(turn.id),
        &Bytes(turn.secret),
        &hash,
        &until,
        &turn.at.as_ms(),
    ];
    let row = connection.query_opt(REPLACE, &values).await?;
    let row = row.ok_or(Abort::Refused(ApiKeyError::NotFound))?;
    mails::insert(connection, owner.id, &turn.notice).await?;
    security::insert(connection, &turn.event).await?;
    Ok(view(&row)?)
}

fn halves(former: Option<Former>) -> (Option<Bytes<32>>, Option<i64>) {
    (
        former.map(|former| Bytes(former.hash)),
        former.map(|former| former.until.as_ms()),
    )
}

async fn found(connection: &Connection, id: ApiKeyId) -> Result<Option<FoundKey>, StoreError> {
    let Some(row) = connection.query_opt(FOUND, &[&name(id)]).await? else {
        return Ok(None);
    };
    let roles = Roles::from_text(row.try_get(3)?).map_err(unreadable)?;
    let Bytes(present): Bytes<32> = row.try_get(5)?;
    let former: Option<Bytes<32>> = row.try_get(6)?;
    let former = (former.map(|Bytes(hash)| hash), row.try_get(7)?);
    Ok(Some(FoundKey {
        holder: KeyHolder {
            id: key_id(&row)?,
            scopes: scopes_from_text(row.try_get(1)?),
            user_id: rows::user_id(&row, 2)?,
            roles: roles.as_slice().to_vec(),
            epoch: row.try_get(4)?,
            ends_at: None,
        },
        secrets: secrets(present, former, row.try_get(8)?),
        last_used_at: time(&row, 9)?,
        has_ended: row.try_get(10)?,
    }))
}

async fn note(connection: &Connection, one: &KeyUse) -> Result<(), StoreError> {
    let (at, before) = (one.at.as_ms(), one.at.as_ms().saturating_sub(USE_MS));
    let from = one.from.to_string();
    let values: [&(dyn ToSql + Sync); 4] = [&name(one.id), &at, &from, &before];
    connection.execute(NOTE, &values).await.map(drop)
}

/// Of an account that goes.
pub(super) async fn forget_all(connection: &Connection, owner: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM api_keys WHERE user_id = $1";
    connection
        .execute(sql, &[&owner_name(owner)])
        .await
        .map(drop)
}

/// Whether there may be more.
pub(super) async fn sweep(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let over_since = now.plus_seconds(KEEP_OVER_SECONDS.saturating_neg());
    let values: [&(dyn ToSql + Sync); 2] = [&over_since.as_ms(), &i64::from(SWEEP_MAX)];
    let gone = connection.execute(SWEEP, &values).await?;
    Ok(gone >= u64::from(SWEEP_MAX))
}
