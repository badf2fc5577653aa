//! Reading a profile, and changing one's own. Names and roles are no part of it.

use super::{Service, security::told};
use crate::{
    domain::{name::display_name, security::Counted},
    store::Rename,
};
use contracts::{
    BoxError,
    access::Principal,
    identity::{PatchProfile, ProfileError, SecurityEventKind, UserView},
    request::Precondition,
    values::UserId,
};
use platform::db::Abort;

pub(super) async fn user(service: &Service, id: UserId) -> Result<UserView, ProfileError> {
    let found = service.store.user(id).await;
    let found = found.map_err(|error| ProfileError::Internal(error.into()))?;
    Ok(found.ok_or(ProfileError::NotFound)?.view())
}

/// Giving all of it out is told before it is done.
pub(super) async fn export(service: &Service, who: &Principal) -> Result<UserView, ProfileError> {
    let profile = user(service, who.user_id).await?;
    let event = service.event(SecurityEventKind::DataExported);
    let event = event.by(who).of(who.user_id);
    let once = Counted {
        last_at: event.at,
        event: event.clone(),
        count: 1,
    };
    let written = service.store.write_events(vec![once]).await;
    written.map_err(|error| ProfileError::Internal(error.into()))?;
    told(&event);
    Ok(profile)
}

pub(super) async fn patch(
    service: &Service,
    id: UserId,
    sent: Precondition,
    patch: PatchProfile,
) -> Result<UserView, ProfileError> {
    let name = match patch.name {
        Some(Some(text)) => {
            let checked = display_name(&text).map_err(|error| ProfileError::Invalid {
                field: "/name".into(),
                reason: error.0,
            })?;
            Some(Some(checked))
        }
        other @ (None | Some(None)) => other,
    };
    let renamed = service.store.rename(Rename { id, sent, name }).await;
    Ok(renamed.map_err(refusal)?.view())
}

pub(super) fn refusal(abort: Abort<ProfileError>) -> ProfileError {
    let overloaded = || -> ProfileError {
        let cause: BoxError = "the writer has too much to do".into();
        ProfileError::Internal(cause)
    };
    abort.into_refusal(overloaded, ProfileError::Internal)
}
