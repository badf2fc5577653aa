//! What a cluster consists of, and how each part is started.

use super::{
    postgres::Postgres,
    process::{self, Folder, Process, Recipe},
};
use crate::args::DemoArgs;
use contracts::BoxError;
use std::{net::SocketAddr, path::Path};

/// All parts.
pub(super) struct Parts {
    pub(super) database: Postgres,
    /// NATS, Redis, the nodes, the door.
    pub(super) others: Vec<Process>,
    pub(super) url: String,
}

impl Parts {
    pub(super) async fn start(args: &DemoArgs, folder: &Folder) -> Result<Self, BoxError> {
        // What is missing is said before anything starts.
        let nats = process::find(&["nats-server"], "nats-server")?;
        let redis = process::find(&["valkey-server", "redis-server"], "redis-server")?;
        let souk = std::env::current_exe()?;
        let database = Postgres::start(folder).await?;
        let nats = Process::start(nats_recipe(&nats, folder)?).await?;
        let redis = Process::start(redis_recipe(&redis, folder)?).await?;
        let url = format!("http://{}", args.listen);
        let cluster = Cluster {
            souk: &souk,
            folder,
            settings: vec![
                ("SOUK_DB", database.url()),
                ("SOUK_BUS", format!("nats://{}", nats.address())),
                ("SOUK_CACHE", format!("redis://{}", redis.address())),
                ("SOUK_POSTGRES__MIGRATE", "true".to_owned()),
                ("SOUK_HTTP__PUBLIC_URL", url.clone()),
                (
                    "SOUK_GATEWAY__TRUSTED_PROXIES",
                    "[\"127.0.0.1\"]".to_owned(),
                ),
            ],
        };
        let mut others = vec![nats, redis];
        let mut nodes = Vec::new();
        for number in 1..=args.nodes.max(1) {
            // One after the other: the first makes the schemas and fills in the demo catalog.
            let node = Process::start(cluster.node(number)?).await?;
            nodes.push(format!("\"127.0.0.1:{}\"", node.port()));
            others.push(node);
        }
        others.push(Process::start(cluster.door(args.listen, &nodes)).await?);
        Ok(Self {
            database,
            others,
            url,
        })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Process> {
        let database = [&self.database.primary, &self.database.standby];
        database.into_iter().chain(&self.others)
    }

    /// The door first, the databases last.
    pub(super) async fn stop(&mut self) {
        for process in self.others.iter_mut().rev() {
            process.stop().await;
        }
        self.database.primary.stop().await;
        self.database.standby.stop().await;
    }
}

struct Cluster<'a> {
    souk: &'a Path,
    folder: &'a Folder,
    settings: Vec<(&'static str, String)>,
}

impl Cluster<'_> {
    fn node(&self, number: u32) -> Result<Recipe, BoxError> {
        let name = format!("node-{number}");
        let port = process::free_port()?;
        let mut settings = self.settings.clone();
        settings.push(("SOUK_HTTP__LISTEN", format!("127.0.0.1:{port}")));
        Ok(self.recipe(name, port, settings))
    }

    fn door(&self, listen: SocketAddr, nodes: &[String]) -> Recipe {
        let nodes = format!("[{}]", nodes.join(", "));
        let settings = vec![
            ("SOUK_HTTP__LISTEN", listen.to_string()),
            ("SOUK_GATEWAY__UPSTREAM__NODES", nodes),
            ("SOUK_TARGET", "gateway".to_owned()),
        ];
        self.recipe("door".to_owned(), listen.port(), settings)
    }

    fn recipe(&self, name: String, port: u16, settings: Vec<(&'static str, String)>) -> Recipe {
        Recipe {
            log: self.folder.path().join(format!("{name}.log")),
            name,
            program: self.souk.to_owned(),
            arguments: vec!["serve".to_owned()],
            settings,
            user: None,
            port,
            ready: Some("/readyz"),
        }
    }
}

fn nats_recipe(program: &Path, folder: &Folder) -> Result<Recipe, BoxError> {
    let port = process::free_port()?;
    let store = folder.path().join("nats");
    Ok(Recipe {
        name: "nats".to_owned(),
        program: program.to_owned(),
        arguments: [
            "-a",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-js",
            "-sd",
            &store.to_string_lossy(),
        ]
        .map(str::to_owned)
        .into(),
        settings: Vec::new(),
        user: None,
        port,
        ready: None,
        log: folder.path().join("nats.log"),
    })
}

fn redis_recipe(program: &Path, folder: &Folder) -> Result<Recipe, BoxError> {
    let port = process::free_port()?;
    Ok(Recipe {
        name: "redis".to_owned(),
        program: program.to_owned(),
        arguments: [
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        .map(str::to_owned)
        .into(),
        settings: Vec::new(),
        user: None,
        port,
        ready: None,
        log: folder.path().join("redis.log"),
    })
}
