//! The table of security events. It is locked last, after whatever it tells of.

use super::{PostgresStore, rows};
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
use platform::db::{
    Durability, StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};

/// Of an account that has gone no place is kept.
const COUNT: &str =
    "INSERT INTO security_events (event_id, kind, detail, is_refusal, user_id, actor, actor_id, session_id,
                                  occurrences, at_ms, last_at_ms, client, request_id)
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
            CASE WHEN gone THEN NULL ELSE $12::text END, CASE WHEN gone THEN NULL ELSE $13::text END
       FROM (SELECT EXISTS (
                 SELECT 1 FROM users WHERE user_id IN ($5::uuid, $7::uuid) AND deleted_at_ms IS NOT NULL) AS gone) g
     ON CONFLICT (event_id) DO UPDATE
        SET occurrences = security_events.occurrences + excluded.occurrences,
            last_at_ms = GREATEST(security_events.last_at_ms, excluded.last_at_ms)";

/// Each form has its index.
macro_rules! list {
    ($filter:literal) => {
        concat!(
            "SELECT event_id, kind, detail, user_id, actor, actor_id, session_id, client, request_id, occurrences,
                    at_ms, last_at_ms
               FROM security_events
              WHERE ",
            $filter,
            " AND at_ms >= $1 AND (at_ms, event_id) < ($2, $3)
              ORDER BY at_ms DESC, event_id DESC
              LIMIT $4"
        )
    };
}

const ALL: &str = list!("$5::uuid IS NULL AND $6::text IS NULL");
const OF_USER: &str = list!("user_id = $5 AND $6::text IS NULL");
const OF_KIND: &str = list!("$5::uuid IS NULL AND kind = $6");
const OF_USER_AND_KIND: &str = list!("user_id = $5 AND kind = $6");

/// By the index of kinds alone.
const COUNT_OF_KINDS: &str = "SELECT (SELECT COUNT(*)
                  FROM (SELECT 1 FROM security_events WHERE kind = wanted.kind LIMIT $2) AS found)
           FROM unnest($1::text[]) WITH ORDINALITY AS wanted (kind, place)
          ORDER BY wanted.place";

const FORGET_PLACES: [&str; 2] = [
    "UPDATE security_events
        SET client = NULL, request_id = NULL
      WHERE user_id = $1 AND COALESCE(client, request_id) IS NOT NULL",
    "UPDATE security_events
        SET client = NULL, request_id = NULL
      WHERE actor_id = $1 AND COALESCE(client, request_id) IS NOT NULL",
];

const FIRST_SURPLUS: &str =
    "SELECT at_ms FROM security_events WHERE is_refusal = $1 ORDER BY at_ms DESC LIMIT 1 OFFSET $2";

/// Nodes that sweep at the same time leave one another's rows alone.
const SWEEP: &str = "DELETE FROM security_events
      WHERE event_number = ANY(ARRAY(SELECT event_number
                               FROM security_events
                              WHERE is_refusal = $1 AND at_ms <= $2
                              ORDER BY at_ms
                              LIMIT $3
                                FOR UPDATE SKIP LOCKED))";

const GONE: &str = "SELECT user_id
       FROM users
      WHERE token_epoch > 0 AND epoch_changed_at_ms >= $1 AND deleted_at_ms IS NOT NULL
      ORDER BY user_id";

#[async_trait]
impl SecurityLog for PostgresStore {
    async fn write_events(&self, rows: Vec<Counted>) -> Result<(), StoreError> {
        self.database
            .write(rows, |c, rows| {
                Box::pin(async move {
                    c.outlive(Durability::Kill).await?;
                    for row in rows {
                        count(c, row).await?;
                    }
                    Ok(())
                })
            })
            .await
            .map_err(failure)
    }

    async fn security_events(&self, wish: EventWish) -> Result<Vec<Counted>, StoreError> {
        list(&self.database.read().await?, &wish).await
    }

