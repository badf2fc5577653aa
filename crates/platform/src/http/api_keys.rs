//! API keys: how they are written, and a short memory of whom each stands for. The text of a key is kept nowhere; a
//! key that was not asked about a moment ago is asked about, and when nobody answers it opens nothing.

use super::Revocations;
use crate::{clock::Clock, digest, metrics};
use contracts::{
    BoxError,
    access::Principal,
    identity::{Identity, KeyHolder, ShownKey},
    scopes::KeyAccess,
    values::{ApiKeyId, SessionId},
};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How every key begins, so that people and programs that look for secrets know one when they see it.
const PREFIX: &str = "souk_";
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The id of a key, without its own prefix.
const ID_LENGTH: usize = 26;
/// Five bits each: 260.
const SECRET_LENGTH: usize = 52;
/// Five bits each: of a million typing errors one is not noticed here.
const CHECK_LENGTH: usize = 6;
const LENGTH: usize = PREFIX.len() + ID_LENGTH + SECRET_LENGTH + CHECK_LENGTH;

/// What is remembered of a key is no older than this. A revocation reaches every node within 5 s, also when
/// nobody tells it.
const REMEMBERED_FOR: Duration = Duration::from_secs(3);
/// Answers that are remembered (about 300 bytes each).
const REMEMBERED_MAX: u64 = 20_000;

/// The text of an API key: `souk_`, the key's id, 260 bits by chance, and a checksum.
pub struct ApiKey {
    id: ApiKeyId,
    text: SecretString,
}

impl ApiKey {
    /// A key with a new secret.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn fresh(id: ApiKeyId) -> Result<Self, BoxError> {
        let mut text = id.to_string().replacen("key_", PREFIX, 1);
        let secret: [u8; SECRET_LENGTH] = digest::random()?;
        text.extend(secret.into_iter().map(letter));
        text.push_str(&checksum(&text));
        Ok(Self {
            id,
            text: text.into(),
        })
    }

    /// Whether a text means to be a key, well written or not: no access token begins so.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads a key. One that is mistyped is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // Anything longer is not even looked at.
        if text.len() != LENGTH || !text.is_ascii() {
            return None;
        }
        let (body, check) = text.split_at_checked(LENGTH.saturating_sub(CHECK_LENGTH))?;
        let (id, secret) = body.strip_prefix(PREFIX)?.split_at_checked(ID_LENGTH)?;
        let is_clean = secret.bytes().all(|byte| ALPHABET.contains(&byte));
        if !is_clean || checksum(body) != check {
            return None;
        }
        Some(Self {
            id: format!("key_{id}").parse().ok()?,
            text: text.into(),
        })
    }

    /// Which key it is, or says it is.
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// What is kept of it, and compared.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        digest::sha256(&[b"api key", self.text.expose_secret().as_bytes()])
    }

    /// The text, for its owner, once.
    #[must_use]
    pub fn into_text(self) -> SecretString {
        self.text
    }
}

fn letter(byte: u8) -> char {
    char::from(
        ALPHABET
            .get(usize::from(byte & 31))
            .copied()
            .unwrap_or(b'0'),
    )
}

fn checksum(body: &str) -> String {
    let hash = digest::sha256(&[b"api key checksum", body.as_bytes()]);
    hash.into_iter().take(CHECK_LENGTH).map(letter).collect()
}

/// What identity said of a key, and when it was asked.
#[derive(Clone)]
struct Told {
    asked_at: Instant,
    /// Nobody, if the key is not good.
    holder: Option<Arc<KeyHolder>>,
}

/// Knows whom API keys stand for.
#[derive(Clone)]
pub struct KeyVerifier {
    remembered: Cache<[u8; 32], Told>,
    revocations: Revocations,
    clock: Clock,
}

impl KeyVerifier {
    pub(super) fn new(revocations: Revocations, clock: Clock) -> Self {
        Self {
            remembered: Cache::new(REMEMBERED_MAX),
            revocations,
            clock,
        }
    }

    /// Who asks with this key, if it is good. A text that cannot be a key is refused without a question.
    ///
    /// # Errors
    /// When identity does not answer and nothing is remembered: nobody knows, so nobody is let in.
    pub async fn verify(
        &self,
        text: &str,
        from: IpAddr,
        identity: &dyn Identity,
    ) -> Result<Option<Principal>, BoxError> {
        let Some(key) = ApiKey::read(text) else {
            metrics::api_key_checked("malformed");
            return Ok(None);
        };
        let hash = key.hash();
        let holder = match self.remembered(&hash) {
            Some(holder) => holder,
            None => self.ask(&key, hash, from, identity).await?,
        };
        let holder = holder.filter(|holder| self.is_good(holder));
        metrics::api_key_checked(if holder.is_some() { "good" } else { "refused" });
        Ok(holder.as_deref().map(principal))
    }

