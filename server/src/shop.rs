//! A running shop: from the data folder to the socket and back. Also for tests and commands that want one of
//! their own within the process.

use crate::{
    config::{Again, Config},
    data::{self, DataFolder},
    demo,
    entrance::{self, Entrance, Opened},
    life::Life,
    ops,
    target::Target,
    told, watch,
    wiring::Services,
};
use contracts::{BoxError, values::Timestamp};
use platform::{
    clock::Clock,
    http::{Readiness, listen, tls::nodes::Nodes},
    mail::MailerKind,
    tasks::Tasks,
    telemetry::LogFormat,
};
use secrecy::SecretString;
use std::{net::SocketAddr, path::Path};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A shop that answers.
pub struct Shop {
    /// The services, for commands within the process.
    pub services: Services,
    /// Where it listens: for everybody, or for the other nodes if the door is elsewhere.
    pub address: SocketAddr,
    /// Where the other nodes ask it, if they do.
    pub internal_address: Option<SocketAddr>,
    /// Where its metrics are, if they are served.
    pub ops_address: Option<SocketAddr>,
    /// Where it is seen from outside.
    pub public_url: String,
    /// Makes the first admin, while there is none.
    pub setup_token: Option<SecretString>,
    /// Products that came with the demo catalog, if it was filled in just now.
    pub demo_products: usize,
    /// The door's sockets, if the door is here.
    pub(crate) entrance: Opened,
    config: Config,
    life: Life,
    // Last: the folder is unlocked (or removed) when all else is closed. A part that keeps nothing has none.
    folder: Option<DataFolder>,
}

impl Shop {
    /// Opens a shop in the configured folder, or in a temporary one.
    ///
    /// # Errors
    /// When the folder is in use, the address is taken, or a store cannot be opened.
    pub async fn open(mut config: Config, ephemeral: bool) -> Result<Self, BoxError> {
        let folder = folder_of(&config, ephemeral)?;
        let door = match config.target.has(Target::Gateway) {
            true => Some(Entrance::take(&config.http).await?),
            false => None,
        };
        let internal = bind(config.internal_address()?).await?;
        let internal_address = internal.as_ref().map(TcpListener::local_addr);
        let internal_address = internal_address.transpose()?;
        let address = door.as_ref().map(Entrance::address).transpose()?;
        let address = address.or(internal_address);
        let address = address.ok_or("the configuration names no address to listen on")?;
        let public_url = config.public_url(address);
        // Known only now if the port was free to choose; links in mails lead there.
        config.http.public_url.clone_from(&public_url);
        let life = Life::new(Readiness::new(config.readiness));
        let work = &life.work;
        let path = folder.as_ref().map(DataFolder::path);
        // On the heap: a future of this size would be copied about by whoever opens a shop.
        let here = (path, Some(address.port()));
        let services = Box::pin(Services::open(&config, here, Clock::System, work)).await?;
        let demo_products = if config.shop.demo && services.has_catalog() {
            demo::fill(&*services.catalog).await?
        } else {
            0
        };
        let setup_token = match services.near_identity() {
            Ok(identity) => identity.setup_token().await?,
            Err(_) => None,
        };
        services.watch(&life.readiness);
        life.readiness.look().await;
        life.readiness.start(work);
        services.start(work);
        let ops_address = config.http.ops_address()?;
        if ops_address.is_some() || config.log == LogFormat::Emf {
            watch::start(&services, &config, work);
        }
        told::start_if_asked(config.log, work);
        let settings = (&config, &services.settings);
        let ops_address = match ops_address {
            Some(address) => Some(ops::start(&life, address, settings, services.pools()).await?),
            None => None,
        };
        let entrance = match door {
            Some(entrance) => {
                let (router, lane) = services.router(&config, &public_url, &life.readiness)?;
                entrance.open(&life, (router, Some(lane)), &config.http, &public_url)?
            }
            None => Opened::default(),
        };
        let nodes = services.tls_between_nodes().cloned();
        if let Some(listener) = internal {
            let router = services.internal_router(&config, &public_url, &life.readiness)?;
            let manner = between_nodes(&config, nodes.as_ref());
            listen::start(&life.doors, listener, router, manner);
        }
        Ok(Self {
            services,
            address,
            internal_address,
            ops_address,
            public_url,
            setup_token,
            demo_products,
            entrance: entrance.beside(nodes),
            config,
            life,
            folder,
        })
    }

