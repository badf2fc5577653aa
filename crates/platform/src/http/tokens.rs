//! Access tokens, verified: one algorithm, keys from our own set only, and a memory of what was verified.
//! Nothing here reads a file or the network.

use super::{
    api_keys::KeyVerifier,
    rumours::{Ending, Rumours},
};
use crate::{clock::Clock, digest};
use contracts::{
    BoxError,
    access::{AccessClaims, Principal},
    identity::Identity,
    values::{ApiKeyId, SessionId, Timestamp, UserId},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::sync::Cache;
use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::{
        Arc, OnceLock, RwLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The longest access token that is looked at.
const TOKEN_BYTES_MAX: usize = 4_096;
/// Verified tokens that are remembered (about 400 bytes each).
const REMEMBERED_MAX: u64 = 50_000;
/// How far two machines' clocks may be apart.
const LEEWAY_SECONDS: i64 = 30;
/// How old may be what is known of endings, where an admin asks.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// Longer than any access token lives.
const KEEP_SECONDS: i64 = 3_600;

/// The public keys that may have signed a token, by `kid`. Clones share them.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Arc<RwLock<HashMap<String, DecodingKey>>>,
    /// How often a key has gone: what it proved before is looked at again.
    gone: Arc<AtomicU64>,
}

impl KeySet {
    /// Adds an Ed25519 public key: 32 bytes as base64url (`x` of a JWK, RFC 8037).
    ///
    /// # Errors
    /// When the text is no base64url.
    pub fn insert(&self, kid: &str, x: &str) -> Result<(), contracts::BoxError> {
        let key = DecodingKey::from_ed_components(x)?;
        if let Ok(mut keys) = self.keys.write() {
            keys.insert(kid.to_owned(), key);
        }
        Ok(())
    }

    /// Has these keys from now on, each a `kid` and an `x` as above, and no others.
    ///
    /// # Errors
    /// When a text is no base64url; then nothing changes.
    pub fn replace<'k>(
        &self,
        keys: impl IntoIterator<Item = (&'k str, &'k str)>,
    ) -> Result<(), BoxError> {
        let mut all = HashMap::new();
        for (kid, x) in keys {
            all.insert(kid.to_owned(), DecodingKey::from_ed_components(x)?);
        }
        if let Ok(mut keys) = self.keys.write() {
            let has_gone = keys.keys().any(|kid| !all.contains_key(kid));
            *keys = all;
            if has_gone {
                self.gone.fetch_add(1, SeqCst);
            }
        }
        Ok(())
    }

    /// Whether there is none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.read().is_ok_and(|keys| keys.is_empty())
    }

    fn get(&self, kid: &str) -> Option<DecodingKey> {
        self.keys.read().ok()?.get(kid).cloned()
    }
}

/// What ended before its tokens did: sessions, users' earlier epochs, and API keys. Entries go when the last token they
/// concern has ended. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Revocations {
    sessions: Ended<SessionId, ()>,
    users: Ended<UserId, i64>,
    keys: Ended<ApiKeyId, ()>,
    heard: Arc<RwLock<Option<Instant>>>,
    pub(super) rumours: Arc<OnceLock<Rumours>>,
}

type EndedMap<K, V> = HashMap<K, (Timestamp, V)>;

#[derive(Debug, Clone)]
struct Ended<K, V>(Arc<RwLock<EndedMap<K, V>>>);

impl<K, V> Default for Ended<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq, V: Copy + PartialOrd> Ended<K, V> {
    /// Whether this was not known.
    fn insert(&self, key: K, at: Timestamp, value: V) -> bool {
        let mut is_news = false;
        if let Ok(mut ended) = self.0.write() {
            // Cleaned when it would have to grow, so that each entry is looked at a constant number of times.
            if ended.len() == ended.capacity() {
                let forgotten = at.plus_seconds(-KEEP_SECONDS);
                ended.retain(|_, (ended_at, _)| *ended_at >= forgotten);
            }
            match ended.entry(key) {
                Entry::Occupied(mut known) if known.get().1 <= value => {
                    is_news = known.get().1 < value;
                    known.insert((at, value));
                }
                // An epoch never goes back.
                Entry::Occupied(_) => {}
                Entry::Vacant(free) => {
                    is_news = true;
                    free.insert((at, value));
                }
            }
        }
        is_news
    }

