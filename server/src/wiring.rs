//! Near or far is decided here, and only here: what this process runs is opened, what it does not is asked of the
//! nodes that do, and all are tied to each other through their contracts. Nothing else can tell the difference.

use crate::{
    alike,
    audit::{Books, Keeper},
    backup,
    config::Config,
    events::Desk,
    follow,
    peers::Ways,
    people::People,
    places::Places,
    target::{Target, Targets},
};
use contracts::{
    BoxError,
    catalog::{Catalog, Purchases},
    house::Backups,
    identity::Identity,
    orders::Orders,
    payments::Payments,
};
use platform::{
    balance::Pools,
    bus::{self, Bus},
    clock::{Clock, Steady},
    config::Shown,
    db::Database,
    http::{KeySet, Readiness, Revocations, readiness::Need, tls::nodes::Nodes},
    mail,
    outbox::{self, FarDesk, NearDesk},
    redis::Redis,
    tasks::Tasks,
};
use std::{path::Path, sync::Arc};

/// All services of a shop, tied together, as everybody in this process holds them.
pub struct Services {
    /// Identity.
    pub identity: Arc<dyn Identity>,
    /// Catalog and inventory.
    pub catalog: Arc<dyn Catalog>,
    /// Orders.
    pub orders: Arc<dyn Orders>,
    /// Payments.
    pub payments: Arc<dyn Payments>,
    pub(crate) auditor: Arc<Keeper>,
    /// Where one process has the whole shop in a folder.
    pub(crate) backups: Option<Arc<dyn Backups>>,
    pub(crate) desk: Desk,
    pub(crate) near: Near,
    pub(crate) ways: Ways,
    pub(crate) keys: KeySet,
    pub(crate) revocations: Revocations,
    pub(crate) redis: Option<Redis>,
    /// The door's, if that is here.
    pub(crate) limits: gateway::Limits,
    /// How this process is set, as people are shown it.
    pub(crate) settings: Shown,
    pub(crate) clock: Clock,
    targets: Targets,
    bus: Arc<dyn Bus>,
    /// What webhooks are told of.
    sources: Vec<webhooks::Source>,
}

/// The services that run in this process.
#[derive(Default)]
pub(crate) struct Near {
    identity: Option<Arc<identity::Service>>,
    pub(crate) catalog: Option<Arc<catalog::Service>>,
    pub(crate) orders: Option<orders::Opened>,
    /// Where orders are, for most events are theirs.
    pub(crate) webhooks: Option<Arc<webhooks::Service>>,
    pub(crate) payments: Option<Arc<payments::Service>>,
}

impl Near {
    /// The database with a service's outbox, if that is here and has one.
    pub(crate) fn outbox(&self, target: Target) -> Option<Database> {
        match target {
            Target::Identity => Some(self.identity.as_ref()?.outbox()),
            Target::Orders => Some(self.orders.as_ref()?.outbox()),
            Target::Catalog => Some(self.catalog.as_ref()?.outbox()),
            Target::Payments => Some(self.payments.as_ref()?.outbox()),
            Target::Gateway | Target::Storefront | Target::Worker => None,
        }
    }
}

/// All who keep events that were not taken, here or on the nodes that have them.
fn desk(near: &Near, ways: &Ways, clock: &Clock, bus: &Arc<dyn Bus>) -> Result<Desk, BoxError> {
    let of = |target| -> Result<Arc<dyn outbox::Desk>, BoxError> {
        Ok(match near.outbox(target) {
            Some(database) => Arc::new(NearDesk::new(database, clock.clone())),
            None => Arc::new(FarDesk::new(ways.peer(target)?)),
        })
    };
    Ok(Desk {
        identity: of(Target::Identity)?,
        orders: of(Target::Orders)?,
        catalog: of(Target::Catalog)?,
        payments: of(Target::Payments)?,
        bus: Arc::clone(bus),
    })
}

/// What services are opened with.
struct Ground<'c> {
    config: &'c Config,
    places: Places<'c>,
    clock: Clock,
    tasks: Tasks,
    keys: KeySet,
    revocations: Revocations,
    redis: Option<Redis>,
}

