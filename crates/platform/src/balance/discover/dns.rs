//! Instances from DNS: the addresses of a name, or the targets of a service (SRV). An answer stands as long as
//! it says, within our bounds. It keeps nothing itself.

use super::{super::options::Discover, Answer};
use contracts::BoxError;
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, rdata::SRV},
};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long one question to a name server may take; it is asked twice.
const QUESTION: Duration = Duration::from_secs(2);
/// Targets of a service that are looked up, at most.
const TARGETS_MAX: usize = 64;

/// Asks name servers.
#[derive(Clone)]
pub(super) struct Resolver {
    inner: TokioResolver,
    shortest: Duration,
    longest: Duration,
}

impl Resolver {
    pub(super) fn new(options: &Discover) -> Result<Self, BoxError> {
        let mut builder = if options.name_servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = options.name_servers.iter().map(|address| {
                let at_port = |mut connection: ConnectionConfig| {
                    connection.port = address.port();
                    connection
                };
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(at_port);
                NameServerConfig::new(address.ip(), true, connections.to_vec())
            });
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let asking = builder.options_mut();
        asking.timeout = QUESTION;
        asking.attempts = 2;
        // We ask when an answer is over, and want a new one then.
        asking.cache_size = 0;
        Ok(Self {
            inner: builder.build()?,
            shortest: Duration::from_millis(options.resolve_min_ms.max(10)),
            longest: Duration::from_millis(options.resolve_max_ms.max(10)),
        })
    }

    /// All addresses of a name.
    pub(super) async fn name(&self, host: &str, port: u16) -> Result<Answer, BoxError> {
        let found = self.inner.lookup_ip(host).await?;
        let addresses = found.iter().map(|ip| SocketAddr::new(ip, port)).collect();
        self.answer(addresses, found.valid_until())
    }

    /// The targets of a service that are to be asked first.
    pub(super) async fn service(&self, name: &str) -> Result<Answer, BoxError> {
        let found = self.inner.srv_lookup(name).await?;
        let targets: Vec<&SRV> = found
            .answers()
            .iter()
            .filter_map(|record| {
                let RData::SRV(target) = &record.data else {
                    return None;
                };
                Some(target)
            })
            .collect();
        let first = targets.iter().map(|target| target.priority).min();
        let first = targets
            .iter()
            .filter(|target| Some(target.priority) == first);
        let mut valid_until = found.valid_until();
        let mut addresses = BTreeSet::new();
        for target in first.take(TARGETS_MAX) {
            let ips = self.inner.lookup_ip(target.target.clone()).await?;
            valid_until = valid_until.min(ips.valid_until());
            addresses.extend(ips.iter().map(|ip| SocketAddr::new(ip, target.port)));
        }
        self.answer(addresses, valid_until)
    }

    fn answer(
        &self,
        addresses: BTreeSet<SocketAddr>,
        valid_until: Instant,
    ) -> Result<Answer, BoxError> {
        if addresses.is_empty() {
            return Err("the answer names no address".into());
        }
        let valid_for = valid_until.saturating_duration_since(Instant::now());
        Ok(Answer {
            addresses,
            look_again: valid_for.clamp(self.shortest, self.longest.max(self.shortest)),
        })
    }
}
