//! A whole cluster of real processes: PostgreSQL with a synchronous standby, NATS, Redis, three nodes and our door,
//! with a way that can be broken between any two that talk to each other. It does nothing by itself but start and end.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};
use testkit::{Client, Folder, Link, Nats, Pair, Redis, Running, Weather};

const NODES: usize = 3;
const DATABASE: &str = "souk";
/// Where orders are taxed.
pub(crate) const TAX_COUNTRY: &str = "DE";
/// Longer than anything takes that is waited for here, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What every process is told: short times, so that a run sees the end of all waits; cheap passwords, for there are
/// many people; limits that are counted, and never reached.
const SETTINGS: [(&str, &str); 23] = [
    ("SOUK_LOG_LEVEL", "warn"),
    ("SOUK_SHOP__DEMO", "false"),
    ("SOUK_POSTGRES__MIGRATE", "true"),
    ("SOUK_GATEWAY__TRUSTED_PROXIES", "[\"127.0.0.1\"]"),
    ("SOUK_HTTP__SHUTDOWN_DELAY_MS", "2000"),
    ("SOUK_IDENTITY__ARGON2_MEMORY_KIB", "64"),
    ("SOUK_IDENTITY__ARGON2_PASSES", "1"),
    ("SOUK_LIMITS__SHARING__NODES", "3"),
    ("SOUK_LIMITS__DEFAULT__UNITS", "1000000"),
    ("SOUK_LIMITS__CHECKOUT__UNITS", "1000000"),
    ("SOUK_LIMITS__LOGIN__UNITS", "1000000"),
    ("SOUK_LIMITS__LOGIN_NETWORK__UNITS", "1000000"),
    ("SOUK_LIMITS__LOGIN_ALL__UNITS", "1000000"),
    ("SOUK_ORDERS__PAYMENT_WINDOW_SECONDS", "8"),
    ("SOUK_ORDERS__TAX", "added"),
    ("SOUK_ORDERS__TAX_COUNTRY", TAX_COUNTRY),
    ("SOUK_ORDERS__ORPHAN_GRACE_SECONDS", "3"),
    ("SOUK_PAYMENTS__CHALLENGE_SECONDS", "6"),
    ("SOUK_PAYMENTS__PROVIDER_TIMEOUT_MS", "3000"),
    ("SOUK_PAYMENTS__SANDBOX_SLOW_MS", "500"),
    ("SOUK_PAYMENTS__RECONCILE_EVERY_SECONDS", "7"),
    ("SOUK_NATS__RETRY_WAIT_MS", "[500, 1000, 2000, 4000]"),
    ("SOUK_BALANCE__PROBE__EVERY_MS", "500"),
];

/// A cluster that goes with this.
pub(crate) struct Cluster {
    pub(crate) database: Pair,
    pub(crate) broker: Nats,
    pub(crate) cache: Redis,
    pub(crate) nodes: Vec<Node>,
    /// Where its door is.
    pub(crate) url: String,
    pub(crate) folder: Folder,
    /// The database's address without any ways in between, for commands.
    pub(crate) database_url: String,
    _door: Running,
}

/// A node and the ways from it, and to it.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) ways: Ways,
    process: Running,
    recipe: Recipe,
}

/// The ways of a node.
pub(crate) struct Ways {
    pub(crate) database: [Link; 2],
    pub(crate) broker: Link,
    pub(crate) cache: Link,
    pub(crate) door: Link,
}

/// How a process is started, now and again.
struct Recipe {
    settings: Vec<(String, String)>,
    log: String,
}

impl Cluster {
    /// Starts all of it; `None` only where servers may be missing, which was said then.
    pub(crate) async fn start(binary: &Path) -> Option<Self> {
        let (database, broker, cache) = (Pair::start()?, Nats::start().await?, Redis::start()?);
        database.sql("postgres", &format!("CREATE DATABASE {DATABASE}"));
        let folder = Folder::default();
        let mut nodes: Vec<Node> = Vec::new();
        for number in 1..=NODES {
            // One after the other: the first makes the schemas.
            let node = Node::start(number, binary, &folder, (&database, &broker, &cache)).await;
            nodes.push(node);
        }
        let address = free_address();
        let ways = nodes
            .iter()
            .map(|node| format!("\"{}\"", node.ways.door.address()));
        let mut settings = common();
        settings.extend(named(&[
            ("SOUK_TARGET", "gateway"),
            (
                "SOUK_GATEWAY__UPSTREAM__NODES",
                &format!("[{}]", ways.collect::<Vec<_>>().join(", ")),
            ),
        ]));
        let recipe = Recipe {
            settings,
            log: folder.at("door.log"),
        };
        let door = recipe.start(binary, address).await;
        let cluster = Self {
            database_url: Pair::url(database.ports(), DATABASE),
            database,
            broker,
            cache,
            nodes,
            url: format!("http://{address}"),
            folder,
            _door: door,
        };
        cluster.is_ready().await;
        Some(cluster)
    }

