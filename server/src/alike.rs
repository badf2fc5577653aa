//! Nodes that share a database: what each says of itself when it connects, and what all of them read of the others.

use crate::{config::Config, target::SERVICES, wiring::Services};
use async_trait::async_trait;
use contracts::{
    BoxError,
    house::{Neighbour, Neighbours},
    values::Timestamp,
};
use platform::db::{
    Database,
    postgres::{self, Node},
};
use std::sync::Arc;

/// What this node says of itself: its release, the port that it listens on, and what it runs. The server keeps 63
/// letters of a name: a long list is cut off.
pub(crate) fn name(config: &Config, port: u16) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("{version} {port} {}", config.target)
}

impl Services {
    /// Who knows the nodes that share the database with this one, if it has one.
    pub(crate) fn neighbours(&self) -> Option<Arc<dyn Neighbours>> {
        let mut here = SERVICES
            .into_iter()
            .filter_map(|target| self.near.outbox(target));
        match here.next()? {
            Database::Postgres(database) => Some(Arc::new(Alike(database))),
            Database::Sqlite(_) => None,
        }
    }
}

/// Asks the database who is connected.
struct Alike(postgres::Database);

#[async_trait]
impl Neighbours for Alike {
    async fn nodes(&self) -> Result<Vec<Neighbour>, BoxError> {
        let nodes = self.0.nodes().await?;
        Ok(nodes.iter().map(read).collect())
    }
}

fn read(node: &Node) -> Neighbour {
    let mut said = node.said.splitn(3, ' ');
    let version = said.next().unwrap_or_default().to_owned();
    let port = said.next().unwrap_or_default();
    let target = said.next().unwrap_or_default().to_owned();
    let host = match node.host.as_str() {
        "" => "localhost".to_owned(),
        wide if wide.contains(':') => format!("[{wide}]"),
        host => host.to_owned(),
    };
    Neighbour {
        address: format!("{host}:{port}"),
        version,
        target,
        since: Timestamp::from_ms(node.since_ms),
        seen: Timestamp::from_ms(node.seen_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_says_is_read_again() {
        let node = |host: &str| Node {
            host: host.to_owned(),
            said: "0.2.0 8080 gateway,storefront".to_owned(),
            since_ms: 1,
            seen_ms: 2,
        };
        let there = read(&node("10.0.0.7"));
        assert_eq!(there.address, "10.0.0.7:8080");
        assert_eq!(
            (&*there.version, &*there.target),
            ("0.2.0", "gateway,storefront")
        );
        assert_eq!(read(&node("fd00::7")).address, "[fd00::7]:8080");
        assert_eq!(read(&node("")).address, "localhost:8080");
    }
}
