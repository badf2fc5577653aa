//! The table of API keys, of which only hashes are kept.

use super::{SqliteStore, factors, mails, security, users};
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
use platform::db::{Abort, StoreError, keys};
use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};

/// The columns that [`view`] reads, in its order.
const VIEW: &str = "key_id, user_id, name, scopes, created_at_ms, expires_at_ms, rotated_at_ms, former_until_ms, \
                    revoked_at_ms, last_used_at_ms, last_used_from";

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let ms: Option<i64> = row.get(column)?;
    Ok(ms.map(Timestamp::from_ms))
}

fn view(row: &Row<'_>) -> rusqlite::Result<ApiKeyView> {
    let scopes: String = row.get(3)?;
    let from: Option<String> = row.get(10)?;
    let from = from.map(|text| text.parse()).transpose();
    Ok(ApiKeyView {
        id: ApiKeyId::from_bytes(row.get(0)?),
        owner: UserId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        scopes: scopes_from_text(&scopes),
        created_at: Timestamp::from_ms(row.get(4)?),
        expires_at: time(row, 5)?,
        rotated_at: Timestamp::from_ms(row.get(6)?),
        former_until: time(row, 7)?,
        revoked_at: time(row, 8)?,
        last_used_at: time(row, 9)?,
        last_used_from: from.map_err(|error| unreadable(10, error))?,
    })
}

fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

#[async_trait]
impl ApiKeys for SqliteStore {
    async fn make_api_key(
        &self,
        key: NewApiKey,
    ) -> Result<Answered<ApiKeyView>, Abort<ApiKeyError>> {
        let write = self.database.write(move |c| {
            if let Some(request) = &key.request
                && let Some(kept) = keys::recall::<Kept, _>(c, request, || ApiKeyError::KeyReused)?
            {
                let first = find(c, kept.id)?.ok_or(Abort::Refused(ApiKeyError::NotFound))?;
                return Ok(Answered::replayed(first));
            }
            let made = insert(c, &key)?;
            if !key.by_command {
                factors::spend(c, &key.proven).map_err(of_key)?;
            }
            mails::insert(c, made.owner, &key.notice)?;
            security::insert(c, &key.event)?;
            if let Some(request) = &key.request {
                keys::remember(c, request, &Kept { id: made.id }, key.at)?;
            }
            Ok(Answered::fresh(made))
        });
        write.await
    }

    async fn api_keys(
        &self,
        owner: UserId,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKeyView>, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(list(c, owner, after, limit)?));
        read.await
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKeyView>, StoreError> {
        let read = self.database.read(move |c| Ok(find(c, id)?));
        read.await
    }

    async fn revoke_api_key(
        &self,
        id: ApiKeyId,
        owner: Option<UserId>,
        event: SecurityEvent,
    ) -> Result<Revoked, StoreError> {
        let write = self
            .database
            .write(move |c| Ok(revoke(c, id, owner, &event)?));
        write.await.map_err(failure)
    }

    async fn turn_api_key(&self, turn: Turn) -> Result<ApiKeyView, Abort<ApiKeyError>> {
        let write = self.database.write(move |c| {
            let owner = users::still_proven(c, &turn.proven)?;
            let owner = owner.ok_or(Abort::Refused(ApiKeyError::InvalidCredentials))?;
            let is_theirs = |found: &FoundKey| found.holder.user_id == owner.id && !found.has_ended;
            let found = found(c, turn.id)?.filter(is_theirs);
            let found = found.ok_or(Abort::Refused(ApiKeyError::NotFound))?;
            let former = found.secrets.former_after(turn.at, turn.grace_seconds);
            let turned = replace(c, &turn, former)?;
            let turned = turned.ok_or(Abort::Refused(ApiKeyError::NotFound))?;
            factors::spend(c, &turn.proven).map_err(of_key)?;
            mails::insert(c, owner.id, &turn.notice)?;
            security::insert(c, &turn.event)?;
            Ok(turned)
        });
        write.await
    }

    async fn find_api_key(&self, id: ApiKeyId) -> Result<Option<FoundKey>, StoreError> {
        let read = self.database.read(move |c| Ok(found(c, id)?));
        read.await
    }

    async fn note_key_uses(&self, uses: Vec<KeyUse>) -> Result<(), StoreError> {
        let write = self.database.write(move |c| {
            for one in &uses {
                note(c, one)?;
            }
            Ok(())
        });
        write.await.map_err(failure)
    }
}

fn insert(connection: &Connection, key: &NewApiKey) -> Result<ApiKeyView, Abort<ApiKeyError>> {
    let owner = users::still_proven(connection, &key.proven)?;
    let owner = owner.ok_or(Abort::Refused(ApiKeyError::InvalidCredentials))?;
    let sql = format!(
        "INSERT INTO api_keys (key_id, user_id, name, scopes, secret_hash, created_at_ms, rotated_at_ms, expires_at_ms)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7
          WHERE (SELECT COUNT(*)
                   FROM api_keys
                  WHERE user_id = ?2 AND revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > ?6)) < ?8
         RETURNING {VIEW}"
    );
    let inserted = connection
        .prepare_cached(&sql)?
        .query_row(
            params![
                key.id.as_bytes(),
                owner.id.as_bytes(),
                key.name,
                scopes_text(&key.scopes),
                key.secret,
                key.at.as_ms(),
                key.expires_at.map(Timestamp::as_ms),
                key.most,
            ],
            view,
        )
        .optional()?;
    let most = key.most;
    inserted.ok_or(Abort::Refused(ApiKeyError::TooMany { most }))
}

