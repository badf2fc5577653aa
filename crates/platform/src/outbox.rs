//! The outbox: events written in the same commit as the change they tell of, delivered afterwards at least
//! once, in order for each subject. The table only grows; a cursor says how far delivery has come.

use crate::{
    bus::Bus,
    clock::Clock,
    db::{Abort, StoreError, sqlite::Database},
    fault,
    tasks::Tasks,
};
use contracts::{
    BoxError,
    event::{Envelope, Event},
    values::{EventId, Timestamp},
};
use rusqlite::{Connection, OptionalExtension, params};
use std::{collections::HashSet, convert::Infallible, sync::Arc, time::Duration};

/// Events read at a time.
const PAGE: u32 = 512;
/// Events between two notes of how far delivery has come, when nobody wants them.
const KEEP_PLACE_EVERY: i64 = 4_096;
/// Tries after which somebody should look: from here on each is an error in the log. An event is never given
/// up, for it may be somebody's money.
const TRIES_WORRYING: i64 = 5;
/// The longest wait between two tries, in milliseconds.
const WAIT_MS_MAX: i64 = 60_000;
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
            payload,
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
    start_republishing(tasks, name, &database, &bus, &clock);
    tasks.start(name, move |stop| async move {
        let mut relay = Relay { database, bus, clock, seen: 0, kept: 0 };
        relay.seen = relay.database.read(|c| Ok(read_cursor(c)?)).await?;
        relay.kept = relay.seen;
        let mut commits = relay.database.commits();
        loop {
            let more = match relay.deliver_page().await {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(error = %error, task = name, "events wait: the outbox could not be read");
                    false
                }
            };
            if more && !stop.is_cancelled() {
                continue;
            }
            tokio::select! {
                // In this order, so that a simulated run does not depend on a coin of the runtime's.
                biased;
                () = stop.cancelled() => return Ok(()),
                changed = commits.changed() => if changed.is_err() { return Ok(()) },
                () = tokio::time::sleep(Duration::from_secs(1)) => relay.keep_place().await,
            }
        }
    });
}

/// An event as it is stored; its payload is read only if somebody wants it.
struct Row {
    number: i64,
    id: EventId,
    name: String,
    subject: String,
    payload: String,
    at: Timestamp,
    tries: i64,
}

impl Row {
    fn envelope(&self) -> Result<Envelope, BoxError> {
        Ok(Envelope {
            id: self.id,
            name: self.name.clone(),
            subject: self.subject.clone(),
            at: self.at,
            payload: serde_json::from_str(&self.payload)?,
        })
    }
}

/// What is due.
struct Page {
    parked: Vec<Row>,
    fresh: Fresh,
    held: HashSet<String>,
}

/// Events that came since.
#[derive(Default)]
struct Fresh {
    wanted: Vec<Row>,
    seen: usize,
    last: Option<i64>,
}

/// An event that was not taken.
struct Refused {
    number: i64,
    subject: String,
    reason: String,
}

struct Relay {
    database: Database,
    bus: Arc<dyn Bus>,
    clock: Clock,
    /// All events up to this number were delivered or parked.
    seen: i64,
    /// The same, as the table says. It may lag behind: after a crash events come once more.
    kept: i64,
}

impl Relay {
    /// Delivers what is due; true if there may be more at once.
    async fn deliver_page(&mut self) -> Result<bool, BoxError> {
        // To park each event of an outage would cost a write for each.
        if self.bus.is_away() {
            return Ok(false);
        }
        let (now, seen) = (self.clock.now().as_ms(), self.seen);
        let bus = Arc::clone(&self.bus);
        let read = self.database.read(move |c| {
            Ok(Page {
                parked: read_parked(c, now)?,
                fresh: read_fresh(c, seen, |name| bus.is_wanted(name))?,
                held: parked_subjects(c)?,
            })
        });
        let Page {
            parked,
            fresh,
            mut held,
        } = read.await?;
        if !parked.is_empty() {
            for row in parked {
                self.deliver_parked(row).await?;
            }
            // Whoever waited behind them may go on.
            held = self.database.read(|c| Ok(parked_subjects(c)?)).await?;
        }
        let Some(last) = fresh.last else {
            return Ok(false);
        };
        let more = fresh.seen == usize::try_from(PAGE)?;
        let delivered = !fresh.wanted.is_empty();
        let refused = self.deliver_fresh(fresh.wanted, &mut held).await;
        self.park(refused, now).await?;
        self.seen = last;
        // A write of its own is not worth it for events that nobody wanted.
        if delivered || last.saturating_sub(self.kept) >= KEEP_PLACE_EVERY {
            self.keep_place().await;
        }
        Ok(more)
    }

