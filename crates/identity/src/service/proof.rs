//! Proof by password: the same work and the same answer whether the account exists or not, and a wait after too many
//! wrong ones. The count is taken where the hash is made, so that hanging up does not save a try. Who comes from where
//! the account was signed in to of late is counted apart (ADR 105).

use super::{
    Service,
    hashing::{HashError, Hasher, fits},
    security::Recorder,
};
use crate::{
    domain::{
        security::SecurityEvent,
        throttle::{Account, Throttle, Tried},
    },
    store::{Credentials, EventWish, LoginName},
};
use contracts::{
    BoxError,
    identity::{LoginError, SecurityEventDetail, SecurityEventKind},
    values::{SecurityEventId, UserId},
};
use platform::{clock::Clock, digest, trail};
use secrecy::SecretString;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex},
};

/// How long a network counts as one that its owner comes from, after a sign-in from there.
const HOME_SECONDS: i64 = 90 * 24 * 60 * 60;
/// Of so many sign-ins of a kind; people do not come from more networks.
const HOMES_LOOKED_AT: u32 = 20;
/// Another node's clock may be that far ahead.
const SKEW_SECONDS: i64 = 60;
/// What tells that somebody who knew the password came.
const CAME_HOME: [SecurityEventKind; 3] = [
    SecurityEventKind::SignedIn,
    SecurityEventKind::Registered,
    SecurityEventKind::SignedInExternally,
];

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
    async fn check(
        &self,
        tried: Tried,
        found: Option<Credentials>,
        password: SecretString,
        refused: SecurityEvent,
    ) -> Result<Credentials, LoginError> {
        self.admit(&tried, &refused)?;
        let turn = self.hasher.turn().await.map_err(refusal)?;
        // Others may have failed while this one waited for its turn.
        self.admit(&tried, &refused)?;
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
                    throttle.failed(&tried, clock.now());
                } else if is_whole {
                    throttle.succeeded(&tried);
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
    pub(super) fn judge<T>(&self, tried: &Tried, found: Option<T>) -> Result<T, LoginError> {
        let lost = |_| LoginError::Internal("the count of wrong tries is lost".into());
        let mut throttle = self.throttle.lock().map_err(lost)?;
        let now = self.clock.now();
        if let Some(retry_after_seconds) = throttle.wait(tried, now) {
            return Err(LoginError::TooManyTries {
                retry_after_seconds,
            });
        }
        if found.is_none() {
            throttle.failed(tried, now);
        }
        found.ok_or(LoginError::CodeInvalid)
    }

    /// Whether wrong tries on the account are counted at this moment.
    fn is_tried(&self, account: &Account) -> bool {
        let now = self.clock.now();
        let throttle = self.throttle.lock();
        throttle.is_ok_and(|throttle| throttle.is_tried(account, now))
    }

    /// Counts a wrong try that only the commit could see.
    pub(super) fn missed(&self, id: UserId) {
        if let Ok(mut throttle) = self.throttle.lock() {
            throttle.failed(&tried(account_of_user(id)), self.clock.now());
        }
    }

    /// Forgets the wrong tries on the account of somebody who has proven everything, or set another password.
    pub(super) fn forgive(&self, id: UserId) {
        if let Ok(mut throttle) = self.throttle.lock() {
            throttle.succeeded(&tried(account_of_user(id)));
        }
    }

    fn admit(&self, tried: &Tried, refused: &SecurityEvent) -> Result<(), LoginError> {
        let now = self.clock.now();
        let wait = self
            .throttle
            .lock()
            .ok()
            .and_then(|throttle| throttle.wait(tried, now));
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

/// The credentials again, if the password is theirs. Tries are counted by the account, or by the name if there is none.
pub(super) async fn prove(
    service: &Service,
    account: Account,
    found: Option<Credentials>,
    password: SecretString,
    refused: SecurityEvent,
) -> Result<Credentials, LoginError> {
    let user = found.as_ref().map(|found| found.user_id);
    let tried = counted_by(service, account, user).await;
    let prover = &service.prover;
    prover.check(tried, found, password, refused).await
}

/// What this try is counted by. Where it comes from matters as soon as any on the account are counted: whoever guesses
/// from elsewhere makes nobody wait at home. A name without an account costs the same lookup.
pub(super) async fn counted_by(service: &Service, account: Account, user: Option<UserId>) -> Tried {
    let mut tried = tried(account);
    if let Some(client) = trail::client().filter(|_| service.prover.is_tried(&account)) {
        let asked = user.unwrap_or_else(UserId::generate);
        tried.at_home = is_home(service, asked, network(client)).await;
    }
    tried
}

/// A try from where this work is done for.
fn tried(account: Account) -> Tried {
    let here = |client| {
        let network = network(client).to_string();
        digest::sha256(&[b"from", &account, network.as_bytes()])
    };
    Tried {
        account,
        here: trail::client().map(here),
        at_home: false,
    }
}

/// Whether somebody who knew the account's password came from there of late. If that cannot be read, nobody did.
async fn is_home(service: &Service, user: UserId, home: IpAddr) -> bool {
    let now = service.clock.now();
    for kind in CAME_HOME {
        let wish = EventWish {
            account: Some(user),
            kind: Some(kind),
            since: now.plus_seconds(HOME_SECONDS.saturating_neg()),
            before: (
                now.plus_seconds(SKEW_SECONDS),
                SecurityEventId::from_bytes([0; 16]),
            ),
            limit: HOMES_LOOKED_AT,
        };
        match service.store.security_events(wish).await {
            Ok(came) => {
                let mut places = came.iter().filter_map(|came| came.event.client);
                if places.any(|client| network(client) == home) {
                    return true;
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "where an account is used from could not be read");
                return false;
            }
        }
    }
    false
}

/// The network that an address is of, as providers hand them out: its own address changes within it from day to day.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from(u32::from(address) & (u32::MAX << 8_u32)).into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & (u128::MAX << 64_u32)).into(),
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
