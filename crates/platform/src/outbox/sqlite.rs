//! The outbox in a SQLite file: one process delivers from it, so nobody else is asked.

use super::{
    Fresh, KEEP_PLACE_EVERY, Lead, PAGE, Page, Refused, Row, Shelf, WAIT_MS_MAX, Wake,
    behind::{Backlog, COUNTED_MAX},
    resting,
};
use crate::{
    bus::Bus,
    db::{Abort, StoreError, sqlite::Database},
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::{Event, ParkedEvent},
    trace::TraceParent,
    values::{EventId, Timestamp},
};
use rusqlite::{Connection, OptionalExtension, params};
use std::{collections::HashSet, convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Writes an event, inside the transaction of the change it tells of.
///
/// # Errors
/// When it cannot be written.
pub fn append<E: Event>(
    connection: &Connection,
    event: &E,
    at: Timestamp,
) -> Result<(), StoreError> {
    append_in(connection, event, at, None)
}

/// The same of one wish among others, which has a trace of its own.
///
/// # Errors
/// When it cannot be written.
pub fn append_in<E: Event>(
    connection: &Connection,
    event: &E,
    at: Timestamp,
    trace: Option<TraceParent>,
) -> Result<(), StoreError> {
    // The text of an envelope's payload, without building the payload first.
    let payload =
        serde_json::to_string(event).map_err(|error| StoreError::Other(Box::new(error)))?;
    connection
        .prepare_cached(
            "INSERT INTO outbox (event_id, name, subject, payload, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            EventId::generate().as_bytes(),
            E::NAME,
            event.subject(),
            resting(payload, trace),
            at.as_ms()
        ])?;
    Ok(())
}

/// Makes a write that belongs to a trace. Whatever events came of it, written by triggers too, rest with the trace, but
/// for those that have theirs. The write itself never fails for that.
pub(crate) fn in_trace<T, R>(
    connection: &Connection,
    trace: Option<TraceParent>,
    job: impl FnOnce(&Connection) -> Result<T, Abort<R>>,
) -> Result<T, Abort<R>> {
    let Some(trace) = trace else {
        return job(connection);
    };
    let last = last_number(connection);
    let made = job(connection)?;
    let laid = last.and_then(|last| lay_beside(connection, last, trace));
    if let Err(error) = laid {
        tracing::debug!(error = %error, "events of this write have no trace");
    }
    Ok(made)
}

fn last_number(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT COALESCE(MAX(event_number), 0) FROM outbox")?
        .query_row([], |row| row.get(0))
}

fn lay_beside(connection: &Connection, last: i64, trace: TraceParent) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE outbox
                SET payload = json_set(payload, '$.traceparent', ?2)
              WHERE event_number > ?1
                AND json_extract(payload, '$.traceparent') IS NULL",
        )?
        .execute(params![last, trace.to_string()])
        .map(drop)
}

pub(super) struct SqliteShelf {
    database: Database,
    commits: watch::Receiver<u64>,
    leads: bool,
}

impl SqliteShelf {
    pub(super) fn new(database: Database) -> Self {
        let commits = database.commits();
        Self {
            database,
            commits,
            leads: false,
        }
    }

    async fn write<J>(&self, job: J) -> Result<(), BoxError>
    where
        J: FnOnce(&Connection) -> Result<(), Abort<Infallible>> + Send + 'static,
    {
        let written = self.database.write(job).await;
        written.map_err(|abort| format!("{abort:?}").into())
    }
}

#[async_trait]
impl Shelf for SqliteShelf {
    async fn lead(&mut self) -> Result<Lead, BoxError> {
        if self.leads {
            return Ok(Lead::Kept);
        }
        let cursor = self.database.read(|c| Ok(read_cursor(c)?)).await?;
        self.leads = true;
        Ok(Lead::Taken(cursor))
    }

    async fn still_leads(&mut self) -> bool {
        true
    }

    async fn page(&mut self, seen: i64, now_ms: i64, bus: &Arc<dyn Bus>) -> Result<Page, BoxError> {
        let bus = Arc::clone(bus);
        let read = self.database.read(move |c| {
            Ok(Page {
                parked: read_parked(c, now_ms)?,
                fresh: read_fresh(c, seen, |name| bus.is_wanted(name))?,
                held: parked_subjects(c)?,
            })
        });
        Ok(read.await?)
    }

    async fn held(&self) -> Result<HashSet<String>, BoxError> {
        Ok(self.database.read(|c| Ok(parked_subjects(c)?)).await?)
    }

