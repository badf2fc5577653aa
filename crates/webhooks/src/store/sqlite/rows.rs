//! Rows of SQLite as values.

use crate::{domain::endpoint::Endpoint, store::Delivery};
use contracts::{
    trace::taken_from,
    values::{DeliveryId, EventId, Timestamp, Version, WebhookId},
    webhooks::{DeliveryStatus, EventView, WebhookStatus},
};
use rusqlite::{Row, types::Type};
use std::{error::Error, str::FromStr};

pub(super) const ENDPOINT: &str = "webhook_id, url, kinds, description, status, disabled_reason, secret, \
                                   former_secret, former_until_ms, told_sequence, failing_since_ms, version, \
                                   created_at_ms, updated_at_ms";

pub(super) const DELIVERY: &str = "delivery_id, webhook_id, event_id, kind, at_ms, sequence, data, status, tries, \
                                   due_at_ms, answer_status, error, created_at_ms, ended_at_ms";

pub(super) const EVENT: &str = "event_id, kind, at_ms, sequence, data";

fn broken(column: usize) -> impl FnOnce(Box<dyn Error + Send + Sync + 'static>) -> rusqlite::Error {
    move |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
}

fn read<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T::Err: Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse()
        .map_err(|error: T::Err| broken(column)(Box::new(error)))
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Ok(Timestamp::from_ms(row.get(column)?))
}

fn moment_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let found: Option<i64> = row.get(column)?;
    Ok(found.map(Timestamp::from_ms))
}

/// A webhook from a row of `ENDPOINT`.
pub(super) fn endpoint(row: &Row<'_>) -> rusqlite::Result<Endpoint> {
    let kinds = row.get_ref(2)?.as_str()?;
    let types = kinds.split(' ').filter(|word| !word.is_empty());
    let types = types.map(str::parse).collect::<Result<_, _>>();
    let former: Option<[u8; 32]> = row.get(7)?;
    let version = Version::try_from(row.get::<_, i64>(11)?);
    Ok(Endpoint {
        id: WebhookId::from_bytes(row.get(0)?),
        url: row.get(1)?,
        types: types.map_err(|error| broken(2)(Box::new(error)))?,
        description: row.get(3)?,
        status: match row.get_ref(4)?.as_str()? {
            "enabled" => WebhookStatus::Enabled,
            _ => WebhookStatus::Disabled,
        },
        disabled_reason: row.get(5)?,
        secret: row.get(6)?,
        former: former.zip(moment_if_any(row, 8)?),
        told: row.get(9)?,
        failing_since: moment_if_any(row, 10)?,
        version: version.map_err(|error| broken(11)(Box::new(error)))?,
        created_at: moment(row, 12)?,
        updated_at: moment(row, 13)?,
    })
}

/// An event from columns that stand as in `EVENT`, from this one on.
fn event_at(row: &Row<'_>, first: usize) -> rusqlite::Result<EventView> {
    let column = |more: usize| first.saturating_add(more);
    let data = serde_json::from_str(row.get_ref(column(4))?.as_str()?);
    let mut data = data.map_err(|error| broken(column(4))(Box::new(error)))?;
    let trace = taken_from(&mut data);
    Ok(EventView {
        id: EventId::from_bytes(row.get(first)?),
        kind: read(row, column(1))?,
        created_at: moment(row, column(2))?,
        sequence: row.get(column(3))?,
        data,
        trace,
    })
}

/// An event from a row of `EVENT`.
pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<EventView> {
    event_at(row, 0)
}

/// A delivery from a row of `DELIVERY`.
pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: DeliveryId::from_bytes(row.get(0)?),
        webhook_id: WebhookId::from_bytes(row.get(1)?),
        event: event_at(row, 2)?,
        status: match row.get_ref(7)?.as_str()? {
            "pending" => DeliveryStatus::Pending,
            "delivered" => DeliveryStatus::Delivered,
            _ => DeliveryStatus::Failed,
        },
        tries: row.get(8)?,
        due_at: moment(row, 9)?,
        answer_status: row.get(10)?,
        error: row.get(11)?,
        created_at: moment(row, 12)?,
        ended_at: moment_if_any(row, 13)?,
    })
}
