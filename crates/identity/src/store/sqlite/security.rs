//! The table of security events.

use super::{SqliteStore, rows};
use crate::{
    domain::security::{Actor, Counted, SecurityEvent},
    store::{
        SWEEP_MAX, failure,
        security::{EventWish, SecurityLog},
    },
};
use async_trait::async_trait;
use contracts::{
    identity::{SecurityActor, SecurityEventKind},
    values::{SecurityEventId, SessionId, Timestamp, UserId, ValueError},
};
use platform::db::{Durability, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};

#[async_trait]
impl SecurityLog for SqliteStore {
    async fn write_events(&self, rows: Vec<Counted>) -> Result<(), StoreError> {
        let write = self.database.write_to_outlive(Durability::Kill, move |c| {
            for row in &rows {
                count(c, row)?;
            }
            Ok(())
        });
        write.await.map_err(failure)
    }

    async fn security_events(&self, wish: EventWish) -> Result<Vec<Counted>, StoreError> {
        let read = self.database.read(move |c| Ok(list(c, &wish)?));
        read.await
    }

    async fn count_events(&self, kinds: Vec<SecurityEventKind>) -> Result<Vec<i64>, StoreError> {
        let read = self.database.read(move |c| Ok(count_of_kinds(c, &kinds)?));
        read.await
    }

    async fn first_surplus(
        &self,
        refusals: bool,
        kept_max: u32,
    ) -> Result<Option<Timestamp>, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(first_surplus(c, refusals, kept_max)?));
        read.await
    }

    async fn sweep_events(&self, refusals: bool, until: Timestamp) -> Result<bool, StoreError> {
        let write = self.database.write(move |c| Ok(sweep(c, refusals, until)?));
        write.await.map_err(failure)
    }

    async fn sweep_places(&self, deleted_since: Timestamp) -> Result<(), StoreError> {
        let write = self
            .database
            .write(move |c| Ok(sweep_places(c, deleted_since)?));
        write.await.map_err(failure)
    }
}

/// Writes an event, with the change that it tells of.
pub(super) fn insert(connection: &Connection, event: &SecurityEvent) -> rusqlite::Result<()> {
    let once = Counted {
        event: event.clone(),
        count: 1,
        last_at: event.at,
    };
    count(connection, &once)
}

/// Of an account that has gone no place is kept.
fn count(connection: &Connection, row: &Counted) -> rusqlite::Result<()> {
    let event = &row.event;
    let (account, actor) = (event.account, event.actor.user());
    connection
        .prepare_cached(
            "INSERT INTO security_events (event_id, kind, detail, is_refusal, user_id, actor, actor_id, session_id,
                                          occurrences, at_ms, last_at_ms, client, request_id)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
                    CASE WHEN gone THEN NULL ELSE ?12 END, CASE WHEN gone THEN NULL ELSE ?13 END
               FROM (SELECT EXISTS (
                         SELECT 1 FROM users WHERE user_id IN (?5, ?7) AND deleted_at_ms IS NOT NULL) AS gone)
              WHERE TRUE
             ON CONFLICT (event_id) DO UPDATE
                SET occurrences = occurrences + excluded.occurrences,
                    last_at_ms = MAX(last_at_ms, excluded.last_at_ms)",
        )?
        .execute(params![
            event.id.as_bytes(),
            event.kind.as_str(),
            event.detail.map(|detail| detail.as_str()),
            event.kind.is_refusal(),
            account.as_ref().map(UserId::as_bytes),
            event.actor.kind().as_str(),
            actor.as_ref().map(UserId::as_bytes),
            event.session.as_ref().map(SessionId::as_bytes),
            row.count,
            event.at.as_ms(),
            row.last_at.as_ms(),
            event.client.map(|client| client.to_string()),
            event.request.as_deref(),
        ])
        .map(drop)
}

fn list(connection: &Connection, wish: &EventWish) -> rusqlite::Result<Vec<Counted>> {
    // Each form has its index.
    let filter = match (wish.account.is_some(), wish.kind.is_some()) {
        (false, false) => "?5 IS NULL AND ?6 IS NULL",
        (true, false) => "user_id = ?5 AND ?6 IS NULL",
        (false, true) => "?5 IS NULL AND kind = ?6",
        (true, true) => "user_id = ?5 AND kind = ?6",
    };
    let sql = format!(
        "SELECT event_id, kind, detail, user_id, actor, actor_id, session_id, client, request_id, occurrences,
                at_ms, last_at_ms
           FROM security_events
          WHERE {filter} AND at_ms >= ?1 AND (at_ms, event_id) < (?2, ?3)
          ORDER BY at_ms DESC, event_id DESC
          LIMIT ?4"
    );
    let (before_at, before_id) = &wish.before;
    connection
        .prepare_cached(&sql)?
        .query_map(
            params![
                wish.since.as_ms(),
                before_at.as_ms(),
                before_id.as_bytes(),
                wish.limit,
                wish.account.as_ref().map(UserId::as_bytes),
                wish.kind.map(|kind| kind.as_str()),
            ],
            counted,
        )?
        .collect()
}

