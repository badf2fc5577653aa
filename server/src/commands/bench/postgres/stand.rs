//! A PostgreSQL server of its own with a shop on it, several nodes of it if need be, each a process of its own.

use super::{What, figure::Figure, pgbench::Pgbench};
use crate::{
    args::PostgresArgs,
    commands::{
        bench::{
            check,
            load::{Load, Placed, Ran},
            prepare::{self, Prepared},
        },
        cluster::{
            postgres::{Alone, DATABASE},
            process::{self, Folder, Process, Recipe},
        },
        replay::own_config,
    },
    config::Config,
    ops::Counted,
    shop::{Shop, open_services},
};
use contracts::BoxError;
use futures_util::future::try_join_all;
use std::{net::SocketAddr, ops::Range, path::Path, time::Duration};
use tokio::time::Instant;

/// Beside what every server of ours has: memory for the tables, as everybody gives it.
const MEMORY: &str = "shared_buffers = '512MB'\n";
/// What its promises hang on, and what may matter for speed.
const SHOWN: &str = "fsync synchronous_commit full_page_writes wal_level wal_sync_method commit_delay \
                     shared_buffers max_wal_size checkpoint_timeout autovacuum";
/// More of each product than anybody orders.
const STOCK: u64 = 10_000_000;

pub(super) struct Stand {
    pub(super) server: Alone,
    nodes: Vec<Node>,
    prepared: Prepared,
    /// Everything that was acknowledged.
    placed: Placed,
    /// The next order's number.
    next: u32,
}

struct Node {
    process: Process,
    address: SocketAddr,
    metrics: String,
}

impl Stand {
    pub(super) async fn start(plan: &PostgresArgs, folder: &Folder) -> Result<Self, BoxError> {
        let server = Alone::start(folder, MEMORY).await?;
        let url = server.url(DATABASE);
        let shop = Shop::open(config(&url)?, true).await?;
        let prepared = prepare::goods(&shop, plan.products, STOCK).await?;
        shop.close().await;
        server.sql(DATABASE, "VACUUM ANALYZE").await?;
        Pgbench::copy(&server).await?;
        let mut nodes = Vec::new();
        for number in 1..=plan.nodes {
            nodes.push(Node::start(folder.path(), number, &url).await?);
        }
        Ok(Self {
            server,
            nodes,
            prepared,
            placed: Placed::default(),
            next: 0,
        })
    }

    pub(super) async fn settings(&self) -> Result<String, BoxError> {
        let mut told = vec![self.server.sql("postgres", "SELECT version()").await?];
        for name in SHOWN.split_whitespace() {
            let value = self.server.sql("postgres", &format!("SHOW {name}")).await?;
            told.push(format!("{name} = {value}"));
        }
        Ok(told.join(", "))
    }

    /// Every run begins with a log that is empty.
    pub(super) async fn checkpoint(&self) -> Result<(), BoxError> {
        self.server.sql("postgres", "CHECKPOINT").await.map(drop)
    }

    /// Places orders; every one must be acknowledged.
    pub(super) async fn place(
        &mut self,
        what: What,
        plan: &PostgresArgs,
    ) -> Result<Figure, BoxError> {
        self.checkpoint().await?;
        let products = match what {
            What::Uniform => &self.prepared.products,
            What::Hot | What::Fought => self.prepared.products.get(..1).unwrap_or_default(),
        };
        let nodes = match what {
            What::Uniform | What::Hot => self.nodes.get(..1).unwrap_or_default(),
            What::Fought => &self.nodes,
        };
        let count = u32::try_from(nodes.len())?.max(1);
        let (clients, orders) = (plan.clients.div_ceil(count), plan.orders.div_ceil(count));
        let mut loads: Vec<(Load<'_>, Range<u32>)> = Vec::new();
        for node in nodes {
            let from = self.next;
            self.next = from.saturating_add(orders);
            let load = Load {
                address: node.address,
                token: &self.prepared.token,
                products,
                clients,
                name: what.name(),
            };
            loads.push((load, from..self.next));
        }
        let (counted, before, began) = (counted(nodes).await?, busy(), Instant::now());
        let all = try_join_all(
            loads
                .iter()
                .map(|(load, numbers)| load.run(numbers.clone())),
        )
        .await?;
        let mut ran = Ran {
            elapsed: began.elapsed(),
            ..Ran::default()
        };
        let processor = busy().saturating_sub(before);
        for one in all {
            ran.placed.add(&one.placed);
            ran.times.extend(one.times);
        }
        ran.times.sort_unstable();
        let batches = self::counted(nodes).await?.since(&counted);
        self.placed.add(&ran.placed);
        let clients = clients.saturating_mul(count);
        Ok(Figure::of_shop((what, clients), &ran, batches, processor))
    }

    /// What is there is what was acknowledged, and the books balance.
    pub(super) async fn check(&self) -> Result<(), BoxError> {
        let config = config(&self.server.url(DATABASE))?;
        let (services, _tasks) = open_services(&config, true).await?;
        check(&services, &self.prepared, &self.placed).await
    }

    pub(super) async fn stop(&mut self) {
        for node in &mut self.nodes {
            node.process.stop().await;
        }
        self.server.stop().await;
    }
}

impl Node {
    async fn start(folder: &Path, number: u32, url: &str) -> Result<Self, BoxError> {
        let (port, ops) = (process::free_port()?, process::free_port()?);
        let name = format!("node-{number}");
        let recipe = Recipe {
            log: folder.join(format!("{name}.log")),
            name,
            program: std::env::current_exe()?,
            arguments: vec!["serve".to_owned()],
            settings: vec![
                ("SOUK_DB", url.to_owned()),
                ("SOUK_SHOP__DEMO", "false".to_owned()),
                ("SOUK_LIMITS__ENABLED", "false".to_owned()),
                ("SOUK_HTTP__LISTEN", format!("127.0.0.1:{port}")),
                ("SOUK_HTTP__OPS_LISTEN", format!("127.0.0.1:{ops}")),
            ],
            user: None,
            port,
            ready: Some("/readyz"),
        };
        Ok(Self {
            process: Process::start(recipe).await?,
            address: ([127, 0, 0, 1], port).into(),
            metrics: format!("http://127.0.0.1:{ops}/metrics"),
        })
    }
}

/// What a shop on this database is opened with.
fn config(url: &str) -> Result<Config, BoxError> {
    let mut config = own_config(None)?;
    url.clone_into(&mut config.db);
    config.postgres.migrate = true;
    Ok(config)
}

async fn counted(nodes: &[Node]) -> Result<Counted, BoxError> {
    let mut all = Counted::default();
    for node in nodes {
        let text = reqwest::get(&node.metrics).await?.text().await?;
        all = all.plus(Counted::read(&text));
    }
    Ok(all)
}

/// What all programs of this machine have had of its processors so far; 0 where the system does not tell.
pub(super) fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let all = stat.lines().next().unwrap_or_default().split_whitespace();
    // In ticks of a hundredth of a second: user, nice, system, idle, iowait, irq, softirq (proc(5)).
    let ticks = all.skip(1).take(7).enumerate();
    let ticks = ticks.filter(|(place, _)| ![3, 4].contains(place));
    let ticks = ticks
        .filter_map(|(_, field)| field.parse::<u64>().ok())
        .sum::<u64>();
    Duration::from_millis(ticks.saturating_mul(10))
}
