//! Payments: money for orders. Nobody is charged without an order, and no order is charged twice, under a
//! crash at any point: the intent is committed before the provider is asked, the provider is asked under a key
//! that follows from the intent, and whatever is unfinished is taken up again. No card number comes here.

mod calls;
mod client;
mod config;
#[doc(hidden)]
pub mod domain;
mod events;
mod http;
mod metrics;
mod provider;
mod service;
mod store;

pub use client::Client;
pub use config::{Config, DEFAULTS, ProviderName};
pub use events::{consumer, returns_consumer};
pub use http::{api, internal_routes, routes};
pub use metrics::register as register_metrics;
pub use provider::{
    sandbox::{Knobs, Sandbox},
    stripe::{Mode as StripeMode, Settings as StripeSettings},
};
pub use service::Service;
pub use store::{SANDBOX_SCHEMA, SCHEMA};

use contracts::{catalog::Catalog, orders::Orders};
use platform::{
    clock::Clock,
    db::{Place, StoreError},
    outward,
    tasks::Tasks,
};
use provider::{Provider, stripe::Stripe};
use std::{sync::Arc, time::Duration};
use store::{Bounds, PostgresBook, PostgresStore, SandboxBook, SqliteBook, SqliteStore, Store};

/// What payments is made of.
pub struct Parts {
    /// Where our rows are kept. A file has one process; a server may have several.
    pub place: Place,
    /// Where the sandbox provider keeps its own books.
    pub sandbox_place: Place,
    /// Settings.
    pub config: Config,
    /// Where the shop may go, for providers that are elsewhere.
    pub outward: outward::Options,
    /// What time it is.
    pub clock: Clock,
    /// Where payments are finished when their client has gone.
    pub tasks: Tasks,
    /// Whose money it is about.
    pub orders: Arc<dyn Orders>,
    /// Who sells the stock.
    pub catalog: Arc<dyn Catalog>,
}

/// Opens the stores and makes the service.
///
/// # Errors
/// When a store cannot be used, a migration fails, or the provider cannot be used as the settings say.
pub async fn open(parts: Parts) -> Result<Arc<Service>, StoreError> {
    let store = open_store(&parts).await?;
    let book = open_book(&parts).await?;
    let slow = Duration::from_millis(parts.config.sandbox_slow_ms);
    let sandbox = Sandbox::new(book, slow, parts.clock.clone());
    let provider: Arc<dyn Provider> = match parts.config.provider {
        ProviderName::Sandbox => Arc::new(sandbox.clone()),
        ProviderName::Stripe => {
            let settings = parts.config.stripe.clone();
            let stripe = Stripe::new(settings, &parts.outward, parts.clock.clone());
            Arc::new(stripe.map_err(StoreError::Other)?)
        }
    };
    let crossings =
        service::Crossings::start(&parts.tasks, &parts.config, &parts.orders, &parts.catalog);
    let core = service::Core {
        // Random, and not the process's number: the next process must never take itself for the last one.
        owner: contracts::values::EventId::generate().to_string(),
        store,
        is_alone: matches!(parts.place, Place::Sqlite(..)),
        provider,
        orders: parts.orders,
        catalog: parts.catalog,
        crossings,
        flights: service::Flights::new(parts.config.in_flight_max),
        turns: service::Turns::default(),
        config: parts.config,
        clock: parts.clock,
        tasks: parts.tasks,
    };
    Ok(Arc::new(Service::new(core, sandbox)))
}

async fn open_store(parts: &Parts) -> Result<Arc<dyn Store>, StoreError> {
    let now = parts.clock.now();
    Ok(match &parts.place {
        Place::Sqlite(file, options) => Arc::new(SqliteStore::open(file, *options, now)?),
        Place::Postgres(place) => {
            let bounds = Bounds {
                queue_max: parts.config.in_flight_max,
                batch_max: parts.config.settle_batch_max,
            };
            Arc::new(PostgresStore::open(place.clone(), bounds, now).await?)
        }
    })
}

async fn open_book(parts: &Parts) -> Result<Arc<dyn SandboxBook>, StoreError> {
    let now = parts.clock.now();
    Ok(match &parts.sandbox_place {
        Place::Sqlite(file, options) => Arc::new(SqliteBook::open(file, *options, now)?),
        Place::Postgres(place) => Arc::new(PostgresBook::open(place.clone(), now).await?),
    })
}

/// Starts the sweeper, which finishes what was left unfinished, and the courier of the sandbox's callbacks.
pub fn start(service: Arc<Service>, tasks: &Tasks) {
    if service.is_sandboxed() {
        provider::sandbox::start(service.sandbox().clone(), service.clone(), tasks);
    }
    service::start(service, tasks);
}
