//! The tables of sessions and their refresh tokens, of which only hashes are kept.

use super::{rows, security, users};
use crate::{
    domain::{
        security::SecurityEvent,
        session::{TokenState, Verdict, judge},
    },
    store::{
        ENDINGS_MAX, KEEP_ENDED_SECONDS, NewSession, OpenSession, Rotated, Rotation, SWEEP_MAX,
        TokenHash,
    },
};
use contracts::values::{SessionId, Timestamp, UserId};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};
use std::convert::Infallible;

const INSERT: &str =
    "INSERT INTO sessions (session_id, user_id, generation, created_at_ms, refreshed_at_ms,
                           expires_at_ms)
     VALUES ($1, $2, 1, $3, $3, $4)";

const INSERT_TOKEN: &str =
    "INSERT INTO refresh_tokens (token_hash, session_id, generation, created_at_ms, expires_at_ms)
     VALUES ($1, $2, $3, $4, $5)";

/// Both rows are locked: twins of a token come one after the other, and see what the first made of it.
const FIND: &str =
    "SELECT t.session_id, s.user_id, t.generation, t.expires_at_ms, t.used_at_ms, s.ended_at_ms,
            s.created_at_ms
       FROM sessions s
       JOIN refresh_tokens t ON t.session_id = s.session_id
      WHERE t.token_hash = $1
        FOR UPDATE";

const USE: &str =
    "UPDATE refresh_tokens SET used_at_ms = $2 WHERE token_hash = $1 AND used_at_ms IS NULL";

const SUCCEED: &str = "UPDATE sessions
        SET generation = $2, refreshed_at_ms = $3, expires_at_ms = $4
      WHERE session_id = $1";

const END: &str = "UPDATE sessions
        SET ended_at_ms = $3, end_reason = $2
      WHERE session_id = $1 AND ended_at_ms IS NULL";

/// Locked, so that of two ends one is told of.
const ENDED_AT: &str =
    "SELECT ended_at_ms FROM sessions WHERE session_id = $1 AND user_id = $2 FOR UPDATE";

const OPEN: &str = "SELECT session_id, created_at_ms, refreshed_at_ms, expires_at_ms
       FROM sessions
      WHERE user_id = $1 AND ended_at_ms IS NULL AND expires_at_ms > $2
        AND ($3::uuid IS NULL OR session_id < $3)
      ORDER BY session_id DESC
      LIMIT $4";

/// After a change of the password.
const END_OTHERS: &str = "UPDATE sessions
        SET ended_at_ms = $3, end_reason = 'password'
      WHERE user_id = $1 AND session_id <> $2 AND ended_at_ms IS NULL
     RETURNING session_id";

const END_ALL: &str = "UPDATE sessions
        SET ended_at_ms = $3, end_reason = $2
      WHERE user_id = $1 AND ended_at_ms IS NULL";

const ENDED_SINCE: &str = "SELECT session_id, ended_at_ms
       FROM sessions
      WHERE ended_at_ms >= $1
      ORDER BY ended_at_ms
      LIMIT $2";

/// Nodes that sweep at the same time leave one another's rows alone.
const SWEEP_TOKENS: &str = "DELETE FROM refresh_tokens
      WHERE token_number = ANY(ARRAY(SELECT token_number
                               FROM refresh_tokens
                              WHERE expires_at_ms <= $1
                              ORDER BY expires_at_ms
                              LIMIT $2
                                FOR UPDATE SKIP LOCKED))";

/// Their tokens go with them.
const SWEEP_EXPIRED: &str = "DELETE FROM sessions
      WHERE session_number = ANY(ARRAY(SELECT session_number
                                 FROM sessions
                                WHERE expires_at_ms <= $1
                                ORDER BY expires_at_ms
                                LIMIT $2
                                  FOR UPDATE SKIP LOCKED))";

const SWEEP_ENDED: &str = "DELETE FROM sessions
      WHERE session_number = ANY(ARRAY(SELECT session_number
                                 FROM sessions
                                WHERE ended_at_ms <= $1
                                ORDER BY ended_at_ms
                                LIMIT $2
                                  FOR UPDATE SKIP LOCKED))";

