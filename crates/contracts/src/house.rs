//! The shop as a machine, for those who run it: the nodes that share its database, the copies that are made of it, and
//! what programs asked of it. What is said here is for people to look at; nothing rests on it.

use crate::{
    BoxError,
    values::{ApiKeyId, Timestamp},
};
use async_trait::async_trait;

/// A node, as the database that it shares with others sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Where it listens, by the address that the database sees it at.
    pub address: String,
    /// Its release.
    pub version: String,
    /// Which parts of the shop run in it.
    pub target: String,
    /// Since when it has been connected.
    pub since: Timestamp,
    /// When it last asked anything.
    pub seen: Timestamp,
}

/// Knows the nodes that share a database: all of them know the same.
#[async_trait]
pub trait Neighbours: Send + Sync {
    /// All nodes that are connected, by their addresses.
    async fn nodes(&self) -> Result<Vec<Neighbour>, BoxError>;
}

/// A copy of the shop, whole and verified: none has its name before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What its folder is called.
    pub name: String,
    /// When it was begun.
    pub at: Timestamp,
    /// How much it weighs.
    pub bytes: u64,
}

/// What is known of the copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupsView {
    /// The folder that they are in.
    pub folder: String,
    /// How many are kept.
    pub kept_max: u32,
    /// Those that are there, newest first.
    pub there: Vec<Backup>,
    /// Since when one is being made, if one is.
    pub running_since: Option<Timestamp>,
    /// Why the last one that was begun came to nothing, if it did.
    pub failed: Option<String>,
}

/// Makes copies of the shop, one at a time however many ask.
#[async_trait]
pub trait Backups: Send + Sync {
    /// What there is.
    async fn view(&self) -> Result<BackupsView, BoxError>;

    /// Begins one, unless one is being made; waits for it a little, and says how it stands. The same key twice is one
    /// copy.
    async fn begin(&self, key: &str) -> Result<BackupsView, BoxError>;
}

/// Something that a program asked for with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// When.
    pub at: Timestamp,
    /// How.
    pub method: &'static str,
    /// Where, without what stands behind a question mark; the beginning, if it is long.
    pub path: String,
    /// How it was answered.
    pub status: u16,
    /// How long that took.
    pub took_ms: u64,
    /// With which key.
    pub key: ApiKeyId,
    /// What logs and timelines know it by.
    pub request_id: String,
}
