//! Signing in. Unknown name, wrong password, disabled account: one answer, one time.

use super::{Service, proof};
use crate::store::LoginName;
use contracts::identity::{Login, LoginError, SignedIn};

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
    let proven = service.prover.prove(account, found, wish.password).await?;
    let now = service.clock.now();
    let (session, token) = service.issuer.session(now).map_err(LoginError::Internal)?;
    let opened = service.store.open_session(proven, session).await;
    let user = opened
        .map_err(|abort| abort.into_refusal(|| LoginError::Overloaded, LoginError::Internal))?;
    tracing::info!(user.id = %user.id, session.id = %session.id, "user {} signed in", user.id);
    service
        .issuer
        .sign_in(user, session.id, &token, now)
        .map_err(LoginError::Internal)
}