fn name(id: SessionId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

pub(super) async fn insert(
    connection: &Connection,
    owner: UserId,
    session: &NewSession,
) -> Result<(), StoreError> {
    let (id, user) = (name(session.id), Bytes(*owner.as_bytes()));
    let (at, expires_at) = (session.at.as_ms(), session.expires_at.as_ms());
    let values: [&(dyn ToSql + Sync); 4] = [&id, &user, &at, &expires_at];
    connection.execute(INSERT, &values).await?;
    let values: [&(dyn ToSql + Sync); 5] = [&Bytes(session.token), &id, &1_i64, &at, &expires_at];
    connection.execute(INSERT_TOKEN, &values).await?;
    let event = session.event.clone().by_owner(owner);
    security::insert(connection, &event.in_session(session.id)).await
}

struct Found {
    state: TokenState,
    session: SessionId,
    user: UserId,
    generation: i64,
    began_at: Timestamp,
}

async fn find(connection: &Connection, token: &TokenHash) -> Result<Option<Found>, StoreError> {
    let row = connection.query_opt(FIND, &[&Bytes(*token)]).await?;
    row.as_ref().map(found_of).transpose()
}

fn found_of(row: &Row) -> Result<Found, StoreError> {
    let used_at: Option<i64> = row.try_get(4)?;
    let ended_at: Option<i64> = row.try_get(5)?;
    Ok(Found {
        session: rows::session_id(row, 0)?,
        user: rows::user_id(row, 1)?,
        generation: row.try_get(2)?,
        began_at: rows::time(row, 6)?,
        state: TokenState {
            session_ended: ended_at.is_some(),
            expires_at: rows::time(row, 3)?,
            used_at: used_at.map(Timestamp::from_ms),
        },
    })
}

pub(super) async fn rotate(
    connection: &Connection,
    rotation: &Rotation,
) -> Result<Rotated, Abort<Infallible>> {
    let Some(found) = find(connection, &rotation.used).await? else {
        return Ok(Rotated::Over);
    };
    let life = rotation.life_seconds;
    let state = found.state.in_session(found.began_at, life);
    let verdict = judge(state, rotation.at, rotation.grace_ms);
    if verdict == Verdict::Over {
        return Ok(Rotated::Over);
    }
    if verdict == Verdict::Reused {
        end(connection, found.session, "reuse", rotation.at).await?;
        let event = rotation.reused.clone().of(found.user);
        security::insert(connection, &event.in_session(found.session)).await?;
        return Ok(Rotated::Reused(found.user, found.session));
    }
    let Some(user) = users::find_enabled(connection, found.user).await? else {
        return Ok(Rotated::Over);
    };
    if verdict == Verdict::Rotate {
        succeed(connection, rotation, &found).await?;
    }
    Ok(Rotated::Live(user, found.session))
}

async fn succeed(
    connection: &Connection,
    rotation: &Rotation,
    found: &Found,
) -> Result<(), StoreError> {
    let next = found.generation.saturating_add(1);
    let session = name(found.session);
    let last = found.began_at.plus_seconds(rotation.life_seconds);
    let expires_at = rotation.expires_at.min(last).as_ms();
    let at = rotation.at.as_ms();
    connection
        .execute(USE, &[&Bytes(rotation.used), &at])
        .await?;
    let values: [&(dyn ToSql + Sync); 5] = [
        &Bytes(rotation.successor),
        &session,
        &next,
        &at,
        &expires_at,
    ];
    connection.execute(INSERT_TOKEN, &values).await?;
    let values: [&(dyn ToSql + Sync); 4] = [&session, &next, &at, &expires_at];
    connection.execute(SUCCEED, &values).await.map(drop)
}

async fn end(
    connection: &Connection,
    id: SessionId,
    reason: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let values: [&(dyn ToSql + Sync); 3] = [&name(id), &reason, &at.as_ms()];
    connection.execute(END, &values).await.map(drop)
}

/// Whether it is theirs. Only the end that ends it is told of.
pub(super) async fn end_of_user(
    connection: &Connection,
    id: SessionId,
    user: UserId,
    event: &SecurityEvent,
) -> Result<bool, Abort<Infallible>> {
    let values: [&(dyn ToSql + Sync); 2] = [&name(id), &Bytes(*user.as_bytes())];
    let Some(row) = connection.query_opt(ENDED_AT, &values).await? else {
        return Ok(false);
    };
    if row
        .try_get::<_, Option<i64>>(0)
        .map_err(StoreError::from)?
        .is_none()
    {
        end(connection, id, "logout", event.at).await?;
        security::insert(connection, event).await?;
    }
    Ok(true)
}

pub(super) async fn open_of(
    connection: &Connection,
    user: UserId,
    after: Option<SessionId>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<OpenSession>, StoreError> {
    let (user, after) = (Bytes(*user.as_bytes()), after.map(name));
    let values: [&(dyn ToSql + Sync); 4] = [&user, &now.as_ms(), &after, &i64::from(limit)];
    let rows = connection.query(OPEN, &values).await?;
    rows.iter()
        .map(|row| {
            Ok(OpenSession {
                id: rows::session_id(row, 0)?,
                created_at: rows::time(row, 1)?,
                refreshed_at: rows::time(row, 2)?,
                expires_at: rows::time(row, 3)?,
            })
        })
        .collect()
}

pub(super) async fn end_others(
    connection: &Connection,
    user: UserId,
    kept: SessionId,
    at: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let user = Bytes(*user.as_bytes());
    let values: [&(dyn ToSql + Sync); 3] = [&user, &name(kept), &at.as_ms()];
    let rows = connection.query(END_OTHERS, &values).await?;
    rows.iter().map(|row| rows::session_id(row, 0)).collect()
}

pub(super) async fn end_by_token(
    connection: &Connection,
    token: &TokenHash,
    event: &SecurityEvent,
) -> Result<Option<SessionId>, Abort<Infallible>> {
    let Some(found) = find(connection, token).await? else {
        return Ok(None);
    };
    if !found.state.session_ended {
        end(connection, found.session, "logout", event.at).await?;
        let event = event.clone().by_owner(found.user);
        security::insert(connection, &event.in_session(found.session)).await?;
    }
    Ok(Some(found.session))
}

pub(super) async fn end_all(
    connection: &Connection,
    user: UserId,
    reason: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let user = Bytes(*user.as_bytes());
    let values: [&(dyn ToSql + Sync); 3] = [&user, &reason, &at.as_ms()];
    connection.execute(END_ALL, &values).await.map(drop)
}

/// The oldest first, as the memory of endings wants them.
pub(super) async fn ended_since(
    connection: &Connection,
    since: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
    let values: [&(dyn ToSql + Sync); 2] = [&since.as_ms(), &i64::from(ENDINGS_MAX)];
    let rows = connection.query(ENDED_SINCE, &values).await?;
    rows.iter()
        .map(|row| Ok((rows::session_id(row, 0)?, rows::time(row, 1)?)))
        .collect()
}

pub(super) async fn sweep_tokens(
    connection: &Connection,
    now: Timestamp,
) -> Result<bool, Abort<Infallible>> {
    sweep_rows(connection, SWEEP_TOKENS, now).await
}

pub(super) async fn sweep(
    connection: &Connection,
    now: Timestamp,
) -> Result<bool, Abort<Infallible>> {
    let kept_since = now.plus_seconds(KEEP_ENDED_SECONDS.saturating_neg());
    let expired = sweep_rows(connection, SWEEP_EXPIRED, kept_since).await?;
    let ended = sweep_rows(connection, SWEEP_ENDED, kept_since).await?;
    Ok(expired || ended)
}

/// Whether there may be more.
async fn sweep_rows(
    connection: &Connection,
    sql: &'static str,
    before: Timestamp,
) -> Result<bool, Abort<Infallible>> {
    let values: [&(dyn ToSql + Sync); 2] = [&before.as_ms(), &i64::from(SWEEP_MAX)];
    let gone = connection.execute(sql, &values).await?;
    Ok(gone >= u64::from(SWEEP_MAX))
}