    async fn count_events(&self, kinds: Vec<SecurityEventKind>) -> Result<Vec<i64>, StoreError> {
        let connection = self.database.read().await?;
        let most = contracts::values::Counted::LOOKED_FOR;
        let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let rows = connection.query(COUNT_OF_KINDS, &[&words, &most]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn first_surplus(
        &self,
        refusals: bool,
        kept_max: u32,
    ) -> Result<Option<Timestamp>, StoreError> {
        let connection = self.database.read().await?;
        let values: [&(dyn ToSql + Sync); 2] = [&refusals, &i64::from(kept_max)];
        let row = connection.query_opt(FIRST_SURPLUS, &values).await?;
        row.map(|row| rows::time(&row, 0)).transpose()
    }

    async fn sweep_events(&self, refusals: bool, until: Timestamp) -> Result<bool, StoreError> {
        self.database
            .write((), move |c, ()| {
                Box::pin(async move {
                    let values: [&(dyn ToSql + Sync); 3] =
                        [&refusals, &until.as_ms(), &i64::from(SWEEP_MAX)];
                    let gone = c.execute(SWEEP, &values).await?;
                    Ok(gone >= u64::from(SWEEP_MAX))
                })
            })
            .await
            .map_err(failure)
    }

    async fn sweep_places(&self, deleted_since: Timestamp) -> Result<(), StoreError> {
        self.database
            .write((), move |c, ()| {
                Box::pin(async move {
                    for row in c.query(GONE, &[&deleted_since.as_ms()]).await? {
                        forget_places(c, rows::user_id(&row, 0)?).await?;
                    }
                    Ok(())
                })
            })
            .await
            .map_err(failure)
    }
}

/// Writes an event, with the change that it tells of.
pub(super) async fn insert(
    connection: &Connection,
    event: &SecurityEvent,
) -> Result<(), StoreError> {
    let once = Counted {
        event: event.clone(),
        count: 1,
        last_at: event.at,
    };
    count(connection, &once).await
}

async fn count(connection: &Connection, row: &Counted) -> Result<(), StoreError> {
    let event = &row.event;
    let name = |id: UserId| Bytes(*id.as_bytes());
    let values: [&(dyn ToSql + Sync); 13] = [
        &Bytes(*event.id.as_bytes()),
        &event.kind.as_str(),
        &event.detail.map(|detail| detail.as_str()),
        &event.kind.is_refusal(),
        &event.account.map(name),
        &event.actor.kind().as_str(),
        &event.actor.user().map(name),
        &event.session.map(|session| Bytes(*session.as_bytes())),
        &row.count,
        &event.at.as_ms(),
        &row.last_at.as_ms(),
        &event.client.map(|client| client.to_string()),
        &event.request.as_deref(),
    ];
    connection.execute(COUNT, &values).await.map(drop)
}

async fn list(connection: &Connection, wish: &EventWish) -> Result<Vec<Counted>, StoreError> {
    let sql = match (wish.account.is_some(), wish.kind.is_some()) {
        (false, false) => ALL,
        (true, false) => OF_USER,
        (false, true) => OF_KIND,
        (true, true) => OF_USER_AND_KIND,
    };
    let (before_at, before_id) = wish.before;
    let values: [&(dyn ToSql + Sync); 6] = [
        &wish.since.as_ms(),
        &before_at.as_ms(),
        &Bytes(*before_id.as_bytes()),
        &i64::from(wish.limit),
        &wish.account.map(|id| Bytes(*id.as_bytes())),
        &wish.kind.map(|kind| kind.as_str()),
    ];
    let rows = connection.query(sql, &values).await?;
    rows.iter().map(counted).collect()
}

fn counted(row: &Row) -> Result<Counted, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(0)?;
    let kind: &str = row.try_get(1)?;
    let detail: Option<&str> = row.try_get(2)?;
    let account: Option<Bytes<16>> = row.try_get(3)?;
    let session: Option<Bytes<16>> = row.try_get(6)?;
    let client: Option<&str> = row.try_get(7)?;
    let request: Option<&str> = row.try_get(8)?;
    let detail = detail.map(str::parse).transpose();
    let client = client.map(str::parse).transpose();
    let client = client.map_err(|_| ValueError::new("is no address"));
    Ok(Counted {
        event: SecurityEvent {
            id: SecurityEventId::from_bytes(id),
            kind: kind.parse().map_err(rows::unreadable)?,
            detail: detail.map_err(rows::unreadable)?,
            account: account.map(|Bytes(id)| UserId::from_bytes(id)),
            actor: actor(row)?,
            session: session.map(|Bytes(id)| SessionId::from_bytes(id)),
            client: client.map_err(rows::unreadable)?,
            request: request.map(Into::into),
            at: rows::time(row, 10)?,
        },
        count: row.try_get(9)?,
        last_at: rows::time(row, 11)?,
    })
}

fn actor(row: &Row) -> Result<Actor, StoreError> {
    let kind: &str = row.try_get(4)?;
    match kind.parse().map_err(rows::unreadable)? {
        SecurityActor::User => Ok(Actor::User(rows::user_id(row, 5)?)),
        SecurityActor::Nobody => Ok(Actor::Nobody),
        SecurityActor::System => Ok(Actor::System),
    }
}

/// Of an account that goes: what happened stays, from where it was done does not.
pub(super) async fn forget_places(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    let user = Bytes(*user.as_bytes());
    for sql in FORGET_PLACES {
        connection.execute(sql, &[&user]).await?;
    }
    Ok(())
}
