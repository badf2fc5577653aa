//! The whole configuration: the server's own sections and each service's. Printed with secrets masked.

mod again;
mod apart;
mod http;
mod refusals;

pub(crate) use again::Again;
pub use apart::{Internal, Peers};
pub use http::{Delay, Http, Word};

use crate::{
    backup,
    target::{Target, Targets},
    watch,
};
use platform::{
    balance,
    bus::{self, nats},
    config::{ConfigError, Sources},
    db::{postgres, sqlite},
    http::{
        readiness,
        tls::{self, nodes},
    },
    mail, outward, redis,
    telemetry::{self, LogFormat},
};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

const DEFAULTS: &str = include_str!("defaults.toml");
/// The longest notice: it stands on every page.
const NOTICE_CHARS_MAX: usize = 200;
/// How long a command waits for a database that is away.
const COMMAND_WAIT_MS_MAX: u32 = 3_000;

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
    /// What is watched beside the shop.
    pub watch: watch::Options,
    /// The embedded store's bounds.
    pub sqlite: sqlite::Options,
    /// Where backups go that are made at the push of a button.
    pub backups: backup::Options,
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
    /// Where the shop may go on its own.
    pub outward: outward::Options,
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
    /// Webhooks'.
    pub webhooks: webhooks::Config,
}

/// The section `[shop]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    /// The name on the pages.
    pub name: String,
    /// What the pages speak to whoever asks for no language that they know.
    pub language: storefront::Language,
    /// Whether a new shop opens with the demo catalog.
    pub demo: bool,
    /// What stands above every page; empty: nothing.
    pub notice: String,
}

/// What the command line may say, above all other layers.
#[derive(Debug, Clone, Default, Serialize)]
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
#[derive(Debug, Clone, Default, Serialize)]
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
        nodes::DEFAULTS,
        readiness::DEFAULTS,
        balance::DEFAULTS,
        nats::DEFAULTS,
        redis::DEFAULTS,
        mail::DEFAULTS,
        outward::DEFAULTS,
        gateway::DEFAULTS,
        identity::DEFAULTS,
        catalog::DEFAULTS,
        orders::DEFAULTS,
        payments::DEFAULTS,
        webhooks::DEFAULTS,
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
        if flags.db.is_some() {
            let unsaid = Flags {
                db: None,
                ..flags.clone()
            };
            let other: Self = platform::config::load(&sources, &unsaid)?;
            other.keeps_in_a_folder()?;
        }
        config.check()?;
        config.check_secrets()?;
        file.map_or(Ok(()), refusals::check_file)?;
        Ok(config)
    }

    /// A folder that the command line names must not put the database aside that the settings name: a shop that forgot
    /// to look there would open, and be another one.
    fn keeps_in_a_folder(&self) -> Result<(), ConfigError> {
        if !self.database_is_shared() {
            return Ok(());
        }
        Err(ConfigError::Invalid(format!(
            "db is \"{}\", and --data names a folder: leave one of them out",
            masked_url(&self.db)
        )))
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
        self.outward.check().map_err(ConfigError::Invalid)?;
        self.webhooks.check().map_err(ConfigError::Invalid)?;
        let words = self.orders.mails.words.check();
        words.map_err(ConfigError::Invalid)?;
        if self.target.has(Target::Payments) {
            let payments = self.payments.check(&self.outward);
            payments.map_err(ConfigError::Invalid)?;
        }
        if self.target.has(Target::Storefront) || self.target.has(Target::Payments) {
            let seen_at = self.public_url(self.http.listen);
            let pages = self.payments.check_pages(&seen_at);
            pages.map_err(ConfigError::Invalid)?;
        }
        if self.cache != "local"
            && let Err(error) = redis::check_url(&self.cache)
        {
            let shown = masked_url(&self.cache);
            return invalid(format!("cache: \"{shown}\": {error}, or local"));
        }
        let shared = self
            .redis
            .check()
            .and_then(|()| self.limits.check())
            .and_then(|()| self.mail.check())
            .and_then(|()| self.catalog.check());
        if let Err(error) = shared {
            return invalid(error.to_string());
        }
        if !telemetry::level_is_valid(&self.log_level) {
            return invalid(format!("log_level: \"{}\" is no level", self.log_level));
        }
        self.http.check()?;
        self.backups.check()?;
        self.check_parts()?;
        if self.shop.notice.chars().count() > NOTICE_CHARS_MAX {
            return invalid("shop.notice: may have 200 characters at most".to_owned());
        }
        let url = &self.http.public_url;
        if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
            return invalid(format!(
                "http.public_url: \"{url}\" must begin with http:// or https://"
            ));
        }
        Ok(())
    }

    /// As a command takes them that somebody waits for at night: a database that is away is told of in time. A start
    /// waits longer, for it may come up beside its database.
    #[must_use]
    pub(crate) fn for_a_command(&self) -> Self {
        let mut config = self.clone();
        let wait = &mut config.postgres.start_wait_ms;
        *wait = COMMAND_WAIT_MS_MAX.min(*wait);
        config
    }

    /// Whether everything is kept on a server that other nodes may use too.
    #[must_use]
    pub fn database_is_shared(&self) -> bool {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| self.db.starts_with(scheme))
    }

    /// Where everything is kept, for people to read: no password is in it.
    #[must_use]
    pub fn shown_database(&self) -> String {
        masked_url(&self.db)
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
    fn a_folder_puts_no_database_aside() {
        let flags = Flags {
            db: Some("sqlite:/srv/souk".to_owned()),
            ..Flags::default()
        };
        let folder = std::env::temp_dir();
        let file = |db: &str| {
            let name = format!("souk-{}-{}.toml", std::process::id(), db.len());
            let path = folder.join(name);
            std::fs::write(&path, format!("db = \"{db}\"\n")).unwrap();
            let loaded = Config::load(Some(&path), false, &flags);
            std::fs::remove_file(&path).unwrap();
            loaded
        };
        let here = file("sqlite:./elsewhere").unwrap();
        assert_eq!(here.data_folder(), Some(PathBuf::from("/srv/souk")));
        let refused = file("postgres://souk:secret@db/souk").unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains("--data") && !said.contains("secret"),
            "{said}"
        );
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
        assert!(file("[limits.login_all]\nunits = 0\n").is_err());
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
