//! The second factor: begun with the password, on with the first code of its app, and off with both, or by an admin
//! whose word it is that somebody lost it. Each change is told to the owner, in the commit that makes it.

use super::{Service, codes, mails, proof, security::told, vault::recovery_hash};
use crate::{
    domain::{
        factor::{self, RECOVERY_BYTES, RECOVERY_CODES, SECRET_BYTES},
        mail::MailKind,
        security::SecurityEvent,
    },
    store::{
        Credentials, LoginName,
        factors::{
            Codes, CodesMade, Factor, FactorBegun, FactorOff, FactorOn, FactorTakenOff, Spent,
        },
    },
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    identity::{
        AnswerChallenge, BeginSecondFactor, ConfirmSecondFactor, FactorError, FactorSecret,
        LoginError, ProfileError, ProveTwice, RecoveryCodes, SecondFactorView, SecondFactors,
        SecurityEventKind, SignedIn,
    },
    values::{Email, UserId, Username},
};
use platform::{
    db::{Abort, StoreError},
    digest,
};
use secrecy::SecretString;

#[async_trait]
impl SecondFactors for Service {
    async fn answer_challenge(&self, wish: AnswerChallenge) -> Result<SignedIn, LoginError> {
        super::login::answer(self, wish).await
    }

    async fn second_factor(&self, who: &Principal) -> Result<SecondFactorView, FactorError> {
        let factor = self.store.factor(who.user_id).await.map_err(failure)?;
        Ok(view(factor.filter(codes::is_on).as_ref()))
    }

    async fn begin_second_factor(
        &self,
        who: &Principal,
        wish: BeginSecondFactor,
    ) -> Result<FactorSecret, FactorError> {
        begin(self, who, wish).await
    }

    async fn confirm_second_factor(
        &self,
        who: &Principal,
        wish: ConfirmSecondFactor,
    ) -> Result<RecoveryCodes, FactorError> {
        confirm(self, who, wish).await
    }

    async fn renew_recovery_codes(
        &self,
        who: &Principal,
        wish: ProveTwice,
    ) -> Result<RecoveryCodes, FactorError> {
        renew(self, who, wish).await
    }

    async fn end_second_factor(
        &self,
        who: &Principal,
        wish: ProveTwice,
    ) -> Result<(), FactorError> {
        end(self, who, wish).await
    }

    async fn take_second_factor_off(
        &self,
        who: &Principal,
        id: UserId,
    ) -> Result<(), ProfileError> {
        let event = self.event(SecurityEventKind::SecondFactorOff).by(who);
        take_off(self, id, event.of(id)).await.map(drop)
    }
}

fn view(factor: Option<&Factor>) -> SecondFactorView {
    let left = factor.map_or(0, |factor| factor.codes.len());
    SecondFactorView {
        on: factor.is_some(),
        since: factor.and_then(|factor| factor.confirmed_at),
        recovery_codes_left: u32::try_from(left).unwrap_or(u32::MAX),
    }
}

async fn begin(
    service: &Service,
    who: &Principal,
    wish: BeginSecondFactor,
) -> Result<FactorSecret, FactorError> {
    let id = who.user_id;
    let found = service.store.credentials_of(id).await.map_err(failure)?;
    if found.as_ref().is_some_and(|found| found.has_factor) {
        return Err(FactorError::On);
    }
    let proven = password(service, who, found, wish.password).await?;
    let user = service.store.user(id).await.map_err(failure)?;
    let user = user.ok_or(LoginError::InvalidCredentials)?;
    let secret = digest::random::<SECRET_BYTES>().map_err(LoginError::Internal)?;
    let sealed = service.vault.seal(id, &secret);
    let begun = FactorBegun {
        proven,
        sealed: sealed.map_err(LoginError::Internal)?,
        at: service.clock.now(),
    };
    service.store.begin_factor(begun).await.map_err(refusal)?;
    let name = user.email.as_ref().map(Email::as_str);
    let name = name.or_else(|| user.username.as_ref().map(Username::as_str));
    let secret = factor::base32(&secret);
    let uri = factor::uri(&service.post.public_url, name.unwrap_or_default(), &secret);
    Ok(FactorSecret {
        secret: secret.into(),
        uri: uri.into(),
    })
}

async fn confirm(
    service: &Service,
    who: &Principal,
    wish: ConfirmSecondFactor,
) -> Result<RecoveryCodes, FactorError> {
    let (id, now) = (who.user_id, service.clock.now());
    let found = service.store.factor(id).await.map_err(failure)?;
    let factor = found.ok_or(FactorError::Off)?;
    if codes::is_on(&factor) {
        return Err(FactorError::On);
    }
    let seconds = i64::from(service.config.second_factor_setup_seconds);
    if factor.begun_at.plus_seconds(seconds) <= now {
        return Err(FactorError::Off);
    }
    // There are no recovery codes yet.
    let Spent::Step(step) = codes::check(service, id, &factor, &wish.code).await? else {
        return Err(LoginError::CodeInvalid.into());
    };
    let (shown, codes) = fresh_codes(id).map_err(LoginError::Internal)?;
    let on = FactorOn {
        user: id,
        sealed: factor.sealed,
        step,
        codes,
        kept: who.session_id,
        at: now,
        notice: mails::notice(MailKind::SecondFactorOn, now),
        event: owned(service, SecurityEventKind::SecondFactorOn, who),
    };
    let event = on.event.clone();
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let turned = service.finish(async move {
        for session in store.turn_factor_on(on).await.map_err(refusal)? {
            endings.end_session(session, now);
        }
        told(&event);
        Ok::<_, FactorError>(())
    });
    turned.await.map_err(LoginError::Internal)??;
    service.prover.forgive(id);
    Ok(shown)
}

