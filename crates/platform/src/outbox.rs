//! The outbox: events written in the same commit as the change they tell of, delivered afterwards at least
//! once, in order for each subject. The table only grows; a cursor says how far delivery has come.

use crate::{
    bus::Bus,
    clock::Clock,
    db::{StoreError, sqlite::Database},
    tasks::Tasks,
};
use contracts::{
    BoxError,
    event::{Envelope, Event},
    values::{EventId, Timestamp},
};
use rusqlite::{Connection, OptionalExtension, params};
use std::{collections::HashSet, sync::Arc, time::Duration};

/// Events read at a time.
const PAGE: u32 = 512;
/// Tries before an event is set aside as dead.
const TRIES_MAX: i64 = 5;
/// How long delivered events stay, to be published again if a broker loses them.
const KEEP_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Writes an event, inside the transaction of the change it tells of.
///
/// # Errors
/// When it cannot be written.
pub fn append<E: Event>(
    connection: &Connection,
    event: &E,
    at: Timestamp,
) -> Result<(), StoreError> {
    let envelope = event
        .envelope(EventId::generate(), at)
        .map_err(|error| StoreError::Other(Box::new(error)))?;
    connection
        .prepare_cached(
            "INSERT INTO outbox (event_id, name, subject, payload, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            envelope.id.as_bytes(),
            envelope.name,
            envelope.subject,
            envelope.payload.to_string(),
            at.as_ms()
        ])?;
    Ok(())
}

