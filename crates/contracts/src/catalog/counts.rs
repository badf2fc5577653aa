//! How many there are, for whoever looks after them: products by where they stand, and stock.

use crate::values::Counted;
use serde::{Deserialize, Serialize};

/// Products by where they stand now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductCounts {
    /// Drafts, and what waits for its moment or has had it.
    pub draft: u64,
    /// On sale.
    pub active: u64,
    /// Off the shelves for good.
    pub archived: u64,
}

/// Stock of variants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryCounts {
    /// Of all.
    pub all: Counted,
    /// Of those that few are left of, as the list of what is low has them.
    pub low: Counted,
}