    async fn again(&self, after: i64, since: Timestamp) -> Result<Vec<Row>, BoxError> {
        Ok(self
            .database
            .read(move |c| Ok(read_again(c, after, since)?))
            .await?)
    }

    /// Whatever is committed here was committed by number.
    async fn since(&mut self, after: i64) -> Result<Vec<Row>, BoxError> {
        let read = self
            .database
            .read(move |c| Ok(read_fresh(c, after, |_| true)?));
        Ok(read.await?.wanted)
    }

    async fn parked(&self, after: i64, limit: u32) -> Result<Vec<ParkedEvent>, BoxError> {
        let read = self
            .database
            .read(move |c| Ok(list_parked(c, after, limit)?));
        Ok(read.await?)
    }

    async fn make_due(&self, number: i64, now_ms: i64) -> Result<bool, BoxError> {
        let due = self.database.write(move |c| {
            let sql = "UPDATE outbox_parked
                          SET next_try_at_ms = ?2
                        WHERE subject = (SELECT subject FROM outbox_parked WHERE event_number = ?1)
                          AND event_number <= ?1";
            Ok::<_, Abort<Infallible>>(c.execute(sql, [number, now_ms])?)
        });
        let due = due.await.map_err(|abort| format!("{abort:?}"))?;
        Ok(due > 0)
    }

    async fn park(&self, refused: Vec<Refused>, now_ms: i64) -> Result<(), BoxError> {
        self.write(move |c| {
            for one in &refused {
                c.prepare_cached(
                    "INSERT INTO outbox_parked (event_number, subject, tries, next_try_at_ms, reason)
                     VALUES (?1, ?2, 1, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    one.number,
                    one.subject,
                    now_ms.saturating_add(1_000),
                    one.reason
                ])?;
            }
            Ok(())
        })
        .await
    }

    async fn settle(
        &self,
        number: i64,
        outcome: Result<(), String>,
        now_ms: i64,
    ) -> Result<(), BoxError> {
        self.write(move |c| {
            match outcome {
                Ok(()) => c.execute(
                    "DELETE FROM outbox_parked WHERE event_number = ?1",
                    [number],
                )?,
                Err(reason) => c.execute(
                    "UPDATE outbox_parked
                        SET tries = tries + 1,
                            next_try_at_ms = ?2 + MIN(1000 << MIN(tries, 10), ?4),
                            reason = ?3
                      WHERE event_number = ?1",
                    params![number, now_ms, reason, WAIT_MS_MAX],
                )?,
            };
            Ok(())
        })
        .await
    }

    async fn keep_place(&self, seen: i64, before_ms: i64) -> Result<(), BoxError> {
        self.write(move |c| {
            c.prepare_cached("UPDATE outbox_cursor SET delivered_number = ?1 WHERE cursor_id = 1")?
                .execute([seen])?;
            // Only the oldest page is looked at: numbers and times rise together.
            c.prepare_cached(
                "DELETE FROM outbox
                  WHERE event_number IN (SELECT event_number FROM outbox ORDER BY event_number LIMIT ?1)
                    AND event_number NOT IN (SELECT event_number FROM outbox_parked)
                    AND event_number <= ?2
                    AND at_ms < ?3",
            )?
            .execute(params![KEEP_PLACE_EVERY, seen, before_ms])?;
            Ok(())
        })
        .await
    }

    async fn backlog(&self, seen: i64) -> Result<Backlog, BoxError> {
        Ok(self
            .database
            .read(move |c| Ok(count_backlog(c, seen)?))
            .await?)
    }

    async fn wait(&mut self) -> Wake {
        tokio::select! {
            biased;
            changed = self.commits.changed() => if changed.is_ok() { Wake::Changed } else { Wake::Closed },
            () = tokio::time::sleep(Duration::from_secs(1)) => Wake::Idle,
        }
    }
}

const COLUMNS: &str = "o.event_number, o.event_id, o.name, o.subject, o.payload, o.at_ms";

