//! The whole configuration: the server's own sections and each service's. Printed with secrets masked.

mod apart;
mod refusals;

pub use apart::{Internal, Peers};

use crate::target::Targets;
use platform::{
    balance,
    bus::{self, nats},
    config::{ConfigError, Sources},
    db::{postgres, sqlite},
    http::{Pace, listen, readiness, stack, tls},
    mail, redis,
    telemetry::{self, LogFormat},
};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Longer than a balancer needs to see a probe fail twice.
const SHUTDOWN_DELAY: Duration = Duration::from_millis(2_000);

const DEFAULTS: &str = include_str!("defaults.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:DIR` or `postgres://...`.
    pub db: String,
    /// `local` or `nats://HOST:PORT[,HOST:PORT]`.
    pub bus: String,
    /// `local` or `redis://...`.
    pub cache: String,
    /// Which parts of the shop run in this process.
    pub target: Targets,
    /// How logs look.
    pub log: LogFormat,
    /// How much they say.
    pub log_level: String,
    /// The shop itself.
    pub shop: Shop,
    /// The door's socket and bounds.
    pub http: Http,
    /// How closely dependencies are looked at.
    pub readiness: readiness::Options,
    /// The embedded store's bounds.
    pub sqlite: sqlite::Options,
    /// Where the parts run that are elsewhere.
    pub peers: Peers,
    /// How parts that run apart know each other.
    pub internal: Internal,
    /// How requests are spread over instances.
    pub balance: balance::Options,
    /// The broker's bounds.
    pub nats: nats::Config,
    /// How Redis is used, if it is.
    pub redis: redis::Options,
    /// The shared store's bounds.
    pub postgres: postgres::Options,
    /// How mails leave.
    pub mail: mail::Options,
    /// The gateway's.
    pub gateway: gateway::Config,
    /// The gateway's limits.
    pub limits: gateway::config::Limits,
    /// Identity's.
    pub identity: identity::Config,
    /// The catalog's.
    pub catalog: catalog::Config,
    /// Orders'.
    pub orders: orders::Config,
    /// Payments'.
    pub payments: payments::Config,
}

/// The section `[shop]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    /// The name on the pages.
    pub name: String,
    /// Whether a new shop opens with the demo catalog.
    pub demo: bool,
}

/// The section `[http]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
    /// Address and port for the other nodes of the shop, if any.
    pub internal_listen: String,
    /// Address and port for metrics, if any.
    pub ops_listen: String,
    /// Where the shop is seen from outside.
    pub public_url: String,
    /// How long a request may take.
    pub timeout_ms: u64,
    /// Requests at work at a time.
    pub in_flight_max: u32,
    /// Connections at a time.
    pub connections_max: u32,
    /// Of these, from one address.
    pub connections_per_address_max: u32,
    /// The largest body.
    pub body_bytes_max: u32,
    /// Over how long it is counted what a reader takes.
    pub send_window_ms: u64,
    /// What a reader has to take of what waits for it.
    pub send_bytes_per_second_min: u32,
    /// What browsers are told of TLS, if anything.
    pub strict_transport_security: String,
    /// How long a stop goes on taking requests, so that balancers notice.
    pub shutdown_delay_ms: Delay,
    /// How long a stop waits for open requests.
    pub stop_wait_ms: u64,
    /// TLS at the door itself.
    pub tls: tls::Options,
}

impl Http {
    /// The bounds of the HTTP stack.
    #[must_use]
    pub fn stack(&self) -> stack::Options {
        stack::Options {
            timeout_ms: self.timeout_ms,
            in_flight_max: self.in_flight_max,
            body_bytes_max: self.body_bytes_max,
        }
    }

    /// How many connections the door has.
    pub(crate) const fn room(&self) -> listen::Room {
        listen::Room {
            connections_max: self.connections_max,
            per_address_max: self.connections_per_address_max,
        }
    }

    /// Settings that cannot work.
    fn check(&self) -> Result<(), ConfigError> {
        self.ops_address()?;
        self.tls.check()?;
        if self.send_window_ms == 0 {
            let why = "http.send_window_ms: must be at least 1";
            return Err(ConfigError::Invalid(why.to_owned()));
        }
        if self.tls.is_on() && self.public_url.starts_with("http://") {
            return Err(ConfigError::Invalid(format!(
                "http.public_url: \"{}\" must begin with https:// where http.tls is set",
                self.public_url
            )));
        }
        Ok(())
    }

    /// How slowly may be read.
    pub(crate) const fn pace(&self) -> Pace {
        Pace {
            window: Duration::from_millis(self.send_window_ms),
            bytes_per_second_min: self.send_bytes_per_second_min,
        }
    }

