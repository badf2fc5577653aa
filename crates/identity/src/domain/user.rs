//! A user as the rules see them. The password's hash is apart, so that no view can hold it.

use super::roles::Roles;
use contracts::{
    identity::UserView,
    values::{Email, Timestamp, UserId, Username, Version},
};

/// A user with an account.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) email: Option<Email>,
    pub(crate) verified_at: Option<Timestamp>,
    pub(crate) username: Option<Username>,
    pub(crate) name: Option<String>,
    pub(crate) roles: Roles,
    /// Since when they may not sign in.
    pub(crate) disabled_at: Option<Timestamp>,
    pub(crate) version: Version,
    /// Counts what ended all earlier access tokens.
    pub(crate) epoch: i64,
    pub(crate) created_at: Timestamp,
}

impl User {
    /// A user as they and admins see them.
    pub(crate) fn view(self) -> UserView {
        UserView {
            id: self.id,
            email: self.email,
            verified_at: self.verified_at,
            username: self.username,
            name: self.name,
            roles: self.roles.as_slice().to_vec(),
            disabled_at: self.disabled_at,
            version: self.version,
            created_at: self.created_at,
        }
    }
}