    fn get(&self, key: &K) -> Option<V> {
        self.0.read().ok()?.get(key).map(|(_, value)| *value)
    }
}

impl Revocations {
    /// Ends a session's tokens.
    pub fn end_session(&self, id: SessionId, at: Timestamp) {
        self.end(Ending::Session(id), at);
    }

    /// Ends all tokens of a user that carry an epoch before this one.
    pub fn end_user_before(&self, id: UserId, epoch: i64, at: Timestamp) {
        self.end(Ending::UserBefore(id, epoch), at);
    }

    /// Ends an API key, for good.
    pub fn end_key(&self, id: ApiKeyId, at: Timestamp) {
        self.end(Ending::Key(id), at);
    }

    /// Takes in what identity's store says has ended.
    pub fn take_in(&self, ended: contracts::identity::Ended) {
        for (session, at) in ended.sessions {
            self.end_session(session, at);
        }
        for (user, epoch, at) in ended.users {
            self.end_user_before(user, epoch, at);
        }
    }

    /// Identity's store was asked for all that ended, by a question that began then, and what it said was taken in.
    /// Redis does not count: it may have forgotten something.
    pub fn heard(&self, asked_at: Instant) {
        if let Ok(mut heard) = self.heard.write() {
            *heard = (*heard).max(Some(asked_at));
        }
    }

    fn are_fresh(&self) -> bool {
        let heard = self.heard.read().ok().and_then(|heard| *heard);
        heard.is_some_and(|heard| heard.elapsed() < HEARD_WITHIN)
    }

    fn end(&self, ending: Ending, at: Timestamp) {
        if self.note(ending, at)
            && let Some(rumours) = self.rumours.get()
        {
            rumours.tell(ending);
        }
    }

    /// Takes note of what ended; whether it was not known.
    pub(super) fn note(&self, ending: Ending, at: Timestamp) -> bool {
        match ending {
            Ending::Session(id) => self.sessions.insert(id, at, ()),
            Ending::UserBefore(id, epoch) => self.users.insert(id, at, epoch),
            Ending::Key(id) => self.keys.insert(id, at, ()),
        }
    }

    #[cfg(test)]
    pub(super) fn has_ended(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some()
    }

    /// Whether this key was revoked.
    pub(super) fn has_key_ended(&self, id: ApiKeyId) -> bool {
        self.keys.get(&id).is_some()
    }

    /// The epoch before which all that is known of a user is out of date.
    pub(super) fn epoch_of(&self, id: UserId) -> Option<i64> {
        self.users.get(&id)
    }

    fn ended(&self, known: &Verified) -> bool {
        self.sessions.get(&known.principal.session_id).is_some()
            || self
                .users
                .get(&known.principal.user_id)
                .is_some_and(|epoch| known.epoch < epoch)
    }
}

#[derive(Debug, Clone)]
struct Verified {
    principal: Principal,
    epoch: i64,
    begins_at_seconds: i64,
    ends_at_seconds: i64,
}

/// A proof that held at a moment, and may hold no more.
#[derive(Clone)]
pub struct Standing {
    revocations: Revocations,
    session: SessionId,
    user: UserId,
    /// What had ended of the user's when it held.
    epoch: Option<i64>,
}

impl Standing {
    /// Whether the session has ended since, or something of all the user's sessions did.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.revocations.sessions.get(&self.session).is_some()
            || self.revocations.epoch_of(self.user) != self.epoch
    }
}

