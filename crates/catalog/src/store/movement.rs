//! Where a page of movements begins. No statement.

use super::cursor;
use contracts::{catalog::ListError, values::Cursor};
use serde::{Deserialize, Serialize};

/// The sort keys of the last movement seen.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    pub(super) at_ms: i64,
    pub(super) source: i64,
    pub(super) number: i64,
    pub(super) step: i64,
}

const NEWEST: Before = Before {
    at_ms: i64::MAX,
    source: i64::MAX,
    number: i64::MAX,
    step: i64::MAX,
};

pub(super) fn before(cursor: Option<&Cursor>) -> Result<Before, ListError> {
    Ok(cursor::read(cursor)?.unwrap_or(NEWEST))
}