    /// Delivers many at once. A later event of a subject never overtakes an earlier one that waits.
    async fn deliver_fresh(&self, rows: Vec<Row>, held: &mut HashSet<String>) -> Vec<Refused> {
        let (mut due, mut envelopes, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let refuse = |row: Row, reason| Refused {
            number: row.number,
            subject: row.subject,
            reason,
        };
        for row in rows {
            if held.contains(&row.subject) {
                refused.push(refuse(row, "waits for an earlier event".to_owned()));
                continue;
            }
            match row.envelope() {
                Ok(envelope) => {
                    due.push(row);
                    envelopes.push(envelope);
                }
                Err(error) => {
                    held.insert(row.subject.clone());
                    refused.push(refuse(row, error.to_string()));
                }
            }
        }
        fault::point("event.due");
        let answers = self.bus.publish_all(&envelopes).await;
        fault::point("event.delivered");
        for (row, answer) in due.into_iter().zip(answers) {
            if let Err(error) = answer {
                warn(&row, &error);
                refused.push(refuse(row, error.to_string()));
            }
        }
        refused
    }

    async fn deliver(&self, row: &Row) -> Result<(), String> {
        fault::point("event.due");
        let published = match row.envelope() {
            Ok(envelope) => self.bus.publish(&envelope).await,
            Err(error) => Err(error),
        };
        fault::point("event.delivered");
        published.map_err(|error| {
            warn(row, &error);
            error.to_string()
        })
    }

    async fn park(&self, refused: Vec<Refused>, now: i64) -> Result<(), BoxError> {
        if refused.is_empty() {
            return Ok(());
        }
        let write = self.database.write(move |c| {
            for one in &refused {
                c.prepare_cached(
                    "INSERT INTO outbox_parked (event_number, subject, tries, next_try_at_ms, reason)
                     VALUES (?1, ?2, 1, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![one.number, one.subject, now.saturating_add(1_000), one.reason])?;
            }
            Ok(())
        });
        write
            .await
            .map_err(|abort: Abort<Infallible>| format!("{abort:?}").into())
    }

    /// Writes down how far delivery has come, and lets go of events that are old enough.
    async fn keep_place(&mut self) {
        let seen = self.seen;
        if seen == self.kept {
            return;
        }
        let old = self.clock.now().as_ms().saturating_sub(KEEP_MS);
        let write = self.database.write(move |c| {
            c.prepare_cached("UPDATE outbox_cursor SET delivered_number = ?1 WHERE cursor_id = 1")?.execute([seen])?;
            // Only the oldest page is looked at: numbers and times rise together.
            c.prepare_cached(
                "DELETE FROM outbox
                  WHERE event_number IN (SELECT event_number FROM outbox ORDER BY event_number LIMIT ?1)
                    AND event_number NOT IN (SELECT event_number FROM outbox_parked)
                    AND event_number <= ?2
                    AND at_ms < ?3",
            )?
            .execute(params![KEEP_PLACE_EVERY, seen, old])?;
            Ok(())
        });
        let written: Result<(), Abort<Infallible>> = write.await;
        match written {
            Ok(()) => {
                fault::point("event.kept");
                self.kept = seen;
            }
            Err(abort) => {
                tracing::warn!(error = ?abort, "delivered events may come once more after a crash")
            }
        }
    }

    async fn deliver_parked(&self, row: Row) -> Result<(), BoxError> {
        let outcome = self.deliver(&row).await;
        let now = self.clock.now().as_ms();
        let write = self.database.write(move |c| {
            match outcome {
                Ok(()) => c.execute(
                    "DELETE FROM outbox_parked WHERE event_number = ?1",
                    [row.number],
                )?,
                Err(reason) => c.execute(
                    "UPDATE outbox_parked
                        SET tries = tries + 1,
                            next_try_at_ms = ?2 + MIN(1000 << MIN(tries, 10), ?4),
                            reason = ?3
                      WHERE event_number = ?1",
                    params![row.number, now, reason, WAIT_MS_MAX],
                )?,
            };
            Ok(())
        });
        write
            .await
            .map_err(|abort: Abort<Infallible>| format!("{abort:?}").into())
    }
}

fn warn(row: &Row, error: &BoxError) {
    let (id, name, tries) = (row.id, &row.name, row.tries);
    if tries >= TRIES_WORRYING {
        tracing::error!(event.id = %id, event.name = name, tries, error = %error, "an event is stuck");
    } else {
        tracing::warn!(event.id = %id, event.name = name, error = %error, "an event will come again");
    }
}

/// Publishes once more, whenever the bus has lost what it had taken.
fn start_republishing(
    tasks: &Tasks,
    name: &'static str,
    database: &Database,
    bus: &Arc<dyn Bus>,
    clock: &Clock,
) {
    let (database, bus, clock) = (database.clone(), Arc::clone(bus), clock.clone());
    let mut losses = bus.losses();
    tasks.start(name, move |stop| async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                // Without a sender nothing can be lost.
                changed = losses.changed() => if changed.is_err() { return Ok(()) },
            }
            let since = Timestamp::from_ms(clock.now().as_ms().saturating_sub(KEEP_MS));
            let published = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                published = republish(&database, &*bus, since) => published,
            };
            match published {
                Ok(published) => {
                    tracing::info!(task = name, published, "events of the last days were published again");
                }
                Err(error) => {
                    tracing::warn!(task = name, error = %error, "the outbox could not be read: again soon");
                    losses.mark_changed();
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    });
}

/// Publishes all events since then again, but for those that wait to be published at all. Waits while the bus is
/// away. Whoever took them before recognises them.
///
/// # Errors
/// When the outbox cannot be read.
pub async fn republish(
    database: &Database,
    bus: &dyn Bus,
    since: Timestamp,
) -> Result<u64, BoxError> {
    let (mut after, mut published) = (0, 0_u64);
    loop {
        let rows = database
            .read(move |c| Ok(read_again(c, after, since)?))
            .await?;
        let Some(last) = rows.last() else {
            return Ok(published);
        };
        after = last.number;
        // What cannot be read stays where it is: the relay has said so.
        let wanted = rows.iter().filter(|row| bus.is_wanted(&row.name));
        let mut left: Vec<Envelope> = wanted.filter_map(|row| row.envelope().ok()).collect();
        let before = left.len();
        for _ in 0..TRIES_WORRYING {
            while bus.is_away() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let answers = bus.publish_all(&left).await;
            let refused = left
                .into_iter()
                .zip(answers)
                .filter(|(_, answer)| answer.is_err());
            left = refused.map(|(envelope, _)| envelope).collect();
            if left.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        if !left.is_empty() {
            tracing::error!(events = left.len(), "events could not be published again");
        }
        let taken = u64::try_from(before.saturating_sub(left.len())).unwrap_or_default();
        published = published.saturating_add(taken);
    }
}

/// Events of a subject that has a parked one are left to the relay from there on.
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

const COLUMNS: &str = "o.event_number, o.event_id, o.name, o.subject, o.payload, o.at_ms";

fn read_cursor(connection: &Connection) -> Result<i64, rusqlite::Error> {
    let sql = "SELECT delivered_number FROM outbox_cursor WHERE cursor_id = 1";
    Ok(connection
        .query_row(sql, [], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
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
    while let Some(row) = rows.next()? {
        fresh.last = Some(row.get(0)?);
        fresh.seen = fresh.seen.saturating_add(1);
        if is_wanted(row.get_ref(2)?.as_str()?) {
            fresh.wanted.push(read_row(row)?);
        }
    }
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
