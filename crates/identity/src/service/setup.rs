//! The first admin: by a one-time token that is shown at the start and good only while there is no admin, or
//! from the command line. There is no default account. All nodes show the same token: it follows from the moment at
//! which it was made and a secret that they share, and only its hash is kept.

use super::{
    Service,
    register::{Person, new_user, refusal},
    security::told,
};
use crate::{
    domain::roles::Roles,
    store::{Setup, TokenHash},
};
use contracts::{
    access::Role,
    identity::{RegisterError, SecurityEventKind, SetupAdmin, SignedIn, UserView},
    values::Email,
};
use platform::{db::StoreError, digest};
use secrecy::{ExposeSecret, SecretString};

/// Another node may be faster once; then its token stands.
const LOOKS: u32 = 2;

pub(super) async fn token(service: &Service) -> Result<Option<SecretString>, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let fresh = service.issuer.setup_token(now);
    for _ in 0..LOOKS {
        let standing = store.standing_setup_token().await?;
        if let Some((hash_of_it, made_at)) = standing {
            let token = service.issuer.setup_token(made_at);
            if hash(&token) == hash_of_it {
                return Ok(Some(token));
            }
        }
        // None, or one that an earlier release drew by chance: nobody can show it again.
        let instead_of = standing.map(|(hash_of_it, _)| hash_of_it);
        let renewed = store.renew_setup_token(hash(&fresh), instead_of, now);
        if renewed.await? {
            return Ok(Some(fresh));
        }
    }
    Ok(None)
}

fn hash(token: &SecretString) -> TokenHash {
    digest::sha256(&[b"setup", token.expose_secret().as_bytes()])
}

pub(super) async fn setup_admin(
    service: &Service,
    wish: SetupAdmin,
) -> Result<SignedIn, RegisterError> {
    let token = hash(&wish.setup_token);
    // A guess must not cost us a password hash; the store judges again, in the commit.
    let good = service.store.setup_token_is_good(token).await;
    if !good.map_err(|error| RegisterError::Internal(error.into()))? {
        service.note(service.event(SecurityEventKind::SetupTokenRefused));
        return Err(RegisterError::SetupTokenInvalid);
    }
    let event = service.event(SecurityEventKind::SetupTokenUsed);
    let user = new_user(service, admin(wish.email), wish.password, event).await?;
    let event = user.event.clone();
    let opening = service.new_session(SecurityEventKind::SignedIn);
    let (session, refresh) = opening.map_err(RegisterError::Internal)?;
    let setup = Setup {
        token,
        user,
        session: session.clone(),
    };
    let user = service.store.set_up(setup).await.map_err(refusal)?;
    told(&event);
    service
        .opened(user, session, &refresh)
        .map_err(RegisterError::Internal)
}

pub(super) async fn create_admin(
    service: &Service,
    email: Email,
    password: SecretString,
) -> Result<UserView, RegisterError> {
    let event = service.event(SecurityEventKind::AdminMade).by_system();
    let user = new_user(service, admin(email), password, event).await?;
    let event = user.event.clone();
    let (store, endings, at) = (service.store.clone(), service.endings.clone(), user.at);
    let made = service.finish(async move {
        let admin = store.make_admin(user).await.map_err(refusal)?;
        endings.end_user_before(admin.id, admin.epoch, at);
        Ok(admin)
    });
    let admin = made.await.map_err(RegisterError::Internal)??;
    told(&event.of(admin.id));
    Ok(admin.view())
}

fn admin(email: Email) -> Person {
    Person {
        email: Some(email),
        username: None,
        name: None,
        roles: Roles::of(&[Role::Admin]),
    }
}
