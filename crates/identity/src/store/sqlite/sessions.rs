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
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn insert(
    connection: &Connection,
    user: UserId,
    session: &NewSession,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sessions (session_id, user_id, generation, created_at_ms, refreshed_at_ms, expires_at_ms)
             VALUES (?1, ?2, 1, ?3, ?3, ?4)",
        )?
        .execute(params![
            session.id.as_bytes(),
            user.as_bytes(),
            session.at.as_ms(),
            session.expires_at.as_ms()
        ])?;
    connection
        .prepare_cached(
            "INSERT INTO refresh_tokens (token_hash, session_id, generation, created_at_ms, expires_at_ms)
             VALUES (?1, ?2, 1, ?3, ?4)",
        )?
        .execute(params![
            session.token,
            session.id.as_bytes(),
            session.at.as_ms(),
            session.expires_at.as_ms()
        ])?;
    let event = session.event.clone();
    security::insert(connection, &event.by_owner(user).in_session(session.id))
}

struct Found {
    state: TokenState,
    session: SessionId,
    user: UserId,
    generation: i64,
    began_at: Timestamp,
}

fn find(connection: &Connection, token: &TokenHash) -> rusqlite::Result<Option<Found>> {
    connection
        .prepare_cached(
            "SELECT t.session_id, s.user_id, t.generation, t.expires_at_ms, t.used_at_ms, s.ended_at_ms,
                    s.created_at_ms
               FROM refresh_tokens t
               JOIN sessions s ON s.session_id = t.session_id
              WHERE t.token_hash = ?1",
        )?
        .query_row([token], |row| {
            let used_at: Option<i64> = row.get(4)?;
            let ended_at: Option<i64> = row.get(5)?;
            Ok(Found {
                session: rows::session_id(row, 0)?,
                user: UserId::from_bytes(row.get(1)?),
                generation: row.get(2)?,
                began_at: Timestamp::from_ms(row.get(6)?),
                state: TokenState {
                    session_ended: ended_at.is_some(),
                    expires_at: Timestamp::from_ms(row.get(3)?),
                    used_at: used_at.map(Timestamp::from_ms),
                },
            })
        })
        .optional()
}

pub(super) fn rotate(connection: &Connection, rotation: &Rotation) -> rusqlite::Result<Rotated> {
    let Some(found) = find(connection, &rotation.used)? else {
        return Ok(Rotated::Over);
    };
    let life = rotation.life_seconds;
    let state = found.state.in_session(found.began_at, life);
    let verdict = judge(state, rotation.at, rotation.grace_ms);
    if verdict == Verdict::Over {
        return Ok(Rotated::Over);
    }
    if verdict == Verdict::Reused {
        end(connection, found.session, "reuse", rotation.at)?;
        let event = rotation.reused.clone();
        security::insert(connection, &event.of(found.user).in_session(found.session))?;
        return Ok(Rotated::Reused(found.user, found.session));
    }
    let Some(user) = users::find_enabled(connection, found.user)? else {
        return Ok(Rotated::Over);
    };
    if verdict == Verdict::Rotate {
        succeed(connection, rotation, &found)?;
    }
    Ok(Rotated::Live(user, found.session))
}

fn succeed(connection: &Connection, rotation: &Rotation, found: &Found) -> rusqlite::Result<()> {
    let next = found.generation.saturating_add(1);
    let last = found.began_at.plus_seconds(rotation.life_seconds);
    let expires_at = rotation.expires_at.min(last).as_ms();
    let at = rotation.at.as_ms();
    connection
        .prepare_cached(
            "UPDATE refresh_tokens SET used_at_ms = ?2 WHERE token_hash = ?1 AND used_at_ms IS NULL",
        )?
        .execute(params![rotation.used, at])?;
    connection
        .prepare_cached(
            "INSERT INTO refresh_tokens (token_hash, session_id, generation, created_at_ms, expires_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![rotation.successor, found.session.as_bytes(), next, at, expires_at])?;
    connection
        .prepare_cached(
            "UPDATE sessions
                SET generation = ?2, refreshed_at_ms = ?3, expires_at_ms = ?4
              WHERE session_id = ?1",
        )?
        .execute(params![found.session.as_bytes(), next, at, expires_at])?;
    Ok(())
}

fn end(
    connection: &Connection,
    id: SessionId,
    reason: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sessions
                SET ended_at_ms = ?3, end_reason = ?2
              WHERE session_id = ?1 AND ended_at_ms IS NULL",
        )?
        .execute(params![id.as_bytes(), reason, at.as_ms()])
        .map(drop)
}

