//! The outbox on PostgreSQL: events are written many at a time. Numbers must be drawn under the lock of what an
//! event is about: append after the rows of its subject were written or locked, in the same write.

mod lease;
mod shelf;

pub(super) use shelf::PostgresShelf;

use super::resting;
use crate::db::{
    StoreError,
    postgres::{Bytes, Connection},
};
use contracts::{
    event::Event,
    trace::TraceParent,
    values::{EventId, Timestamp},
};

/// An event to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    id: Bytes<16>,
    name: &'static str,
    subject: String,
    payload: String,
    at_ms: i64,
}

impl Draft {
    /// An event as it will stand in the outbox.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of<E: Event>(event: &E, at: Timestamp) -> Result<Self, StoreError> {
        Self::in_trace(event, at, None)
    }

    /// The same of one wish among others, which has a trace of its own.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn in_trace<E: Event>(
        event: &E,
        at: Timestamp,
        trace: Option<TraceParent>,
    ) -> Result<Self, StoreError> {
        let payload =
            serde_json::to_string(event).map_err(|error| StoreError::Other(Box::new(error)))?;
        Ok(Self {
            id: Bytes(*EventId::generate().as_bytes()),
            name: E::NAME,
            subject: event.subject(),
            payload: resting(payload, trace),
            at_ms: at.as_ms(),
        })
    }
}

/// Events as lists, a column each, for a statement that writes them with what they tell of.
#[derive(Debug)]
pub struct Columns<'e> {
    /// Their ids.
    pub ids: Vec<Bytes<16>>,
    /// What they are called.
    pub names: Vec<&'static str>,
    /// What they are about.
    pub subjects: Vec<&'e str>,
    /// What they say.
    pub payloads: Vec<&'e str>,
    /// When it happened, in milliseconds.
    pub times: Vec<i64>,
}

impl<'e> Columns<'e> {
    /// These events, in this order.
    #[must_use]
    pub fn of(events: &'e [Draft]) -> Self {
        Self {
            ids: events.iter().map(|event| event.id).collect(),
            names: events.iter().map(|event| event.name).collect(),
            subjects: events.iter().map(|event| event.subject.as_str()).collect(),
            payloads: events.iter().map(|event| event.payload.as_str()).collect(),
            times: events.iter().map(|event| event.at_ms).collect(),
        }
    }
}

/// Writes one event, inside the transaction of the change it tells of.
///
/// # Errors
/// When it cannot be written.
pub async fn append<E: Event>(
    connection: &Connection,
    event: &E,
    at: Timestamp,
) -> Result<(), StoreError> {
    append_all(connection, &[Draft::of(event, at)?]).await
}

/// Writes events in this order, in one statement, inside the transaction of the changes they tell of.
///
/// # Errors
/// When they cannot be written.
pub async fn append_all(connection: &Connection, events: &[Draft]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let Columns {
        ids,
        names,
        subjects,
        payloads,
        times,
    } = Columns::of(events);
    let sql = "INSERT INTO outbox (event_id, name, subject, payload, at_ms)
               SELECT event_id, name, subject, payload, at_ms
                 FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[])
                      WITH ORDINALITY AS event (event_id, name, subject, payload, at_ms, place)
                ORDER BY place";
    connection
        .execute(sql, &[&ids, &names, &subjects, &payloads, &times])
        .await?;
    Ok(())
}

/// The highest number before a write that belongs to a trace.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn last_number(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT COALESCE(MAX(event_number), 0) FROM outbox";
    Ok(connection.query_one(sql, &[]).await?.try_get(0)?)
}

/// Lays the trace beside whatever events came of this transaction after that number, written by triggers too, but for
/// those that have theirs.
///
/// # Errors
/// When they cannot be written.
pub(crate) async fn lay_trace_beside(
    connection: &Connection,
    last: i64,
    trace: TraceParent,
) -> Result<(), StoreError> {
    let sql = "UPDATE outbox
                  SET payload = (payload::jsonb || jsonb_build_object('traceparent', $2::text))::text
                WHERE event_number > $1
                  AND xmin = pg_current_xact_id()::xid
                  AND payload::jsonb -> 'traceparent' IS NULL";
    connection
        .execute(sql, &[&last, &trace.to_string()])
        .await?;
    Ok(())
}
