//! Proof by a code, beside the password. Codes that are wrong count like wrong passwords, and however many are tried at
//! once, each is counted before the next is looked at. A right one is used up in the commit of what it opens.

use super::{Service, mails, proof, security::told, vault};
use crate::{
    domain::{
        factor::{self, Typed},
        mail::MailKind,
        security::SecurityEvent,
    },
    store::{
        Credentials,
        factors::{Factor, Spent},
    },
};
use contracts::{
    identity::{LoginError, SecurityEventDetail, SecurityEventKind},
    values::UserId,
};
use platform::{db::StoreError, digest};
use secrecy::{ExposeSecret, SecretString};

/// Adds the code to what was proven, if one is asked for. Where none is, one that came is passed over.
pub(super) async fn prove(
    service: &Service,
    proven: Credentials,
    code: Option<&SecretString>,
) -> Result<Credentials, LoginError> {
    if !proven.has_factor {
        return Ok(proven);
    }
    let code = code.ok_or(LoginError::SecondFactorRequired { challenge: None })?;
    let found = service.store.factor(proven.user_id).await;
    let factor = found.map_err(failure)?.filter(is_on);
    let factor = factor.ok_or(LoginError::InvalidCredentials)?;
    let spent = check(service, proven.user_id, &factor, code).await?;
    Ok(Credentials {
        spent: Some(spent),
        ..proven
    })
}

/// Refuses what lacks a code, before it costs a hash.
pub(super) fn came(
    found: Option<&Credentials>,
    code: Option<&SecretString>,
) -> Result<(), LoginError> {
    if code.is_none() && found.is_some_and(|found| found.has_factor) {
        return Err(LoginError::SecondFactorRequired { challenge: None });
    }
    Ok(())
}

/// What the code uses up.
pub(super) async fn check(
    service: &Service,
    user: UserId,
    factor: &Factor,
    code: &SecretString,
) -> Result<Spent, LoginError> {
    let tried = proof::counted_by(service, proof::account_of_user(user), Some(user)).await;
    let now = service.clock.now();
    let spent = match Typed::read(code.expose_secret()) {
        Some(Typed::Code(code)) => {
            let secret = service.vault.open(user, &factor.sealed);
            let secret = secret.map_err(LoginError::Internal)?;
            let mac = |step: i64| digest::hmac_sha1(&secret, &step.to_be_bytes());
            let fits = |step: &i64| factor::code_in(&mac(*step)) == code;
            let step = factor::steps(now, factor.last_step).find(fits);
            step.map(Spent::Step)
        }
        Some(Typed::Recovery(code)) => {
            let hash = vault::recovery_hash(user, &code);
            let notice = mails::notice(MailKind::RecoveryCodeUsed, now);
            let is_there = factor.codes.contains(&hash);
            let event = service.event(SecurityEventKind::RecoveryCodeUsed);
            let event = event.by_owner(user);
            is_there.then_some(Spent::RecoveryCode(hash, notice, event))
        }
        None => None,
    };
    let judged = service.prover.judge(&tried, spent);
    match &judged {
        Err(LoginError::CodeInvalid) => refused(service, user, None),
        Err(LoginError::TooManyTries { .. }) => {
            refused(service, user, Some(SecurityEventDetail::Throttled));
        }
        Ok(_) | Err(_) => {}
    }
    judged
}

fn refused(service: &Service, user: UserId, why: Option<SecurityEventDetail>) {
    let mut event = service
        .event(SecurityEventKind::SecondFactorRefused)
        .of(user);
    event.detail = why;
    service.note(event);
}

/// What is to be told once what was proven has been used up.
pub(super) fn told_of(proven: &Credentials) -> Option<SecurityEvent> {
    match &proven.spent {
        Some(Spent::RecoveryCode(_, _, event)) => Some(event.clone()),
        Some(Spent::Step(_)) | None => None,
    }
}

/// After the commit of what was proven.
pub(super) fn used(service: &Service, user: UserId, event: Option<SecurityEvent>) {
    service.prover.forgive(user);
    event.iter().for_each(told);
}

/// After a commit that found the code used in the meantime.
pub(super) fn missed(service: &Service, user: UserId) {
    service.prover.missed(user);
    refused(service, user, None);
}

/// What the count of wrong tries hears of a commit that should have used a code up.
pub(super) fn counted<T>(
    service: &Service,
    user: UserId,
    event: Option<SecurityEvent>,
    outcome: Result<T, LoginError>,
) -> Result<T, LoginError> {
    match &outcome {
        Ok(_) => used(service, user, event),
        Err(LoginError::CodeInvalid) => missed(service, user),
        Err(_) => {}
    }
    outcome
}

pub(super) fn is_on(factor: &Factor) -> bool {
    factor.confirmed_at.is_some()
}

pub(super) fn failure(error: StoreError) -> LoginError {
    LoginError::Internal(error.into())
}
