//! Signing in. Unknown name, wrong password: one answer, one time, of a disabled account as well. Who knows the
//! password of a disabled one is told so. Where the second factor is on, the right password is answered with a
//! challenge and opens nothing by itself.

use super::{Service, codes, proof, vault::Challenge};
use crate::store::{Credentials, LoginName};
use contracts::identity::{AnswerChallenge, Login, LoginError, SecurityEventKind, SignedIn};

/// By e-mail address if one came, else by user name.
pub(super) async fn login(service: &Service, wish: Login) -> Result<SignedIn, LoginError> {
    let name = match (wish.email, wish.username) {
        (Some(email), _) => LoginName::Email(email),
        (None, Some(username)) => LoginName::Username(username),
        (None, None) => return Err(LoginError::InvalidCredentials),
    };
    // In a storm most are refused: that must cost others nothing, so nobody is looked up for it.
    if service.prover.hasher.is_full() {
        return Err(LoginError::Overloaded);
    }
    let found = service.store.credentials(name.clone()).await;
    let found = found.map_err(|error| LoginError::Internal(error.into()))?;
    let account = proof::account_of(&name, found.as_ref());
    let mut refused = service.event(SecurityEventKind::SignInRefused);
    refused.account = found.as_ref().map(|found| found.user_id);
    let proving = proof::prove(service, account, found, wish.password, refused);
    let proven = proving.await?;
    if proven.has_factor {
        return Err(challenge(service, &proven).await);
    }
    open(service, proven).await
}

/// What the right password is answered with.
pub(super) async fn challenge(service: &Service, proven: &Credentials) -> LoginError {
    let factor = match service.store.factor(proven.user_id).await {
        Ok(factor) => factor.filter(codes::is_on),
        Err(error) => return codes::failure(error),
    };
    let Some(factor) = factor else {
        // It was turned off this very moment: whoever waits begins anew.
        return LoginError::InvalidCredentials;
    };
    let seconds = i64::from(service.config.second_factor_challenge_seconds);
    let expires_at = service.clock.now().plus_seconds(seconds);
    LoginError::SecondFactorRequired {
        challenge: Some(service.vault.challenge(proven, &factor, expires_at)),
    }
}

/// The second step. A challenge says whose sign-in it is; what it was made for is looked at again.
pub(super) async fn answer(
    service: &Service,
    wish: AnswerChallenge,
) -> Result<SignedIn, LoginError> {
    let now = service.clock.now();
    let challenge = Challenge::read(&wish.challenge).filter(|sent| sent.expires_at > now);
    let challenge = challenge.ok_or_else(|| begins_again(service))?;
    let user = challenge.user;
    let found = service.store.credentials_of(user).await;
    let factor = service.store.factor(user).await.map_err(codes::failure)?;
    let (Some(found), Some(factor)) = (
        found
            .map_err(codes::failure)?
            .filter(|found| !found.disabled),
        factor.filter(codes::is_on),
    ) else {
        return Err(begins_again(service));
    };
    if !service.vault.is_ours(&challenge, &found, &factor) {
        return Err(begins_again(service));
    }
    let spent = codes::check(service, user, &factor, &wish.code).await?;
    let proven = Credentials {
        spent: Some(spent),
        ..found
    };
    let used = codes::told_of(&proven);
    let opened = open(service, proven).await;
    codes::counted(service, user, used, opened)
}

/// What is told to whoever comes with a challenge that is not good, and noted.
fn begins_again(service: &Service) -> LoginError {
    service.note(service.event(SecurityEventKind::SignInRefused));
    LoginError::ChallengeInvalid
}

async fn open(service: &Service, proven: Credentials) -> Result<SignedIn, LoginError> {
    let opening = service.new_session(SecurityEventKind::SignedIn);
    let (session, token) = opening.map_err(LoginError::Internal)?;
    let opened = service.store.open_session(proven, session.clone()).await;
    let user = opened
        .map_err(|abort| abort.into_refusal(|| LoginError::Overloaded, LoginError::Internal))?;
    service
        .opened(user, session, &token)
        .map_err(LoginError::Internal)
}
