//! What people changed of a product's document.

use crate::values::{Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};

/// What one save changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductEdit {
    /// The version that it made.
    pub version: Version,
    /// When.
    pub at: Timestamp,
    /// Who, as far as it is known.
    pub actor: Option<UserId>,
    /// The fields that are another now.
    pub changes: Vec<FieldChange>,
}

/// A field that is another now. Long texts are cut to where they begin to differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its name, as in the product's document; `variants` for what is sold of it.
    pub field: String,
    /// What was there; empty if nothing was.
    pub before: String,
    /// What is there now.
    pub after: String,
}
