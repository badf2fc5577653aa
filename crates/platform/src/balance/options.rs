//! The bounds of balancing, as they are configured. No number has its home anywhere else.

use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, time::Duration};

/// The keys of the section `[balance]`, with their defaults.
pub const DEFAULTS: &str = include_str!("options.toml");

/// The section `[balance]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Instances of a role.
    pub instances_max: u32,
    /// Requests at work at one instance.
    pub in_flight_max: u32,
    /// How long a connection may take to be made.
    pub connect_ms: u64,
    /// How long an unused connection is kept.
    pub idle_ms: u64,
    /// Unused connections kept for each instance.
    pub idle_max: u32,
    /// How long a request may take until its answer begins.
    pub timeout_ms: u64,
    /// How long an answer that has begun may pause.
    pub pause_ms: u64,
    /// The largest body that is passed on.
    pub body_bytes_max: u32,
    /// How fast an old latency is forgotten.
    pub decay_ms: u64,
    /// How long a new instance gets less than its share.
    pub slow_start_ms: u64,
    /// Trying again.
    pub retry: Retry,
    /// Leaving out.
    pub eject: Eject,
    /// Asking.
    pub probe: Probe,
    /// Finding.
    pub discover: Discover,
}

/// The section `[balance.retry]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Tries of one request.
    pub tries_max: u32,
    /// How long one of them may take.
    pub try_ms: u64,
    /// Tries again, per hundred requests.
    pub budget_percent: u32,
    /// Tries again beyond that.
    pub reserve: u32,
    /// The largest body that is kept for another try.
    pub body_bytes_max: u32,
}

/// The section `[balance.eject]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eject {
    /// Failures in a row.
    pub failures: u32,
    /// Failures per hundred requests of a window.
    pub failure_percent: u32,
    /// Requests until a window says anything.
    pub requests_min: u32,
    /// The length of a window.
    pub window_ms: u64,
    /// How long the first time.
    pub first_ms: u64,
    /// How long at most.
    pub longest_ms: u64,
}

/// The section `[balance.probe]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// What is asked.
    pub path: String,
    /// From one question to the next; 0: never.
    pub every_ms: u64,
    /// How long an answer may take.
    pub timeout_ms: u64,
    /// Failures in a row until down.
    pub failures: u32,
    /// Good answers in a row until back.
    pub successes: u32,
}

/// The section `[balance.discover]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discover {
    /// A name is not asked for sooner.
    pub resolve_min_ms: u64,
    /// Nor later.
    pub resolve_max_ms: u64,
    /// How often a file is read.
    pub file_every_ms: u64,
    /// Name servers, instead of the machine's.
    pub name_servers: Vec<SocketAddr>,
}

impl Options {
    /// How long a request may take until its answer begins.
    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// How long one try may take.
    pub(super) const fn one_try(&self) -> Duration {
        Duration::from_millis(self.retry.try_ms)
    }
}

/// The documented defaults.
#[cfg(test)]
pub(super) fn defaults() -> Options {
    #[derive(Deserialize)]
    struct Sections {
        balance: Options,
    }
    let sources = crate::config::Sources {
        defaults: DEFAULTS,
        file: None,
        environment: false,
    };
    let sections: Sections = crate::config::load(&sources, serde_json::json!({})).unwrap();
    sections.balance
}
