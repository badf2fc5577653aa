//! How connections are made: host after host until one can be written to, each within its time, with TLS if the
//! address asks for it. Certificates are always checked; there is no way to ask for TLS without that.

use super::Place;
use crate::db::StoreError;
use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime,
};
use futures_util::future::{BoxFuture, pending};
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    Client, Config, Error, NoTls, Socket,
    config::{Host, SslMode, TargetSessionAttrs},
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long the server may leave what we sent unacknowledged before the connection is given up.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

pub(super) fn pool(place: &Place) -> Result<Pool, StoreError> {
    let (config, tls) = read(place)?;
    let hosts = alone(&config);
    let patience = Duration::from_millis(place.options.connect_timeout_ms.into());
    let all = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
    // Longer than the hosts' own times together, which end first.
    let longest = patience
        .saturating_mul(all)
        .saturating_add(Duration::from_millis(100));
    let tls = if tls { Some(certificates()?) } else { None };
    let how = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let connect = Hosts {
        hosts,
        patience,
        tls,
    };
    let manager = Manager::from_connect(config, connect, how);
    Pool::builder(manager)
        .max_size(usize::try_from(place.options.connections_max.max(1)).unwrap_or(1))
        .create_timeout(Some(longest))
        // The one that was used last: its server process has its plans in the processor's caches still.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| StoreError::Other(Box::new(error)))
}

/// The settings of a connection, and whether it is encrypted.
fn read(place: &Place) -> Result<(Config, bool), StoreError> {
    let schema = place.schema;
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if schema.is_empty() || !schema.chars().all(plain) {
        return Err(StoreError::Other(
            format!("{schema:?} is no name of a schema").into(),
        ));
    }
    let url = place.url.expose_secret().replace("{service}", schema);
    // Ours always check the certificate and its name: what libpq calls `verify-full`.
    let url = url
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    // The parser's message may hold a piece of the address, and that a piece of the password.
    let mut config: Config = url
        .parse()
        .map_err(|_| StoreError::Other("the database's address cannot be read".into()))?;
    let encrypted = config.get_ssl_mode() == SslMode::Require;
    if !encrypted {
        config.ssl_mode(SslMode::Disable);
    }
    let options = place.options;
    let session = [
        ("search_path", schema.to_owned()),
        (
            "statement_timeout",
            options.statement_timeout_ms.to_string(),
        ),
        ("lock_timeout", options.lock_timeout_ms.to_string()),
        (
            "idle_in_transaction_session_timeout",
            options.idle_in_transaction_timeout_ms.to_string(),
        ),
    ];
    // A plan that was made while a table was empty is kept until somebody counts its rows, a minute of growth later:
    // every statement has an index, so none of them ever reads a whole table instead. What has no index costs so much
    // on paper that it would be compiled first. No plan depends on values, as on SQLite: lists of a batch that happen
    // to be shorter than the planner's guess would have their statement planned again each time, which takes four
    // times as long as to run it.
    let planning = [
        ("enable_seqscan", "off"),
        ("jit", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        // Of writes that are one statement, and do not say it themselves.
        ("default_transaction_isolation", "read\\ committed"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let mut said = config.get_options().unwrap_or_default().to_owned();
    for (name, value) in session.into_iter().chain(planning) {
        said.push_str(&format!(" -c {name}={value}"));
    }
    config.options(said.trim());
    if config.get_application_name().is_none() {
        let name = format!("souk-{schema} {}", place.node);
        config.application_name(name.trim_end());
    }
    if config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.tcp_user_timeout(UNACKNOWLEDGED_MAX);
    config.keepalives_idle(UNACKNOWLEDGED_MAX);
    Ok((config, encrypted))
}

/// The same settings for each host by itself: a host that says nothing must not use up the others' time.
fn alone(config: &Config) -> Vec<Config> {
    let hosts = config.get_hosts();
    let addresses = config.get_hostaddrs();
    let count = hosts.len().max(addresses.len());
    let ports = config.get_ports();
    let settings = |index: usize| {
        let mut one = Config::new();
        match hosts.get(index) {
            Some(Host::Tcp(name)) => drop(one.host(name)),
            Some(Host::Unix(path)) => drop(one.host_path(path)),
            None => {}
        }
        if let Some(address) = addresses.get(index) {
            one.hostaddr(*address);
        }
        if let Some(port) = ports.get(index).or_else(|| ports.first()) {
            one.port(*port);
        }
        if let Some(user) = config.get_user() {
            one.user(user);
        }
        if let Some(password) = config.get_password() {
            one.password(password);
        }
        if let Some(name) = config.get_dbname() {
            one.dbname(name);
        }
        one.options(config.get_options().unwrap_or_default())
            .application_name(config.get_application_name().unwrap_or_default())
            .ssl_mode(config.get_ssl_mode())
            .channel_binding(config.get_channel_binding())
            .target_session_attrs(config.get_target_session_attrs())
            .tcp_user_timeout(UNACKNOWLEDGED_MAX)
            .keepalives_idle(UNACKNOWLEDGED_MAX);
        one
    };
    (0..count).map(settings).collect()
}

/// The system's roots, or those in the file that `SSL_CERT_FILE` names.
fn certificates() -> Result<MakeRustlsConnect, StoreError> {
    match MakeRustlsConnect::with_native_certs() {
        Ok((connect, _)) => Ok(connect),
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            let why = format!("no root certificates were found: {}", errors.join(", "));
            Err(StoreError::Other(why.into()))
        }
    }
}

struct Hosts {
    hosts: Vec<Config>,
    patience: Duration,
    tls: Option<MakeRustlsConnect>,
}

type Connected = Result<(Client, JoinHandle<()>), Error>;

impl Connect for Hosts {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Connected> {
        match &self.tls {
            Some(tls) => Box::pin(self.try_all(tls.clone())),
            None => Box::pin(self.try_all(NoTls)),
        }
    }
}

impl Hosts {
    async fn try_all<T>(&self, tls: T) -> Connected
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync + 'static,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let mut failed = None;
        for host in &self.hosts {
            match timeout(self.patience, host.connect(tls.clone())).await {
                Ok(Ok((client, connection))) => {
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "the pool ends this task with its connection"
                    )]
                    let task = tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::warn!(error = %error, "a connection to the database ended");
                        }
                    });
                    return Ok((client, task));
                }
                Ok(Err(error)) => failed = Some(error),
                Err(_) => {}
            }
        }
        match failed {
            Some(error) => Err(error),
            // Nobody said anything: the pool's own time-out, which comes next, says so.
            None => pending().await,
        }
    }
}
