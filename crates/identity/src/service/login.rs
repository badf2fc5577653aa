//! Signing in. Unknown name, wrong password, disabled account: one answer, one time.

use super::{Service, proof};
use crate::store::LoginName;
use contracts::identity::{Login, LoginError, SecurityEventKind, SignedIn};

/// By e-mail address if one came, else by user name.
pub(super) async fn login(service: &Service, wish: Login) -> Result<SignedIn, LoginError> {
    let name = match (wish.email, wish.username) {
        (Some(email), _) => LoginName::Email(email),
        (None, Some(username)) => LoginName::Username(username),
        (None, None) => return Err(LoginError::InvalidCredentials),
    };
    let found = service.store.credentials(name.clone()).await;
    let found = found.map_err(|error| LoginError::Internal(error.into()))?;
    let account = proof::account_of(&name, found.as_ref());
    let mut refused = service.event(SecurityEventKind::SignInRefused);
    refused.account = found.as_ref().map(|found| found.user_id);
    let proving = service.prover.prove(account, found, wish.password, refused);
    let proven = proving.await?;
    let opening = service.new_session(SecurityEventKind::SignedIn);
    let (session, token) = opening.map_err(LoginError::Internal)?;
    let opened = service.store.open_session(proven, session.clone()).await;
    let user = opened
        .map_err(|abort| abort.into_refusal(|| LoginError::Overloaded, LoginError::Internal))?;
    service
        .opened(user, session, &token)
        .map_err(LoginError::Internal)
}