    /// The database on a server that everything is kept in, for people to read; none where that is the folder.
    #[must_use]
    pub fn server(&self) -> Option<String> {
        let is_shared = self.config.database_is_shared();
        is_shared.then(|| self.config.shown_database())
    }

    /// Whether mails are written into the folder though nothing else is kept there, and it goes with this shop.
    #[must_use]
    pub fn loses_mails(&self) -> bool {
        let mail = &self.config.mail;
        self.server().is_some() && mail.mailer == MailerKind::File && mail.folder.is_empty()
    }

    /// The folder everything is kept in, if anything is.
    #[must_use]
    pub fn data_folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(DataFolder::path)
    }

    /// Whether the shop's door is here, for everybody.
    #[must_use]
    pub fn has_door(&self) -> bool {
        self.config.target.has(Target::Gateway)
    }

    /// Begins something that goes on beside the shop until it stops.
    pub(crate) fn beside<F, W>(&self, name: &'static str, work: W)
    where
        W: FnOnce(CancellationToken) -> F,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.life.work.start(name, work);
    }

    /// How it is set.
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// Goes on with these settings, which differ from its own in nothing but what may change while it is open.
    pub(crate) fn take(&mut self, again: Again) {
        self.services.limits.change(&again.config.limits);
        self.services.settings.change(again.shown);
        self.config = again.config;
    }

    /// Ends when a part of the shop has failed, and says which.
    pub async fn failed(&self) -> String {
        self.life.failed().await
    }

    /// Closes: says so to whoever asks `/readyz`, goes on until they had time to hear it, takes no new requests,
    /// finishes the open ones, then stops the rest. True if nothing had to be cut off.
    pub async fn close(self) -> bool {
        let ended = self.life.end(&self.config.http).await;
        drop(self.services);
        ended
    }
}

/// How the other nodes are served.
fn between_nodes(config: &Config, nodes: Option<&Nodes>) -> listen::Manner {
    // They are few, and trusted.
    let room = listen::Room::for_any(config.http.connections_max);
    let greeter = nodes.and_then(Nodes::door).cloned();
    listen::Manner {
        // Whoever speaks without TLS is told nothing.
        tls: greeter.map(|greeter| (greeter, None)),
        ..config.http.plainly(room)
    }
}

/// The folder of what is kept here; a part of the shop that keeps nothing needs none.
fn folder_of(config: &Config, ephemeral: bool) -> Result<Option<DataFolder>, BoxError> {
    if config.target.services().next().is_none() {
        return Ok(None);
    }
    match config.data_folder() {
        Some(path) if !ephemeral => DataFolder::open(path, false).map(Some),
        Some(_) | None => DataFolder::temporary().map(Some),
    }
}

async fn bind(address: Option<SocketAddr>) -> Result<Option<TcpListener>, BoxError> {
    match address {
        Some(address) => Ok(Some(entrance::bind(address).await?)),
        None => Ok(None),
    }
}

/// Opens the services of a folder for a command, without a door. The shop itself may be running on it.
///
/// # Errors
/// When there is no shop in the folder, or a store cannot be opened.
pub async fn open_services(
    config: &Config,
    must_exist: bool,
) -> Result<(Services, Tasks), BoxError> {
    let work = Tasks::default();
    let keeps = config.target.services().next().is_some();
    let folder = config.data_folder().filter(|_| keeps);
    if let Some(folder) = &folder {
        // Whoever is in the wrong folder would change, or find in order, a shop that nobody has.
        if must_exist && !data::has_a_shop(folder, &config.target) {
            return Err(format!("there is no shop in {}", folder.display()).into());
        }
        data::make(folder)?;
    }
    let config = config.for_a_command();
    // Schemas on a server are looked at as they are opened.
    let services = Services::open(&config, (folder.as_deref(), None), Clock::System, &work);
    let services = Box::pin(services).await?;
    Ok((services, work))
}

/// The present moment, for commands.
#[must_use]
pub fn now() -> Timestamp {
    Clock::System.now()
}
