//! The section `[outward]`: where the shop may go, and for how long. Connects to nothing.

use super::{
    address::{Address, Refusal},
    networks::{self, Network},
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Duration};
use url::Host;

/// Every key with its documented default.
pub const DEFAULTS: &str = include_str!("../outward.toml");

/// What hyper reads at least before it refuses a head.
const HEAD_BYTES_LEAST: u32 = 8_192;

/// Where the shop may go, and for how long; `outward.toml` says what each key means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Private networks that may be asked.
    pub allow: Vec<Network>,
    /// Ports that may be asked; none means any.
    pub ports: Vec<u16>,
    /// Whether the way may be without encryption.
    pub http: bool,
    /// Root certificates besides the system's.
    pub roots: String,
    /// How long it may take until there is a connection.
    pub connect_timeout_ms: u32,
    /// How long the head of an answer may take.
    pub head_timeout_ms: u32,
    /// How long all of it may take.
    pub timeout_ms: u32,
    /// The largest head.
    pub head_bytes_max: u32,
    /// Fields in it.
    pub headers_max: u16,
    /// The largest body.
    pub body_bytes_max: u32,
    /// Exchanges at a time.
    pub in_flight_max: u16,
}

impl Options {
    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), String> {
        let rules = [
            (
                self.connect_timeout_ms >= 1,
                "connect_timeout_ms must be at least 1",
            ),
            (
                self.head_timeout_ms >= 1,
                "head_timeout_ms must be at least 1",
            ),
            (
                (1..=60_000).contains(&self.timeout_ms),
                "timeout_ms must be 1 to 60000",
            ),
            (
                (HEAD_BYTES_LEAST..=1_048_576).contains(&self.head_bytes_max),
                "head_bytes_max must be 8192 to 1048576",
            ),
            (self.headers_max >= 1, "headers_max must be at least 1"),
            (
                self.body_bytes_max >= 1,
                "body_bytes_max must be at least 1",
            ),
            (self.in_flight_max >= 1, "in_flight_max must be at least 1"),
        ];
        let broken = rules.iter().find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, rule)| Err(format!("outward.{rule}")))
    }

    /// Looks at all of an address that can be looked at without asking for a name.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn admit(&self, address: &Address) -> Result<(), Refusal> {
        if !address.is_encrypted() && !self.http {
            return Err(Refusal::Scheme);
        }
        let port = address.port();
        if !self.ports.is_empty() && !self.ports.contains(&port) {
            return Err(Refusal::Port(port));
        }
        match address.host()? {
            Host::Domain(_) => Ok(()),
            Host::Ipv4(ip) => self.admit_ip(ip.into()).map(drop),
            Host::Ipv6(ip) => self.admit_ip(ip.into()).map(drop),
        }
    }

    /// The address as it is connected to, if it may be.
    pub(super) fn admit_ip(&self, ip: IpAddr) -> Result<IpAddr, Refusal> {
        networks::admit(ip, &self.allow).ok_or(Refusal::Inside(ip))
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms.into())
    }

    pub(super) fn head_timeout(&self) -> Duration {
        Duration::from_millis(self.head_timeout_ms.into())
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.into())
    }
}

/// The documented defaults, for tests.
#[cfg(test)]
pub(super) fn defaults() -> Options {
    #[derive(Deserialize)]
    struct All {
        outward: Options,
    }
    let sources = crate::config::Sources {
        defaults: DEFAULTS,
        file: None,
        environment: false,
    };
    crate::config::load::<All>(&sources, serde_json::json!({}))
        .unwrap()
        .outward
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, options: &Options) -> Result<(), Refusal> {
        options.admit(&Address::parse(text).unwrap())
    }

    #[test]
    fn the_defaults_admit_https_on_its_port_outside_and_nothing_else() {
        let options = defaults();
        assert_eq!(options.check(), Ok(()));
        assert_eq!(judged("https://provider.example/x", &options), Ok(()));
        assert_eq!(judged("https://1.1.1.1/x", &options), Ok(()));
        for (text, expected) in [
            ("http://provider.example/", Refusal::Scheme),
            ("https://provider.example:8443/", Refusal::Port(8_443)),
            ("https://provider.example:22/", Refusal::Port(22)),
            (
                "https://127.0.0.1/",
                Refusal::Inside("127.0.0.1".parse().unwrap()),
            ),
            (
                "https://[::ffff:7f00:1]/",
                Refusal::Inside("::ffff:127.0.0.1".parse().unwrap()),
            ),
            (
                "https://169.254.169.254/latest/meta-data/",
                Refusal::Inside("169.254.169.254".parse().unwrap()),
            ),
        ] {
            assert_eq!(judged(text, &options), Err(expected), "{text}");
        }
    }

    #[test]
    fn bounds_that_cannot_work_are_named() {
        let small = Options {
            head_bytes_max: 100,
            ..defaults()
        };
        assert!(
            small
                .check()
                .unwrap_err()
                .starts_with("outward.head_bytes_max")
        );
    }
}
