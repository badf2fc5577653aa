//! Addresses of people, as orders ask for them: of identity, wherever that runs. Keeps none.

use async_trait::async_trait;
use contracts::{
    BoxError,
    identity::{Addresses, Identity, ProfileError, UserQuery, UserView},
    values::{Email, UserId},
};
use std::sync::Arc;

/// Letters of an address that accounts are looked for by.
const ADDRESS_BEGINS: usize = 200;

/// Whose an address is, as orders ask it: of identity, wherever that runs.
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

    async fn owner(&self, email: &Email) -> Result<Option<UserId>, BoxError> {
        let query = UserQuery {
            q: Some(email.as_str().chars().take(ADDRESS_BEGINS).collect()),
            ..UserQuery::default()
        };
        // Whatever begins like an address is few.
        let found = self.0.users(query).await?;
        let is_theirs = |user: &UserView| {
            let has = user
                .email
                .as_ref()
                .is_some_and(|own| own.key() == email.key());
            has && user.verified_at.is_some()
        };
        Ok(found.data.into_iter().find(is_theirs).map(|user| user.id))
    }

    async fn address(&self, id: UserId) -> Result<Option<Email>, BoxError> {
        match self.0.user(id).await {
            Ok(user) => Ok(user.email),
            Err(ProfileError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
