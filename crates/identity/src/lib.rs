//! Identity: accounts, sessions and the tokens that prove them. It keeps passwords and refresh tokens as
//! hashes only, calls no other service, and tells the others of deleted users through its outbox.
//!
//! [`open`] makes the service, [`start`] its background work, [`routes`] its part of the door.

mod calls;
mod client;
mod config;
mod domain;
mod events;
mod http;
mod service;
mod store;

pub use client::Client;
pub use config::{Config, DEFAULTS, RegistrationRole};
pub use events::start;
pub use http::{internal_routes, routes};
pub use service::Service;

use contracts::BoxError;
use platform::{
    clock::Clock,
    db,
    http::{KeySet, Revocations},
    tasks::Tasks,
};
use service::Ground;
use std::{path::PathBuf, sync::Arc};
use store::sqlite::SqliteStore;

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
    /// The SQLite file.
    pub database: PathBuf,
    /// Its bounds.
    pub sqlite: db::sqlite::Options,
    /// Identity's settings.
    pub config: Config,
    /// What time it is.
    pub clock: Clock,
    /// Gets the public keys of our access tokens.
    pub keys: KeySet,
    /// Gets what ended before its tokens did.
    pub revocations: Revocations,
    /// Finishes what a caller did not wait for.
    pub tasks: Tasks,
}

/// Why identity did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be used.
    #[error("identity's database {} cannot be used", path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: db::StoreError,
    },
    /// A setting, a key or a stored secret cannot be used.
    #[error("identity cannot start: {0}")]
    Start(BoxError),
}

/// Opens the database (a new one gets its tables and keys), publishes the public keys, and remembers what
/// ended within the last hour. Safe beside another process on the same file: the command line does so.
///
/// # Errors
/// [`OpenError`], in one line.
pub async fn open(parts: Parts) -> Result<Arc<Service>, OpenError> {
    let (path, options, now) = (parts.database.clone(), parts.sqlite, parts.clock.now());
    let opening = tokio::task::spawn_blocking(move || SqliteStore::open(&path, options, now));
    let store = opening
        .await
        .map_err(|error| OpenError::Start(error.into()))?
        .map_err(|source| OpenError::Database {
            path: parts.database,
            source,
        })?;
    let service = Service::start(Ground {
        outbox: store.database(),
        store: Arc::new(store),
        config: parts.config,
        clock: parts.clock,
        keys: parts.keys,
        revocations: parts.revocations,
        tasks: parts.tasks,
    });
    service.await.map(Arc::new).map_err(OpenError::Start)
}