/// Says to a catalog that runs here who knows what people bought, and to orders who knows addresses.
fn introduce(near: &Near, orders: &Arc<dyn Orders>, identity: &Arc<dyn Identity>) {
    if let Some(orders) = &near.orders {
        orders.introduce(Arc::new(People(identity.clone())));
    }
    if let Some(catalog) = &near.catalog {
        let purchases: Arc<dyn Purchases> = orders.clone();
        catalog.meet(Arc::downgrade(&purchases));
    }
}

/// The outboxes that webhooks tell of: of all services that are here, or that this node was told the way to.
fn sources(desk: &Desk, near: &Near, config: &Config) -> Vec<webhooks::Source> {
    let mut sources: Vec<webhooks::Source> = vec![("orders", desk.orders.clone())];
    let mut add = |name, is_known: bool, desk: &Arc<dyn outbox::Desk>| {
        if is_known {
            sources.push((name, Arc::clone(desk)));
        }
    };
    let peers = &config.peers;
    let knows_identity = near.identity.is_some() || !peers.identity.is_empty();
    add("identity", knows_identity, &desk.identity);
    let knows_catalog = near.catalog.is_some() || !peers.catalog.is_empty();
    add("catalog", knows_catalog, &desk.catalog);
    let knows_payments = near.payments.is_some() || !peers.payments.is_empty();
    add("payments", knows_payments, &desk.payments);
    sources
}

impl Services {
    /// Opens what runs here, its stores in a folder if it keeps anything, and the ways to the rest. Nothing runs in the
    /// background yet. A node says at which port it is; a command is at none.
    ///
    /// # Errors
    /// When a store cannot be opened, or a way cannot be followed.
    pub async fn open(
        config: &Config,
        (folder, port): (Option<&Path>, Option<u16>),
        clock: Clock,
        tasks: &Tasks,
    ) -> Result<Self, BoxError> {
        let targets = config.target.clone();
        let ways = Ways::open(config, &clock, tasks)?;
        let ground = Ground::new(config, (folder, port), clock.clone(), tasks)?;
        let mut near = Near::default();
        if targets.is_near(Target::Identity) {
            near.identity = Some(ground.identity().await?);
        }
        if targets.is_near(Target::Catalog) {
            near.catalog = Some(ground.catalog().await?);
        }
        let catalog: Arc<dyn Catalog> = match &near.catalog {
            Some(catalog) => catalog.clone(),
            None => Arc::new(catalog::Client::new(ways.peer(Target::Catalog)?)),
        };
        if targets.is_near(Target::Orders) {
            near.orders = Some(ground.orders(catalog.clone()).await?);
            near.webhooks = Some(ground.webhooks().await?);
        }
        let orders: Arc<dyn Orders> = match &near.orders {
            Some(orders) => orders.service.clone(),
            None => Arc::new(orders::Client::new(ways.peer(Target::Orders)?)),
        };
        if targets.is_near(Target::Payments) {
            near.payments = Some(ground.payments(orders.clone(), catalog.clone()).await?);
        }
        let payments: Arc<dyn Payments> = match &near.payments {
            Some(payments) => payments.clone(),
            None => Arc::new(payments::Client::new(ways.peer(Target::Payments)?)),
        };
        let identity: Arc<dyn Identity> = match &near.identity {
            Some(identity) => identity.clone(),
            None => Arc::new(identity::Client::new(ways.peer(Target::Identity)?)),
        };
        introduce(&near, &orders, &identity);
        let books = Books {
            catalog: catalog.clone(),
            orders: orders.clone(),
            payments: payments.clone(),
        };
        let bus = bus::open(&config.bus, &config.nats, tasks).await?;
        let desk = desk(&near, &ways, &clock, &bus)?;
        Ok(Self {
            sources: sources(&desk, &near, config),
            auditor: Arc::new(Keeper::new(books, tasks.clone())),
            backups: backup::Keeper::of(config, folder, tasks),
            desk,
            identity,
            catalog,
            orders,
            payments,
            targets,
            bus,
            near,
            ways,
            keys: ground.keys,
            revocations: ground.revocations,
            limits: gateway::Limits::new(&config.limits, ground.redis.as_ref()),
            redis: ground.redis,
            settings: Shown::new(config.print()?),
            clock,
        })
    }

