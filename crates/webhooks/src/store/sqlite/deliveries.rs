//! The table of deliveries: the log that people see, and what is due.

use super::rows::{self, DELIVERY};
use crate::store::Delivery;
use contracts::{
    trace::beside,
    values::{DeliveryId, Timestamp, WebhookId},
    webhooks::{DeliveryCounts, DeliveryStatus},
};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn find(connection: &Connection, id: DeliveryId) -> rusqlite::Result<Option<Delivery>> {
    let sql = format!("SELECT {DELIVERY} FROM deliveries WHERE delivery_id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], rows::delivery)
        .optional()
}

/// Adds one; of a webhook that has gone meanwhile nothing is added.
pub(super) fn insert(connection: &Connection, delivery: &Delivery) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO deliveries (delivery_id, webhook_id, event_id, sequence, kind, data, at_ms, status, tries,
                                     due_at_ms, created_at_ms)
             SELECT ?1, webhook_id, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10 FROM webhooks WHERE webhook_id = ?2",
        )?
        .execute(params![
            delivery.id.as_bytes(),
            delivery.webhook_id.as_bytes(),
            delivery.event.id.as_bytes(),
            delivery.event.sequence,
            delivery.event.kind.as_str(),
            beside(delivery.event.data.clone(), delivery.event.trace).to_string(),
            delivery.event.created_at.as_ms(),
            delivery.status.as_str(),
            delivery.due_at.as_ms(),
            delivery.created_at.as_ms(),
        ])
        .map(drop)
}

pub(super) fn page(
    connection: &Connection,
    id: WebhookId,
    before: Option<DeliveryId>,
    status: Option<DeliveryStatus>,
    limit: u32,
) -> rusqlite::Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {DELIVERY} FROM deliveries
          WHERE webhook_id = ?1
            AND (?2 IS NULL OR delivery_id < ?2)
            AND (?3 IS NULL OR status = ?3)
          ORDER BY delivery_id DESC
          LIMIT ?4"
    );
    let before = before.map(|id| *id.as_bytes());
    let status = status.map(DeliveryStatus::as_str);
    connection
        .prepare_cached(&sql)?
        .query_map(
            params![id.as_bytes(), before, status, limit],
            rows::delivery,
        )?
        .collect()
}

/// Counts the newest of a webhook's: the log is bounded for each of them.
pub(super) fn count(
    connection: &Connection,
    id: WebhookId,
    most: i64,
) -> rusqlite::Result<DeliveryCounts> {
    let sql = "SELECT COALESCE(SUM(status = 'pending'), 0), COALESCE(SUM(status = 'delivered'), 0),
                      COALESCE(SUM(status = 'failed'), 0)
                 FROM (SELECT status FROM deliveries WHERE webhook_id = ?1 ORDER BY delivery_id DESC LIMIT ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row(params![id.as_bytes(), most], |row| {
        Ok(DeliveryCounts {
            pending: row.get(0)?,
            delivered: row.get(1)?,
            failed: row.get(2)?,
        })
    })
}

/// Writes down what became of one that was pending.
pub(super) fn settle(connection: &Connection, delivery: &Delivery) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE deliveries
                SET status = ?2, tries = ?3, due_at_ms = ?4, answer_status = ?5, error = ?6, ended_at_ms = ?7
              WHERE delivery_id = ?1 AND status = 'pending'",
        )?
        .execute(params![
            delivery.id.as_bytes(),
            delivery.status.as_str(),
            delivery.tries,
            delivery.due_at.as_ms(),
            delivery.answer_status,
            delivery.error,
            delivery.ended_at.map(Timestamp::as_ms),
        ])
        .map(drop)
}

/// Whoever answers again need not wait for what was put off while they did not.
pub(super) fn hurry(
    connection: &Connection,
    id: WebhookId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE deliveries SET due_at_ms = ?2 WHERE webhook_id = ?1 AND status = 'pending' AND due_at_ms > ?2",
        )?
        .execute(params![id.as_bytes(), now.as_ms()])
        .map(drop)
}

pub(super) fn pending(connection: &Connection, id: WebhookId) -> rusqlite::Result<u32> {
    connection
        .prepare_cached(
            "SELECT COUNT(*) FROM deliveries WHERE webhook_id = ?1 AND status = 'pending'",
        )?
        .query_row([id.as_bytes()], |row| row.get(0))
}

pub(super) fn due(
    connection: &Connection,
    id: WebhookId,
    now: Timestamp,
    limit: u32,
) -> rusqlite::Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {DELIVERY} FROM deliveries
          WHERE webhook_id = ?1 AND status = 'pending' AND due_at_ms <= ?2
          ORDER BY due_at_ms, delivery_id
          LIMIT ?3"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![id.as_bytes(), now.as_ms(), limit], rows::delivery)?
        .collect()
}
