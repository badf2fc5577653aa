//! Links in mails: for whoever forgot their password, and to prove an address. A link's token follows from the id of
//! its mail and a secret of the servers, so that it rests nowhere but, hashed, where it is compared.

use super::{Service, mails, passwords};
use crate::{
    domain::mail::MailKind,
    store::{NewLink, NewMail, PasswordReset, TokenHash},
};
use contracts::{
    access::Principal,
    identity::{ForgotPassword, LinkError, PasswordError, ResetPassword, VerifyEmail},
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
    // Nobody waits for it.
    drop(service.tasks.finish(async move {
        match store.owe_reset(wish.email, link).await {
            Ok(true) => {
                tracing::info!(mail.id = %link.mail.id, "a link for another password is owed")
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %error, "a link for another password was lost"),
        }
        drop(seat);
    }));
    Ok(())
}

fn link(service: &Service, kind: MailKind) -> NewLink {
    let (config, at) = (&service.config, service.clock.now());
    let seconds = match kind {
        MailKind::VerifyEmail => config.verify_link_seconds,
        MailKind::ResetPassword
        | MailKind::PasswordChanged
        | MailKind::SecondFactorOn
        | MailKind::SecondFactorOff
        | MailKind::SecondFactorTakenOff
        | MailKind::RecoveryCodesMade
        | MailKind::RecoveryCodeUsed => config.reset_link_seconds,
    };
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
    let token = read(&wish.token).ok_or(PasswordError::LinkInvalid)?;
    let now = service.clock.now();
    // A guess must not cost us a password hash; the store judges again, in the commit.
    let owner = service
        .store
        .link_owner(token, MailKind::ResetPassword, now)
        .await;
    let owner = owner.map_err(|error| PasswordError::Internal(error.into()))?;
    let owner = owner.ok_or(PasswordError::LinkInvalid)?;
    passwords::check(&owner, &wish.new_password)?;
    let password_hash = passwords::hash(service, wish.new_password).await?;
    let (id, at) = (owner.id, service.clock.now());
    let reset = PasswordReset {
        token,
        user: id,
        password_hash,
        at,
        notice: mails::notice(MailKind::PasswordChanged, at),
    };
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let done = service.finish(async move {
        let epoch = store.reset_password(reset).await.map_err(|abort| {
            abort.into_refusal(|| PasswordError::Overloaded, PasswordError::Internal)
        })?;
        endings.end_user_before(id, epoch, at);
        Ok::<_, PasswordError>(())
    });
    done.await.map_err(PasswordError::Internal)??;
    service.prover.forgive(id);
    tracing::info!(user.id = %id, "user {id} set another password by a link");
    Ok(())
}

pub(super) async fn ask_verification(service: &Service, who: &Principal) -> Result<(), LinkError> {
    let link = link(service, MailKind::VerifyEmail);
    let owed = service.store.owe_verification(who.user_id, link).await;
    owed.map(drop).map_err(failure)
}

pub(super) async fn verify(service: &Service, wish: VerifyEmail) -> Result<(), LinkError> {
    let token = read(&wish.token).ok_or(LinkError::Invalid)?;
    let now = service.clock.now();
    let verified = service.store.verify_email(token, now).await;
    let user = verified.map_err(failure)?.ok_or(LinkError::Invalid)?;
    tracing::info!(user.id = %user, "user {user} verified their address");
    Ok(())
}

fn failure(error: StoreError) -> LinkError {
    LinkError::Internal(error.into())
}
