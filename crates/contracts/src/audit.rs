//! Whether the books balance: what verification found, for people and programs. Reads only.

use crate::{BoxError, values::Timestamp};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// What a verification read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditCounts {
    /// Variants, each with its stock and its product's versions.
    pub variants: u64,
    /// Reservations.
    pub reservations: u64,
    /// Orders.
    pub orders: u64,
    /// Their lines.
    pub lines: i64,
    /// Their units.
    pub units: i64,
    /// Payments.
    pub payments: u64,
    /// Refunds.
    pub refunds: i64,
    /// Charges in the provider's own books.
    pub charges: u64,
    /// Entries of the ledger.
    pub ledger_entries: i64,
    /// Events of orders.
    pub events: i64,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditReport {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took_ms: u64,
    /// Whether nothing is wrong.
    pub balanced: bool,
    /// What was read.
    pub counts: AuditCounts,
    /// How many things are wrong.
    pub violations_total: u64,
    /// The first hundred of them, in words.
    pub violations: Vec<String>,
    /// What is worth knowing, but not wrong: what waits, lags, or was parked.
    pub notes: Vec<String>,
}

/// What is answered to somebody who asks for a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditAnswer {
    /// A report, of just now or of a few seconds ago.
    Done(AuditReport),
    /// One is being made since then; ask again soon.
    Running(Timestamp),
}

/// Verifies, one run at a time however many ask.
#[async_trait]
pub trait Auditor: Send + Sync {
    /// The newest report if it is fresh; otherwise begins to make one, waits for it a little, and says so if that
    /// takes longer.
    async fn audit(&self) -> Result<AuditAnswer, BoxError>;
}
