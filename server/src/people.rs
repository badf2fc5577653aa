//! Whose an address is, as orders ask it: of identity, wherever that runs. Keeps nothing.

use async_trait::async_trait;
use contracts::{
    BoxError,
    identity::{Addresses, Identity, ProfileError},
    values::{Email, UserId},
};
use std::sync::Arc;

/// Identity, asked for one thing.
pub(crate) struct People(pub(crate) Arc<dyn Identity>);

#[async_trait]
impl Addresses for People {
    async fn verified_address(&self, id: UserId) -> Result<Option<Email>, BoxError> {
        match self.0.user(id).await {
            Ok(user) if user.verified_at.is_some() => Ok(user.email),
            Ok(_) | Err(ProfileError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