    /// Waits until every node and the door say that they are ready.
    pub(crate) async fn is_ready(&self) {
        let nodes = self
            .nodes
            .iter()
            .map(|node| format!("http://{}", node.address));
        for url in nodes.chain([self.url.clone()]) {
            ready(&url).await;
        }
    }

    /// Everything passes everywhere again.
    pub(crate) fn clear(&self) {
        for way in self.nodes.iter().flat_map(|node| node.ways.all()) {
            way.turn(Weather::Clear);
        }
    }

    /// Runs a command of the shop beside it.
    pub(crate) async fn souk(&self, words: &[&str], input: &str) -> testkit::Said {
        testkit::run_with(words, &[("SOUK_DB", &self.database_url)], input).await
    }

    /// What every node and the door said in their logs: the first errors and the last lines of each.
    pub(crate) fn last_words(&self) -> String {
        let names = self.nodes.iter().map(|node| node.name.as_str());
        let logs = names.chain(["door"]).map(|name| {
            let text = std::fs::read_to_string(self.folder.at(&format!("{name}.log")));
            let text = text.unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let (before, last) = lines.split_at(lines.len().saturating_sub(5));
            let errors = before.iter().filter(|line| line.contains("ERROR"));
            let said: Vec<&str> = errors.take(10).chain(last).copied().collect();
            format!("{name}:\n{}\n", said.join("\n"))
        });
        logs.collect()
    }
}

impl Node {
    async fn start(
        number: usize,
        binary: &Path,
        folder: &Folder,
        (database, broker, cache): (&Pair, &Nats, &Redis),
    ) -> Self {
        let name = format!("node-{number}");
        let address = free_address();
        let [one, two] = database.ports();
        let ways = Ways {
            database: [to(one).await, to(two).await],
            broker: to(port_of(&broker.url())).await,
            cache: to(port_of(&cache.url())).await,
            door: Link::to(address).await,
        };
        let ports = ways.database.each_ref().map(|way| way.address().port());
        let mut settings = common();
        settings.extend(named(&[
            ("SOUK_DB", &Pair::url(ports, DATABASE)),
            ("SOUK_BUS", &format!("nats://{}", ways.broker.address())),
            ("SOUK_CACHE", &format!("redis://{}", ways.cache.address())),
        ]));
        let recipe = Recipe {
            settings,
            log: folder.at(&format!("{name}.log")),
        };
        Self {
            process: recipe.start(binary, address).await,
            name,
            address,
            ways,
            recipe,
        }
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub(crate) async fn stop(&mut self) {
        assert!(self.process.stop().await, "nothing had to be cut off");
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) async fn signal(&self, name: &str) {
        self.process.signal(name).await;
    }

    /// Starts it at the same address, and waits until it is ready.
    pub(crate) async fn start_again(&mut self, binary: &Path) {
        self.process = self.recipe.start(binary, self.address).await;
        ready(&format!("http://{}", self.address)).await;
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }
}

impl Ways {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Link> {
        let others = [&self.broker, &self.cache, &self.door];
        self.database.iter().chain(others)
    }
}

impl Recipe {
    async fn start(&self, binary: &Path, address: SocketAddr) -> Running {
        let arguments = ["serve", "--listen", &address.to_string()];
        let settings: Vec<(&str, &str)> = self
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let log = Path::new(&self.log);
        let mut process = Running::start_logged(binary, &arguments, &settings, log);
        process.after("listening on ").await;
        process
    }
}

fn common() -> Vec<(String, String)> {
    named(&SETTINGS)
}

fn named(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    settings.iter().map(owned).collect()
}

async fn to(port: u16) -> Link {
    Link::to(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().parse().unwrap()
}

/// An address that nobody listens at just now.
fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

async fn ready(url: &str) {
    let http = Client::new(url);
    until(&format!("{url} is ready"), || async {
        let answer = http
            .try_send(http.request(reqwest::Method::GET, "/readyz"))
            .await;
        answer.is_ok_and(|answer| answer.status == 200)
    })
    .await;
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(came.is_ok(), "it never came to it: {what}");
}
