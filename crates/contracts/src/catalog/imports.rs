//! What becomes of products that are brought along in a file, a batch at a time: each is judged by itself.

use super::{ImportOutcome, ImportProduct};
use serde::{Deserialize, Serialize};

/// Products to be brought along.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportProducts {
    /// Whether to say only what would become of them.
    #[serde(default)]
    pub dry_run: bool,
    /// The products, 1 to 100.
    pub rows: Vec<ImportProduct>,
}

/// What became of a product, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportedAs {
    /// Its SKUs were new.
    Created,
    /// It was known, and something was another.
    Updated,
    /// It was known as it is.
    Unchanged,
    /// It breaks a rule, and nothing was written.
    Refused,
}

/// A row of the answer, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportedProduct {
    /// What became of it.
    pub outcome: ImportedAs,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// What became of all products of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportedProducts {
    /// A row for each of the request, in its order.
    pub data: Vec<ImportedProduct>,
}

impl From<Result<ImportOutcome, String>> for ImportedProduct {
    fn from(judged: Result<ImportOutcome, String>) -> Self {
        let (outcome, reason) = match judged {
            Ok(ImportOutcome::Created) => (ImportedAs::Created, None),
            Ok(ImportOutcome::Updated) => (ImportedAs::Updated, None),
            Ok(ImportOutcome::Unchanged) => (ImportedAs::Unchanged, None),
            Err(reason) => (ImportedAs::Refused, Some(reason)),
        };
        Self { outcome, reason }
    }
}

impl From<ImportedProduct> for Result<ImportOutcome, String> {
    fn from(row: ImportedProduct) -> Self {
        match row.outcome {
            ImportedAs::Created => Ok(ImportOutcome::Created),
            ImportedAs::Updated => Ok(ImportOutcome::Updated),
            ImportedAs::Unchanged => Ok(ImportOutcome::Unchanged),
            ImportedAs::Refused => Err(row.reason.unwrap_or_default()),
        }
    }
}
