//! TLS between the nodes of a shop: what a node shows to those who ask it, and whom it believes when it asks. Nodes are
//! found by addresses, so the name in their certificates is a fixed one. Without TLS nothing is said once it is
//! configured; who may ask what is not decided here.

use super::{
    Ends, Files, Place, Tls,
    ends::{between_nodes, server_name},
    keeper::{self, Keeper},
};
use crate::{config::ConfigError, tasks::Tasks};
use contracts::BoxError;
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};

/// Every key of the section `[internal.tls]`, with its default.
pub const DEFAULTS: &str = include_str!("nodes.toml");

/// Failures are told no more often than this: an instance is asked every second how it is.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The section `[internal.tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Who signs the nodes' certificates, as PEM; empty: no TLS.
    pub authorities_file: String,
    /// The certificate and those it rests on, as PEM.
    pub certificate_file: String,
    /// Its key, as PEM.
    pub key_file: String,
    /// The name in every node's certificate.
    pub name: String,
    /// Whether whoever asks must show a certificate.
    pub client_certificates: bool,
    /// How often the files are looked at.
    pub look_every_ms: u64,
    /// How long a handshake may take.
    pub handshake_timeout_ms: u64,
    /// Handshakes of those who come under way at a time.
    pub handshakes_max: u32,
}

impl Options {
    /// Whether nodes speak TLS.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !self.authorities_file.is_empty()
    }

    /// Settings that cannot work, in a node that other nodes ask or do not; no file is read.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self, is_asked: bool) -> Result<(), ConfigError> {
        let invalid = |text: &str| Err(ConfigError::Invalid(format!("internal.tls{text}")));
        if self.certificate_file.is_empty() != self.key_file.is_empty() {
            return invalid(
                ": certificate_file and key_file belong together; one of them is missing",
            );
        }
        if !self.is_on() && !self.certificate_file.is_empty() {
            return invalid(
                ".authorities_file: name who signs the nodes' certificates; without it nodes would speak without TLS",
            );
        }
        if !self.is_on() && self.client_certificates {
            return invalid(".client_certificates: there is no TLS to show them in");
        }
        if self.is_on() && is_asked && self.certificate_file.is_empty() {
            return invalid(
                ".certificate_file: other nodes ask this one at http.internal_listen; it needs one",
            );
        }
        if let Err(why) = server_name(&self.name) {
            return invalid(&format!(".{why}"));
        }
        let bounds = [
            (self.look_every_ms, "look_every_ms"),
            (self.handshake_timeout_ms, "handshake_timeout_ms"),
            (self.handshakes_max.into(), "handshakes_max"),
        ];
        match bounds.iter().find(|(bound, _)| *bound == 0) {
            Some((_, key)) => invalid(&format!(".{key}: must be at least 1")),
            None => Ok(()),
        }
    }

    fn files(&self) -> Files {
        Files {
            place: Place::Nodes,
            certificate: self.certificate_file.clone(),
            key: self.key_file.clone(),
            authorities: self.authorities_file.clone(),
            name: self.name.clone(),
            asks_for_one: self.client_certificates,
            look_every_ms: self.look_every_ms,
        }
    }
}

/// What a node shows, and whom it believes. Clones share both.
#[derive(Clone)]
pub struct Nodes {
    keeper: Arc<Keeper>,
    door: Option<Tls>,
    way: Way,
}

impl Nodes {
    /// Reads the files; none where nodes speak without TLS.
    ///
    /// # Errors
    /// One line that names what cannot be used, and why.
    pub fn open(options: &Options) -> Result<Option<Self>, ConfigError> {
        if !options.is_on() {
            return Ok(None);
        }
        let invalid = |why| ConfigError::Invalid(format!("internal.tls.{why}"));
        let name = server_name(&options.name).map_err(invalid)?;
        let keeper = Arc::new(Keeper::open(options.files(), between_nodes)?);
        let patience = Duration::from_millis(options.handshake_timeout_ms);
        let shows_one = !options.certificate_file.is_empty();
        let door = shows_one.then(|| {
            // The other nodes are few, and trusted.
            let bounds = (options.handshakes_max, options.handshakes_max);
            Tls::of(Arc::clone(&keeper), patience, bounds)
        });
        Ok(Some(Self {
            way: Way {
                keeper: Arc::clone(&keeper),
                name,
                patience,
                told: Arc::default(),
            },
            keeper,
            door,
        }))
    }

    /// Looks at the files now and then, and when it is told to, until the tasks stop.
    pub fn keep(&self, tasks: &Tasks) {
        let keeper = Arc::clone(&self.keeper);
        tasks.start("internal-tls", |stop| keeper::keep(keeper, stop));
    }

    /// Reads the files again, soon.
    pub fn read_again(&self) {
        self.keeper.read_again();
    }

    /// For those who come, if there is a certificate to show them.
    #[must_use]
    pub const fn door(&self) -> Option<&Tls> {
        self.door.as_ref()
    }

    /// For those who are asked.
    #[must_use]
    pub const fn way(&self) -> &Way {
        &self.way
    }
}

/// How a node speaks with another that it asks. Clones share it.
#[derive(Clone)]
pub struct Way {
    keeper: Arc<Keeper>,
    name: ServerName<'static>,
    patience: Duration,
    /// When a failure was told last.
    told: Arc<Mutex<Option<Instant>>>,
}

impl Way {
    /// The handshake on a connection. An error says that nothing was asked yet.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, BoxError> {
        let there = stream.peer_addr()?;
        let Ends { client, .. } = self.keeper.ends();
        let client = client.ok_or("there is nobody to believe")?;
        let greeting = TlsConnector::from(client).connect(self.name.clone(), stream);
        let failure: BoxError = match timeout(self.patience, greeting).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error.into(),
            Err(late) => late.into(),
        };
        if self.may_tell() {
            tracing::warn!(
                instance.address = %there, error = %failure,
                "a node is not believed, or does not speak TLS: nothing is asked of it"
            );
        }
        Err(failure)
    }

    fn may_tell(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| told.elapsed() < TOLD_EVERY) {
            return false;
        }
        *told = Some(Instant::now());
        true
    }
}
