//! The settings of the broker: every bound with its unit. It reads no file and no environment.

use super::subjects;
use crate::config::ConfigError;
use std::time::Duration;

/// The section `[nats]`, with every key's default and what it is for.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The section `[nats]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What streams and subjects begin with: shops that share a broker differ here.
    pub prefix: String,
    /// The names of the events that are carried; none: all.
    pub events: Vec<String>,
    /// Copies of each stream.
    pub replicas: u8,
    /// A file with the account's credentials, or empty.
    pub credentials_file: String,
    /// Whether the connection must be encrypted.
    pub tls: bool,
    /// Authorities that may have signed the broker's certificate, as a PEM file; empty: the system's.
    pub tls_ca_file: String,
    /// How long one try to connect may take.
    pub connect_timeout_ms: u64,
    /// The longest wait between two tries to connect.
    pub connect_wait_ms_max: u64,
    /// How long a request to the broker, or its acknowledgement of an event, may take.
    pub request_timeout_ms: u64,
    /// Events on their way to the broker at a time.
    pub in_flight_max: u16,
    /// How often the broker is looked at when nothing else gives cause to.
    pub check_every_ms: u64,
    /// How long the broker recognises an event that it has.
    pub duplicate_window_seconds: u32,
    /// How long it keeps events.
    pub keep_hours: u32,
    /// Bytes of events it keeps at most: the oldest go first.
    pub events_bytes_max: u32,
    /// Bytes of events that wait to be tried again, or for an earlier one.
    pub waiting_bytes_max: u32,
    /// Bytes of dead letters: what does not fit stays among the waiting.
    pub dead_bytes_max: u32,
    /// How long the broker waits for a node that took an event before it gives it to another.
    pub ack_wait_ms: u64,
    /// How long the first try of an event may take: others stand behind it.
    pub first_try_ms: u64,
    /// How long any later try may take.
    pub later_try_ms: u64,
    /// The waits between tries; after the last the event is a dead letter.
    pub retry_wait_ms: Vec<u64>,
    /// How often an event looks whether the earlier one that it waits for is done.
    pub behind_wait_ms: u64,
    /// Waiting events of a consumer that are out with nodes at a time, those between two tries included.
    pub waiting_max: u16,
    /// Waiting events that a node tries at a time.
    pub tries_at_once: u8,
}

impl Config {
    /// The defaults.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn defaults() -> Result<Self, ConfigError> {
        #[derive(serde::Deserialize)]
        struct File {
            nats: Config,
        }
        let sources = crate::config::Sources {
            defaults: DEFAULTS,
            file: None,
            environment: false,
        };
        let file: File = crate::config::load(&sources, serde_json::json!({}))?;
        Ok(file.nats)
    }

    /// Whether these settings can work.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`], which names the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let bounds = [
            ("replicas", (1..=5).contains(&self.replicas), "from 1 to 5"),
            ("in_flight_max", self.in_flight_max > 0, "at least 1"),
            (
                "request_timeout_ms",
                self.request_timeout_ms > 0,
                "at least 1",
            ),
            ("check_every_ms", self.check_every_ms >= 100, "at least 100"),
            ("behind_wait_ms", self.behind_wait_ms >= 10, "at least 10"),
            ("waiting_max", self.waiting_max > 0, "at least 1"),
            ("tries_at_once", self.tries_at_once > 0, "at least 1"),
            (
                "retry_wait_ms",
                !self.retry_wait_ms.is_empty(),
                "a list of at least one wait",
            ),
            // Whoever has an event asks the broker, tries, and hands on, before another node gets it.
            (
                "ack_wait_ms",
                self.ack_wait_ms
                    > self
                        .first_try_ms
                        .saturating_add(self.request_timeout_ms.saturating_mul(2)),
                "longer than first_try_ms and twice request_timeout_ms together",
            ),
            (
                "duplicate_window_seconds",
                self.duplicate_window_seconds > 0 && self.duplicate_window() <= self.keep(),
                "at least 1 and no longer than keep_hours",
            ),
            (
                "prefix",
                subjects::is_prefix(&self.prefix),
                "1 to 32 of a-z, 0-9, - and _",
            ),
        ];
        match bounds.into_iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((key, _, must)) => Err(ConfigError::Invalid(format!("nats.{key} must be {must}"))),
        }
    }

    pub(super) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(super) const fn ack_wait(&self) -> Duration {
        Duration::from_millis(self.ack_wait_ms)
    }

    pub(super) fn duplicate_window(&self) -> Duration {
        Duration::from_secs(u64::from(self.duplicate_window_seconds))
    }

    pub(super) fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_hours).saturating_mul(3_600))
    }
}

/// The addresses in `nats://one:4222,two:4222`.
///
/// # Errors
/// [`ConfigError::Invalid`] when the text is no such list.
pub fn addresses(bus: &str) -> Result<Vec<async_nats::ServerAddr>, ConfigError> {
    let invalid =
        || ConfigError::Invalid("bus must be local or nats://HOST:PORT[,HOST:PORT]".to_owned());
    let (scheme, hosts) = bus.split_once("://").ok_or_else(invalid)?;
    if !["nats", "tls"].contains(&scheme) {
        return Err(invalid());
    }
    let address = |host: &str| match host.trim() {
        "" => Err(invalid()),
        host => format!("{scheme}://{host}").parse().map_err(|_| invalid()),
    };
    hosts.split(',').map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_work() {
        Config::defaults().unwrap().check().unwrap();
    }

    #[test]
    fn a_wait_too_short_for_a_try_is_named() {
        let config = Config {
            ack_wait_ms: 1_000,
            ..Config::defaults().unwrap()
        };
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .contains("nats.ack_wait_ms")
        );
    }

    #[test]
    fn several_brokers_are_a_list() {
        let found = addresses("nats://one:4222, two:4223").unwrap();
        let hosts: Vec<_> = found.iter().map(|one| (one.host(), one.port())).collect();
        assert_eq!(hosts, [("one", 4222), ("two", 4223)]);
        for wrong in ["", "local", "redis://one", "nats://", "nats://one,"] {
            assert!(addresses(wrong).is_err(), "{wrong}");
        }
    }
}
