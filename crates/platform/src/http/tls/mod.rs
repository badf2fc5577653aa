//! TLS at our own door: greets whoever comes, within bounds, and hands on a stream that is encrypted. Certificates are
//! exchanged while the shop is open; no connection ends because of it, and a pair that cannot be used changes nothing.
//! It makes no certificates, and never logs a key.

pub mod ask;
mod counts;
mod elsewhere;
mod ends;
mod keeper;
pub mod nodes;
mod pair;
mod strict;

pub use counts::register as register_metrics;
pub use elsewhere::elsewhere;
pub use strict::{policy, strict};

use super::{patience::Patient, places::Places};
use crate::{config::ConfigError, tasks::Tasks};
use contracts::BoxError;
use counts::Ended;
use ends::{Ends, Files, Place};
use keeper::Keeper;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpStream, sync::Semaphore, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Every key of the section `[http.tls]`, with its default.
pub const DEFAULTS: &str = include_str!("tls.toml");

/// What a client that speaks TLS says first.
const HANDSHAKE: u8 = 0x16;

/// The section `[http.tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The certificate and those it rests on, as PEM; empty: no TLS.
    pub certificate_file: String,
    /// Its key, as PEM.
    pub key_file: String,
    /// How often the files are looked at.
    pub look_every_ms: u64,
    /// How long a handshake may take.
    pub handshake_timeout_ms: u64,
    /// Handshakes under way at a time.
    pub handshakes_max: u32,
    /// Of these, from one address.
    pub handshakes_per_address_max: u32,
    /// Address and port where everybody is only sent here, if any.
    pub redirect_listen: String,
}

impl Options {
    /// Whether the door speaks TLS.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.certificate_file.is_empty()
    }

    /// Settings that cannot work; no file is read.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let invalid = |text: &str| Err(ConfigError::Invalid(text.to_owned()));
        if self.certificate_file.is_empty() != self.key_file.is_empty() {
            return invalid(
                "http.tls: certificate_file and key_file belong together; one of them is missing",
            );
        }
        let bounds = [
            (self.look_every_ms, "look_every_ms"),
            (self.handshake_timeout_ms, "handshake_timeout_ms"),
            (self.handshakes_max.into(), "handshakes_max"),
            (
                self.handshakes_per_address_max.into(),
                "handshakes_per_address_max",
            ),
        ];
        if let Some((_, key)) = bounds.iter().find(|(bound, _)| *bound == 0) {
            return Err(ConfigError::Invalid(format!(
                "http.tls.{key}: must be at least 1"
            )));
        }
        if self.redirect_address()?.is_some() && !self.is_on() {
            return invalid("http.tls.redirect_listen: there is no TLS to be sent to");
        }
        Ok(())
    }

    /// Where everybody is only sent to the door, if anywhere.
    ///
    /// # Errors
    /// When the text is no address and port.
    pub fn redirect_address(&self) -> Result<Option<SocketAddr>, ConfigError> {
        match self.redirect_listen.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ConfigError::Invalid(format!(
                    "http.tls.redirect_listen: \"{text}\" must be ADDRESS:PORT"
                ))
            }),
        }
    }
}

/// The certificate of a door, and how it greets. Clones share both.
#[derive(Clone)]
pub struct Tls {
    keeper: Arc<Keeper>,
    patience: Duration,
    permits: Arc<Semaphore>,
    places: Places,
}

impl Tls {
    /// Reads the pair; none where the door speaks no TLS.
    ///
    /// # Errors
    /// One line that names what cannot be used, and why.
    pub fn open(options: &Options) -> Result<Option<Self>, ConfigError> {
        if !options.is_on() {
            return Ok(None);
        }
        let files = Files {
            place: Place::Door,
            certificate: options.certificate_file.clone(),
            key: options.key_file.clone(),
            authorities: String::new(),
            name: String::new(),
            asks_for_one: false,
            look_every_ms: options.look_every_ms,
        };
        let keeper = Arc::new(Keeper::open(files, ends::at_the_door)?);
        let patience = Duration::from_millis(options.handshake_timeout_ms);
        let bounds = (options.handshakes_max, options.handshakes_per_address_max);
        Ok(Some(Self::of(keeper, patience, bounds)))
    }

    /// Shows what is kept there, within bounds: so many handshakes in all, so many of an address.
    fn of(keeper: Arc<Keeper>, patience: Duration, (most, of_one): (u32, u32)) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self {
            keeper,
            patience,
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            places: Places::new(of_one),
        }
    }

    /// Looks at the files now and then, and when it is told to, until the tasks stop.
    pub fn keep(&self, tasks: &Tasks) {
        let keeper = Arc::clone(&self.keeper);
        tasks.start("tls", |stop| keeper::keep(keeper, stop));
    }

    /// Reads the pair again, soon.
    pub fn read_again(&self) {
        self.keeper.read_again();
    }

    /// The handshake; an error says that it did not come to its end.
    pub(super) async fn greet(
        &self,
        stream: Patient<TcpStream>,
        from: IpAddr,
    ) -> Result<TlsStream<Patient<TcpStream>>, BoxError> {
        let place = self.keeper.files().place;
        let (Some(_place), Ok(_permit)) = (self.places.take(from), self.permits.try_acquire())
        else {
            counts::ended(place, Ended::Full);
            return Err("too many handshakes are under way".into());
        };
        let Ends { server, .. } = self.keeper.ends();
        let server = server.ok_or("there is no certificate to show")?;
        match timeout(self.patience, TlsAcceptor::from(server).accept(stream)).await {
            Ok(Ok(stream)) => {
                counts::ended(place, Ended::Done);
                Ok(stream)
            }
            Ok(Err(error)) => {
                counts::ended(place, Ended::Failed);
                Err(error.into())
            }
            Err(late) => {
                counts::ended(place, Ended::Late);
                Err(late.into())
            }
        }
    }

    /// Whether somebody speaks plain HTTP where TLS is spoken: they are told so in words that they understand.
    pub(super) async fn is_plain(&self, stream: &TcpStream) -> Result<bool, BoxError> {
        let mut first = [0];
        let count = timeout(self.patience, stream.peek(&mut first)).await??;
        if count == 0 {
            return Err("nothing was said".into());
        }
        Ok(first != [HANDSHAKE])
    }
}
