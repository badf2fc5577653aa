//! Links in mails: for whoever forgot their password, and to prove an address. A link's token follows from the id of
//! its mail and a secret of the servers, so that it rests nowhere but, hashed, where it is compared.

use super::{Service, mails, passwords, security::told};
use crate::{
    domain::mail::MailKind,
    store::{NewLink, NewMail, PasswordReset, TokenHash},
};
use contracts::{
    access::Principal,
    identity::{
        ForgotPassword, LinkError, PasswordError, ResetPassword, SecurityEventDetail,
        SecurityEventKind, VerifyEmail,
    },
    values::MailId,
};
use platform::{db::StoreError, digest};
use secrecy::SecretString;
use std::sync::Arc;

/// Answers before anything is looked at: neither the answer nor its time tells whether there is an account.
pub(super) fn forgot(service: &Service, wish: ForgotPassword) -> Result<(), LinkError> {
    let seat = Arc::clone(&service.asks).try_acquire_owned();
    let seat = seat.map_err(|_| LinkError::Overloaded)?;
    let (store, link) = (
        service.store.clone(),
        link(service, MailKind::ResetPassword),
    );
    let (event, recorder) = (link.event.clone(), service.recorder.clone());
    // Nobody waits for it.
    drop(service.tasks.finish(async move {
        match store.owe_reset(wish.email, link).await {
            Ok(true) => told(&event),
            Ok(false) => recorder.note(event.because(SecurityEventDetail::NotSent)),
            Err(error) => tracing::warn!(error = %error, "a link for another password was lost"),
        }
        drop(seat);
    }));
    Ok(())
}

/// A link of a kind that is asked for now.
pub(super) fn link(service: &Service, kind: MailKind) -> NewLink {
    let config = &service.config;
    let (seconds, told_as) = match kind {
        MailKind::VerifyEmail => (
            config.verify_link_seconds,
            SecurityEventKind::VerificationAsked,
        ),
        MailKind::ResetPassword
        | MailKind::ApiKeyMade
        | MailKind::PasswordChanged
        | MailKind::SecondFactorOn
        | MailKind::SecondFactorOff
        | MailKind::SecondFactorTakenOff
        | MailKind::RecoveryCodesMade
        | MailKind::RecoveryCodeUsed
        | MailKind::ProviderLinked
        | MailKind::ProviderUnlinked => (
            config.reset_link_seconds,
            SecurityEventKind::PasswordResetAsked,
        ),
    };
    let event = service.event(told_as);
    let at = event.at;
    let mail = NewMail {
        id: MailId::generate(),
        kind,
        at,
        expires_at: at.plus_seconds(i64::from(seconds)),
    };
    let window = i64::from(config.link_window_seconds);
    NewLink {
        token: hash(&service.issuer.link_token(mail.id)),
        since: at.plus_seconds(window.saturating_neg()),
        most: config.links_max,
        mail,
        event,
    }
}

fn hash(token: &[u8; 32]) -> TokenHash {
    digest::sha256(&[b"link", token])
}

/// The hash of what a caller sent.
fn read(token: &SecretString) -> Option<TokenHash> {
    super::tokens::read_token(token).map(|token| hash(&token))
}

pub(super) async fn reset(service: &Service, wish: ResetPassword) -> Result<(), PasswordError> {
    let refused = || {
        refuse(service, SecurityEventDetail::ResetLink);
        PasswordError::LinkInvalid
    };
    let token = read(&wish.token).ok_or_else(refused)?;
    let now = service.clock.now();
    // A guess must not cost us a password hash; the store judges again, in the commit.
    let owner = service
        .store
        .link_owner(token, MailKind::ResetPassword, now)
        .await;
    let owner = owner.map_err(|error| PasswordError::Internal(error.into()))?;
    let owner = owner.ok_or_else(refused)?;
    passwords::check(&owner, &wish.new_password)?;
    let password_hash = passwords::hash(service, wish.new_password).await?;
    let event = service.event(SecurityEventKind::PasswordReset);
    let (id, at, event) = (owner.id, event.at, event.by_owner(owner.id));
    let reset = PasswordReset {
        token,
        user: id,
        password_hash,
        at,
        notice: mails::notice(MailKind::PasswordChanged, at),
        event: event.clone(),
    };
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let done = service.finish(async move {
        let epoch = store.reset_password(reset).await.map_err(|abort| {
            abort.into_refusal(|| PasswordError::Overloaded, PasswordError::Internal)
        })?;
        endings.end_user_before(id, epoch, at);
        told(&event);
        Ok::<_, PasswordError>(())
    });
    done.await.map_err(PasswordError::Internal)??;
    service.prover.forgive(id);
    Ok(())
}

pub(super) async fn ask_verification(service: &Service, who: &Principal) -> Result<(), LinkError> {
    let mut link = link(service, MailKind::VerifyEmail);
    link.event = link.event.by(who).of(who.user_id);
    let event = link.event.clone();
    let owed = service.store.owe_verification(who.user_id, link).await;
    if owed.map_err(failure)? {
        told(&event);
    }
    Ok(())
}

pub(super) async fn verify(service: &Service, wish: VerifyEmail) -> Result<(), LinkError> {
    let refused = || {
        refuse(service, SecurityEventDetail::VerificationLink);
        LinkError::Invalid
    };
    let token = read(&wish.token).ok_or_else(refused)?;
    let event = service.event(SecurityEventKind::EmailVerified);
    let verified = service.store.verify_email(token, event.clone()).await;
    let user = verified.map_err(failure)?.ok_or_else(refused)?;
    told(&event.by_owner(user));
    Ok(())
}

fn refuse(service: &Service, which: SecurityEventDetail) {
    let event = service.event(SecurityEventKind::LinkRefused);
    service.note(event.because(which));
}

fn failure(error: StoreError) -> LinkError {
    LinkError::Internal(error.into())
}
