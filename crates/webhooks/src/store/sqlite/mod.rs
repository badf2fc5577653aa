//! Webhooks in a SQLite file of their own, so that no order waits for what is told of another.

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
    migrate::{BASE, Migration},
    sqlite::{Database, Options},
};
use rusqlite::Connection;
use std::{collections::HashMap, convert::Infallible, path::Path};

pub(crate) const MIGRATIONS: [Migration; 2] = [
    BASE,
    Migration {
        number: 1,
        name: "webhooks",
        sql: include_str!("../../../migrations/sqlite/0001_webhooks.sql"),
    },
];

/// Webhooks in one file.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    database: Database,
}

impl SqliteStore {
    /// Opens the file. Whoever had taken a webhook is gone: this process has the file to itself.
    pub(crate) async fn open(
        path: &Path,
        options: Options,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let store = Self {
            database: Database::open(path, options, &MIGRATIONS, now.as_ms())?,
        };
        if store.database.read(|c| Ok(turn::is_any_taken(c)?)).await? {
            store.write(|c| Ok(turn::let_go(c, None)?)).await?;
        }
        Ok(store)
    }

    async fn write<T, J>(&self, job: J) -> Result<T, StoreError>
    where
        T: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let written = self.database.write(move |c| Ok(job(c)?));
        written
            .await
            .map_err(|abort: Abort<Infallible>| match abort {
                Abort::Failed(error) => error,
                Abort::Refused(never) => match never {},
            })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn make(&self, new: NewEndpoint) -> Result<Answered<Endpoint>, Abort<WebhookError>> {
        let write = self.database.write(move |c| endpoints::make(c, &new));
        write.await
    }

    async fn all(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.database.read(|c| Ok(endpoints::all(c)?)).await
    }

    async fn find(&self, id: WebhookId) -> Result<Option<Endpoint>, StoreError> {
        self.database
            .read(move |c| Ok(endpoints::find(c, id)?))
            .await
    }

    async fn change(
        &self,
        id: WebhookId,
        sent: Precondition,
        edit: Edit,
        now: Timestamp,
    ) -> Result<Endpoint, Abort<WebhookError>> {
        let write = self
            .database
            .write(move |c| endpoints::change(c, id, sent, &edit, now));
        write.await
    }

    async fn remove(&self, id: WebhookId, sent: Precondition) -> Result<(), Abort<WebhookError>> {
        let write = self.database.write(move |c| endpoints::remove(c, id, sent));
        write.await
    }

    async fn rewind(&self, id: WebhookId, since: Timestamp) -> Result<Option<i64>, StoreError> {
        self.write(move |c| Ok(endpoints::rewind(c, id, since)?))
            .await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.database
            .read(move |c| Ok(deliveries::find(c, id)?))
            .await
    }

    async fn insert(&self, delivery: Delivery) -> Result<(), StoreError> {
        self.write(move |c| Ok(deliveries::insert(c, &delivery)?))
            .await
    }

    async fn deliveries(
        &self,
        id: WebhookId,
        before: Option<DeliveryId>,
        status: Option<DeliveryStatus>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(deliveries::page(c, id, before, status, limit)?));
        read.await
    }

    async fn count_deliveries(
        &self,
        id: WebhookId,
        most: i64,
    ) -> Result<DeliveryCounts, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(deliveries::count(c, id, most)?));
        read.await
    }

    async fn feed(&self, after: i64, limit: u32) -> Result<Vec<EventView>, StoreError> {
        self.database
            .read(move |c| Ok(feed::page(c, after, limit)?))
            .await
    }

    async fn places(&self) -> Result<HashMap<String, i64>, StoreError> {
        self.database.read(|c| Ok(feed::places(c)?)).await
    }

    async fn gather(&self, page: Gathered) -> Result<bool, StoreError> {
        self.write(move |c| Ok(feed::gather(c, &page)?)).await
    }

    async fn busy(&self, now: Timestamp, waiting_max: u32) -> Result<Vec<WebhookId>, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(turn::busy(c, now, waiting_max)?));
        read.await
    }

    async fn turn(&self, turn: Turn) -> Result<Option<Work>, StoreError> {
        self.write(move |c| Ok(turn::take(c, &turn)?)).await
    }

    async fn let_go(&self, owner: [u8; 16]) -> Result<(), StoreError> {
        self.write(move |c| Ok(turn::let_go(c, Some(owner))?)).await
    }

    async fn prune(&self, before: Timestamp, log_max: u32) -> Result<(), StoreError> {
        self.write(move |c| Ok(feed::prune(c, before, log_max)?))
            .await
    }
}
