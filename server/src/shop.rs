//! A running shop: from the data folder to the socket and back. Also for tests and commands that want one of
//! their own within the process.

use crate::{config::Config, data::DataFolder, demo, ops, wiring::Services};
use contracts::{BoxError, values::Timestamp};
use platform::{clock::Clock, http::listen, tasks::Tasks};
use secrecy::SecretString;
use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
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
    ready: Arc<AtomicBool>,
    doors: Tasks,
    work: Tasks,
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
        let public_url = match config.http.public_url.as_str() {
            "" => format!("http://{address}"),
            given => given.trim_end_matches('/').to_owned(),
        };
        let (doors, work) = (Tasks::default(), Tasks::default());
        let services = Services::open(&config, folder.path(), Clock::System, &work).await?;
        let demo_products = if config.shop.demo {
            demo::fill(&*services.catalog).await?
        } else {
            0
        };
        let setup_token = services.identity.setup_token().await?;
        let ready = Arc::new(AtomicBool::new(true));
        let router = services.router(&config, &public_url, Arc::clone(&ready))?;
        services.start(&work);
        let ops_address = match config.http.ops_address()? {
            Some(address) => Some(ops::start(&doors, address).await?),
            None => None,
        };
        listen::start(&doors, listener, router, config.http.connections_max);
        Ok(Self {
            services,
            address,
            ops_address,
            public_url,
            setup_token,
            demo_products,
            config,
            ready,
            doors,
            work,
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
        tokio::select! {
            () = self.doors.stopping().cancelled_owned() => {}
            () = self.work.stopping().cancelled_owned() => {}
        }
        self.doors
            .failure()
            .or_else(|| self.work.failure())
            .unwrap_or_else(|| "the shop was stopped".to_owned())
    }

    /// Closes: no new requests, open ones are finished, then the rest stops. True if nothing had to be cut off.
    pub async fn close(self) -> bool {
        self.ready.store(false, Ordering::Relaxed);
        self.doors.stop();
        let finished = self
            .doors
            .wait(Duration::from_millis(self.config.http.stop_wait_ms))
            .await;
        self.work.stop();
        let stopped = self.work.wait(Duration::from_secs(5)).await;
        drop(self.services);
        finished && stopped
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
    let Some(folder) = config.data_folder() else {
        // The schemas are looked at as they are opened.
        let services = Services::open(config, Path::new(""), Clock::System, &work).await?;
        return Ok((services, work));
    };
    if must_exist && !folder.join("catalog.sqlite").is_file() {
        return Err(format!("there is no shop in {}", folder.display()).into());
    }
    crate::data::make(&folder)?;
    let services = Services::open(config, &folder, Clock::System, &work).await?;
    Ok((services, work))
}

/// The present moment, for commands.
#[must_use]
pub fn now() -> Timestamp {
    Clock::System.now()
}
