//! The table of deliveries: the log that people see, and what is due. Many are written in one statement.

use super::{
    hook,
    rows::{self, DELIVERY},
};
use crate::store::Delivery;
use contracts::{
    trace::beside,
    values::{DeliveryId, Timestamp, WebhookId},
    webhooks::{DeliveryCounts, DeliveryStatus},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, ToSql},
};

fn name(id: DeliveryId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

pub(super) async fn find(
    connection: &Connection,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    let sql = format!("SELECT {DELIVERY} FROM deliveries WHERE delivery_id = $1");
    let row = connection.query_opt(&sql, &[&name(id)]).await?;
    row.as_ref().map(rows::delivery).transpose()
}

/// Adds fresh ones; of a webhook that has gone meanwhile nothing is added.
pub(super) async fn insert(connection: &Connection, made: &[Delivery]) -> Result<(), StoreError> {
    let of = |bytes: fn(&Delivery) -> [u8; 16]| -> Vec<Bytes<16>> {
        made.iter().map(|one| Bytes(bytes(one))).collect()
    };
    let number = |of: fn(&Delivery) -> i64| -> Vec<i64> { made.iter().map(of).collect() };
    let kinds: Vec<&str> = made.iter().map(|one| one.event.kind.as_str()).collect();
    let data = |one: &Delivery| beside(one.event.data.clone(), one.event.trace).to_string();
    let data: Vec<String> = made.iter().map(data).collect();
    let sql = "INSERT INTO deliveries (delivery_id, webhook_id, event_id, sequence, kind, data, at_ms, status, tries,
                                       due_at_ms, created_at_ms)
               SELECT delivery_id, webhook_id, event_id, sequence, kind, data, at_ms, 'pending', 0, due_at_ms,
                      created_at_ms
                 FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[],
                             $8::bigint[], $9::bigint[])
                      AS made (delivery_id, webhook_id, event_id, sequence, kind, data, at_ms, due_at_ms, created_at_ms)
                WHERE EXISTS (SELECT 1 FROM webhooks w WHERE w.webhook_id = made.webhook_id)";
    let values: [&(dyn ToSql + Sync); 9] = [
        &of(|one| *one.id.as_bytes()),
        &of(|one| *one.webhook_id.as_bytes()),
        &of(|one| *one.event.id.as_bytes()),
        &number(|one| one.event.sequence),
        &kinds,
        &data,
        &number(|one| one.event.created_at.as_ms()),
        &number(|one| one.due_at.as_ms()),
        &number(|one| one.created_at.as_ms()),
    ];
    connection.execute(sql, &values).await.map(drop)
}

/// Counts the newest of a webhook's: the log is bounded for each of them.
pub(super) async fn count(
    connection: &Connection,
    id: WebhookId,
    most: i64,
) -> Result<DeliveryCounts, StoreError> {
    let sql = "SELECT COUNT(*) FILTER (WHERE status = 'pending'), COUNT(*) FILTER (WHERE status = 'delivered'),
                      COUNT(*) FILTER (WHERE status = 'failed')
                 FROM (SELECT status FROM deliveries WHERE webhook_id = $1 ORDER BY delivery_id DESC LIMIT $2) AS log";
    let row = connection
        .query_one(sql, &[&Bytes(*id.as_bytes()), &most])
        .await?;
    Ok(DeliveryCounts {
        pending: row.try_get(0)?,
        delivered: row.try_get(1)?,
        failed: row.try_get(2)?,
    })
}

pub(super) async fn page(
    connection: &Connection,
    id: WebhookId,
    before: Option<DeliveryId>,
    status: Option<DeliveryStatus>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "SELECT {DELIVERY} FROM deliveries
          WHERE webhook_id = $1
            AND ($2::uuid IS NULL OR delivery_id < $2)
            AND ($3::text IS NULL OR status = $3)
          ORDER BY delivery_id DESC
          LIMIT $4"
    );
    let values: [&(dyn ToSql + Sync); 4] = [
        &hook(id),
        &before.map(name),
        &status.map(DeliveryStatus::as_str),
        &i64::from(limit),
    ];
    let rows = connection.query(&sql, &values).await?;
    rows.iter().map(rows::delivery).collect()
}

/// Writes down what became of one that was pending.
pub(super) async fn settle(connection: &Connection, delivery: &Delivery) -> Result<(), StoreError> {
    let sql = "UPDATE deliveries
                  SET status = $2, tries = $3, due_at_ms = $4, answer_status = $5, error = $6, ended_at_ms = $7
                WHERE delivery_id = $1 AND status = 'pending'";
    let values: [&(dyn ToSql + Sync); 7] = [
        &name(delivery.id),
        &delivery.status.as_str(),
        &i64::from(delivery.tries),
        &delivery.due_at.as_ms(),
        &delivery.answer_status.map(i64::from),
        &delivery.error,
        &delivery.ended_at.map(Timestamp::as_ms),
    ];
    connection.execute(sql, &values).await.map(drop)
}

/// Whoever answers again need not wait for what was put off while they did not.
pub(super) async fn hurry(
    connection: &Connection,
    id: WebhookId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE deliveries
                  SET due_at_ms = $2
                WHERE webhook_id = $1 AND status = 'pending' AND due_at_ms > $2";
    connection
        .execute(sql, &[&hook(id), &now.as_ms()])
        .await
        .map(drop)
}

pub(super) async fn pending(connection: &Connection, id: WebhookId) -> Result<u32, StoreError> {
    let sql = "SELECT COUNT(*) FROM deliveries WHERE webhook_id = $1 AND status = 'pending'";
    let row = connection.query_one(sql, &[&hook(id)]).await?;
    Ok(u32::try_from(row.try_get::<_, i64>(0)?).unwrap_or(u32::MAX))
}

pub(super) async fn due(
    connection: &Connection,
    id: WebhookId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "SELECT {DELIVERY} FROM deliveries
          WHERE webhook_id = $1 AND status = 'pending' AND due_at_ms <= $2
          ORDER BY due_at_ms, delivery_id
          LIMIT $3"
    );
    let values: [&(dyn ToSql + Sync); 3] = [&hook(id), &now.as_ms(), &i64::from(limit)];
    let rows = connection.query(&sql, &values).await?;
    rows.iter().map(rows::delivery).collect()
}
