//! Opening an account. Whether a name is taken is for the store's unique indexes to say, not for a look
//! beforehand; what a new user may do is for the shop's settings to say, never for the body.

use super::{Service, hashing::HashError, security::told};
use crate::{
    config::RegistrationRole,
    domain::{
        name::display_name,
        password::{self, Owner},
        roles::Roles,
        security::{Actor, SecurityEvent},
    },
    store::NewUser,
};
use contracts::{
    access::Role,
    identity::{RegisterError, RegisterUser, SecurityEventDetail, SecurityEventKind, SignedIn},
    values::{Email, UserId, Username},
};
use platform::db::Abort;
use secrecy::{ExposeSecret, SecretString};

pub(super) async fn register(
    service: &Service,
    wish: RegisterUser,
) -> Result<SignedIn, RegisterError> {
    if wish.email.is_none() && wish.username.is_none() {
        return Err(RegisterError::NameMissing);
    }
    let name = wish.name.as_deref().map(display_name).transpose();
    let name = name.map_err(|error| RegisterError::InvalidName { reason: error.0 })?;
    let person = Person {
        email: wish.email,
        username: wish.username,
        name,
        roles: roles(service.config.registration_role),
    };
    let event = service.event(SecurityEventKind::Registered);
    let user = new_user(service, person, wish.password, event).await?;
    let event = user.event.clone();
    let opening = service.new_session(SecurityEventKind::SignedIn);
    let (session, token) = opening.map_err(RegisterError::Internal)?;
    let registered = service.store.register(user, session.clone()).await;
    let user = registered.map_err(|abort| {
        let error = refusal(abort);
        if matches!(
            error,
            RegisterError::EmailTaken | RegisterError::UsernameTaken
        ) {
            let event = service.event(SecurityEventKind::RegistrationRefused);
            service.note(event.because(SecurityEventDetail::NameTaken));
        }
        error
    })?;
    told(&event);
    service
        .opened(user, session, &token)
        .map_err(RegisterError::Internal)
}

/// What somebody who registers may do.
pub(super) fn roles(role: RegistrationRole) -> Roles {
    match role {
        RegistrationRole::Customer => Roles::of(&[]),
        RegistrationRole::Merchant => Roles::of(&[Role::Merchant]),
    }
}

/// Somebody without a password yet.
pub(super) struct Person {
    pub(super) email: Option<Email>,
    pub(super) username: Option<Username>,
    pub(super) name: Option<String>,
    pub(super) roles: Roles,
}

/// Checks and hashes the password of a new account; the event tells of it.
pub(super) async fn new_user(
    service: &Service,
    person: Person,
    password: SecretString,
    event: SecurityEvent,
) -> Result<NewUser, RegisterError> {
    let owner = Owner {
        email: person.email.as_ref(),
        username: person.username.as_ref(),
        name: person.name.as_deref(),
    };
    password::check(password.expose_secret(), owner).map_err(|reason| {
        RegisterError::PasswordTooWeak {
            reason: reason.into(),
        }
    })?;
    let password_hash = service
        .hasher
        .hash(password)
        .await
        .map_err(|error| match error {
            HashError::Overloaded => RegisterError::Overloaded,
            HashError::Failed(error) => RegisterError::Internal(error),
        })?;
    let id = UserId::generate();
    Ok(NewUser {
        id,
        email: person.email,
        username: person.username,
        name: person.name,
        password_hash,
        roles: person.roles,
        at: service.clock.now(),
        // Who opens an account is its owner, but for the shop itself.
        event: match event.actor {
            Actor::Nobody => event.by_owner(id),
            Actor::User(_) | Actor::System => event.of(id),
        },
    })
}

pub(super) fn refusal(abort: Abort<RegisterError>) -> RegisterError {
    abort.into_refusal(|| RegisterError::Overloaded, RegisterError::Internal)
}