fn list(
    connection: &Connection,
    owner: UserId,
    after: Option<ApiKeyId>,
    limit: u32,
) -> rusqlite::Result<Vec<ApiKeyView>> {
    let after = after.as_ref().map(ApiKeyId::as_bytes);
    let sql = format!(
        "SELECT {VIEW}
           FROM api_keys
          WHERE user_id = ?1 AND (?2 IS NULL OR key_id < ?2)
          ORDER BY key_id DESC
          LIMIT ?3"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![owner.as_bytes(), after, limit], view)?
        .collect()
}

fn find(connection: &Connection, id: ApiKeyId) -> rusqlite::Result<Option<ApiKeyView>> {
    let sql = format!("SELECT {VIEW} FROM api_keys WHERE key_id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], view)
        .optional()
}

fn revoke(
    connection: &Connection,
    id: ApiKeyId,
    owner: Option<UserId>,
    event: &SecurityEvent,
) -> rusqlite::Result<Revoked> {
    let named = owner.as_ref().map(UserId::as_bytes);
    let revoked = connection
        .prepare_cached(
            "UPDATE api_keys
                SET revoked_at_ms = ?3, former_hash = NULL, former_until_ms = NULL
              WHERE key_id = ?1 AND (?2 IS NULL OR user_id = ?2) AND revoked_at_ms IS NULL
             RETURNING user_id",
        )?
        .query_row(params![id.as_bytes(), named, event.at.as_ms()], |row| {
            Ok(UserId::from_bytes(row.get(0)?))
        })
        .optional()?;
    if let Some(user) = revoked {
        let event = event.clone().of(user);
        security::insert(connection, &event)?;
        return Ok(Revoked::Now(event));
    }
    let known = find(connection, id)?;
    let is_there = known.is_some_and(|key| owner.is_none_or(|owner| key.owner == owner));
    Ok(if is_there {
        Revoked::Before
    } else {
        Revoked::Nothing
    })
}

fn replace(
    connection: &Connection,
    turn: &Turn,
    former: Option<Former>,
) -> rusqlite::Result<Option<ApiKeyView>> {
    let sql = format!(
        "UPDATE api_keys
            SET secret_hash = ?2, former_hash = ?3, former_until_ms = ?4, rotated_at_ms = ?5
          WHERE key_id = ?1 AND revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > ?5)
         RETURNING {VIEW}"
    );
    connection
        .prepare_cached(&sql)?
        .query_row(
            params![
                turn.id.as_bytes(),
                turn.secret,
                former.map(|former| former.hash),
                former.map(|former| former.until.as_ms()),
                turn.at.as_ms(),
            ],
            view,
        )
        .optional()
}

fn found(connection: &Connection, id: ApiKeyId) -> rusqlite::Result<Option<FoundKey>> {
    connection
        .prepare_cached(
            "SELECT k.key_id, k.scopes, u.user_id, u.roles, u.token_epoch, k.secret_hash, k.former_hash,
                    k.former_until_ms, k.expires_at_ms, k.last_used_at_ms,
                    k.revoked_at_ms IS NOT NULL OR u.disabled_at_ms IS NOT NULL
               FROM api_keys k
               JOIN users u ON u.user_id = k.user_id
              WHERE k.key_id = ?1 AND u.deleted_at_ms IS NULL",
        )?
        .query_row([id.as_bytes()], |row| {
            let (scopes, roles): (String, String) = (row.get(1)?, row.get(3)?);
            let roles = Roles::from_text(&roles).map_err(|error| unreadable(3, error))?;
            Ok(FoundKey {
                holder: KeyHolder {
                    id: ApiKeyId::from_bytes(row.get(0)?),
                    scopes: scopes_from_text(&scopes),
                    user_id: UserId::from_bytes(row.get(2)?),
                    roles: roles.as_slice().to_vec(),
                    epoch: row.get(4)?,
                    ends_at: None,
                },
                secrets: secrets(row.get(5)?, (row.get(6)?, row.get(7)?), row.get(8)?),
                last_used_at: time(row, 9)?,
                has_ended: row.get(10)?,
            })
        })
        .optional()
}

fn note(connection: &Connection, one: &KeyUse) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE api_keys
                SET last_used_at_ms = ?2, last_used_from = ?3
              WHERE key_id = ?1 AND (last_used_at_ms IS NULL OR last_used_at_ms <= ?4)",
        )?
        .execute(params![
            one.id.as_bytes(),
            one.at.as_ms(),
            one.from.to_string(),
            one.at.as_ms().saturating_sub(USE_MS),
        ])
        .map(drop)
}

/// Of an account that goes.
pub(super) fn forget_all(connection: &Connection, owner: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM api_keys WHERE user_id = ?1")?
        .execute([owner.as_bytes()])
        .map(drop)
}

/// Whether there may be more.
pub(super) fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let over_since = now.plus_seconds(KEEP_OVER_SECONDS.saturating_neg());
    let gone = connection
        .prepare_cached(
            "DELETE FROM api_keys WHERE key_number IN (
                 SELECT key_number FROM api_keys WHERE revoked_at_ms <= ?1 OR expires_at_ms <= ?1 LIMIT ?2)",
        )?
        .execute(params![over_since.as_ms(), SWEEP_MAX])?;
    Ok(gone >= usize::try_from(SWEEP_MAX).unwrap_or(usize::MAX))
}