/// Whether it is theirs. Only the end that ends it is told of.
pub(super) fn end_of_user(
    connection: &Connection,
    id: SessionId,
    user: UserId,
    event: &SecurityEvent,
) -> rusqlite::Result<bool> {
    let ended_at: Option<Option<i64>> = connection
        .prepare_cached("SELECT ended_at_ms FROM sessions WHERE session_id = ?1 AND user_id = ?2")?
        .query_row(params![id.as_bytes(), user.as_bytes()], |row| row.get(0))
        .optional()?;
    if ended_at == Some(None) {
        end(connection, id, "logout", event.at)?;
        security::insert(connection, event)?;
    }
    Ok(ended_at.is_some())
}

pub(super) fn open_of(
    connection: &Connection,
    user: UserId,
    after: Option<SessionId>,
    limit: u32,
    now: Timestamp,
) -> rusqlite::Result<Vec<OpenSession>> {
    let after = after.as_ref().map(SessionId::as_bytes);
    connection
        .prepare_cached(
            "SELECT session_id, created_at_ms, refreshed_at_ms, expires_at_ms
               FROM sessions
              WHERE user_id = ?1 AND ended_at_ms IS NULL AND expires_at_ms > ?2
                AND (?3 IS NULL OR session_id < ?3)
              ORDER BY session_id DESC
              LIMIT ?4",
        )?
        .query_map(params![user.as_bytes(), now.as_ms(), after, limit], |row| {
            Ok(OpenSession {
                id: rows::session_id(row, 0)?,
                created_at: Timestamp::from_ms(row.get(1)?),
                refreshed_at: Timestamp::from_ms(row.get(2)?),
                expires_at: Timestamp::from_ms(row.get(3)?),
            })
        })?
        .collect()
}

/// After a change of the password.
pub(super) fn end_others(
    connection: &Connection,
    user: UserId,
    kept: SessionId,
    at: Timestamp,
) -> rusqlite::Result<Vec<SessionId>> {
    connection
        .prepare_cached(
            "UPDATE sessions
                SET ended_at_ms = ?3, end_reason = 'password'
              WHERE user_id = ?1 AND session_id <> ?2 AND ended_at_ms IS NULL
             RETURNING session_id",
        )?
        .query_map(
            params![user.as_bytes(), kept.as_bytes(), at.as_ms()],
            |row| rows::session_id(row, 0),
        )?
        .collect()
}

pub(super) fn end_by_token(
    connection: &Connection,
    token: &TokenHash,
    event: SecurityEvent,
) -> rusqlite::Result<Option<SessionId>> {
    let Some(found) = find(connection, token)? else {
        return Ok(None);
    };
    if !found.state.session_ended {
        end(connection, found.session, "logout", event.at)?;
        let event = event.by_owner(found.user).in_session(found.session);
        security::insert(connection, &event)?;
    }
    Ok(Some(found.session))
}

pub(super) fn end_all(
    connection: &Connection,
    user: UserId,
    reason: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sessions
                SET ended_at_ms = ?3, end_reason = ?2
              WHERE user_id = ?1 AND ended_at_ms IS NULL",
        )?
        .execute(params![user.as_bytes(), reason, at.as_ms()])
        .map(drop)
}

/// The oldest first, as the memory of endings wants them.
pub(super) fn ended_since(
    connection: &Connection,
    since: Timestamp,
) -> rusqlite::Result<Vec<(SessionId, Timestamp)>> {
    connection
        .prepare_cached(
            "SELECT session_id, ended_at_ms
               FROM sessions
              WHERE ended_at_ms >= ?1
              ORDER BY ended_at_ms
              LIMIT ?2",
        )?
        .query_map(params![since.as_ms(), ENDINGS_MAX], |row| {
            Ok((rows::session_id(row, 0)?, Timestamp::from_ms(row.get(1)?)))
        })?
        .collect()
}

pub(super) fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let kept_since = now.plus_seconds(KEEP_ENDED_SECONDS.saturating_neg());
    let tokens = connection
        .prepare_cached(
            "DELETE FROM refresh_tokens WHERE token_number IN (
                 SELECT token_number FROM refresh_tokens WHERE expires_at_ms <= ?1 LIMIT ?2)",
        )?
        .execute(params![now.as_ms(), SWEEP_MAX])?;
    // Their tokens go with them.
    let sessions = connection
        .prepare_cached(
            "DELETE FROM sessions WHERE session_number IN (
                 SELECT session_number FROM sessions WHERE expires_at_ms <= ?1
                 UNION
                 SELECT session_number FROM sessions WHERE ended_at_ms <= ?1
                 LIMIT ?2)",
        )?
        .execute(params![kept_since.as_ms(), SWEEP_MAX])?;
    let full = usize::try_from(SWEEP_MAX).unwrap_or(usize::MAX);
    Ok(tokens >= full || sessions >= full)
}
