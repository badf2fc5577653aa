//! The doors of this process: the shop's own, if it is here, and the one where the other nodes ask. A part that is near
//! is its own router; one that is far is a way there. Both stand at the same place in the same table.

use crate::{
    audit,
    config::Config,
    events,
    export::{self, Sources},
    openapi, ops,
    target::Target,
    wiring::Services,
};
use axum::Router;
use contracts::BoxError;
use platform::http::{
    Load, Readiness, TokenVerifier, VerifierOptions, asked,
    cookies::Cookies,
    counted, desk_routes,
    internal::{Gate, guarded},
    lane::{Lane, Refusing},
    stack, tls,
};

/// What a part knows of the shop around it: where that is seen from outside, and how this process is.
type Around<'a> = (&'a str, &'a Readiness);

/// The shop's own door, as metrics name it.
const SHOP: &str = "shop";

impl Services {
    /// The whole shop as a router: the stack, the gateway, the services, the pages; and the lane beside it.
    ///
    /// # Errors
    /// When a part is neither here nor to be reached.
    pub fn router(
        &self,
        config: &Config,
        public_url: &str,
        readiness: &Readiness,
    ) -> Result<(Router, Lane), BoxError> {
        let verifying = VerifierOptions {
            issuer: config.identity.issuer.clone(),
            audience: config.identity.audience.clone(),
        };
        let verifier = TokenVerifier::new(
            &verifying,
            self.keys.clone(),
            self.revocations.clone(),
            self.clock.clone(),
        );
        let turnstile = gateway::Turnstile {
            trusted_proxies: config.gateway.trusted_proxies.clone(),
            limits: self.limits.clone(),
            verifier: verifier.clone(),
        };
        let door = gateway::Door {
            config: config.gateway.clone(),
            limits: self.limits.clone(),
            verifier,
            identity: self.identity.clone(),
            upstreams: gateway::Upstreams {
                storefront: self.part(Target::Storefront, config, (public_url, readiness))?,
                ..self.upstreams(config, (public_url, readiness))?
            },
            openapi: openapi::MADE,
            public_url: public_url.to_owned(),
            readiness: readiness.clone(),
        };
        let bounds = config.http.stack();
        let load = Load::new(&bounds);
        let router = stack::wrap_at(
            &load,
            readiness.part_while_draining(gateway::routes(door)),
            &bounds,
            public_url,
            self.clock.clone(),
        );
        let strict = tls::policy(public_url, &config.http.strict_transport_security);
        let refusing = Refusing::new(SHOP, &load, public_url, strict);
        let lane = Lane::refusing(turnstile, readiness.clone(), refusing);
        Ok((counted::around(router, SHOP), lane))
    }

    /// What is asked of the shop as a whole. `openapi::made` has the same parts.
    fn whole(&self) -> Router {
        let sources = Sources {
            catalog: self.catalog.clone(),
            identity: self.identity.clone(),
            orders: self.orders.clone(),
            payments: self.payments.clone(),
        };
        audit::routes()
            .router(self.auditor.clone())
            .merge(events::routes().router(self.desk.clone()))
            .merge(export::routes().router(sources))
    }

    /// The API's routers, near or far, without the pages.
    fn upstreams(
        &self,
        config: &Config,
        around: Around<'_>,
    ) -> Result<gateway::Upstreams, BoxError> {
        let part = |target| self.part(target, config, around);
        Ok(gateway::Upstreams {
            identity: part(Target::Identity)?,
            catalog: part(Target::Catalog)?,
            orders: part(Target::Orders)?,
            payments: part(Target::Payments)?,
            audit: counted::by_route(self.whole()),
            storefront: Router::new(),
        })
    }

    /// What the other nodes ask of this one: the calls of its services, and whatever a door hands on to them.
    ///
    /// # Errors
    /// When there is no secret to know the others by.
    pub fn internal_router(
        &self,
        config: &Config,
        public_url: &str,
        readiness: &Readiness,
    ) -> Result<Router, BoxError> {
        let mut router = Router::new();
        for target in [
            Target::Identity,
            Target::Catalog,
            Target::Orders,
            Target::Payments,
        ] {
            if config.target.has(target) {
                router = router
                    .merge(counted::by_route(self.calls(target)))
                    .merge(self.part(target, config, (public_url, readiness))?);
            }
        }
        if config.target.has(Target::Storefront) {
            let pages = self.part(Target::Storefront, config, (public_url, readiness))?;
            router = router.fallback_service(pages);
        }
        let gate = Gate {
            signer: self.ways.signer()?.clone(),
            body_bytes_max: usize::try_from(config.internal.body_bytes_max)?,
        };
        let router = readiness.part_while_draining(guarded(router, gate, readiness));
        let mut bounds = config.http.stack();
        // A call says itself how long it is waited for.
        bounds.timeout_ms = bounds.timeout_ms.max(config.internal.long_timeout_ms);
        // What the shop's own door let in is not refused half-way.
        bounds.late_ms_max = 0;
        let router = stack::wrap(router, &bounds, public_url, self.clock.clone());
        Ok(counted::around(router, "nodes"))
    }

