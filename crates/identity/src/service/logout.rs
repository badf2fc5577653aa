//! Ending a session: its refresh tokens in storage, its access tokens at the door. Ending it twice is no fault.

use super::{Service, security::told, tokens::RefreshToken};
use contracts::{
    access::Principal,
    identity::{ProfileError, RefreshError, SecurityEventDetail, SecurityEventKind},
};
use secrecy::SecretString;

pub(super) async fn logout(service: &Service, who: &Principal) -> Result<(), ProfileError> {
    let event = service.event(SecurityEventKind::SessionEnded).by(who);
    let event = event
        .of(who.user_id)
        .because(SecurityEventDetail::SignedOut);
    let ended = service
        .end_session(who.session_id, who.user_id, event)
        .await;
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
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let event = service.event(SecurityEventKind::SessionEnded);
    let event = event.because(SecurityEventDetail::SignedOut);
    let ended = service.finish(async move {
        if let Some(session) = store.end_session_of(token.hash(), event.clone()).await? {
            endings.end_session(session, event.at);
            told(&event.in_session(session));
        }
        Ok::<_, platform::db::StoreError>(())
    });
    let ended = ended.await.map_err(RefreshError::Internal)?;
    ended.map_err(|error| RefreshError::Internal(error.into()))
}
