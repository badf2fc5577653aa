//! Accounts as admins look after them: which there are, and whether they may sign in.

use crate::{
    access::Role,
    values::{Counted, Cursor, PageSize, Version},
};
use serde::{Deserialize, Serialize};

/// Whether an account may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// It may.
    Active,
    /// It may not; its orders and payments go on.
    Disabled,
}

/// Which accounts, from where. Newest first.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// How the e-mail address, the user name or the name begins, in any case: 1 to 200 characters.
    #[param(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// Only those with this role.
    #[param(inline)]
    pub role: Option<Role>,
    /// Only those of this status.
    #[param(inline)]
    pub status: Option<UserStatus>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// How many accounts there are, by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCounts {
    /// All that have not gone.
    pub all: Counted,
    /// Those that sell.
    pub merchants: Counted,
    /// Those that run the shop.
    pub admins: Counted,
    /// Those that are kept out.
    pub disabled: Counted,
}

/// A change of whether an account may sign in.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUserStatus {
    /// What it is from now on.
    pub status: UserStatus,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}
