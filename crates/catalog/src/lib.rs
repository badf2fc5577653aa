//! Catalog: products and their variants, categories, and stock with the reservations of orders.
//! Stock moves in here and nowhere else. It knows no order beyond its id, and no other service's tables.

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
pub use config::{Config, DEFAULTS};
pub use events::consumer;
pub use http::{internal_routes, routes};
pub use service::Service;

use platform::{
    clock::Clock,
    db::{self, StoreError},
};
use std::{path::PathBuf, sync::Arc};

/// What the catalog is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Its SQLite file.
    pub database: PathBuf,
    /// Bounds and sizes of the database.
    pub sqlite: db::sqlite::Options,
    /// Its part of the settings.
    pub config: Config,
    /// What time it is.
    pub clock: Clock,
}

/// Opens the catalog's database, brings it up to date, and gives the service.
///
/// # Errors
/// When the file cannot be used or a migration fails.
pub fn open(parts: Parts) -> Result<Arc<Service>, StoreError> {
    let now = parts.clock.now();
    let store = store::sqlite::SqliteStore::open(&parts.database, parts.sqlite, now)?;
    let currency = parts.config.currency;
    Ok(Arc::new(Service::new(
        Arc::new(store),
        parts.clock,
        currency,
    )))
}
