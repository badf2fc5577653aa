//! Rate limits: how many units of work a caller may ask for. A port with two forms: within one process, and
//! shared by all nodes through Redis.

mod lease;
mod memory;
mod shared;

pub use memory::MemoryLimiter;
pub use shared::{SharedLimiter, Sharing};

use async_trait::async_trait;

/// A limit: this many units, refilled evenly over the window (GCRA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Units a caller may use at once.
    pub units: u32,
    /// Seconds until all of them are back.
    pub window_seconds: u32,
}

/// What a limiter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the work may be done.
    pub allowed: bool,
    /// Units left.
    pub remaining: u32,
    /// Seconds until there is room for the work refused (1 at least), or until more units come.
    pub wait_seconds: u32,
}

/// Counts units for callers.
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Takes this many units of a caller's, if they are there. Always answers, and soon.
    async fn take(&self, caller: &str, units: u32) -> Verdict;
    /// The same where it takes no time; nothing where it would, and then nothing is counted. A refusal counts for
    /// nothing either.
    fn take_at_once(&self, caller: &str, units: u32) -> Option<Verdict>;
    /// The limit.
    fn quota(&self) -> Quota;
}