/// By the index of kinds alone.
fn count_of_kinds(
    connection: &Connection,
    kinds: &[SecurityEventKind],
) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM security_events WHERE kind = ?1 LIMIT ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    let most = contracts::values::Counted::LOOKED_FOR;
    let count = |kind: &SecurityEventKind| {
        statement.query_row(params![kind.as_str(), most], |row| row.get(0))
    };
    kinds.iter().map(count).collect()
}

fn counted(row: &Row<'_>) -> rusqlite::Result<Counted> {
    let kind: String = row.get(1)?;
    let detail: Option<String> = row.get(2)?;
    let client: Option<String> = row.get(7)?;
    let request: Option<String> = row.get(8)?;
    let client = client.map(|text| text.parse()).transpose();
    let client = client.map_err(|_| ValueError::new("is no address"));
    Ok(Counted {
        event: SecurityEvent {
            id: SecurityEventId::from_bytes(row.get(0)?),
            kind: rows::checked(1, Type::Text, kind.parse())?,
            detail: rows::checked(2, Type::Text, detail.map(|text| text.parse()).transpose())?,
            account: row.get::<_, Option<[u8; 16]>>(3)?.map(UserId::from_bytes),
            actor: actor(row)?,
            session: row
                .get::<_, Option<[u8; 16]>>(6)?
                .map(SessionId::from_bytes),
            client: rows::checked(7, Type::Text, client)?,
            request: request.map(Into::into),
            at: Timestamp::from_ms(row.get(10)?),
        },
        count: row.get(9)?,
        last_at: Timestamp::from_ms(row.get(11)?),
    })
}

fn actor(row: &Row<'_>) -> rusqlite::Result<Actor> {
    let kind: String = row.get(4)?;
    match rows::checked(4, Type::Text, kind.parse())? {
        SecurityActor::User => Ok(Actor::User(UserId::from_bytes(row.get(5)?))),
        SecurityActor::Nobody => Ok(Actor::Nobody),
        SecurityActor::System => Ok(Actor::System),
    }
}

/// Of an account that goes: what happened stays, from where it was done does not.
pub(super) fn forget_places(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    for sql in [
        "UPDATE security_events
            SET client = NULL, request_id = NULL
          WHERE user_id = ?1 AND COALESCE(client, request_id) IS NOT NULL",
        "UPDATE security_events
            SET client = NULL, request_id = NULL
          WHERE actor_id = ?1 AND COALESCE(client, request_id) IS NOT NULL",
    ] {
        connection.prepare_cached(sql)?.execute([user.as_bytes()])?;
    }
    Ok(())
}

fn first_surplus(
    connection: &Connection,
    refusals: bool,
    kept_max: u32,
) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached(
            "SELECT at_ms FROM security_events WHERE is_refusal = ?1 ORDER BY at_ms DESC LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![refusals, kept_max], |row| {
            Ok(Timestamp::from_ms(row.get(0)?))
        })
        .optional()
}

fn sweep(connection: &Connection, refusals: bool, until: Timestamp) -> rusqlite::Result<bool> {
    let gone = connection
        .prepare_cached(
            "DELETE FROM security_events WHERE event_number IN (
                 SELECT event_number
                   FROM security_events
                  WHERE is_refusal = ?1 AND at_ms <= ?2
                  ORDER BY at_ms
                  LIMIT ?3)",
        )?
        .execute(params![refusals, until.as_ms(), SWEEP_MAX])?;
    Ok(gone >= usize::try_from(SWEEP_MAX).unwrap_or(usize::MAX))
}

fn sweep_places(connection: &Connection, deleted_since: Timestamp) -> rusqlite::Result<()> {
    let gone: Vec<[u8; 16]> = connection
        .prepare_cached(
            "SELECT user_id
               FROM users
              WHERE token_epoch > 0 AND epoch_changed_at_ms >= ?1 AND deleted_at_ms IS NOT NULL",
        )?
        .query_map([deleted_since.as_ms()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for user in gone {
        forget_places(connection, UserId::from_bytes(user))?;
    }
    Ok(())
}
