//! A door in front of nodes that are all alike: no folder, no service, nothing kept.

use crate::{
    config::{Again, Config},
    entrance::{Entrance, Opened},
    life::Life,
    ops, told,
};
use contracts::BoxError;
use platform::{
    balance::{Balanced, Pool, Pools},
    clock::Clock,
    config::Shown,
    http::{Readiness, counted, stack, tls::nodes::Nodes},
};
use std::net::SocketAddr;

/// What the nodes are called in metrics and lists.
const ROLE: &str = "node";

/// A door that answers.
pub(crate) struct Balancer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where its metrics are, if they are served.
    pub(crate) ops_address: Option<SocketAddr>,
    /// Its sockets.
    pub(crate) entrance: Opened,
    /// How it is set, as operators are shown it.
    shown: Shown,
    config: Config,
    life: Life,
}

impl Balancer {
    /// Opens a door in front of the configured nodes.
    ///
    /// # Errors
    /// When the address is taken, or the nodes cannot be looked for.
    pub(crate) async fn open(config: Config) -> Result<Self, BoxError> {
        let entrance = Entrance::take(&config.http).await?;
        let address = entrance.address()?;
        let public_url = config.public_url(address);
        let life = Life::new(Readiness::new(config.readiness));
        let nodes = config.gateway.upstream.nodes.clone();
        let tls = Nodes::open(&config.internal.tls)?;
        if let Some(tls) = &tls {
            tls.keep(&life.work);
        }
        let way = tls.as_ref().map(|tls| tls.way().clone());
        let pool = Pool::open(ROLE, nodes, config.balance.clone(), way, &life.work)?;
        let pools = Pools::default();
        pools.add(pool.clone());
        let nodes = Balanced::new(pool.clone()).seen_at(&public_url);
        let router = gateway::alike(config.gateway.clone(), nodes, life.readiness.clone());
        let router = life.readiness.part_while_draining(router);
        let mut bounds = config.http.stack();
        // Its nodes say by themselves when they do not keep up.
        bounds.late_ms_max = 0;
        let router = stack::wrap(router, &bounds, &public_url, Clock::System);
        let router = counted::around(router, "shop");
        pool.look().await;
        life.readiness.look().await;
        life.readiness.start(&life.work);
        told::start_if_asked(config.log, &life.work);
        let shown = Shown::new(config.print()?);
        let ops_address = match config.http.ops_address()? {
            Some(address) => Some(ops::start(&life, address, (&config, &shown), &pools).await?),
            None => None,
        };
        let entrance = entrance.open(&life, (router, None), &config.http, &public_url)?;
        let entrance = entrance.beside(tls);
        Ok(Self {
            address,
            ops_address,
            entrance,
            shown,
            config,
            life,
        })
    }

    /// How it is set.
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// Goes on with these settings. It limits nobody: its nodes do.
    pub(crate) fn take(&mut self, again: Again) {
        self.shown.change(again.shown);
        self.config = again.config;
    }

    /// Ends when a part of it has failed, and says which.
    pub(crate) async fn failed(&self) -> String {
        self.life.failed().await
    }

    /// Closes; true if nothing had to be cut off.
    pub(crate) async fn close(self) -> bool {
        self.life.end(&self.config.http).await
    }
}
