//! What a process must know that is a part of the shop only: who runs the rest, and how they know each other.

use super::Config;
use crate::target::Target;
use platform::{
    balance::Source,
    bus, call,
    call::signature::SECRET_LENGTH_MIN,
    config::{ConfigError, Secret},
    http::tls::nodes,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The section `[peers]`: where the parts run that are not in this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// The pages.
    pub storefront: Vec<Source>,
    /// Accounts.
    pub identity: Vec<Source>,
    /// Products and stock.
    pub catalog: Vec<Source>,
    /// Orders.
    pub orders: Vec<Source>,
    /// Payments.
    pub payments: Vec<Source>,
}

/// The section `[internal]`: how the parts know each other, and how much they say at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Internal {
    /// What requests between nodes are signed with.
    pub secret: Secret,
    /// What is believed as well.
    pub secret_before: Secret,
    /// The largest request.
    pub body_bytes_max: u32,
    /// The largest answer.
    pub answer_bytes_max: u32,
    /// How long a call may take that reads whole books.
    pub long_timeout_ms: u64,
    /// TLS between nodes.
    pub tls: nodes::Options,
}

impl Internal {
    /// The bounds of calls.
    pub(crate) const fn limits(&self) -> call::Limits {
        call::Limits {
            answer_bytes_max: self.answer_bytes_max,
            long_timeout_ms: self.long_timeout_ms,
        }
    }

    /// The secrets that are set, the one that signs first.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let both = [&self.secret, &self.secret_before];
        both.into_iter().filter_map(Secret::given).collect()
    }
}

impl Peers {
    /// Where a part runs; the door is asked by nobody.
    pub(crate) fn of(&self, target: Target) -> &[Source] {
        match target {
            Target::Storefront => &self.storefront,
            Target::Identity => &self.identity,
            Target::Catalog => &self.catalog,
            Target::Orders => &self.orders,
            Target::Payments => &self.payments,
            Target::Gateway | Target::Worker => &[],
        }
    }
}

impl Config {
    /// Where the other nodes ask this one, if anywhere.
    ///
    /// # Errors
    /// When the text is no address and port.
    pub fn internal_address(&self) -> Result<Option<SocketAddr>, ConfigError> {
        match self.http.internal_listen.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ConfigError::Invalid(format!(
                    "http.internal_listen: \"{text}\" must be ADDRESS:PORT"
                ))
            }),
        }
    }

    /// Whether this process can be the part of the shop that it should be.
    pub(super) fn check_parts(&self) -> Result<(), ConfigError> {
        let invalid = |text: String| Err(ConfigError::Invalid(text));
        let is_asked = self.internal_address()?.is_some();
        self.internal.tls.check(is_asked)?;
        if !self.gateway.upstream.nodes.is_empty() {
            // Nothing but a door in front of whole shops: there is nobody to sign for.
            return Ok(());
        }
        let targets = &self.target;
        let internal = self.internal_address()?;
        if internal.is_none() && !targets.has(Target::Gateway) {
            return invalid(format!(
                "http.internal_listen: with target \"{targets}\" this node has no other door; set ADDRESS:PORT"
            ));
        }
        if targets.is_whole() && internal.is_none() {
            return Ok(());
        }
        let secrets = self.internal.secrets();
        let is_short = |secret: &SecretString| secret.expose_secret().len() < SECRET_LENGTH_MIN;
        if secrets.is_empty() || secrets.iter().any(is_short) {
            return invalid(format!(
                "internal.secret: nodes sign what they ask each other; set one of at least {SECRET_LENGTH_MIN} \
                 characters, the same on all nodes"
            ));
        }
        if let Some((here, there)) = targets
            .far_needs()
            .find(|(_, there)| self.peers.of(*there).is_empty())
        {
            let (here, there) = (here.name(), there.name());
            return invalid(format!(
                "peers.{there}: target \"{here}\" needs nodes that run {there}; name them, as [\"10.0.0.2:7000\"]"
            ));
        }
        let kept = targets.services().count();
        if self.bus == bus::LOCAL && (1..4).contains(&kept) {
            return invalid(format!(
                "bus: \"local\" reaches this process only, and with target \"{targets}\" others must hear of its \
                 events; apart needs bus = \"nats://HOST:PORT\""
            ));
        }
        Ok(())
    }
}