/// Which tokens are ours.
#[derive(Debug, Clone)]
pub struct VerifierOptions {
    /// `iss` must be this.
    pub issuer: String,
    /// `aud` must be this.
    pub audience: String,
}

/// Checks access tokens.
#[derive(Clone)]
pub struct TokenVerifier {
    keys: KeySet,
    revocations: Revocations,
    validation: Arc<Validation>,
    /// With how many keys had gone by then.
    remembered: Cache<[u8; 32], (u64, Verified)>,
    clock: Clock,
}

impl TokenVerifier {
    /// A verifier that trusts these keys and heeds these revocations.
    #[must_use]
    pub fn new(
        options: &VerifierOptions,
        keys: KeySet,
        revocations: Revocations,
        clock: Clock,
    ) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Times are compared below, with the clock that the rest of the shop goes by.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_audience(&[&options.audience]);
        validation.set_issuer(&[&options.issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        Self {
            keys,
            revocations,
            validation: Arc::new(validation),
            remembered: Cache::new(REMEMBERED_MAX),
            clock,
        }
    }

    /// Who a token proves, if it is one of ours, in time, and not revoked.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Principal> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let name = digest::sha256(&[token.as_bytes()]);
        let gone = self.keys.gone.load(SeqCst);
        let known = match self.remembered.get(&name) {
            Some((then, known)) if then == gone => known,
            _ => {
                let known = self.check(token)?;
                self.remembered.insert(name, (gone, known.clone()));
                known
            }
        };
        let now_seconds = self.clock.now().as_ms() / 1_000;
        let in_time = known.begins_at_seconds.saturating_sub(LEEWAY_SECONDS) <= now_seconds
            && now_seconds < known.ends_at_seconds.saturating_add(LEEWAY_SECONDS);
        (in_time && !self.revocations.ended(&known)).then_some(known.principal)
    }

    /// The proof of who asks just now, to be looked at again while their answer lasts.
    #[must_use]
    pub fn standing(&self, who: &Principal) -> Standing {
        Standing {
            revocations: self.revocations.clone(),
            session: who.session_id,
            user: who.user_id,
            epoch: self.revocations.epoch_of(who.user_id),
        }
    }

    /// The same for API keys: heeds the same revocations, goes by the same clock.
    #[must_use]
    pub fn for_keys(&self) -> KeyVerifier {
        KeyVerifier::new(self.revocations.clone(), self.clock.clone())
    }

    /// Whether enough is known of what ended to trust an admin.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.revocations.are_fresh()
    }

    /// Asks identity for all that ended within a token's life.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn catch_up(&self, identity: &dyn Identity) -> Result<(), BoxError> {
        let asked_at = Instant::now();
        let since = self.clock.now().plus_seconds(-KEEP_SECONDS);
        self.revocations.take_in(identity.ended_since(since).await?);
        self.revocations.heard(asked_at);
        Ok(())
    }

    fn check(&self, token: &str) -> Option<Verified> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // Anything that would have us trust a key or a rule of the token's own choosing is refused (RFC 8725, 3.10).
        let plain = header.alg == Algorithm::EdDSA
            && header.typ.as_deref() == Some("at+jwt")
            && header.jku.is_none()
            && header.jwk.is_none()
            && header.x5u.is_none()
            && header.x5c.is_none()
            && header.crit.is_none();
        if !plain {
            return None;
        }
        let key = self.keys.get(&header.kid?)?;
        let claims = jsonwebtoken::decode::<AccessClaims>(token, &key, &self.validation)
            .ok()?
            .claims;
        // What ended is remembered for this long: a token that lives longer would come back to life.
        if claims.exp.saturating_sub(claims.iat) > KEEP_SECONDS {
            return None;
        }
        Some(Verified {
            principal: Principal {
                user_id: claims.sub,
                session_id: claims.sid,
                roles: claims.roles,
                key: None,
            },
            epoch: claims.epoch,
            begins_at_seconds: claims.nbf,
            ends_at_seconds: claims.exp,
        })
    }
}
