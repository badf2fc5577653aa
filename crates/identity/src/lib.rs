//! Identity: accounts, sessions and the tokens that prove them. It keeps passwords and refresh tokens as
//! hashes only, calls no other service, and tells the others of deleted users through its outbox.
//!
//! [`open`] makes the service, [`start`] its background work, [`routes`] its part of the door.

mod calls;
mod client;
mod config;
mod domain;
mod events;
mod external;
mod http;
mod metrics;
mod provider;
mod service;
mod store;

pub use client::Client;
pub use config::{Config, DEFAULTS, RegistrationRole};
pub use events::start;
pub use http::{api, api_beside, internal_routes, routes, routes_beside};
pub use metrics::register as register_metrics;
pub use provider::OpenId;
pub use service::{Service, SigningKeyView, Wanted};
pub use store::SCHEMA;

use contracts::BoxError;
use platform::{
    clock::Clock,
    db::{Database, Place, StoreError},
    http::{KeySet, Revocations},
    mail::{self, Mailer},
    outward,
    tasks::Tasks,
};
use service::Ground;
use std::sync::Arc;
use store::{Store, postgres::PostgresStore, sqlite::SqliteStore};

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where accounts are kept.
    pub place: Place,
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
    /// How mails leave.
    pub post: Post,
    /// How providers are asked.
    pub outward: outward::Options,
}

/// How the owners of accounts are written to.
#[derive(Clone)]
pub struct Post {
    /// Sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// How often that is tried.
    pub options: mail::Options,
    /// Where the shop is seen from outside: links lead there, whatever a request says.
    pub public_url: String,
}

/// Why identity did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be used.
    #[error("identity's database {place} cannot be used")]
    Database {
        /// Which file, or which schema.
        place: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A setting, a key or a stored secret cannot be used.
    #[error("identity cannot start: {0}")]
    Start(BoxError),
}

/// Opens the database (a new one gets its tables and keys), publishes the public keys, and remembers what
/// ended within the last hour. Safe beside other processes on the same database: nodes and the command line are.
///
/// # Errors
/// [`OpenError`], in one line.
pub async fn open(parts: Parts) -> Result<Arc<Service>, OpenError> {
    let (store, outbox) = open_store(&parts).await?;
    let service = Service::start(Ground {
        outbox,
        store,
        config: parts.config,
        clock: parts.clock,
        keys: parts.keys,
        revocations: parts.revocations,
        tasks: parts.tasks,
        post: parts.post,
        outward: parts.outward,
    });
    service.await.map(Arc::new).map_err(OpenError::Start)
}

async fn open_store(parts: &Parts) -> Result<(Arc<dyn Store>, Database), OpenError> {
    let now = parts.clock.now();
    match parts.place.clone() {
        Place::Sqlite(path, options) => {
            let place = path.display().to_string();
            let opening =
                tokio::task::spawn_blocking(move || SqliteStore::open(&path, options, now));
            let opened = opening
                .await
                .map_err(|error| OpenError::Start(error.into()))?;
            let store = opened.map_err(|source| OpenError::Database { place, source })?;
            let database = store.database().into();
            Ok((Arc::new(store), database))
        }
        Place::Postgres(place) => {
            let schema = place.schema.to_owned();
            let opened = PostgresStore::open(place, now).await;
            let store = opened.map_err(|source| OpenError::Database {
                place: schema,
                source,
            })?;
            let database = store.database().into();
            Ok((Arc::new(store), database))
        }
    }
}
