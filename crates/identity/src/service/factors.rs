//! The second factor: begun with the password, on with the first code of its app, and off with both, or by an admin
//! whose word it is that somebody lost it. Each change is told to the owner, in the commit that makes it.

use super::{Service, codes, mails, proof, vault::recovery_hash};
use crate::{
    domain::{
        factor::{self, RECOVERY_BYTES, RECOVERY_CODES, SECRET_BYTES},
        mail::MailKind,
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
        SignedIn,
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
        begin(self, who.user_id, wish).await
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
        renew(self, who.user_id, wish).await
    }

    async fn end_second_factor(
        &self,
        who: &Principal,
        wish: ProveTwice,
    ) -> Result<(), FactorError> {
        end(self, who, wish).await
    }

    async fn take_second_factor_off(&self, id: UserId) -> Result<(), ProfileError> {
        take_off(self, id).await.map(drop)
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
    id: UserId,
    wish: BeginSecondFactor,
) -> Result<FactorSecret, FactorError> {
    let found = service.store.credentials_of(id).await.map_err(failure)?;
    if found.as_ref().is_some_and(|found| found.has_factor) {
        return Err(FactorError::On);
    }
    let account = proof::account_of_user(id);
    let proven = service.prover.prove(account, found, wish.password).await?;
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
    let name = name.or(user.username.as_ref().map(Username::as_str));
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
    let Spent::Step(step) = codes::check(service, id, &factor, &wish.code)? else {
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
    };
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let turned = service.finish(async move {
        for session in store.turn_factor_on(on).await.map_err(refusal)? {
            endings.end_session(session, now);
        }
        Ok::<_, FactorError>(())
    });
    turned.await.map_err(LoginError::Internal)??;
    service.prover.forgive(id);
    tracing::info!(user.id = %id, "user {id} turned the second factor on");
    Ok(shown)
}

async fn renew(
    service: &Service,
    id: UserId,
    wish: ProveTwice,
) -> Result<RecoveryCodes, FactorError> {
    let proven = prove(service, id, wish).await?;
    let (shown, codes) = fresh_codes(id).map_err(LoginError::Internal)?;
    let at = service.clock.now();
    let made = CodesMade {
        proven,
        codes,
        at,
        notice: mails::notice(MailKind::RecoveryCodesMade, at),
    };
    let made = service.store.make_codes(made).await.map_err(unproven);
    codes::counted(service, id, made)?;
    tracing::info!(user.id = %id, "user {id} made other recovery codes");
    Ok(shown)
}

async fn end(service: &Service, who: &Principal, wish: ProveTwice) -> Result<(), FactorError> {
    let id = who.user_id;
    let proven = prove(service, id, wish).await?;
    let at = service.clock.now();
    let off = FactorOff {
        proven,
        kept: who.session_id,
        at,
        notice: mails::notice(MailKind::SecondFactorOff, at),
    };
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let turned = service.finish(async move {
        for session in store.turn_factor_off(off).await.map_err(unproven)? {
            endings.end_session(session, at);
        }
        Ok::<_, LoginError>(())
    });
    let turned = turned.await.map_err(LoginError::Internal)?;
    codes::counted(service, id, turned)?;
    tracing::info!(user.id = %id, "user {id} turned the second factor off");
    Ok(())
}

/// Both, of an account whose factor is on.
async fn prove(
    service: &Service,
    id: UserId,
    wish: ProveTwice,
) -> Result<Credentials, FactorError> {
    let found = service.store.credentials_of(id).await.map_err(failure)?;
    if found.as_ref().is_some_and(|found| !found.has_factor) {
        return Err(FactorError::Off);
    }
    let account = proof::account_of_user(id);
    let proven = service.prover.prove(account, found, wish.password).await?;
    Ok(codes::prove(service, proven, Some(&wish.code)).await?)
}

/// Whether it was on.
async fn take_off(service: &Service, id: UserId) -> Result<bool, ProfileError> {
    let at = service.clock.now();
    let off = FactorTakenOff {
        user: id,
        at,
        notice: mails::notice(MailKind::SecondFactorTakenOff, at),
    };
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let taken = service.finish(async move {
        let epoch = store.take_factor_off(off).await;
        let epoch = epoch.map_err(super::profile::refusal)?;
        if let Some(epoch) = epoch {
            endings.end_user_before(id, epoch, at);
        }
        Ok::<_, ProfileError>(epoch.is_some())
    });
    let was_on = taken.await.map_err(ProfileError::Internal)??;
    if was_on {
        tracing::info!(user.id = %id, "the second factor of user {id} was taken off");
    }
    Ok(was_on)
}

/// The same, for the command line: by the address. Whether it was on.
pub(super) async fn take_off_of(service: &Service, email: Email) -> Result<bool, ProfileError> {
    let found = service.store.credentials(LoginName::Email(email)).await;
    let found = found.map_err(|error| ProfileError::Internal(error.into()))?;
    take_off(service, found.ok_or(ProfileError::NotFound)?.user_id).await
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
