//! Webhooks and the feed of events: gathers what the services have committed to their outboxes, numbers it, and tells
//! whoever wants to hear of it, at least once. It is asked by nobody on the way of an order, and holds nobody up.

mod config;
mod domain;
mod http;
mod metrics;
mod service;
mod store;

pub use config::{Config, DEFAULTS};
pub use http::{api, routes};
pub use metrics::register as register_metrics;
pub use service::Service;
pub use store::SCHEMA;

use contracts::BoxError;
use platform::{clock::Clock, db::Place, outbox::Desk};
use std::sync::Arc;
use store::{Store, postgres::PostgresStore, sqlite::SqliteStore};

/// Where events come from: a service's name, and its outbox, near or far.
pub type Source = (&'static str, Arc<dyn Desk>);

/// What webhooks are made of.
pub struct Parts {
    /// Where they are kept.
    pub place: Place,
    /// The section `[webhooks]`.
    pub config: Config,
    /// What time it is.
    pub clock: Clock,
}

/// Opens the store. Nothing runs yet: see [`Service::start`].
///
/// # Errors
/// When the store cannot be opened.
pub async fn open(parts: Parts) -> Result<Arc<Service>, BoxError> {
    let now = parts.clock.now();
    let store: Arc<dyn Store> = match parts.place {
        Place::Sqlite(file, options) => Arc::new(SqliteStore::open(&file, options, now).await?),
        Place::Postgres(place) => Arc::new(PostgresStore::open(place, now).await?),
    };
    Ok(Arc::new(Service::new(store, parts.config, parts.clock)))
}