    /// How a listener serves that has so much room, and no TLS.
    pub(crate) const fn plainly(&self, room: listen::Room) -> listen::Manner {
        listen::Manner {
            room,
            pace: self.pace(),
            tls: None,
        }
    }

    /// How long a stop goes on taking requests.
    #[must_use]
    pub fn shutdown_delay(&self) -> Duration {
        match self.shutdown_delay_ms {
            Delay::Ms(ms) => Duration::from_millis(ms),
            Delay::Word(Word::Auto) if self.is_private() => Duration::ZERO,
            Delay::Word(Word::Auto) => SHUTDOWN_DELAY,
        }
    }

    /// Whether only this machine can ask.
    fn is_private(&self) -> bool {
        let internal = self.internal_listen.parse::<SocketAddr>();
        self.listen.ip().is_loopback()
            && internal.map_or(true, |address| address.ip().is_loopback())
    }

    /// Where metrics are served, if anywhere.
    ///
    /// # Errors
    /// When the text is no address and port.
    pub fn ops_address(&self) -> Result<Option<SocketAddr>, ConfigError> {
        match self.ops_listen.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ConfigError::Invalid(format!("http.ops_listen: \"{text}\" must be ADDRESS:PORT"))
            }),
        }
    }
}

/// Milliseconds, or what fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Delay {
    /// So many milliseconds.
    Ms(u64),
    /// What fits.
    Word(Word),
}

/// `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Whatever fits where the shop listens.
    Auto,
}

/// What the command line may say, above all other layers.
#[derive(Debug, Default, Serialize)]
pub struct Flags {
    /// `--data DIR`.
    pub db: Option<String>,
    /// `--log`.
    pub log: Option<LogFormat>,
    /// `--target LIST`.
    pub target: Option<String>,
    /// Sections with flags.
    pub http: HttpFlags,
}

/// Flags of the section `[http]`.
#[derive(Debug, Default, Serialize)]
pub struct HttpFlags {
    /// `--listen ADDR`.
    pub listen: Option<SocketAddr>,
    /// `--internal-listen ADDR`.
    pub internal_listen: Option<SocketAddr>,
}

/// Every key with its default and what it is for, as one TOML document.
#[must_use]
pub fn defaults() -> String {
    [
        DEFAULTS,
        tls::DEFAULTS,
        readiness::DEFAULTS,
        balance::DEFAULTS,
        nats::DEFAULTS,
        redis::DEFAULTS,
        mail::DEFAULTS,
        gateway::DEFAULTS,
        identity::DEFAULTS,
        catalog::DEFAULTS,
        orders::DEFAULTS,
        payments::DEFAULTS,
    ]
    .join("\n")
}

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// One clear line that names the key.
    pub fn load(
        file: Option<&Path>,
        environment: bool,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let defaults = defaults();
        let sources = Sources {
            defaults: &defaults,
            file,
            environment,
        };
        let config: Self = platform::config::load(&sources, flags)?;
        config.check()?;
        config.check_secrets()?;
        file.map_or(Ok(()), refusals::check_file)?;
        Ok(config)
    }

    /// Settings that cannot work.
    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |text: String| Err(ConfigError::Invalid(text));
        if self.data_folder().is_none() && !self.database_is_shared() {
            return invalid(format!(
                "db: \"{}\" is not known here; use sqlite:DIR or postgres://USER:PASSWORD@HOST/DATABASE",
                masked_url(&self.db)
            ));
        }
        if self.bus != bus::LOCAL && nats::addresses(&self.bus).is_err() {
            return invalid(format!(
                "bus: \"{}\" is not known here; use local or nats://HOST:PORT[,HOST:PORT]",
                masked_url(&self.bus)
            ));
        }
        self.nats.check()?;
        if self.cache != "local"
            && let Err(error) = redis::check_url(&self.cache)
        {
            let shown = masked_url(&self.cache);
            return invalid(format!("cache: \"{shown}\": {error}, or local"));
        }
        let shared = self
            .redis
            .check()
            .and_then(|()| self.limits.sharing.check())
            .and_then(|()| self.mail.check())
            .and_then(|()| self.catalog.check());
        if let Err(error) = shared {
            return invalid(error.to_string());
        }
        if !telemetry::level_is_valid(&self.log_level) {
            return invalid(format!("log_level: \"{}\" is no level", self.log_level));
        }
        self.http.check()?;
        self.check_parts()?;
        let url = &self.http.public_url;
        if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
            return invalid(format!(
                "http.public_url: \"{url}\" must begin with http:// or https://"
            ));
        }
        Ok(())
    }

    /// Whether everything is kept on a server that other nodes may use too.
    #[must_use]
    pub fn database_is_shared(&self) -> bool {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| self.db.starts_with(scheme))
    }

    /// The folder that everything is kept in, unless it is on a server.
    #[must_use]
    pub fn data_folder(&self) -> Option<PathBuf> {
        self.db
            .strip_prefix("sqlite:")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    }

    /// Where the shop is seen from outside, if it listens here.
    pub(crate) fn public_url(&self, address: SocketAddr) -> String {
        match self.http.public_url.as_str() {
            "" if self.http.tls.is_on() => format!("https://{address}"),
            "" => format!("http://{address}"),
            given => given.trim_end_matches('/').to_owned(),
        }
    }

    /// The Redis of all nodes, if there is one. It is not connected to yet.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn redis(&self) -> Result<Option<redis::Redis>, contracts::BoxError> {
        match self.cache.as_str() {
            "local" => Ok(None),
            url => redis::Redis::new(url, self.redis.clone()).map(Some),
        }
    }

    /// The effective settings as TOML, passwords in addresses masked.
    ///
    /// # Errors
    /// When they cannot be written as TOML.
    pub fn print(&self) -> Result<String, contracts::BoxError> {
        let shown = Self {
            db: masked_url(&self.db),
            bus: masked_url(&self.bus),
            cache: masked_url(&self.cache),
            redis: redis::Options {
                secret: masked(&self.redis.secret),
                ..self.redis.clone()
            },
            ..self.clone()
        };
        Ok(toml::to_string_pretty(&shown)?)
    }
}

