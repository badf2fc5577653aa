//! Webhooks in a schema of a PostgreSQL server, shared by several nodes. A webhook's row is locked before its
//! deliveries, and the feed's before its events; nothing is asked outside while a lock is held.

mod deliveries;
mod endpoints;
mod feed;
mod rows;
mod turn;

use super::{Delivery, Gathered, NewEndpoint, Store, Turn, Work};
use crate::domain::endpoint::{Edit, Endpoint};
use async_trait::async_trait;
use contracts::{
    request::{Answered, Precondition},
    values::{DeliveryId, Timestamp, WebhookId},
    webhooks::{DeliveryCounts, DeliveryStatus, EventView, WebhookError},
};
use platform::db::{
    Abort, StoreError,
    migrate::Migration,
    postgres::{BASE, Bytes, Database, Place},
};
use std::{collections::HashMap, convert::Infallible};

pub(crate) const MIGRATIONS: [Migration; 2] = [
    BASE,
    Migration {
        number: 1,
        name: "webhooks",
        sql: include_str!("../../../migrations/postgres/0001_webhooks.sql"),
    },
];

/// Webhooks in one schema.
#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    database: Database,
}

impl PostgresStore {
    pub(crate) async fn open(place: Place, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(place, &MIGRATIONS, now.as_ms()).await?,
        })
    }
}

/// For writes that nothing but storage can refuse.
fn storage(abort: Abort<Infallible>) -> StoreError {
    match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    }
}

fn hook(id: WebhookId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

#[async_trait]
impl Store for PostgresStore {
    async fn make(&self, new: NewEndpoint) -> Result<Answered<Endpoint>, Abort<WebhookError>> {
        let write = self
            .database
            .write(new, |c, new| Box::pin(endpoints::make(c, new)));
        write.await
    }

    async fn all(&self) -> Result<Vec<Endpoint>, StoreError> {
        endpoints::all(&self.database.read().await?).await
    }

    async fn find(&self, id: WebhookId) -> Result<Option<Endpoint>, StoreError> {
        endpoints::find(&self.database.read().await?, id).await
    }

    async fn change(
        &self,
        id: WebhookId,
        sent: Precondition,
        edit: Edit,
        now: Timestamp,
    ) -> Result<Endpoint, Abort<WebhookError>> {
        let write = self.database.write(edit, move |c, edit| {
            Box::pin(endpoints::change(c, id, sent, edit, now))
        });
        write.await
    }

    async fn remove(&self, id: WebhookId, sent: Precondition) -> Result<(), Abort<WebhookError>> {
        let write = self
            .database
            .write((), move |c, ()| Box::pin(endpoints::remove(c, id, sent)));
        write.await
    }

    async fn rewind(&self, id: WebhookId, since: Timestamp) -> Result<Option<i64>, StoreError> {
        let write = self
            .database
            .write((), move |c, ()| Box::pin(endpoints::rewind(c, id, since)));
        write.await.map_err(storage)
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        deliveries::find(&self.database.read().await?, id).await
    }

    async fn insert(&self, delivery: Delivery) -> Result<(), StoreError> {
        let write = self.database.write(vec![delivery], |c, made| {
            Box::pin(async move { Ok(deliveries::insert(c, made).await?) })
        });
        write.await.map_err(storage)
    }

    async fn deliveries(
        &self,
        id: WebhookId,
        before: Option<DeliveryId>,
        status: Option<DeliveryStatus>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let connection = self.database.read().await?;
        deliveries::page(&connection, id, before, status, limit).await
    }

    async fn count_deliveries(
        &self,
        id: WebhookId,
        most: i64,
    ) -> Result<DeliveryCounts, StoreError> {
        deliveries::count(&self.database.read().await?, id, most).await
    }

    async fn feed(&self, after: i64, limit: u32) -> Result<Vec<EventView>, StoreError> {
        feed::page(&self.database.read().await?, after, limit).await
    }

    async fn places(&self) -> Result<HashMap<String, i64>, StoreError> {
        feed::places(&self.database.read().await?).await
    }

    async fn gather(&self, page: Gathered) -> Result<bool, StoreError> {
        let write = self
            .database
            .write(page, |c, page| Box::pin(feed::gather(c, page)));
        write.await.map_err(storage)
    }

    async fn busy(&self, now: Timestamp, waiting_max: u32) -> Result<Vec<WebhookId>, StoreError> {
        turn::busy(&self.database.read().await?, now, waiting_max).await
    }

    async fn turn(&self, turn: Turn) -> Result<Option<Work>, StoreError> {
        let write = self
            .database
            .write(turn, |c, turn| Box::pin(turn::take(c, turn)));
        write.await.map_err(storage)
    }

    async fn let_go(&self, owner: [u8; 16]) -> Result<(), StoreError> {
        turn::let_go(&self.database.read().await?, owner).await
    }

    async fn prune(&self, before: Timestamp, log_max: u32) -> Result<(), StoreError> {
        let write = self.database.write((), move |c, ()| {
            Box::pin(async move { Ok(feed::prune(c, before, log_max).await?) })
        });
        write.await.map_err(storage)
    }
}
