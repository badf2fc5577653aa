//! The keys that sign tokens take turns. A new one is published well before it signs, so that every node trusts it by
//! then; one that signed is trusted for as long as its tokens live. Only one that somebody has seen goes at once.

use super::{Service, tokens};
use crate::{metrics, store::SigningKey};
use contracts::{BoxError, values::Timestamp};
use platform::http::KeySet;

/// Processes look every two seconds, doors elsewhere every ten; and clocks differ.
const KNOWN_BEFORE_SECONDS: i64 = 300;

/// A key, without what is secret of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyView {
    /// Its name, as the heads of tokens say it.
    pub kid: String,
    /// It is known before.
    pub signs_from: Timestamp,
    /// Its tokens are good for as long as they live.
    pub signs_until: Option<Timestamp>,
}

impl From<SigningKey> for SigningKeyView {
    fn from(key: SigningKey) -> Self {
        Self {
            kid: key.kid,
            signs_from: key.signs_from,
            signs_until: key.signs_until,
        }
    }
}

/// For the command line: whoever may open the database has proven enough.
impl Service {
    /// Makes a key, which signs as soon as every node must know it. `at_once`: it signs now, and no token of an earlier
    /// key is good any more; people's programs renew theirs by themselves.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn rotate_signing_key(&self, at_once: bool) -> Result<SigningKeyView, BoxError> {
        let now = self.clock.now();
        let wait = if at_once { 0 } else { KNOWN_BEFORE_SECONDS };
        let key = tokens::fresh_key(now.plus_seconds(wait))?;
        self.store.rotate_key(key.clone(), at_once, now).await?;
        learn(self).await?;
        Ok(key.into())
    }

    /// The keys whose tokens may be good now, or later, the newest first.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyView>, BoxError> {
        let keys = self.store.signing_keys(self.clock.now()).await?;
        Ok(keys.into_iter().map(SigningKeyView::from).collect())
    }
}

/// Signs and trusts as the database says by now.
pub(super) async fn learn(service: &Service) -> Result<(), BoxError> {
    let now = service.clock.now();
    let keys = service.store.signing_keys(now).await?;
    metrics::signing_key_is_old(age_seconds(&keys, now));
    if service.issuer.learn(&keys)? {
        trust(&service.keys, &keys)?;
        tracing::info!(keys = keys.len(), "other keys sign tokens, or will");
    }
    Ok(())
}

/// For how long the key has signed that does so now: of those that may, the newest.
fn age_seconds(newest_first: &[SigningKey], now: Timestamp) -> i64 {
    let mut begun = newest_first.iter().map(|key| key.signs_from);
    let since = begun.find(|from| *from <= now).unwrap_or(now);
    let age_ms = now.as_ms().saturating_sub(since.as_ms());
    age_ms.div_euclid(1_000)
}

/// Trusts these and no others.
pub(super) fn trust(trusted: &KeySet, keys: &[SigningKey]) -> Result<(), BoxError> {
    let keys = keys.iter();
    trusted.replace(keys.map(|key| (key.kid.as_str(), key.public_x.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_as_old_as_it_has_signed_and_one_that_waits_is_not_yet_the_one() {
        let at = |ms, seconds| Timestamp::from_ms(ms).plus_seconds(seconds);
        let keys = [700, 100].map(|from| tokens::fresh_key(at(0, from)).unwrap());
        let age = |seconds| age_seconds(&keys, at(999, seconds));
        let ages = [100, 699, 700, 5_000].map(age);
        assert_eq!(ages, [0, 599, 0, 4_300]);
        assert_eq!(age(50), 0, "a clock that was put back");
    }
}
