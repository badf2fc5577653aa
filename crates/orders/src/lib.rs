//! Orders: makes them, in one place, and moves them along one table. Never touches stock or money itself: it
//! asks the catalog, and payments ask it.

mod calls;
mod client;
mod config;
#[doc(hidden)]
pub mod domain;
mod events;
mod http;
mod metrics;
mod service;
mod store;

pub use client::Client;
pub use config::{Config, DEFAULTS, Home, Mails, Papers};
pub use domain::{
    phrases::Phrases,
    tax::{TaxMode, TaxRounding},
};
pub use http::{api, api_beside, internal_routes, routes, routes_beside};
pub use metrics::register as register_metrics;
pub use service::Service;
pub use store::SCHEMA;

use contracts::{BoxError, catalog::Catalog, identity::Addresses};
use platform::{
    bus::{Bus, Consumer},
    clock::Clock,
    db::{Database, Place},
    mail::{self, Mailer},
    outbox::{self, NearDesk},
    tasks::Tasks,
};
use std::{sync::Arc, time::Duration};
use store::{Store, postgres::PostgresStore, sqlite::SqliteStore};

/// What orders are made of.
pub struct Parts {
    /// Where they are kept.
    pub place: Place,
    /// The section `[orders]`.
    pub config: Config,
    /// What time it is.
    pub clock: Clock,
    /// Where batches run.
    pub tasks: Tasks,
    /// Who holds the stock.
    pub catalog: Arc<dyn Catalog>,
    /// How buyers are written to, if this process does so.
    pub post: Option<Post>,
}

/// How buyers are written to.
#[derive(Clone)]
pub struct Post {
    /// Sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// How often that is tried.
    pub options: mail::Options,
    /// Where the shop is seen from outside: links lead there.
    pub public_url: String,
}

/// Orders with their store, ready to serve; [`Opened::start`] begins what goes on in the background.
pub struct Opened {
    /// The service.
    pub service: Arc<Service>,
    database: Database,
    clock: Clock,
}

/// Opens the store and the service.
///
/// # Errors
/// When the store cannot be opened.
pub async fn open(parts: Parts) -> Result<Opened, BoxError> {
    let (store, database) = open_store(&parts).await?;
    let token_secret = store.token_secret().await?;
    let clock = parts.clock.clone();
    let service = Service::new(store, parts, token_secret);
    Ok(Opened {
        service: Arc::new(service),
        database,
        clock,
    })
}

async fn open_store(parts: &Parts) -> Result<(Arc<dyn Store>, Database), BoxError> {
    let now = parts.clock.now();
    match &parts.place {
        Place::Sqlite(file, options) => {
            let store = SqliteStore::open(file, *options, now)?;
            let database = store.database().into();
            Ok((Arc::new(store), database))
        }
        Place::Postgres(place) => {
            let store = PostgresStore::open(place.clone(), now).await?;
            let database = store.database().into();
            Ok((Arc::new(store), database))
        }
    }
}

impl Opened {
    /// Starts the relay of events, the sweeper of what was not paid in time, and what writes to buyers.
    pub fn start(&self, tasks: &Tasks, bus: &Arc<dyn Bus>) {
        bus.subscribe(self.consumer());
        outbox::start_relay(
            tasks,
            "orders-outbox",
            self.database.clone(),
            Arc::clone(bus),
            self.clock.clone(),
        );
        let outbox = NearDesk::new(self.database.clone(), self.clock.clone());
        service::mails::start(&self.service, outbox, tasks);
        let service = Arc::clone(&self.service);
        tasks.start("orders-sweeper", move |stop| async move {
            let every = Duration::from_millis(u64::from(service.config().sweep_every_ms.max(10)));
            loop {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(every) => {}
                }
                if let Err(error) = service.sweep().await {
                    tracing::warn!(error = %error, "unpaid orders will be looked at again");
                }
            }
        });
    }

    /// Says who knows addresses, before events are taken.
    pub fn introduce(&self, addresses: Arc<dyn Addresses>) {
        self.service.introduce(addresses);
    }

    /// The database with the outbox.
    #[must_use]
    pub fn outbox(&self) -> Database {
        self.database.clone()
    }

    /// What orders want to hear of.
    #[must_use]
    pub fn consumer(&self) -> Arc<dyn Consumer> {
        Arc::new(events::Customers(Arc::clone(&self.service)))
    }
}