    async fn ask(
        &self,
        key: &ApiKey,
        hash: [u8; 32],
        from: IpAddr,
        identity: &dyn Identity,
    ) -> Result<Option<Arc<KeyHolder>>, BoxError> {
        let asked_at = Instant::now();
        let shown = ShownKey {
            id: key.id(),
            hash,
            from,
        };
        let told = identity.check_key(shown).await;
        let holder = told
            .inspect_err(|_| metrics::api_key_checked("unknown"))?
            .map(Arc::new);
        let told = Told {
            asked_at,
            holder: holder.clone(),
        };
        self.remembered.insert(hash, told);
        Ok(holder)
    }

    /// What was said a moment ago, unless it is known to be out of date.
    fn remembered(&self, hash: &[u8; 32]) -> Option<Option<Arc<KeyHolder>>> {
        let told = self.remembered.get(hash)?;
        let is_current = |holder: &Arc<KeyHolder>| {
            let epoch = self.revocations.epoch_of(holder.user_id);
            epoch.is_none_or(|epoch| epoch <= holder.epoch)
        };
        let stands =
            told.asked_at.elapsed() < REMEMBERED_FOR && told.holder.as_ref().is_none_or(is_current);
        stands.then_some(told.holder)
    }

    /// Once more at each use: a key may have been revoked since, or while identity was being asked.
    fn is_good(&self, holder: &KeyHolder) -> bool {
        let now = self.clock.now();
        holder.ends_at.is_none_or(|end| now < end) && !self.revocations.has_key_ended(holder.id)
    }
}

fn principal(holder: &KeyHolder) -> Principal {
    Principal {
        user_id: holder.user_id,
        session_id: SessionId::from_bytes(*holder.id.as_bytes()),
        roles: holder.roles.clone(),
        key: Some(KeyAccess {
            id: holder.id,
            scopes: holder.scopes.clone(),
        }),
    }
}

#[cfg(test)]
#[expect(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(key: ApiKey) -> String {
        key.into_text().expose_secret().to_owned()
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_no_two_are_alike() {
        let id = ApiKeyId::generate();
        let (one, other) = (ApiKey::fresh(id).unwrap(), ApiKey::fresh(id).unwrap());
        assert_ne!(one.hash(), other.hash());
        let (hash, written) = (one.hash(), text(one));
        assert_eq!(written.len(), 89);
        let read = ApiKey::read(&written).unwrap();
        assert_eq!((read.id(), read.hash()), (id, hash));
        assert!(ApiKey::is_meant_by(&written));
        assert!(!ApiKey::is_meant_by("eyJhbGciOiJFZERTQSJ9.e30.x"));
    }

    #[test]
    fn the_checksum_never_changes_what_it_says() {
        let body = format!("souk_{}{}", "01h455vb4pex5vsknk084sn02q", "0".repeat(52));
        let key = format!("{body}{}", checksum(&body));
        assert!(key.ends_with(PINNED), "{key}");
        assert!(ApiKey::read(&key).is_some());
    }

    /// Worked out by another program.
    const PINNED: &str = "xr1kx0";

    proptest! {
        #[test]
        fn no_other_letter_at_any_place_is_read(place in 0_usize..89, letter in any::<char>()) {
            let written = text(ApiKey::fresh(ApiKeyId::generate()).unwrap());
            let mut letters: Vec<char> = written.chars().collect();
            prop_assume!(letters[place] != letter);
            letters[place] = letter;
            let changed: String = letters.into_iter().collect();
            prop_assert!(ApiKey::read(&changed).is_none(), "{changed}");
        }

        #[test]
        fn no_other_length_and_no_rubbish_is_read(rubbish in ".{0,200}", cut in 0_usize..89) {
            let written = text(ApiKey::fresh(ApiKeyId::generate()).unwrap());
            prop_assert!(ApiKey::read(&rubbish).is_none());
            prop_assert!(ApiKey::read(&written[..cut]).is_none());
            let longer = format!("{written}{rubbish}");
            prop_assert!(rubbish.is_empty() || ApiKey::read(&longer).is_none());
            let upper = written.to_uppercase();
            prop_assert!(ApiKey::read(&upper).is_none());
        }

        #[test]
        fn two_letters_that_change_places_are_noticed(place in 5_usize..88) {
            let written = text(ApiKey::fresh(ApiKeyId::generate()).unwrap());
            let mut letters: Vec<char> = written.chars().collect();
            prop_assume!(letters[place] != letters[place + 1]);
            letters.swap(place, place + 1);
            let changed: String = letters.into_iter().collect();
            prop_assert!(ApiKey::read(&changed).is_none());
        }
    }
}
