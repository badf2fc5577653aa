//! The ways to the parts of the shop that run elsewhere: a pool of instances each, and the signature on everything
//! that goes there.

use crate::{
    config::Config,
    target::{SERVICES, Target, Targets},
};
use axum::Router;
use contracts::BoxError;
use platform::{
    balance::{Balanced, Pool, Pools},
    call::{Limits, Peer, signature::Signer},
    clock::Clock,
    http::{Readiness, forward, readiness::Need, tls::nodes::Nodes},
    tasks::Tasks,
};

/// The ways from this process.
pub(crate) struct Ways {
    /// None in a process that is alone.
    signer: Option<Signer>,
    instances: Vec<(Target, Balanced)>,
    limits: Limits,
    body_bytes_max: usize,
    pools: Pools,
    /// None where nodes speak without TLS.
    tls: Option<Nodes>,
}

impl Ways {
    /// Looks for the instances of everything that does not run here.
    pub(crate) fn open(config: &Config, clock: &Clock, tasks: &Tasks) -> Result<Self, BoxError> {
        let tls = Nodes::open(&config.internal.tls)?;
        if let Some(tls) = &tls {
            tls.keep(tasks);
        }
        let pools = Pools::default();
        let mut instances = Vec::new();
        for target in SERVICES.into_iter().chain([Target::Storefront]) {
            if !config.target.is_near(target) {
                let sources = config.peers.of(target).to_vec();
                let options = config.balance.clone();
                let way = tls.as_ref().map(|tls| tls.way().clone());
                let pool = Pool::open(target.name(), sources, options, way, tasks)?;
                pools.add(pool.clone());
                instances.push((target, Balanced::new(pool)));
            }
        }
        Ok(Self {
            signer: signer(config, clock)?,
            instances,
            limits: config.internal.limits(),
            body_bytes_max: usize::try_from(config.internal.body_bytes_max)?,
            pools,
            tls,
        })
    }

    /// TLS between nodes, if they speak it.
    pub(crate) const fn tls(&self) -> Option<&Nodes> {
        self.tls.as_ref()
    }

    /// All pools, for operators.
    pub(crate) const fn pools(&self) -> &Pools {
        &self.pools
    }

    /// What requests between nodes are signed and checked with.
    pub(crate) fn signer(&self) -> Result<&Signer, BoxError> {
        let signer = self.signer.as_ref();
        signer.ok_or_else(|| "internal.secret: set one, the same on all nodes".into())
    }

    /// The way to a service, for calls.
    pub(crate) fn peer(&self, target: Target) -> Result<Peer, BoxError> {
        let instances = self.instances(target)?.clone();
        Ok(Peer::new(instances, self.signer()?.clone(), self.limits))
    }

    /// The way to a part, for what came through the door.
    pub(crate) fn router(&self, target: Target) -> Result<Router, BoxError> {
        let instances = self.instances(target)?.clone();
        let signer = self.signer()?.clone();
        Ok(forward::router(instances, signer, self.body_bytes_max))
    }

    fn instances(&self, target: Target) -> Result<&Balanced, BoxError> {
        let mut ways = self.instances.iter();
        let found = ways.find(|(there, _)| *there == target);
        let (_, instances) = found.ok_or("it runs here: there is no way to it")?;
        Ok(instances)
    }

    /// Says who cannot be reached. The rest of the shop goes on without them.
    pub(crate) fn watch(&self, targets: &Targets, readiness: &Readiness) {
        for (target, instances) in &self.instances {
            if targets.far_needs().any(|(_, there)| there == *target) {
                let pool = instances.pool().clone();
                readiness.add(target.name(), Need::Optional, move || {
                    std::future::ready(if pool.ready() > 0 {
                        Ok(())
                    } else {
                        Err("no instance is ready".into())
                    })
                });
            }
        }
    }
}

fn signer(config: &Config, clock: &Clock) -> Result<Option<Signer>, BoxError> {
    let secrets = config.internal.secrets();
    if secrets.is_empty() {
        return Ok(None);
    }
    let caller = config.target.to_string();
    let signer = Signer::new(secrets, &caller, clock.clone());
    Ok(Some(
        signer.map_err(|error| format!("internal.secret: {error}"))?,
    ))
}
