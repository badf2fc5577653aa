//! A shop whose parts are processes of their own, found through files as they listen; and the same shop in one.

use crate::SECRET;
use serde_json::Value;
use std::time::Duration;
use testkit::{Client, Folder, Nats, Shop};
use tokio::time::timeout;

/// Longer than any start takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The parts that others ask.
const ASKED: [&str; 5] = ["storefront", "identity", "catalog", "orders", "payments"];

/// A shop in several processes.
pub(crate) struct Apart {
    nodes: Vec<Node>,
    peers: Folder,
    settings: Vec<(String, String)>,
    // None where nobody must hear of another node's events.
    bus: Option<Nats>,
}

struct Node {
    targets: &'static str,
    shop: Shop,
}

/// The door on its own node, with the pages; everything that keeps something on another.
pub(crate) const DOOR_AND_REST: &[&str] =
    &["identity,catalog,orders,payments", "gateway,storefront"];
/// Every part on its own node.
pub(crate) const ALL_APART: &[&str] = &[
    "identity",
    "catalog",
    "orders",
    "payments",
    "storefront",
    "gateway",
];

impl Apart {
    /// A shop of these nodes. None if it needs a broker that this machine does not have, and tests may do without.
    pub(crate) async fn start(shape: &[&'static str]) -> Option<Self> {
        Self::start_with(shape, Vec::new()).await
    }

    /// The same with these settings on top.
    pub(crate) async fn start_with(
        shape: &[&'static str],
        settings: Vec<(String, String)>,
    ) -> Option<Self> {
        let needsbus = shape.iter().any(|targets| keeps_a_part(targets));
        let bus = if needsbus {
            Some(Nats::start().await?)
        } else {
            None
        };
        let mut apart = Self {
            nodes: Vec::new(),
            peers: Folder::default(),
            settings,
            bus,
        };
        for part in ASKED {
            // Nobody, until the node is there.
            apart.peers.write(part, "127.0.0.1:1");
        }
        for targets in shape {
            apart.add(targets).await;
        }
        apart.ready().await;
        Some(apart)
    }

    async fn add(&mut self, targets: &'static str) {
        let more = self.settings.clone();
        let shop = self.another(targets, &more).await;
        for part in targets.split(',') {
            // The door's address is nobody's to know.
            let (_, address) = shop.internal_url().split_once("://").unwrap();
            self.peers.write(part, address);
        }
        self.nodes.push(Node { targets, shop });
    }

    /// One node more, with these settings on top, that nobody is told of.
    pub(crate) async fn another(&self, targets: &str, more: &[(String, String)]) -> Shop {
        let bus = self
            .bus
            .as_ref()
            .map_or_else(|| "local".to_owned(), Nats::url);
        let peers = ASKED.map(|part| {
            let name = format!("SOUK_PEERS__{}", part.to_uppercase());
            (name, format!("[\"file:{}\"]", self.peers.at(part)))
        });
        let mut settings = vec![
            ("SOUK_TARGET", targets),
            ("SOUK_HTTP__INTERNAL_LISTEN", "127.0.0.1:0"),
            ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
            ("SOUK_INTERNAL__SECRET", SECRET),
            ("SOUK_BUS", &bus),
            ("SOUK_LOG_LEVEL", "warn"),
            // Looked at often, so that tests need not wait.
            ("SOUK_BALANCE__DISCOVER__FILE_EVERY_MS", "20"),
            ("SOUK_BALANCE__PROBE__EVERY_MS", "50"),
            ("SOUK_READINESS__EVERY_MS", "50"),
        ];
        let all = peers.iter().chain(more);
        settings.extend(all.map(|(name, value)| (name.as_str(), value.as_str())));
        Shop::start_with(&settings).await
    }

    /// Waits until every node finds all that it asks.
    async fn ready(&self) {
        for node in &self.nodes {
            let prober = node.shop.visitor().at(node.shop.ops_url());
            let well = async {
                while !is_well(&prober.get("/readyz?verbose").await.json) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let waited = timeout(PATIENCE, well).await;
            assert!(waited.is_ok(), "{} is never well", node.targets);
        }
    }

    /// The node with this target.
    pub(crate) fn node(&mut self, target: &str) -> &mut Shop {
        let runs = |node: &&mut Node| node.targets.split(',').any(|name| name == target);
        let node = self.nodes.iter_mut().find(runs);
        &mut node.unwrap().shop
    }

    /// Tells the others where a node is, after it was started again.
    pub(crate) fn found(&mut self, target: &str) {
        let address = self.node(target).internal_url().to_owned();
        let (_, address) = address.split_once("://").unwrap();
        let runs = |node: &&Node| node.targets.split(',').any(|name| name == target);
        let targets = self.nodes.iter().find(runs).map(|node| node.targets);
        for part in targets.unwrap_or_default().split(',') {
            self.peers.write(part, address);
        }
    }

    /// Somebody in front of the door.
    pub(crate) fn visitor(&mut self) -> Client {
        self.node("gateway").visitor()
    }

    /// The admin, made with the token that identity told.
    pub(crate) async fn admin(&mut self) -> Client {
        let door = self.visitor();
        self.node("identity").admin_at(&door).await
    }
}

/// Whether a node with these targets keeps some, but not all of the shop: then events cross.
fn keeps_a_part(targets: &str) -> bool {
    let kept = targets
        .split(',')
        .filter(|name| matches!(*name, "identity" | "catalog" | "orders" | "payments"));
    (1..4).contains(&kept.count())
}

fn is_well(report: &Value) -> bool {
    let checks = report.pointer("/checks").and_then(Value::as_array);
    report["ready"] == true
        && checks.is_some_and(|checks| checks.iter().all(|check| check["state"] == "well"))
}
