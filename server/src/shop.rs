//! A running shop: from the data folder to the socket and back. Also for tests and commands that want one of
//! their own within the process.

use crate::{config::Config, data::DataFolder, demo, life::Life, ops, wiring::Services};
use contracts::{BoxError, values::Timestamp};
use platform::{
    balance::Pools,
    clock::Clock,
    http::{Readiness, listen},
    tasks::Tasks,
};
use secrecy::SecretString;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio::net::TcpListener;

/// A shop that answers.
pub struct Shop {
    /// The services, for commands within the process.
    pub services: Services,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its metrics are, if they are served.
    pub ops_address: Option<SocketAddr>,
    /// Where it is seen from outside.
    pub public_url: String,
    /// Makes the first admin, while there is none.
    pub setup_token: Option<SecretString>,
    /// Products that came with the demo catalog, if it was filled in just now.
    pub demo_products: usize,
    config: Config,
    life: Life,
    // Last: the folder is unlocked (or removed) when all else is closed.
    folder: DataFolder,
}

impl Shop {
    /// Opens a shop in the configured folder, or in a temporary one.
    ///
    /// # Errors
    /// When the folder is in use, the address is taken, or a store cannot be opened.
    pub async fn open(config: Config, ephemeral: bool) -> Result<Self, BoxError> {
        let folder = match config.data_folder() {
            Some(path) if !ephemeral => DataFolder::open(path, false)?,
            Some(_) | None => DataFolder::temporary()?,
        };
        let listener = TcpListener::bind(config.http.listen)
            .await
            .map_err(|error| format!("{} cannot be listened on: {error}", config.http.listen))?;
        let address = listener.local_addr()?;
        let public_url = config.public_url(address);
        let life = Life::new(Readiness::new(config.readiness));
        let work = &life.work;
        let services = Services::open(&config, folder.path(), Clock::System, work).await?;
        let demo_products = if config.shop.demo {
            demo::fill(&*services.catalog).await?
        } else {
            0
        };
        let setup_token = services.identity.setup_token().await?;
        services.watch(&life.readiness);
        life.readiness.look().await;
        life.readiness.start(work);
        let router = services.router(&config, &public_url, &life.readiness)?;
        services.start(work);
        let ops_address = match config.http.ops_address()? {
            Some(address) => Some(ops::start(&life, address, &Pools::default()).await?),
            None => None,
        };
        listen::start(&life.doors, listener, router, config.http.connections_max);
        Ok(Self {
            services,
            address,
            ops_address,
            public_url,
            setup_token,
            demo_products,
            config,
            life,
            folder,
        })
    }

    /// The folder everything is kept in.
    #[must_use]
    pub fn data_folder(&self) -> &Path {
        self.folder.path()
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

/// Opens the services of a folder for a command, without a door. The shop itself may be running on it.
///
/// # Errors
/// When there is no shop in the folder, or a store cannot be opened.
pub async fn open_services(
    config: &Config,
    must_exist: bool,
) -> Result<(Services, Tasks), BoxError> {
    let folder: PathBuf = config
        .data_folder()
        .ok_or("the configuration names no data folder")?;
    if must_exist && !folder.join("catalog.sqlite").is_file() {
        return Err(format!("there is no shop in {}", folder.display()).into());
    }
    crate::data::make(&folder)?;
    let work = Tasks::default();
    let services = Services::open(config, &folder, Clock::System, &work).await?;
    Ok((services, work))
}

/// The present moment, for commands.
#[must_use]
pub fn now() -> Timestamp {
    Clock::System.now()
}
