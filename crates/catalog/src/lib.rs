//! Catalog: products and their variants, categories, and stock with the reservations of orders.
//! Stock moves in here and nowhere else. It knows no order beyond its id, and no other service's tables.

mod bucket;
mod calls;
mod client;
pub mod config;
#[doc(hidden)]
pub mod domain;
mod events;
mod http;
mod service;
mod store;

pub use client::Client;
pub use config::{Config, DEFAULTS, Images, S3};
pub use events::{consumer, start_news};
pub use http::{api, internal_routes, routes};
pub use service::{Service, Window};
pub use store::SCHEMA;

use bucket::Bucket;
use platform::{
    clock::Clock,
    db::{Place, StoreError},
    outward,
    redis::Redis,
};
use std::sync::Arc;
use store::{Store, postgres::PostgresStore, sqlite::SqliteStore};

/// What the catalog is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Where it is kept.
    pub place: Place,
    /// Its part of the settings.
    pub config: Config,
    /// Where the shop may go, for pictures that are kept elsewhere.
    pub outward: outward::Options,
    /// What time it is.
    pub clock: Clock,
    /// Where nodes keep for each other what they read, if anywhere.
    pub redis: Option<Redis>,
}

/// Opens the catalog's database, brings it up to date, and gives the service.
///
/// # Errors
/// When the database cannot be used or a migration fails.
pub async fn open(parts: Parts) -> Result<Arc<Service>, StoreError> {
    let now = parts.clock.now();
    let store: Arc<dyn Store> = match parts.place {
        Place::Sqlite(file, options) => Arc::new(SqliteStore::open(&file, options, now)?),
        Place::Postgres(place) => Arc::new(PostgresStore::open(place, now).await?),
    };
    let bucket = Bucket::open(&parts.config.images, &parts.outward, parts.clock.clone());
    let bucket = bucket.map_err(StoreError::Other)?;
    let service = Service::new((store, bucket), parts.clock, &parts.config, parts.redis);
    let service = service.map_err(|error| StoreError::Other(error.into()))?;
    Ok(Arc::new(service))
}