/// Starts the task that delivers a database's events.
pub fn start_relay(
    tasks: &Tasks,
    name: &'static str,
    database: Database,
    bus: Arc<dyn Bus>,
    clock: Clock,
) {
    tasks.start(name, move |stop| async move {
        let relay = Relay { database, bus, clock };
        let mut commits = relay.database.commits();
        loop {
            let moved = match relay.deliver_page().await {
                Ok(moved) => moved,
                Err(error) => {
                    tracing::warn!(error = %error, task = name, "events wait: the outbox could not be read");
                    false
                }
            };
            if moved && !stop.is_cancelled() {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = commits.changed() => if changed.is_err() { return Ok(()) },
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    });
}

struct Row {
    number: i64,
    envelope: Envelope,
}

struct Relay {
    database: Database,
    bus: Arc<dyn Bus>,
    clock: Clock,
}

impl Relay {
    /// Delivers what is due; true if there may be more at once.
    async fn deliver_page(&self) -> Result<bool, BoxError> {
        let now = self.clock.now().as_ms();
        let parked = self
            .database
            .read(move |c| Ok(read_parked(c, now)?))
            .await?;
        for row in parked {
            self.deliver_parked(row).await?;
        }
        let (fresh, waiting) = self
            .database
            .read(|c| Ok((read_fresh(c)?, parked_subjects(c)?)))
            .await?;
        let Some(last) = fresh.last().map(|row| row.number) else {
            return Ok(false);
        };
        let more = fresh.len() == usize::try_from(PAGE)?;
        let mut failed: Vec<(i64, String, String)> = Vec::new();
        let mut held: HashSet<String> = waiting;
        for row in fresh {
            let subject = row.envelope.subject.clone();
            if !self.bus.is_wanted(&row.envelope.name) {
                continue;
            }
            // A later event of a subject never overtakes an earlier one that waits.
            if held.contains(&subject) {
                failed.push((row.number, subject, "waits for an earlier event".to_owned()));
            } else if let Err(error) = self.bus.publish(&row.envelope).await {
                let (id, name) = (row.envelope.id, &row.envelope.name);
                tracing::warn!(event.id = %id, event.name = name, error = %error, "an event will come again");
                held.insert(subject.clone());
                failed.push((row.number, subject, error.to_string()));
            }
        }
        self.advance(last, failed, now).await?;
        Ok(more)
    }

    async fn advance(
        &self,
        last: i64,
        failed: Vec<(i64, String, String)>,
        now: i64,
    ) -> Result<(), BoxError> {
        let write = self.database.write(move |c| {
            for (number, subject, reason) in &failed {
                c.prepare_cached(
                    "INSERT INTO outbox_parked (event_number, subject, tries, next_try_at_ms, reason)
                     VALUES (?1, ?2, 1, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![number, subject, now.saturating_add(1_000), reason])?;
            }
            c.prepare_cached("UPDATE outbox_cursor SET delivered_number = ?1 WHERE cursor_id = 1")?.execute([last])?;
            c.prepare_cached("DELETE FROM outbox WHERE event_number IN (
                 SELECT event_number FROM outbox WHERE at_ms < ?1 AND event_number <= ?2
                    AND event_number NOT IN (SELECT event_number FROM outbox_parked) LIMIT 512)")?
                .execute(params![now.saturating_sub(KEEP_MS), last])?;
            Ok(())
        });
        write
            .await
            .map_err(|abort: crate::db::Abort<()>| format!("{abort:?}").into())
    }

    async fn deliver_parked(&self, row: Row) -> Result<(), BoxError> {
        let outcome = self.bus.publish(&row.envelope).await;
        let now = self.clock.now().as_ms();
        let write = self.database.write(move |c| {
            match outcome {
                Ok(()) => c.execute("DELETE FROM outbox_parked WHERE event_number = ?1", [row.number])?,
                Err(error) => {
                    tracing::warn!(event.id = %row.envelope.id, error = %error, "an event failed again");
                    c.execute(
                        "UPDATE outbox_parked
                            SET tries = tries + 1,
                                next_try_at_ms = ?2 + (1000 << MIN(tries, 10)),
                                reason = ?3
                          WHERE event_number = ?1",
                        params![row.number, now, error.to_string()],
                    )?
                }
            };
            Ok(())
        });
        write
            .await
            .map_err(|abort: crate::db::Abort<()>| format!("{abort:?}").into())
    }
}

const COLUMNS: &str = "o.event_number, o.event_id, o.name, o.subject, o.payload, o.at_ms";

fn read_fresh(connection: &Connection) -> Result<Vec<Row>, rusqlite::Error> {
    let delivered: i64 = connection
        .prepare_cached("SELECT delivered_number FROM outbox_cursor WHERE cursor_id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox o WHERE o.event_number > ?1 ORDER BY o.event_number LIMIT ?2"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![delivered, PAGE], read_row)?
        .collect()
}

/// The earliest parked event of each subject, if it is due and not given up.
fn read_parked(connection: &Connection, now_ms: i64) -> Result<Vec<Row>, rusqlite::Error> {
    let sql = format!(
        "SELECT {COLUMNS}
           FROM outbox_parked p
           JOIN outbox o ON o.event_number = p.event_number
          WHERE p.next_try_at_ms <= ?1
            AND p.tries < {TRIES_MAX}
            AND NOT EXISTS (SELECT 1 FROM outbox_parked earlier
                             WHERE earlier.subject = p.subject
                               AND earlier.event_number < p.event_number
                               AND earlier.tries < {TRIES_MAX})
          ORDER BY p.event_number
          LIMIT ?2"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![now_ms, PAGE], read_row)?
        .collect()
}

fn parked_subjects(connection: &Connection) -> Result<HashSet<String>, rusqlite::Error> {
    let sql = format!("SELECT DISTINCT subject FROM outbox_parked WHERE tries < {TRIES_MAX}");
    connection
        .prepare_cached(&sql)?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn read_row(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    let payload: String = row.get(4)?;
    Ok(Row {
        number: row.get(0)?,
        envelope: Envelope {
            id: EventId::from_bytes(row.get(1)?),
            name: row.get(2)?,
            subject: row.get(3)?,
            payload: serde_json::from_str(&payload).unwrap_or_default(),
            at: Timestamp::from_ms(row.get(5)?),
        },
    })
}