fn masked(secret: &str) -> String {
    if secret.is_empty() { "" } else { "***" }.to_owned()
}

/// `scheme://user:password@host` with the password hidden.
fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((credentials, host)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_a_whole_configuration() {
        let config = Config::load(None, false, &Flags::default()).unwrap();
        assert_eq!(config.data_folder(), Some(PathBuf::from("./souk-data")));
        let printed: Config = toml::from_str(&config.print().unwrap()).unwrap();
        assert_eq!(printed, config);
    }

    #[test]
    fn every_default_says_what_it_is_for() {
        let text = defaults();
        let mut commented = false;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.contains(" = ") && !line.starts_with('#') && !line.starts_with('[') {
                assert!(commented, "no comment above: {line}");
            }
            commented = line.starts_with('#');
        }
    }

    #[test]
    fn a_stop_gives_balancers_time_where_there_may_be_one() {
        let delay = |listen: &str, delay| {
            let mut http = Config::load(None, false, &Flags::default()).unwrap().http;
            http.listen = listen.parse().unwrap();
            http.shutdown_delay_ms = delay;
            http.shutdown_delay().as_millis()
        };
        let auto = Delay::Word(Word::Auto);
        assert_eq!(delay("127.0.0.1:8080", auto), 0);
        assert_eq!(delay("0.0.0.0:8080", auto), 2_000);
        assert_eq!(delay("127.0.0.1:8080", Delay::Ms(300)), 300);
    }

    #[test]
    fn passwords_in_addresses_are_masked() {
        assert_eq!(
            masked_url("postgres://souk:secret@db:5432/shop"),
            "postgres://souk:***@db:5432/shop"
        );
        assert_eq!(masked_url("sqlite:./souk-data"), "sqlite:./souk-data");
    }

    #[test]
    fn a_cache_is_local_or_a_redis_and_its_secrets_are_never_shown() {
        let file = |text: &str| -> Result<Config, ConfigError> {
            let folder = std::env::temp_dir().join(format!("souk-config-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let path = folder.join("souk.toml");
            std::fs::write(&path, text).unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&path, private).unwrap();
            let config = Config::load(Some(&path), false, &Flags::default());
            std::fs::remove_dir_all(&folder).unwrap();
            config
        };
        let secret = "hidden-0123456789-abcdefghijklmnop";
        let text = format!("cache = \"rediss://:hidden@h:1\"\n[redis]\nsecret = \"{secret}\"\n");
        let config = file(&text).unwrap();
        assert!(!config.print().unwrap().contains("hidden"));
        let error = file("cache = \"memcached://:hidden@h:1\"")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cache: ") && !error.contains("hidden"),
            "{error}"
        );
        assert!(file("[redis]\ntimeout_ms = 0\n").is_err());
        assert!(file("[catalog]\nwindow_age_max_ms = 5001\n").is_err());
        assert!(file("[limits.sharing]\nnodes = 0\n").is_err());
    }

    #[test]
    fn stores_that_are_not_there_are_refused_by_name() {
        let flags = Flags {
            db: Some("mysql://u:secret@h/d".to_owned()),
            ..Flags::default()
        };
        let error = Config::load(None, false, &flags).unwrap_err().to_string();
        assert!(
            error.starts_with("db: ") && !error.contains("secret"),
            "{error}"
        );
    }
}
