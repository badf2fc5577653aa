//! The door's part of the settings. Reads nothing by itself: the server hands the values in.

use crate::{address::Network, cors::Site};
use contracts::BoxError;
use platform::{
    balance::Source,
    limit::{Quota, Sharing},
};
use serde::{Deserialize, Serialize};

/// Every key of the sections `[gateway]` and `[limits]`, with its default.
pub const DEFAULTS: &str = include_str!("config.toml");

/// The section `[gateway]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Sites whose pages may call the API, without cookies.
    pub cors_origins: Vec<Site>,
    /// Nodes that are whole shops.
    pub upstream: Upstream,
}

/// The section `[gateway.upstream]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Where they are found.
    pub nodes: Vec<Source>,
}

/// The section `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Whether callers are limited at all.
    pub enabled: bool,
    /// Whatever is in no other bucket.
    pub default: Quota,
    /// Orders and payments.
    pub checkout: Quota,
    /// Whatever takes a password or a refresh token.
    pub login: Quota,
    /// The same without refresh tokens, from a whole network.
    pub login_network: Quota,
    /// The same from everywhere.
    pub login_all: Quota,
    /// How nodes that have a Redis share all these.
    pub sharing: Sharing,
}

impl Limits {
    /// Says what cannot work: a quota of nothing would keep everybody out.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), BoxError> {
        for (name, quota) in [
            ("default", self.default),
            ("checkout", self.checkout),
            ("login", self.login),
            ("login_network", self.login_network),
            ("login_all", self.login_all),
        ] {
            if quota.units == 0 || quota.window_seconds == 0 {
                return Err(format!(
                    "limits.{name}: units and window_seconds are 1 or more; limits.enabled = false limits nobody"
                )
                .into());
            }
        }
        self.sharing.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::config::{ConfigError, Sources, load};

    #[derive(Debug, Deserialize)]
    struct Sections {
        gateway: Config,
        limits: Limits,
    }

    fn read(flags: serde_json::Value) -> Result<Sections, ConfigError> {
        let sources = Sources {
            defaults: DEFAULTS,
            file: None,
            environment: false,
        };
        load(&sources, flags)
    }

    #[test]
    fn the_documented_defaults_are_all_the_keys() {
        let sections = read(serde_json::json!({})).unwrap();
        assert!(sections.limits.enabled && sections.gateway.trusted_proxies.is_empty());
        assert_eq!(sections.limits.default.units, 600);
    }

    #[test]
    fn a_quota_of_nothing_is_named() {
        let named = |limits: serde_json::Value| {
            let read = read(serde_json::json!({ "limits": limits })).unwrap();
            read.limits.check().map_err(|error| error.to_string())
        };
        assert_eq!(named(serde_json::json!({})), Ok(()));
        for (limits, name) in [
            (
                serde_json::json!({"login_all": {"units": 0}}),
                "limits.login_all",
            ),
            (
                serde_json::json!({"checkout": {"window_seconds": 0}}),
                "limits.checkout",
            ),
            (
                serde_json::json!({"sharing": {"nodes": 0}}),
                "limits.sharing.nodes",
            ),
        ] {
            let why = named(limits).unwrap_err();
            assert!(why.starts_with(&format!("{name}: ")), "{why}");
        }
    }

    #[test]
    fn a_proxy_that_is_no_network_stops_the_start() {
        let flags = |proxy: &str| serde_json::json!({"gateway": {"trusted_proxies": [proxy]}});
        assert!(read(flags("10.0.0.0/8")).is_ok());
        let error = read(flags("10.0.0.0/64")).unwrap_err().to_string();
        assert!(error.contains("10.0.0.0/64"), "{error}");
    }
}
