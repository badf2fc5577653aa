//! What protects second factors beside the database's own rights: the secrets of apps rest sealed, and the first step
//! of signing in is a challenge that nobody else can make and that is kept nowhere. All keys follow from the servers'
//! secret.

use crate::{
    domain::factor::{RECOVERY_BYTES, SECRET_BYTES},
    store::{
        Credentials, TokenHash,
        factors::{Factor, Sealed},
    },
};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use contracts::{
    BoxError,
    values::{Timestamp, UserId},
};
use platform::digest;
use secrecy::{ExposeSecret, SecretString};

/// A challenge as text: 56 bytes.
const CHALLENGE_CHARACTERS: usize = 75;

/// The keys.
pub(super) struct Vault {
    sealing: RandomizedNonceKey,
    challenges: [u8; 32],
}

/// A challenge that came back, not yet looked at.
pub(super) struct Challenge {
    pub(super) user: UserId,
    pub(super) expires_at: Timestamp,
    mac: [u8; 32],
}

impl Challenge {
    /// Reads what a caller sent.
    pub(super) fn read(text: &SecretString) -> Option<Self> {
        let text = text.expose_secret();
        if text.len() != CHALLENGE_CHARACTERS {
            return None;
        }
        let bytes = digest::from_base64url(text)?;
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (expires_at, mac) = rest.split_first_chunk::<8>()?;
        Some(Self {
            user: UserId::from_bytes(*user),
            expires_at: Timestamp::from_ms(i64::from_be_bytes(*expires_at)),
            mac: mac.try_into().ok()?,
        })
    }
}

impl Vault {
    pub(super) fn new(secret: &[u8; 32]) -> Result<Self, BoxError> {
        let sealing = digest::hmac_sha256(secret, &[b"second factor sealing"]);
        Ok(Self {
            sealing: RandomizedNonceKey::new(&AES_256_GCM, &sealing)
                .map_err(|_| "the key of second factors cannot be used")?,
            challenges: digest::hmac_sha256(secret, &[b"second factor challenge"]),
        })
    }

    /// The secret of this user's app, sealed: in another user's row it opens nothing.
    pub(super) fn seal(
        &self,
        user: UserId,
        secret: &[u8; SECRET_BYTES],
    ) -> Result<Sealed, BoxError> {
        let mut text = secret.to_vec();
        let nonce = self
            .sealing
            .seal_in_place_append_tag(Aad::from(user.as_bytes()), &mut text)
            .map_err(|_| "a secret could not be sealed")?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend(text);
        let sealed = sealed.try_into();
        sealed.map_err(|_| "a sealed secret has another length".into())
    }

    /// The secret again.
    pub(super) fn open(
        &self,
        user: UserId,
        sealed: &Sealed,
    ) -> Result<[u8; SECRET_BYTES], BoxError> {
        let refused = "a sealed secret is not this user's, or the servers' secret is another one";
        let (nonce, text) = sealed
            .split_first_chunk::<NONCE_LEN>()
            .ok_or("a sealed secret has no nonce")?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let secret = self
            .sealing
            .open_in_place(nonce, Aad::from(user.as_bytes()), &mut text)
            .map_err(|_| refused)?;
        Ok(<[u8; SECRET_BYTES]>::try_from(&*secret)?)
    }

    /// What goes on with a sign-in whose password was right: good until then, and only while password, epoch and factor
    /// are what they are now.
    pub(super) fn challenge(
        &self,
        found: &Credentials,
        factor: &Factor,
        expires_at: Timestamp,
    ) -> String {
        let mut bytes = found.user_id.as_bytes().to_vec();
        bytes.extend(expires_at.as_ms().to_be_bytes());
        bytes.extend(self.mac(found, factor, expires_at));
        digest::base64url(&bytes)
    }

    /// Whether it is a challenge of ours for what there is now. When it is over, its time says.
    pub(super) fn is_ours(
        &self,
        challenge: &Challenge,
        found: &Credentials,
        factor: &Factor,
    ) -> bool {
        let mac = self.mac(found, factor, challenge.expires_at);
        challenge.user == found.user_id && digest::equal(&challenge.mac, &mac)
    }

    fn mac(&self, found: &Credentials, factor: &Factor, expires_at: Timestamp) -> [u8; 32] {
        digest::hmac_sha256(
            &self.challenges,
            &[
                found.user_id.as_bytes(),
                &expires_at.as_ms().to_be_bytes(),
                found.password_hash.expose_secret().as_bytes(),
                &found.epoch.to_be_bytes(),
                &factor.sealed,
            ],
        )
    }
}

/// What is kept of a recovery code. It has 120 bits by chance, so that no slow hash is needed.
pub(super) fn recovery_hash(user: UserId, code: &[u8; RECOVERY_BYTES]) -> TokenHash {
    digest::sha256(&[b"recovery", user.as_bytes(), code])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId::from_bytes([1; 16]);
    const BOB: UserId = UserId::from_bytes([2; 16]);

    fn factor(sealed: Sealed) -> Factor {
        Factor {
            sealed,
            last_step: 0,
            begun_at: Timestamp::from_ms(0),
            confirmed_at: Some(Timestamp::from_ms(0)),
            codes: Vec::new(),
        }
    }

    fn credentials(user_id: UserId, password_hash: &str, epoch: i64) -> Credentials {
        Credentials {
            user_id,
            password_hash: password_hash.into(),
            disabled: false,
            epoch,
            has_factor: true,
            spent: None,
        }
    }

    #[test]
    fn a_sealed_secret_is_opened_for_its_user_by_the_same_key_and_not_otherwise() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let sealed = vault.seal(ANN, b"12345678901234567890").unwrap();
        assert_eq!(vault.open(ANN, &sealed).unwrap(), *b"12345678901234567890");
        assert!(!sealed.windows(8).any(|part| part == b"12345678"));
        assert!(vault.open(BOB, &sealed).is_err(), "moved to another row");
        assert!(Vault::new(&[8; 32]).unwrap().open(ANN, &sealed).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed;
            changed[place] ^= 1;
            assert!(vault.open(ANN, &changed).is_err(), "byte {place}");
        }
        let again = vault.seal(ANN, b"12345678901234567890").unwrap();
        assert_ne!(sealed, again, "a nonce of its own");
    }

    #[test]
    fn a_challenge_holds_for_what_it_was_made_for() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let (found, factor_of) = (credentials(ANN, "hash", 3), factor([5; 48]));
        let text = vault.challenge(&found, &factor_of, Timestamp::from_ms(9_000));
        let challenge = Challenge::read(&text.into()).unwrap();
        assert_eq!(challenge.expires_at, Timestamp::from_ms(9_000));
        assert!(vault.is_ours(&challenge, &found, &factor_of));
        for (other, factor_of) in [
            (credentials(BOB, "hash", 3), factor([5; 48])),
            (credentials(ANN, "hash 2", 3), factor([5; 48])),
            (credentials(ANN, "hash", 4), factor([5; 48])),
            (credentials(ANN, "hash", 3), factor([6; 48])),
        ] {
            assert!(!vault.is_ours(&challenge, &other, &factor_of));
        }
        let other = Vault::new(&[8; 32]).unwrap();
        assert!(!other.is_ours(&challenge, &found, &factor_of));
        let longer = Challenge {
            expires_at: Timestamp::from_ms(10_000),
            ..challenge
        };
        assert!(!vault.is_ours(&longer, &found, &factor_of), "its time");
        for text in ["", "x", &"A".repeat(74), &"A".repeat(76), &"=".repeat(75)] {
            assert!(Challenge::read(&text.into()).is_none(), "{text}");
        }
    }
}