    /// Starts what goes on in the background: relays, sweepers and consumers of the services that run here; and, where
    /// identity is elsewhere, what the door must hear of it.
    pub fn start(&self, tasks: &Tasks) {
        if let Some(redis) = &self.redis {
            redis.start(tasks);
            self.revocations.share(redis, tasks, self.clock.clone());
        }
        let bus = &self.bus;
        if let Some(catalog) = &self.near.catalog {
            bus.subscribe(catalog::consumer(catalog.clone()));
            catalog::start_news(catalog, tasks, bus, self.clock.clone());
            let (outbox, clock) = (catalog.outbox(), self.clock.clone());
            outbox::start_upkeep(tasks, "catalog-outbox", outbox, clock);
        }
        if let Some(payments) = &self.near.payments {
            bus.subscribe(payments::consumer(payments.clone()));
            bus.subscribe(payments::returns_consumer(payments.clone()));
            payments::start(payments.clone(), tasks);
            let (outbox, clock) = (payments.outbox(), self.clock.clone());
            outbox::start_upkeep(tasks, "payments-outbox", outbox, clock);
        }
        if let Some(orders) = &self.near.orders {
            orders.start(tasks, bus);
        }
        if let Some(webhooks) = &self.near.webhooks {
            webhooks.start(tasks, self.sources.clone());
        }
        match &self.near.identity {
            Some(identity) => identity::start(identity, tasks, Arc::clone(bus)),
            None if self.targets.has(Target::Gateway) => follow::start(self, tasks),
            None => {}
        }
    }

    /// Whether this process was told to be this.
    pub(crate) fn runs(&self, target: Target) -> bool {
        self.targets.has(target)
    }

    /// Lets what runs here take events, without anything else in the background: for commands.
    pub(crate) fn take_events(&self) {
        if let Some(catalog) = &self.near.catalog {
            self.bus.subscribe(catalog::consumer(catalog.clone()));
        }
        if let Some(payments) = &self.near.payments {
            self.bus.subscribe(payments::consumer(payments.clone()));
            self.bus
                .subscribe(payments::returns_consumer(payments.clone()));
        }
        if let Some(orders) = &self.near.orders {
            self.bus.subscribe(orders.consumer());
        }
    }

    /// The outboxes that are kept here, with whose they are.
    pub(crate) fn outboxes(&self) -> Vec<(Target, Database)> {
        let targets = [Target::Identity, Target::Orders];
        let kept = |target| Some((target, self.near.outbox(target)?));
        targets.into_iter().filter_map(kept).collect()
    }

    /// Identity, for what is done where its store is.
    ///
    /// # Errors
    /// When it runs on other nodes.
    pub fn near_identity(&self) -> Result<&Arc<identity::Service>, BoxError> {
        let near = self.near.identity.as_ref();
        near.ok_or_else(|| "accounts are kept by other nodes: ask where identity runs".into())
    }

    /// Whether products are kept here.
    #[must_use]
    pub fn has_catalog(&self) -> bool {
        self.near.catalog.is_some()
    }

    /// Says what this process cannot do without, and what it can.
    pub(crate) fn watch(&self, readiness: &Readiness) {
        if self.near.catalog.is_some() {
            let (catalog, clock) = (self.catalog.clone(), self.clock.clone());
            readiness.add("store", Need::Required, move || {
                let (catalog, now) = (catalog.clone(), clock.now());
                async move { catalog.overdue(now, None, 1).await.map(drop) }
            });
        }
        if let Some(near) = &self.near.orders {
            let orders = Arc::clone(&near.service);
            readiness.add("orders-store", Need::Required, move || {
                let orders = Arc::clone(&orders);
                async move { orders.check().await }
            });
        }
        if let Some(webhooks) = &self.near.webhooks {
            let webhooks = Arc::clone(webhooks);
            readiness.add("webhooks-store", Need::Optional, move || {
                let webhooks = Arc::clone(&webhooks);
                async move { webhooks.check().await }
            });
        }
        if self.near.payments.is_some() {
            let payments = self.payments.clone();
            readiness.add("payments-store", Need::Required, move || {
                let payments = payments.clone();
                async move { payments.reviews(1).await.map(drop) }
            });
        }
        if self.near.identity.is_some() {
            let (identity, clock) = (self.identity.clone(), self.clock.clone());
            readiness.add("identity-store", Need::Required, move || {
                let (identity, now) = (identity.clone(), clock.now());
                async move { identity.ended_since(now).await.map(drop) }
            });
        }
        if self.targets.has(Target::Gateway) {
            let keys = self.keys.clone();
            readiness.add("keys", Need::Required, move || {
                std::future::ready(if keys.is_empty() {
                    Err("identity has told no public keys yet".into())
                } else {
                    Ok(())
                })
            });
        }
        let bus = Arc::clone(&self.bus);
        readiness.add("bus", Need::Optional, move || {
            std::future::ready(bus.why_away().map_or(Ok(()), |why| Err(why.into())))
        });
        if let Some(redis) = &self.redis {
            let redis = redis.clone();
            readiness.add("cache", Need::Optional, move || {
                std::future::ready(if redis.is_away() {
                    Err("redis is away: the shop is slower".into())
                } else {
                    Ok(())
                })
            });
        }
        self.ways.watch(&self.targets, readiness);
        let clock = Steady::new(self.clock.clone());
        readiness.add("clock", Need::Optional, move || {
            std::future::ready(clock.check())
        });
    }

