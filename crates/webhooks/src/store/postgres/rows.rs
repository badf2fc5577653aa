//! Rows of PostgreSQL as values.

use crate::{domain::endpoint::Endpoint, store::Delivery};
use contracts::{
    trace::taken_from,
    values::{DeliveryId, EventId, Timestamp, Version, WebhookId},
    webhooks::{DeliveryStatus, EventView, WebhookStatus},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Row, parsed},
};

pub(super) const ENDPOINT: &str = "webhook_id, url, kinds, description, status, disabled_reason, secret, \
                                   former_secret, former_until_ms, told_sequence, failing_since_ms, version, \
                                   created_at_ms, updated_at_ms";

pub(super) const DELIVERY: &str = "delivery_id, webhook_id, event_id, kind, at_ms, sequence, data, status, tries, \
                                   due_at_ms, answer_status, error, created_at_ms, ended_at_ms";

pub(super) const EVENT: &str = "event_id, kind, at_ms, sequence, data";

/// What no longer reads as its type.
fn broken(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Other(Box::new(error))
}

fn id(row: &Row, column: usize) -> Result<[u8; 16], StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(column)?;
    Ok(id)
}

fn moment(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_ms(row.try_get(column)?))
}

fn moment_if_any(row: &Row, column: usize) -> Result<Option<Timestamp>, StoreError> {
    let found: Option<i64> = row.try_get(column)?;
    Ok(found.map(Timestamp::from_ms))
}

/// The webhook's id in the first column.
pub(super) fn webhook_id(row: &Row) -> Result<WebhookId, StoreError> {
    Ok(WebhookId::from_bytes(id(row, 0)?))
}

/// A webhook from a row of `ENDPOINT`.
pub(super) fn endpoint(row: &Row) -> Result<Endpoint, StoreError> {
    let kinds: &str = row.try_get(2)?;
    let types = kinds.split(' ').filter(|word| !word.is_empty());
    let types = types.map(str::parse).collect::<Result<_, _>>();
    let Bytes(secret): Bytes<32> = row.try_get(6)?;
    let former: Option<Bytes<32>> = row.try_get(7)?;
    Ok(Endpoint {
        id: webhook_id(row)?,
        url: row.try_get(1)?,
        types: types.map_err(broken)?,
        description: row.try_get(3)?,
        status: match row.try_get(4)? {
            "enabled" => WebhookStatus::Enabled,
            _ => WebhookStatus::Disabled,
        },
        disabled_reason: row.try_get(5)?,
        secret,
        former: former
            .map(|Bytes(secret)| secret)
            .zip(moment_if_any(row, 8)?),
        told: row.try_get(9)?,
        failing_since: moment_if_any(row, 10)?,
        version: Version::try_from(row.try_get::<_, i64>(11)?).map_err(broken)?,
        created_at: moment(row, 12)?,
        updated_at: moment(row, 13)?,
    })
}

/// An event from columns that stand as in `EVENT`, from this one on.
fn event_at(row: &Row, first: usize) -> Result<EventView, StoreError> {
    let column = |more: usize| first.saturating_add(more);
    let data: &str = row.try_get(column(4))?;
    let mut data = serde_json::from_str(data).map_err(broken)?;
    let trace = taken_from(&mut data);
    Ok(EventView {
        id: EventId::from_bytes(id(row, first)?),
        kind: parsed(row, column(1))?,
        created_at: moment(row, column(2))?,
        sequence: row.try_get(column(3))?,
        data,
        trace,
    })
}

/// An event from a row of `EVENT`.
pub(super) fn event(row: &Row) -> Result<EventView, StoreError> {
    event_at(row, 0)
}

/// A delivery from a row of `DELIVERY`.
pub(super) fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let answer: Option<i64> = row.try_get(10)?;
    Ok(Delivery {
        id: DeliveryId::from_bytes(id(row, 0)?),
        webhook_id: WebhookId::from_bytes(id(row, 1)?),
        event: event_at(row, 2)?,
        status: match row.try_get(7)? {
            "pending" => DeliveryStatus::Pending,
            "delivered" => DeliveryStatus::Delivered,
            _ => DeliveryStatus::Failed,
        },
        tries: u32::try_from(row.try_get::<_, i64>(8)?).map_err(broken)?,
        due_at: moment(row, 9)?,
        answer_status: answer.map(u16::try_from).transpose().map_err(broken)?,
        error: row.try_get(11)?,
        created_at: moment(row, 12)?,
        ended_at: moment_if_any(row, 13)?,
    })
}
