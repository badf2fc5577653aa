//! The real binary as a door in front of nodes, and what its operators see.

use crate::node::Node;
use serde_json::Value;
use std::{future::Future, time::Duration};
use testkit::{Answer, Client, Running};

/// Longer than anything takes that is waited for, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Probes and windows that fit a test; what a test is about it sets itself.
const QUICK: &[(&str, &str)] = &[
    ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
    ("SOUK_BALANCE__PROBE__EVERY_MS", "50"),
    ("SOUK_BALANCE__PROBE__TIMEOUT_MS", "5000"),
    ("SOUK_BALANCE__SLOW_START_MS", "0"),
    ("SOUK_BALANCE__CONNECT_MS", "5000"),
];

/// A door in front of nodes.
pub(crate) struct Door {
    pub(crate) process: Running,
    pub(crate) url: String,
    pub(crate) ops: String,
}

impl Door {
    /// In front of these, each of which has been seen ready.
    pub(crate) async fn before(nodes: &[&Node]) -> Self {
        Self::before_with(nodes, &[]).await
    }

    /// The same with these settings on top.
    pub(crate) async fn before_with(nodes: &[&Node], settings: &[(&str, &str)]) -> Self {
        let named: Vec<String> = nodes
            .iter()
            .map(|node| format!("{:?}", node.address.to_string()))
            .collect();
        let door = Self::at(&format!("[{}]", named.join(",")), settings).await;
        let all = nodes.len();
        door.until("all nodes are seen ready", |services| {
            let ready = instances(services).filter(|one| one["state"] == "ready");
            ready.count() == all
        })
        .await;
        door
    }

    /// In front of whatever these sources name.
    pub(crate) async fn at(sources: &str, settings: &[(&str, &str)]) -> Self {
        let nodes = [("SOUK_GATEWAY__UPSTREAM__NODES", sources)];
        let settings: Vec<(&str, &str)> = [QUICK, &nodes, settings].concat();
        let arguments = ["serve", "--listen", "127.0.0.1:0"];
        let mut process = Running::start(&arguments, &settings);
        let ops = process.after("Metrics ").await.replace("/metrics", "");
        let url = process.after("listening on ").await;
        Self { process, url, ops }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.client().get(path).await
    }

    /// Sends this with these headers; `Err` when no whole answer came.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Result<(u16, String), reqwest::Error> {
        let method = method.parse::<reqwest::Method>().expect("a method");
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.text().await?))
    }

    /// What `/services` says.
    pub(crate) async fn services(&self) -> Value {
        Client::new(&self.ops).get("/services").await.json
    }

    /// What `/services` says of one node.
    pub(crate) async fn service(&self, node: &Node) -> Value {
        let services = self.services().await;
        let address = node.address.to_string();
        let found = instances(&services).find(|one| one["address"] == address.as_str());
        found.cloned().unwrap_or_default()
    }

    /// Waits until `/services` looks like this.
    pub(crate) async fn until(&self, what: &str, looks: impl Fn(&Value) -> bool) {
        until(what, || async { looks(&self.services().await) }).await;
    }

    /// What is counted under this name and labels.
    pub(crate) async fn counted(&self, line: &str) -> u64 {
        let text = Client::new(&self.ops).get("/metrics").await.text;
        let value = text.lines().find_map(|one| one.strip_prefix(line));
        let value = value.and_then(|value| value.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no line {line} in {text}"))
    }
}

/// Each instance of what `/services` says.
pub(crate) fn instances(services: &Value) -> impl Iterator<Item = &Value> {
    let pools = services.as_array().into_iter().flatten();
    pools.flat_map(|pool| pool["instances"].as_array().into_iter().flatten())
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(came.is_ok(), "it never came to it: {what}");
}