    /// A part of the shop as the door's table has it.
    fn part(
        &self,
        target: Target,
        config: &Config,
        around: Around<'_>,
    ) -> Result<Router, BoxError> {
        if !config.target.is_near(target) {
            return Ok(counted::named(self.ways.router(target)?, target.name()));
        }
        let routes = match target {
            Target::Identity => {
                let routes = identity::routes(self.identity.clone());
                match self.near_identity() {
                    Ok(near) => routes.merge(identity::routes_beside(near.clone())),
                    Err(_) => routes,
                }
            }
            Target::Catalog => self
                .near
                .catalog
                .as_ref()
                .map_or_else(Router::new, |catalog| {
                    catalog::routes(catalog.clone(), catalog.clone())
                }),
            Target::Orders => {
                let (orders, payments) = (self.orders.clone(), self.payments.clone());
                let near = self.near.orders.as_ref();
                let rows = near.and_then(|orders| orders.service.rows());
                let routes = orders::routes(orders, payments, &config.orders, rows);
                match (&self.near.orders, &self.near.webhooks) {
                    (Some(orders), Some(webhooks)) => routes
                        .merge(orders::routes_beside(orders.service.clone()))
                        .merge(webhooks::routes(webhooks.clone())),
                    (Some(_) | None, _) => routes,
                }
            }
            Target::Payments => self
                .near
                .payments
                .as_ref()
                .map_or_else(Router::new, |payments| payments::routes(payments.clone())),
            Target::Storefront => storefront::routes(storefront::App {
                api: gateway::api(self.upstreams(config, around)?),
                house: self.house(config, around),
                news: storefront::News::default(),
                catalog: self.catalog.clone(),
                identity: self.identity.clone(),
                orders: self.orders.clone(),
                payments: self.payments.clone(),
                auditor: self.auditor.clone(),
                shop_name: config.shop.name.clone(),
                language: config.shop.language,
                notice: config.shop.notice.clone(),
                card_key: config.payments.card_key().map(str::to_owned),
                payment_window_seconds: config.orders.payment_window_seconds,
                cookies: Cookies::for_public_url(around.0),
            }),
            Target::Gateway | Target::Worker => Router::new(),
        };
        Ok(counted::by_route(routes))
    }

    /// What admins are shown of the process that serves the pages.
    fn house(&self, config: &Config, (public_url, readiness): Around<'_>) -> storefront::House {
        storefront::House {
            version: env!("CARGO_PKG_VERSION"),
            target: config.target.to_string(),
            public_url: public_url.to_owned(),
            readiness: readiness.clone(),
            stores: vec![
                ("Database", kind(&config.db)),
                ("Events", kind(&config.bus)),
                ("Cache", kind(&config.cache)),
            ],
            pools: self.pools().clone(),
            neighbours: self.neighbours(),
            backups: self.backups.clone(),
            measured: ops::text,
            asked: || asked::last(crate::shop::now()),
            settings: self.settings.clone(),
            backup: backup(&config.db).to_owned(),
        }
    }

    fn calls(&self, target: Target) -> Router {
        match target {
            Target::Identity => identity::internal_routes(self.identity.clone())
                .merge(desk_routes(target.name(), self.desk.identity.clone())),
            Target::Catalog => catalog::internal_routes(self.catalog.clone())
                .merge(desk_routes(target.name(), self.desk.catalog.clone())),
            Target::Orders => orders::internal_routes(self.orders.clone())
                .merge(desk_routes(target.name(), self.desk.orders.clone())),
            Target::Payments => payments::internal_routes(self.payments.clone())
                .merge(desk_routes(target.name(), self.desk.payments.clone())),
            Target::Gateway | Target::Storefront | Target::Worker => Router::new(),
        }
    }
}

/// How a backup of this database is made.
fn backup(address: &str) -> &'static str {
    if address.starts_with("sqlite") {
        "Each is the databases as they were at one moment, whose books were verified. souk backup DIR makes one on \
         this machine, while the shop is open; souk restore brings it back."
    } else {
        "Back the database up with its own tools, all schemas together (pg_dump, or a base backup with its log). After \
         a restore, souk verify says whether the books balance."
    }
}

/// What something is kept in. An address may hold a password: no more of it than its kind is told.
pub(crate) fn kind(address: &str) -> &'static str {
    match address.split(':').next().unwrap_or_default() {
        "sqlite" => "SQLite",
        "postgres" | "postgresql" => "PostgreSQL",
        "nats" | "tls" => "NATS JetStream",
        "redis" | "rediss" => "Redis",
        _ => "in this process",
    }
}
