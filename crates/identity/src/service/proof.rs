//! Proof by password: the same work and the same answer whether the account exists or not, and a wait after
//! too many wrong ones. The count is taken where the hash is made, so that hanging up does not save a try.

use super::{
    hashing::{HashError, Hasher, fits},
    security::Recorder,
};
use crate::{
    domain::{
        security::SecurityEvent,
        throttle::{Account, Throttle},
    },
    store::{Credentials, LoginName},
};
use contracts::{
    BoxError,
    identity::{LoginError, SecurityEventDetail},
    values::UserId,
};
use platform::{clock::Clock, digest};
use secrecy::SecretString;
use std::sync::{Arc, Mutex};

/// Checks passwords.
pub(super) struct Prover {
    pub(super) hasher: Hasher,
    /// What passwords of unknown names are checked against.
    pub(super) dummy: SecretString,
    pub(super) throttle: Arc<Mutex<Throttle>>,
    pub(super) clock: Clock,
    pub(super) recorder: Recorder,
}

impl Prover {
    /// The credentials again, if the password is theirs; otherwise the refusal is noted, and why.
    pub(super) async fn prove(
        &self,
        account: Account,
        found: Option<Credentials>,
        password: SecretString,
        refused: SecurityEvent,
    ) -> Result<Credentials, LoginError> {
        self.admit(&account, &refused)?;
        let turn = self.hasher.turn().await.map_err(refusal)?;
        // Others may have failed while this one waited for its turn.
        self.admit(&account, &refused)?;
        let hash = found
            .as_ref()
            .map_or_else(|| self.dummy.clone(), |found| found.password_hash.clone());
        let known = found.is_some();
        let disabled = found.as_ref().is_some_and(|found| found.disabled);
        // A password is half of what is asked for here: guessing codes must not begin anew with each right one.
        let is_whole = found.as_ref().is_none_or(|found| !found.has_factor);
        let (throttle, clock) = (Arc::clone(&self.throttle), self.clock.clone());
        let recorder = self.recorder.clone();
        let check = move |_: &_| Ok::<_, BoxError>(fits(&password, &hash)? && known);
        let checked = turn.run(check, move |right| {
            let right = right?;
            if let Ok(mut throttle) = throttle.lock() {
                if !right {
                    throttle.failed(account, clock.now());
                } else if is_whole {
                    throttle.succeeded(&account);
                }
            }
            let why = match (known, right) {
                (false, _) => Some(SecurityEventDetail::UnknownName),
                (true, false) => Some(SecurityEventDetail::WrongPassword),
                (true, true) => disabled.then_some(SecurityEventDetail::Disabled),
            };
            if let Some(why) = why {
                recorder.note(refused.because(why));
            }
            Ok(right)
        });
        let right = checked.await.map_err(refusal)?;
        match found.filter(|_| right) {
            Some(found) if found.disabled => Err(LoginError::Disabled),
            found => found.ok_or(LoginError::InvalidCredentials),
        }
    }

    /// What a code was found to open, unless the account has to wait; none is counted as a wrong try. All in one step:
    /// of many codes at once none is looked at before those ahead of it are counted.
    pub(super) fn judge<T>(&self, account: Account, found: Option<T>) -> Result<T, LoginError> {
        let lost = |_| LoginError::Internal("the count of wrong tries is lost".into());
        let mut throttle = self.throttle.lock().map_err(lost)?;
        let now = self.clock.now();
        if let Some(retry_after_seconds) = throttle.wait_seconds(&account, now) {
            return Err(LoginError::TooManyTries {
                retry_after_seconds,
            });
        }
        if found.is_none() {
            throttle.failed(account, now);
        }
        found.ok_or(LoginError::CodeInvalid)
    }

    /// Counts a wrong try that only the commit could see.
    pub(super) fn missed(&self, id: UserId) {
        if let Ok(mut throttle) = self.throttle.lock() {
            throttle.failed(account_of_user(id), self.clock.now());
        }
    }

    /// Forgets the wrong tries on the account of somebody who has proven everything, or set another password.
    pub(super) fn forgive(&self, id: UserId) {
        if let Ok(mut throttle) = self.throttle.lock() {
            throttle.succeeded(&account_of_user(id));
        }
    }

    fn admit(&self, account: &Account, refused: &SecurityEvent) -> Result<(), LoginError> {
        let now = self.clock.now();
        let wait = self
            .throttle
            .lock()
            .ok()
            .and_then(|throttle| throttle.wait_seconds(account, now));
        match wait {
            None => Ok(()),
            Some(retry_after_seconds) => {
                let refused = refused.clone();
                self.recorder
                    .note(refused.because(SecurityEventDetail::Throttled));
                Err(LoginError::TooManyTries {
                    retry_after_seconds,
                })
            }
        }
    }
}

/// What tries on a name are counted by: its account, or the name if it has none.
pub(super) fn account_of(name: &LoginName, found: Option<&Credentials>) -> Account {
    match (found, name) {
        (Some(found), _) => account_of_user(found.user_id),
        (None, LoginName::Email(email)) => digest::sha256(&[b"email", email.key().as_bytes()]),
        (None, LoginName::Username(username)) => {
            digest::sha256(&[b"username", username.key().as_bytes()])
        }
    }
}

/// What tries on a user's account are counted by.
pub(super) fn account_of_user(id: UserId) -> Account {
    digest::sha256(&[b"user", id.as_bytes()])
}

fn refusal(error: HashError) -> LoginError {
    match error {
        HashError::Overloaded => LoginError::Overloaded,
        HashError::Failed(error) => LoginError::Internal(error),
    }
}