fn read_cursor(connection: &Connection) -> Result<i64, rusqlite::Error> {
    let sql = "SELECT delivered_number FROM outbox_cursor WHERE cursor_id = 1";
    Ok(connection
        .query_row(sql, [], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

fn count_backlog(connection: &Connection, seen: i64) -> Result<Backlog, rusqlite::Error> {
    let sql = "WITH place (number) AS (
                   SELECT MAX(?1, COALESCE(MAX(delivered_number), 0)) FROM outbox_cursor WHERE cursor_id = 1
               )
               SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM place CROSS JOIN outbox
                                              WHERE event_number > number LIMIT ?2)),
                      (SELECT COUNT(*) FROM (SELECT 1 FROM outbox_parked LIMIT ?2)),
                      (SELECT at_ms FROM place CROSS JOIN outbox
                        WHERE event_number > number ORDER BY event_number LIMIT 1),
                      (SELECT at_ms FROM outbox
                        WHERE event_number = (SELECT MIN(event_number) FROM outbox_parked))";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row(params![seen, COUNTED_MAX], |row| {
        let (fresh, parked): (i64, i64) = (row.get(0)?, row.get(1)?);
        let times: [Option<i64>; 2] = [row.get(2)?, row.get(3)?];
        Ok(Backlog {
            pending: fresh.saturating_add(parked),
            oldest: times.into_iter().flatten().min().map(Timestamp::from_ms),
        })
    })
}

/// Of an event that nobody wants only the name is read.
fn read_fresh(
    connection: &Connection,
    seen: i64,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Fresh, rusqlite::Error> {
    let sql = format!(
        "SELECT {COLUMNS}, 0 FROM outbox o WHERE o.event_number > ?1 ORDER BY o.event_number LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![seen, PAGE])?;
    let mut fresh = Fresh::default();
    let mut count = 0_u32;
    while let Some(row) = rows.next()? {
        fresh.last = Some(row.get(0)?);
        count = count.saturating_add(1);
        if is_wanted(row.get_ref(2)?.as_str()?) {
            fresh.wanted.push(read_row(row)?);
        }
    }
    fresh.more = count == PAGE;
    Ok(fresh)
}

/// The earliest parked event of each subject, if it is due. A wait longer than any that we set means that the
/// clock was put back.
fn read_parked(connection: &Connection, now_ms: i64) -> Result<Vec<Row>, rusqlite::Error> {
    let sql = format!(
        "SELECT {COLUMNS}, p.tries
           FROM outbox_parked p
           JOIN outbox o ON o.event_number = p.event_number
          WHERE (p.next_try_at_ms <= ?1 OR p.next_try_at_ms > ?1 + 2 * {WAIT_MS_MAX})
            AND NOT EXISTS (SELECT 1 FROM outbox_parked earlier
                             WHERE earlier.subject = p.subject
                               AND earlier.event_number < p.event_number)
          ORDER BY p.event_number
          LIMIT ?2"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![now_ms, PAGE], read_row)?
        .collect()
}

fn read_again(
    connection: &Connection,
    after: i64,
    since: Timestamp,
) -> Result<Vec<Row>, rusqlite::Error> {
    let sql = format!(
        "SELECT {COLUMNS}, 0
           FROM outbox o
          WHERE o.event_number > ?1
            AND o.at_ms >= ?2
            AND NOT EXISTS (SELECT 1 FROM outbox_parked p
                             WHERE p.subject = o.subject
                               AND p.event_number <= o.event_number)
          ORDER BY o.event_number
          LIMIT ?3"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![after, since.as_ms(), PAGE], read_row)?
        .collect()
}

fn list_parked(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> Result<Vec<ParkedEvent>, rusqlite::Error> {
    let sql = "SELECT o.event_number, o.event_id, o.name, o.subject, o.at_ms, p.tries, p.next_try_at_ms, p.reason
                 FROM outbox_parked p
                 JOIN outbox o ON o.event_number = p.event_number
                WHERE p.event_number > ?1
                ORDER BY p.event_number
                LIMIT ?2";
    let event = |row: &rusqlite::Row<'_>| {
        Ok(ParkedEvent {
            number: row.get::<_, i64>(0)?.unsigned_abs(),
            id: EventId::from_bytes(row.get(1)?),
            name: row.get(2)?,
            subject: row.get(3)?,
            at: Timestamp::from_ms(row.get(4)?),
            tries: row.get(5)?,
            next_try_at: Timestamp::from_ms(row.get(6)?),
            reason: row.get(7)?,
        })
    };
    connection
        .prepare_cached(sql)?
        .query_map(params![after, limit], event)?
        .collect()
}

fn parked_subjects(connection: &Connection) -> Result<HashSet<String>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT DISTINCT subject FROM outbox_parked")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn read_row(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    Ok(Row {
        number: row.get(0)?,
        id: EventId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        subject: row.get(3)?,
        payload: row.get(4)?,
        at: Timestamp::from_ms(row.get(5)?),
        tries: row.get(6)?,
    })
}
