//! Near or far is decided here, and only here: every service is opened, tied to the others through its
//! contract, and its routes are handed to the gateway. So far all are near.

use crate::{
    audit::{self, Books, Keeper},
    config::Config,
    openapi,
    places::Places,
};
use axum::Router;
use contracts::BoxError;
use platform::{
    bus::{Bus, MemoryBus},
    clock::Clock,
    http::{KeySet, Revocations, TokenVerifier, VerifierOptions, cookies::Cookies, stack},
    tasks::Tasks,
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// All services of a shop, tied together, with the door in front.
pub struct Services {
    /// Identity.
    pub identity: Arc<identity::Service>,
    /// Catalog and inventory.
    pub catalog: Arc<catalog::Service>,
    /// Orders.
    pub orders: orders::Opened,
    /// Payments.
    pub payments: Arc<payments::Service>,
    keys: KeySet,
    revocations: Revocations,
    clock: Clock,
    tasks: Tasks,
}

impl Services {
    /// Opens every service's store in a folder. Nothing runs in the background yet.
    ///
    /// # Errors
    /// When a store cannot be opened.
    pub async fn open(
        config: &Config,
        folder: &Path,
        clock: Clock,
        tasks: &Tasks,
    ) -> Result<Self, BoxError> {
        let (keys, revocations) = (KeySet::default(), Revocations::default());
        let places = Places::new(config, folder, tasks);
        let identity = identity::open(identity::Parts {
            place: places.of("identity"),
            config: config.identity.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            revocations: revocations.clone(),
            tasks: tasks.clone(),
        })
        .await?;
        let catalog = catalog::open(catalog::Parts {
            database: places.file("catalog")?,
            sqlite: config.sqlite,
            config: config.catalog,
            clock: clock.clone(),
        })?;
        let orders = orders::open(orders::Parts {
            place: places.of("orders"),
            config: config.orders.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            catalog: catalog.clone(),
        })
        .await?;
        let payments = payments::open(payments::Parts {
            place: places.of("payments"),
            sandbox_place: places.of("sandbox"),
            config: config.payments.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            orders: orders.service.clone(),
            catalog: catalog.clone(),
        })
        .await?;
        Ok(Self {
            identity,
            catalog,
            orders,
            payments,
            keys,
            revocations,
            clock,
            tasks: tasks.clone(),
        })
    }

    /// Starts what goes on in the background: relays, sweepers, consumers.
    pub fn start(&self, tasks: &Tasks) {
        let bus: Arc<dyn Bus> = Arc::new(MemoryBus::default());
        bus.subscribe(catalog::consumer(self.catalog.clone()));
        bus.subscribe(payments::consumer(self.payments.clone()));
        self.orders.start(tasks, &bus);
        identity::start(&self.identity, tasks, Arc::clone(&bus));
        payments::start(self.payments.clone(), tasks);
    }

    /// What verification reads.
    pub(crate) fn books(&self) -> Books {
        Books {
            catalog: self.catalog.clone(),
            orders: self.orders.service.clone(),
            payments: self.payments.clone(),
        }
    }

    /// The whole shop as a router: the stack, the gateway, the services, the pages.
    ///
    /// # Errors
    /// When the API's document cannot be written.
    pub fn router(
        &self,
        config: &Config,
        public_url: &str,
        ready: Arc<AtomicBool>,
    ) -> Result<Router, BoxError> {
        let (identity, identity_api) = identity::routes(self.identity.clone()).split_for_parts();
        let (catalog, catalog_api) = catalog::routes(self.catalog.clone()).split_for_parts();
        let (orders, orders_api) = orders::routes(
            self.orders.service.clone(),
            self.payments.clone(),
            &config.orders,
        )
        .split_for_parts();
        let (payments, payments_api) = payments::routes(self.payments.clone()).split_for_parts();
        let auditor = Arc::new(Keeper::new(self.books(), self.tasks.clone()));
        let (audit, audit_api) = audit::routes(auditor.clone()).split_for_parts();
        let storefront = storefront::routes(storefront::App {
            catalog: self.catalog.clone(),
            identity: self.identity.clone(),
            orders: self.orders.service.clone(),
            auditor,
            shop_name: config.shop.name.clone(),
            cookies: Cookies::for_public_url(public_url),
        });
        let verifying = VerifierOptions {
            issuer: config.identity.issuer.clone(),
            audience: config.identity.audience.clone(),
        };
        let door = gateway::Door {
            config: config.gateway.clone(),
            limits: config.limits.clone(),
            verifier: TokenVerifier::new(
                &verifying,
                self.keys.clone(),
                self.revocations.clone(),
                self.clock.clone(),
            ),
            identity: self.identity.clone(),
            upstreams: gateway::Upstreams {
                identity,
                catalog,
                orders,
                payments,
                audit,
                storefront,
            },
            openapi: openapi::join(vec![
                identity_api,
                catalog_api,
                orders_api,
                payments_api,
                audit_api,
            ])?,
            public_url: public_url.to_owned(),
            readiness: Arc::new(move || ready.load(Ordering::Relaxed)),
        };
        Ok(stack::wrap(
            gateway::routes(door),
            &config.http.stack(),
            public_url,
            self.clock.clone(),
        ))
    }
}
