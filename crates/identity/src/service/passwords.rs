//! Another password: the current one proves who asks, with a code where one is asked for, and all other sessions end
//! with it, in one commit with the mail that tells the owner. Whoever knew the old one has nothing any more.

use super::{Service, codes, hashing::HashError, mails, proof, security::told};
use crate::{
    domain::{
        mail::MailKind,
        password::{self, Owner},
        user::User,
    },
    store::PasswordChange,
};
use contracts::{
    access::Principal,
    identity::{ChangePassword, PasswordError, SecurityEventKind},
};
use platform::db::StoreError;
use secrecy::{ExposeSecret, SecretString};

pub(super) async fn change(
    service: &Service,
    who: &Principal,
    wish: ChangePassword,
) -> Result<(), PasswordError> {
    let id = who.user_id;
    let user = service.store.user(id).await.map_err(failure)?;
    let user = user.ok_or(PasswordError::InvalidCredentials)?;
    // What is refused by a look must not cost us a hash.
    check(&user, &wish.new_password)?;
    let found = service.store.credentials_of(id).await.map_err(failure)?;
    codes::came(found.as_ref(), wish.code.as_ref())?;
    let account = proof::account_of_user(id);
    let refused = service.event(SecurityEventKind::PasswordRefused);
    let refused = refused.by(who).of(id);
    let proving = proof::prove(service, account, found, wish.current_password, refused);
    let proven = codes::prove(service, proving.await?, wish.code.as_ref()).await?;
    let used = codes::told_of(&proven);
    let password_hash = hash(service, wish.new_password).await?;
    let at = service.clock.now();
    let change = PasswordChange {
        proven,
        password_hash,
        kept: who.session_id,
        at,
        notice: mails::notice(MailKind::PasswordChanged, at),
        event: service
            .event(SecurityEventKind::PasswordChanged)
            .by(who)
            .of(id),
    };
    let event = change.event.clone();
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let changed = service.finish(async move {
        let ended = store.change_password(change).await.map_err(|abort| {
            abort.into_refusal(|| PasswordError::Overloaded, PasswordError::Internal)
        })?;
        for session in ended {
            endings.end_session(session, at);
        }
        told(&event);
        Ok::<_, PasswordError>(())
    });
    let changed = changed.await.map_err(PasswordError::Internal)?;
    match changed {
        Ok(()) => codes::used(service, id, used),
        Err(PasswordError::CodeInvalid) => codes::missed(service, id),
        Err(_) => {}
    }
    changed
}

/// The rules of registration, which know the owner's names.
pub(super) fn check(user: &User, password: &SecretString) -> Result<(), PasswordError> {
    let owner = Owner {
        email: user.email.as_ref(),
        username: user.username.as_ref(),
        name: user.name.as_deref(),
    };
    password::check(password.expose_secret(), owner).map_err(|reason| {
        PasswordError::PasswordTooWeak {
            reason: reason.into(),
        }
    })
}

pub(super) async fn hash(
    service: &Service,
    password: SecretString,
) -> Result<SecretString, PasswordError> {
    let hash = service.hasher.hash(password).await;
    hash.map_err(|error| match error {
        HashError::Overloaded => PasswordError::Overloaded,
        HashError::Failed(error) => PasswordError::Internal(error),
    })
}

fn failure(error: StoreError) -> PasswordError {
    PasswordError::Internal(error.into())
}
