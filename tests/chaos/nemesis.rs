//! What goes wrong, one thing after the other, in an order that follows from a seed. Whatever it breaks it makes whole
//! again before it goes on; it never touches what is in the books.

use crate::cluster::{Cluster, Node};
use contracts::values::Timestamp;
use sim::Random;
use std::{fmt, time::Duration};
use testkit::{Link, Weather, binary};

/// The stream of the seed that faults are drawn from.
const FAULTS: u64 = 1;
/// Longer than any lease: whoever stood still for so long is no owner any more.
const BEYOND_A_LEASE: Duration = Duration::from_secs(5);
/// Long enough for others to notice.
const A_WHILE: Duration = Duration::from_millis(2_500);
/// How much later things come on a slow way.
const SLOWLY: Duration = Duration::from_millis(80);

/// One of the ways of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Database,
    Broker,
    Cache,
    Door,
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    KillNode,
    FreezeNode,
    RestartDatabase,
    KillPrimary,
    WipeBroker,
    EmptyCache,
    SpoilCache,
    FreezeCache,
    Cut(Way, Weather),
}

/// Every kind. The first ones are what a short run must not miss.
const KINDS: [Fault; 20] = [
    Fault::KillPrimary,
    Fault::KillNode,
    Fault::FreezeNode,
    Fault::WipeBroker,
    Fault::RestartDatabase,
    Fault::FreezeCache,
    Fault::EmptyCache,
    Fault::Cut(Way::Database, Weather::Silent),
    Fault::Cut(Way::Database, Weather::Deaf),
    Fault::Cut(Way::Door, Weather::Broken),
    Fault::Cut(Way::Door, Weather::Deaf),
    // From here on only longer runs.
    Fault::Cut(Way::Broker, Weather::Silent),
    Fault::Cut(Way::Cache, Weather::Silent),
    Fault::SpoilCache,
    Fault::Cut(Way::Database, Weather::Broken),
    Fault::Cut(Way::Database, Weather::Slow(SLOWLY)),
    Fault::Cut(Way::Door, Weather::Silent),
    Fault::Cut(Way::Door, Weather::Slow(SLOWLY)),
    Fault::Cut(Way::Broker, Weather::Broken),
    Fault::Cut(Way::Cache, Weather::Broken),
];

/// A short run sees so many of them, the first ones.
const FIRST: usize = 11;

/// The order in which things go wrong, for ever: all first ones, all others, then all of them again and again, each
/// time in another order.
pub(crate) fn plan(seed: u64) -> impl Iterator<Item = (Fault, usize)> {
    let mut random = Random::new(seed, FAULTS);
    let (first, rest) = KINDS.split_at(FIRST);
    let mut waiting: Vec<Fault> = Vec::new();
    let mut rounds = [first.to_vec(), rest.to_vec()].into_iter();
    std::iter::from_fn(move || {
        if waiting.is_empty() {
            waiting = rounds.next().unwrap_or_else(|| KINDS.to_vec());
        }
        let one = random.below(waiting.len() as u64) as usize;
        Some((waiting.swap_remove(one), random.below(3) as usize))
    })
}

/// A fault that struck.
pub(crate) struct Struck {
    pub(crate) name: String,
    pub(crate) from: Timestamp,
    pub(crate) healed: Timestamp,
    /// When the next one struck, or all was over.
    pub(crate) until: Timestamp,
}

/// Lets something go wrong at a node, or at what they all share, and makes it whole again.
pub(crate) async fn strike(cluster: &mut Cluster, fault: Fault, node: usize) {
    let number = node % cluster.nodes.len();
    match fault {
        Fault::KillNode => {
            cluster.nodes[number].kill().await;
            tokio::time::sleep(A_WHILE / 3).await;
            cluster.nodes[number].start_again(binary()).await;
        }
        Fault::FreezeNode => {
            cluster.nodes[number].signal("STOP").await;
            tokio::time::sleep(BEYOND_A_LEASE).await;
            cluster.nodes[number].signal("CONT").await;
        }
        Fault::RestartDatabase => cluster.database.restart(),
        Fault::KillPrimary => {
            cluster.database.kill();
            cluster.database.fail_over();
            cluster.database.make_standby();
        }
        Fault::WipeBroker => {
            cluster.broker.kill();
            cluster.broker.wipe();
            tokio::time::sleep(A_WHILE / 3).await;
            cluster.broker.restart().await;
        }
        Fault::EmptyCache => cluster.cache.flush(),
        Fault::SpoilCache => cluster.cache.fill_with_garbage(),
        Fault::FreezeCache => {
            cluster.cache.freeze();
            tokio::time::sleep(A_WHILE).await;
            cluster.cache.thaw();
        }
        Fault::Cut(way, weather) => {
            let node = &cluster.nodes[number];
            ways(node, way).for_each(|link| link.turn(weather));
            tokio::time::sleep(A_WHILE).await;
            ways(node, way).for_each(|link| link.turn(Weather::Clear));
        }
    }
}

fn ways(node: &Node, way: Way) -> impl Iterator<Item = &Link> {
    let ways = &node.ways;
    let these: Vec<&Link> = match way {
        Way::Database => ways.database.iter().collect(),
        Way::Broker => vec![&ways.broker],
        Way::Cache => vec![&ways.cache],
        Way::Door => vec![&ways.door],
    };
    these.into_iter()
}

/// In the words of the report.
pub(crate) fn named(fault: Fault, node: usize) -> String {
    let number = node + 1;
    match fault {
        Fault::KillNode => format!("kill -9 of node {number}, started again"),
        Fault::FreezeNode => format!("node {number} frozen for {BEYOND_A_LEASE:?}"),
        Fault::RestartDatabase => "PostgreSQL restarted".to_owned(),
        Fault::KillPrimary => "kill -9 of the primary, standby promoted".to_owned(),
        Fault::WipeBroker => "NATS killed, its folder wiped".to_owned(),
        Fault::EmptyCache => "Redis emptied".to_owned(),
        Fault::SpoilCache => "Redis filled with garbage".to_owned(),
        Fault::FreezeCache => format!("Redis frozen for {A_WHILE:?}"),
        Fault::Cut(way, weather) => format!("node {number} to {way}: {}", told(weather)),
    }
}

const fn told(weather: Weather) -> &'static str {
    match weather {
        Weather::Clear => "clear",
        Weather::Slow(_) => "slow",
        Weather::Silent => "silent",
        Weather::Deaf => "answers lost",
        Weather::Broken => "broken off",
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "PostgreSQL",
            Self::Broker => "NATS",
            Self::Cache => "Redis",
            Self::Door => "the door",
        })
    }
}