    /// The instances of what runs elsewhere, for operators.
    pub(crate) const fn pools(&self) -> &Pools {
        self.ways.pools()
    }

    /// TLS with the other nodes, if it is spoken.
    pub(crate) const fn tls_between_nodes(&self) -> Option<&Nodes> {
        self.ways.tls()
    }

    /// What verification reads.
    pub(crate) fn books(&self) -> Books {
        Books {
            catalog: self.catalog.clone(),
            orders: self.orders.clone(),
            payments: self.payments.clone(),
        }
    }
}

impl<'c> Ground<'c> {
    fn new(
        config: &'c Config,
        (folder, port): (Option<&'c Path>, Option<u16>),
        clock: Clock,
        tasks: &'c Tasks,
    ) -> Result<Self, BoxError> {
        let node = port.map_or_else(String::new, |port| alike::name(config, port));
        Ok(Self {
            config,
            places: Places::new(config, folder, tasks).of_node(node),
            clock,
            tasks: tasks.clone(),
            keys: KeySet::default(),
            revocations: Revocations::default(),
            redis: config.redis()?,
        })
    }

    async fn identity(&self) -> Result<Arc<identity::Service>, BoxError> {
        let parts = identity::Parts {
            place: self.places.of("identity")?,
            config: self.config.identity.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            revocations: self.revocations.clone(),
            tasks: self.tasks.clone(),
            post: identity::Post {
                mailer: mail::open(&self.config.mail, self.places.folder())?,
                options: self.config.mail.clone(),
                public_url: self.config.public_url(self.config.http.listen),
            },
            outward: self.config.outward.clone(),
        };
        Ok(identity::open(parts).await?)
    }

    async fn catalog(&self) -> Result<Arc<catalog::Service>, BoxError> {
        let parts = catalog::Parts {
            place: self.places.of("catalog")?,
            config: self.config.catalog.clone(),
            outward: self.config.outward.clone(),
            clock: self.clock.clone(),
            redis: self.redis.clone(),
        };
        Ok(catalog::open(parts).await?)
    }

    async fn orders(&self, catalog: Arc<dyn Catalog>) -> Result<orders::Opened, BoxError> {
        let parts = orders::Parts {
            place: self.places.of("orders")?,
            config: self.config.orders.clone(),
            clock: self.clock.clone(),
            tasks: self.tasks.clone(),
            catalog,
            post: Some(orders::Post {
                mailer: mail::open(&self.config.mail, self.places.folder())?,
                options: self.config.mail.clone(),
                public_url: self.config.public_url(self.config.http.listen),
            }),
        };
        orders::open(parts).await
    }

    async fn webhooks(&self) -> Result<Arc<webhooks::Service>, BoxError> {
        let parts = webhooks::Parts {
            place: self.places.of("webhooks")?,
            config: self.config.webhooks.clone(),
            clock: self.clock.clone(),
        };
        webhooks::open(parts).await
    }

    async fn payments(
        &self,
        orders: Arc<dyn Orders>,
        catalog: Arc<dyn Catalog>,
    ) -> Result<Arc<payments::Service>, BoxError> {
        let mut config = self.config.payments.clone();
        config.lead_back_to(&self.config.public_url(self.config.http.listen));
        let parts = payments::Parts {
            place: self.places.of("payments")?,
            sandbox_place: self.places.of("sandbox")?,
            config,
            outward: self.config.outward.clone(),
            clock: self.clock.clone(),
            tasks: self.tasks.clone(),
            orders,
            catalog,
        };
        Ok(payments::open(parts).await?)
    }
}
