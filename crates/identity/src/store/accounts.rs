//! Accounts as admins look after them, as the store keeps them. An account that has gone is none.

use super::{NewLink, NewUser};
use crate::domain::{security::SecurityEvent, user::User};
use async_trait::async_trait;
use contracts::{
    access::Role,
    identity::{ProfileError, UserCounts, UserStatus},
    request::Precondition,
    values::UserId,
};
use platform::db::{Abort, StoreError};

/// Which accounts, the newest first.
#[derive(Debug, Clone)]
pub(crate) struct UserWish {
    /// How a name of theirs begins, folded as names are compared.
    pub(crate) prefix: Option<String>,
    pub(crate) role: Option<Role>,
    pub(crate) status: Option<UserStatus>,
    /// Behind this one.
    pub(crate) after: Option<UserId>,
    pub(crate) limit: u32,
}

impl UserWish {
    /// Between which texts all lie that begin so, in the order of their letters: from the first, and before the second.
    pub(super) fn range(&self) -> Option<(&str, String)> {
        let prefix = self.prefix.as_deref()?;
        // Nothing is behind the last of all letters, which is none that anybody writes.
        Some((prefix, format!("{prefix}{}", char::MAX)))
    }
}

/// A change of whether an account may sign in.
#[derive(Debug, Clone)]
pub(crate) struct StatusChange {
    pub(crate) id: UserId,
    pub(crate) sent: Precondition,
    pub(crate) status: UserStatus,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// An account that is brought along from another shop.
#[derive(Clone)]
pub(crate) struct ImportedUser {
    pub(crate) user: NewUser,
    /// Whether its address is known to be theirs.
    pub(crate) verified: bool,
}

/// Other people's accounts.
#[async_trait]
pub(crate) trait Accounts: Send + Sync {
    /// Accounts, the newest first.
    async fn users(&self, wish: UserWish) -> Result<Vec<User>, StoreError>;
    /// How many there are, by what they are.
    async fn count_users(&self) -> Result<UserCounts, StoreError>;
    /// Lets an account sign in, or not any more, which ends all its sessions; whether anything changed. The last admin
    /// who may sign in stays.
    async fn set_status(&self, change: StatusChange) -> Result<(User, bool), Abort<ProfileError>>;
    /// Owes a user a link for another password, if they have an address and may sign in; whether it does.
    async fn owe_reset_to(&self, user: UserId, link: NewLink) -> Result<bool, StoreError>;
    /// Opens accounts, all in one commit, or only looks; for each, whether its address had none. Those that are there
    /// stay as they are.
    async fn import_users(
        &self,
        users: Vec<ImportedUser>,
        commit: bool,
    ) -> Result<Vec<bool>, StoreError>;
}
