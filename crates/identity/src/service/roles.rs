//! Changing what a user may do. Their access tokens say the old roles, so they end at once.

use super::{Service, profile::refusal, security::told};
use crate::{domain::roles::Roles, store::RoleChange};
use contracts::{
    access::{Principal, Role},
    identity::{ProfileError, SecurityEventDetail, SecurityEventKind, SetRoles, UserView},
    request::Precondition,
    values::UserId,
};

pub(super) async fn set_roles(
    service: &Service,
    who: &Principal,
    id: UserId,
    sent: Precondition,
    wish: SetRoles,
) -> Result<UserView, ProfileError> {
    let roles = Roles::of(&wish.roles);
    let before = service.store.user(id).await;
    let before = before.map_err(|error| ProfileError::Internal(error.into()))?;
    let was_admin = before.is_some_and(|user| user.roles.has(Role::Admin));
    let mut event = service.event(SecurityEventKind::RolesChanged);
    event.detail = match (was_admin, roles.has(Role::Admin)) {
        (false, true) => Some(SecurityEventDetail::ToAdmin),
        (true, false) => Some(SecurityEventDetail::FromAdmin),
        (false, false) | (true, true) => None,
    };
    let event = event.by(who).of(id);
    let at = event.at;
    let change = RoleChange {
        id,
        sent,
        roles,
        at,
        event: event.clone(),
    };
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let changed = service.finish(async move {
        let user = store.set_roles(change).await.map_err(refusal)?;
        endings.end_user_before(user.id, user.epoch, at);
        told(&event);
        Ok(user)
    });
    let user = changed.await.map_err(ProfileError::Internal)??;
    Ok(user.view())
}