async fn renew(
    service: &Service,
    who: &Principal,
    wish: ProveTwice,
) -> Result<RecoveryCodes, FactorError> {
    let id = who.user_id;
    let proven = prove(service, who, wish).await?;
    let used = codes::told_of(&proven);
    let (shown, codes) = fresh_codes(id).map_err(LoginError::Internal)?;
    let at = service.clock.now();
    let made = CodesMade {
        proven,
        codes,
        at,
        notice: mails::notice(MailKind::RecoveryCodesMade, at),
        event: owned(service, SecurityEventKind::RecoveryCodesMade, who),
    };
    let event = made.event.clone();
    let made = service.store.make_codes(made).await.map_err(unproven);
    codes::counted(service, id, used, made)?;
    told(&event);
    Ok(shown)
}

async fn end(service: &Service, who: &Principal, wish: ProveTwice) -> Result<(), FactorError> {
    let id = who.user_id;
    let proven = prove(service, who, wish).await?;
    let used = codes::told_of(&proven);
    let at = service.clock.now();
    let off = FactorOff {
        proven,
        kept: who.session_id,
        at,
        notice: mails::notice(MailKind::SecondFactorOff, at),
        event: owned(service, SecurityEventKind::SecondFactorOff, who),
    };
    let event = off.event.clone();
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let turned = service.finish(async move {
        for session in store.turn_factor_off(off).await.map_err(unproven)? {
            endings.end_session(session, at);
        }
        told(&event);
        Ok::<_, LoginError>(())
    });
    let turned = turned.await.map_err(LoginError::Internal)?;
    Ok(codes::counted(service, id, used, turned)?)
}

/// What the owner of an account does to it.
fn owned(service: &Service, kind: SecurityEventKind, who: &Principal) -> SecurityEvent {
    service.event(kind).by(who).of(who.user_id)
}

/// The password, of whoever is signed in.
async fn password(
    service: &Service,
    who: &Principal,
    found: Option<Credentials>,
    password: SecretString,
) -> Result<Credentials, LoginError> {
    let account = proof::account_of_user(who.user_id);
    let refused = owned(service, SecurityEventKind::PasswordRefused, who);
    let proving = proof::prove(service, account, found, password, refused);
    proving.await
}

/// Both, of an account whose factor is on.
async fn prove(
    service: &Service,
    who: &Principal,
    wish: ProveTwice,
) -> Result<Credentials, FactorError> {
    let found = service
        .store
        .credentials_of(who.user_id)
        .await
        .map_err(failure)?;
    if found.as_ref().is_some_and(|found| !found.has_factor) {
        return Err(FactorError::Off);
    }
    let proven = password(service, who, found, wish.password).await?;
    Ok(codes::prove(service, proven, Some(&wish.code)).await?)
}

/// Whether it was on.
async fn take_off(
    service: &Service,
    id: UserId,
    event: SecurityEvent,
) -> Result<bool, ProfileError> {
    let at = event.at;
    let off = FactorTakenOff {
        user: id,
        at,
        notice: mails::notice(MailKind::SecondFactorTakenOff, at),
        event: event.clone(),
    };
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let taken = service.finish(async move {
        let epoch = store.take_factor_off(off).await;
        let epoch = epoch.map_err(super::profile::refusal)?;
        if let Some(epoch) = epoch {
            endings.end_user_before(id, epoch, at);
            told(&event);
        }
        Ok::<_, ProfileError>(epoch.is_some())
    });
    taken.await.map_err(ProfileError::Internal)?
}

/// The same, for the command line: by the address. Whether it was on.
pub(super) async fn take_off_of(service: &Service, email: Email) -> Result<bool, ProfileError> {
    let found = service.store.credentials(LoginName::Email(email)).await;
    let found = found.map_err(|error| ProfileError::Internal(error.into()))?;
    let id = found.ok_or(ProfileError::NotFound)?.user_id;
    let event = service.event(SecurityEventKind::SecondFactorOff);
    take_off(service, id, event.by_system().of(id)).await
}

/// Recovery codes to be shown, and what is kept of them.
fn fresh_codes(user: UserId) -> Result<(RecoveryCodes, Codes), BoxError> {
    let mut shown = Vec::new();
    let mut kept: Codes = [[0; 32]; RECOVERY_CODES];
    for hash in &mut kept {
        let code = digest::random::<RECOVERY_BYTES>()?;
        *hash = recovery_hash(user, &code);
        shown.push(SecretString::from(factor::recovery_text(&code)));
    }
    Ok((RecoveryCodes { codes: shown }, kept))
}

fn failure(error: StoreError) -> FactorError {
    codes::failure(error).into()
}

fn unproven(abort: Abort<LoginError>) -> LoginError {
    abort.into_refusal(|| LoginError::Overloaded, LoginError::Internal)
}

fn refusal(abort: Abort<FactorError>) -> FactorError {
    abort.into_refusal(
        || LoginError::Overloaded.into(),
        |cause| LoginError::Internal(cause).into(),
    )
}
