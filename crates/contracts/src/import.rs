//! What becomes of rows that are brought along from another shop, a batch at a time. Each row is judged by itself: one
//! that is refused keeps no other out.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
};
use serde::{Deserialize, Serialize};

/// Rows of one batch.
pub const ROWS_MAX: usize = 100;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    /// It is new, and was written.
    Created,
    /// It was there, and stayed as it was.
    Known,
    /// It breaks a rule, and nothing was written.
    Refused,
}

/// A row of the answer, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportedRow {
    /// What became of it; of a dry run, what would.
    pub outcome: RowOutcome,
    /// The id of what was made, unless it was a dry run.
    pub id: Option<String>,
    /// Why it was refused.
    pub reason: Option<String>,
}

impl ImportedRow {
    /// A row that was written.
    #[must_use]
    pub const fn created(id: Option<String>) -> Self {
        Self {
            outcome: RowOutcome::Created,
            id,
            reason: None,
        }
    }

    /// A row that was there before.
    #[must_use]
    pub const fn known() -> Self {
        Self {
            outcome: RowOutcome::Known,
            id: None,
            reason: None,
        }
    }

    /// A row that breaks a rule.
    #[must_use]
    pub const fn refused(reason: String) -> Self {
        Self {
            outcome: RowOutcome::Refused,
            id: None,
            reason: Some(reason),
        }
    }
}

/// What became of all rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportedRows {
    /// A row for each of the request, in its order.
    pub data: Vec<ImportedRow>,
}

/// Why a batch was not looked at, or not written. None of it is half written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No rows came, or too many.
    #[error("not 1 to {ROWS_MAX} rows")]
    Rows,
    /// A word of the request breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// Which, as a JSON pointer.
        field: &'static str,
        /// The rule.
        reason: String,
    },
    /// Too much is under way.
    #[error("too much is under way")]
    Overloaded,
    /// Our fault.
    #[error("importing failed")]
    Internal(#[source] BoxError),
}

impl ToProblem for ImportError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::Rows => Problem::invalid("/rows", format!("must have 1 to {ROWS_MAX} rows")),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
