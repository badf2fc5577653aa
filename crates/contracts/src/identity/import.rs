//! Accounts that are brought along from another shop.

use serde::{Deserialize, Serialize};

/// Customers to be brought along. None of them gets a mail.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportUsers {
    /// Whether to say only what would become of them.
    #[serde(default)]
    pub dry_run: bool,
    /// Who, 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    pub rows: Vec<ImportUser>,
}

/// A customer. Their account has no password that anybody knows: they set one by the link of a forgotten one.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportUser {
    /// The address. An account that has it stays as it is.
    pub email: String,
    /// What they want to be called.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether the other shop knows that the address is theirs.
    #[serde(default)]
    pub verified: bool,
}
