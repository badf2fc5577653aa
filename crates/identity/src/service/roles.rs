//! Changing what a user may do. Their access tokens say the old roles, so they end at once.

use super::{Service, profile::refusal};
use crate::{domain::roles::Roles, store::RoleChange};
use contracts::{
    identity::{ProfileError, SetRoles, UserView},
    request::Precondition,
    values::UserId,
};

pub(super) async fn set_roles(
    service: &Service,
    id: UserId,
    sent: Precondition,
    wish: SetRoles,
) -> Result<UserView, ProfileError> {
    let at = service.clock.now();
    let change = RoleChange {
        id,
        sent,
        roles: Roles::of(&wish.roles),
        at,
    };
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let changed = service.finish(async move {
        let user = store.set_roles(change).await.map_err(refusal)?;
        endings.end_user_before(user.id, user.epoch, at);
        Ok(user)
    });
    let user = changed.await.map_err(ProfileError::Internal)??;
    tracing::info!(user.id = %user.id, user.roles = %user.roles.as_text(), "the roles of {} changed", user.id);
    Ok(user.view())
}
