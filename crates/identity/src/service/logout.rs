//! Ending a session: its refresh tokens in storage, its access tokens at the door. Ending it twice is no fault.

use super::{Service, tokens::RefreshToken};
use contracts::{
    access::Principal,
    identity::{ProfileError, RefreshError},
};
use secrecy::SecretString;

pub(super) async fn logout(service: &Service, who: &Principal) -> Result<(), ProfileError> {
    let ended = service.end_session(who.session_id, who.user_id).await;
    ended
        .map(drop)
        .map_err(|error| ProfileError::Internal(error.into()))
}

pub(super) async fn end_session_of(
    service: &Service,
    token: SecretString,
) -> Result<(), RefreshError> {
    let Some(token) = RefreshToken::read(&token) else {
        return Ok(());
    };
    let (store, endings, at) = (
        service.store.clone(),
        service.endings.clone(),
        service.clock.now(),
    );
    let ended = service.finish(async move {
        if let Some(session) = store.end_session_of(token.hash(), at).await? {
            endings.end_session(session, at);
        }
        Ok::<_, platform::db::StoreError>(())
    });
    let ended = ended.await.map_err(RefreshError::Internal)?;
    ended.map_err(|error| RefreshError::Internal(error.into()))
}
