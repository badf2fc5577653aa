//! How many statements work costs a shop: told by its database, or, where that is a file, by a shop that writes them
//! down for tests. What a shop does by the clock is learned first and left out; so that it is little, and nothing of it
//! is what requests ask as well, a shop that is counted does hardly anything by itself.

use crate::statements::EUROS;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    path::PathBuf,
    time::Duration,
};
use testkit::{Client, Folder, Shop, postgres::Postgres};

/// Asked so often, so that what runs beside it by the clock is not counted along.
pub(crate) const TIMES: u64 = 5;
/// Longer than from one of what is left by the clock to the next.
const ROUND: Duration = Duration::from_secs(3);
/// A shop whose rounds still bring something new after so many is no quiet shop.
const ROUNDS_MAX: usize = 10;
/// How statements begin that are counted; others begin and end transactions, or tell of a trigger.
const COUNTED: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];

/// What makes a shop do as little as can be by the clock: sweeps, mails, webhooks, looking after others.
pub(crate) const QUIET: [(&str, &str); 6] = [
    ("SOUK_WEBHOOKS__LOOK_EVERY_MS", "60000"),
    ("SOUK_MAIL__POLL_MS", "60000"),
    ("SOUK_ORDERS__SWEEP_EVERY_MS", "3600000"),
    ("SOUK_PAYMENTS__SWEEP_EVERY_MS", "3600000"),
    ("SOUK_PAYMENTS__RECONCILE_EVERY_SECONDS", "3600"),
    ("SOUK_READINESS__EVERY_MS", "3600000"),
];

/// Whoever knows what was asked.
enum Told {
    /// A server, of one of its databases and users.
    Server {
        server: Postgres,
        name: String,
        user: String,
    },
    /// A file with a line for each.
    File { path: PathBuf, _folder: Folder },
}

/// A shop whose statements are counted.
pub(crate) struct Counted {
    told: Told,
    /// What runs by the clock.
    idle: BTreeSet<String>,
}

impl Counted {
    /// What whoever comes by this address asks.
    pub(crate) fn of_server(server: Postgres, database: &str) -> Self {
        server.sql("postgres", "CREATE EXTENSION pg_stat_statements");
        let (user, place) = of_whom(database);
        let name = place.rsplit('/').next().unwrap_or_default().to_owned();
        let user = user.to_owned();
        Self::of(Told::Server { server, name, user })
    }

    /// A shop on files with these settings, and what it asks of them.
    pub(crate) async fn on_files(settings: &[(&str, &str)]) -> (Shop, Self) {
        let folder = Folder::default();
        let path = folder.write("statements", "");
        let own = [
            ("SOUK_STATEMENTS_FILE", path.as_str()),
            // They go by and by, and read the orders that they tell of.
            ("SOUK_ORDERS__MAILS__KINDS", "[]"),
            EUROS,
        ];
        let shop = Shop::breakable(&[&QUIET[..], &own, settings].concat()).await;
        let told = Told::File {
            path: path.into(),
            _folder: folder,
        };
        (shop, Self::of(told))
    }

    fn of(told: Told) -> Self {
        let idle = BTreeSet::new();
        Self { told, idle }
    }

    /// Forgets what was asked so far.
    fn forget(&self) {
        match &self.told {
            Told::Server { server, .. } => {
                server.sql("postgres", "SELECT pg_stat_statements_reset()");
            }
            // The shop appends to what is there.
            Told::File { path, .. } => std::fs::write(path, "").expect("a file of ours"),
        }
    }

    /// How often each statement ran since.
    fn calls(&self) -> BTreeMap<String, u64> {
        match &self.told {
            Told::Server { server, name, user } => calls_at(server, name, user),
            Told::File { path, .. } => {
                let lines = std::fs::read_to_string(path).expect("a file of ours");
                calls_in(&lines)
            }
        }
    }

    /// Learns what runs by the clock: what still does when a round brings nothing that the one before it had not. By
    /// then what follows from earlier requests has come to its end.
    pub(crate) async fn learn(&mut self) {
        let mut before = self.round().await;
        for _ in 0..ROUNDS_MAX {
            let now = self.round().await;
            if now.is_subset(&before) {
                self.idle = now;
                return;
            }
            before = now;
        }
        assert!(before.is_empty(), "always something new: {before:#?}");
    }

    async fn round(&self) -> BTreeSet<String> {
        self.forget();
        tokio::time::sleep(ROUND).await;
        self.calls().into_keys().collect()
    }

    /// How many statements one of so many alike takes.
    pub(crate) async fn each(&self, work: impl Future<Output = ()>) -> u64 {
        self.forget();
        work.await;
        let calls = self.calls().into_iter();
        let calls = calls.filter(|(id, _)| !self.idle.contains(id));
        calls.map(|(_, calls)| calls / TIMES).sum()
    }

    /// What a request costs that reads.
    pub(crate) async fn cost(&self, who: &Client, path: &str) -> u64 {
        assert_eq!(who.get(path).await.status, 200, "{path}");
        let asked = async {
            for _ in 0..TIMES {
                assert_eq!(who.get(path).await.status, 200, "{path}");
            }
        };
        self.each(asked).await
    }
}

fn calls_at(server: &Postgres, name: &str, user: &str) -> BTreeMap<String, u64> {
    let sql = format!(
        "SELECT s.queryid::text || ' ' || SUM(s.calls)::text
           FROM pg_stat_statements s
           JOIN pg_database d ON d.oid = s.dbid
           JOIN pg_roles r ON r.oid = s.userid
          WHERE d.datname = '{name}'
            AND r.rolname = '{user}'
          GROUP BY s.queryid"
    );
    let said = server.sql("postgres", &sql);
    let pairs = said.lines().filter_map(|line| line.split_once(' '));
    pairs
        .map(|(id, calls)| (id.to_owned(), calls.parse().expect("a number")))
        .collect()
}

fn calls_in(lines: &str) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for line in lines.lines() {
        // So SQLite begins what runs while another statement gives its rows.
        let statement = line.trim_start_matches("-- ");
        if COUNTED.iter().any(|verb| statement.starts_with(verb)) {
            *calls.entry(statement.to_owned()).or_default() += 1;
        }
    }
    calls
}

/// Who comes by this address of a database, and where it leads.
pub(crate) fn of_whom(database: &str) -> (&str, &str) {
    let address = database.strip_prefix("postgres://");
    address
        .and_then(|rest| rest.split_once('@'))
        .expect("the address of a database")
}
