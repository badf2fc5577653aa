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
mod provider;
mod service;
mod store;

pub use client::Client;
pub use config::{Config, DEFAULTS};
pub use events::consumer;
pub use http::{api, internal_routes, routes};
pub use provider::sandbox::{Knobs, Sandbox};
pub use service::Service;

use contracts::{catalog::Catalog, orders::Orders};
use platform::{
    clock::Clock,
    db::{StoreError, sqlite::Options},
    tasks::Tasks,
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// What payments is made of.
pub struct Parts {
    /// Our rows.
    pub database: PathBuf,
    /// The sandbox provider's own books.
    pub sandbox_database: PathBuf,
    /// Bounds of both files.
    pub sqlite: Options,
    /// Whether no other process works on these files: then what the last one left is taken up at once.
    pub is_alone: bool,
    /// Settings.
    pub config: Config,
    /// What time it is.
    pub clock: Clock,
    /// Where payments are finished when their client has gone.
    pub tasks: Tasks,
    /// Whose money it is about.
    pub orders: Arc<dyn Orders>,
    /// Who sells the stock.
    pub catalog: Arc<dyn Catalog>,
}

/// Opens the files and makes the service.
///
/// # Errors
/// When a file cannot be used or a migration fails.
pub fn open(parts: Parts) -> Result<Arc<Service>, StoreError> {
    let now = parts.clock.now();
    let store = store::SqliteStore::open(&parts.database, parts.sqlite, now)?;
    let book = store::SandboxBook::open(&parts.sandbox_database, parts.sqlite, now)?;
    let slow = Duration::from_millis(parts.config.sandbox_slow_ms);
    let sandbox = Sandbox::new(book, slow, parts.clock.clone());
    let crossings =
        service::Crossings::start(&parts.tasks, &parts.config, &parts.orders, &parts.catalog);
    let core = service::Core {
        // Random, and not the process's number: the next process must never take itself for the last one.
        owner: contracts::values::EventId::generate().to_string(),
        store: Arc::new(store),
        provider: Arc::new(sandbox.clone()),
        orders: parts.orders,
        catalog: parts.catalog,
        crossings,
        is_alone: parts.is_alone,
        flights: service::Flights::new(parts.config.in_flight_max),
        turns: service::Turns::default(),
        config: parts.config,
        clock: parts.clock,
        tasks: parts.tasks,
    };
    Ok(Arc::new(Service::new(core, sandbox)))
}

/// Starts the sweeper, which finishes what was left unfinished, and the courier of the sandbox's callbacks.
pub fn start(service: Arc<Service>, tasks: &Tasks) {
    provider::sandbox::start(service.sandbox().clone(), service.clone(), tasks);
    service::start(service, tasks);
}
