//! The tokens: access tokens (JWT, `EdDSA`) and opaque refresh tokens whose successors follow from a secret of
//! the server. Secrets are shown to nobody but the one they are for.

use crate::{
    config::Config,
    domain::{security::SecurityEvent, user::User},
    store::{NewSession, Secrets, SigningKey, TokenHash},
};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use contracts::{
    BoxError,
    access::AccessClaims,
    identity::SignedIn,
    values::{MailId, SessionId, Timestamp},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::digest;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::sync::RwLock;

/// Somebody fell over while they were changed.
const KEYS_LOST: &str = "the signing keys are lost";

/// A key that signs from some moment on.
pub(super) fn fresh_key(signs_from: Timestamp) -> Result<SigningKey, BoxError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| "no signing key could be made")?;
    let pkcs8 = pair
        .to_pkcs8()
        .map_err(|_| "the signing key could not be written")?;
    let public = pair.public_key().as_ref();
    Ok(SigningKey {
        kid: digest::base64url(&digest::sha256(&[b"kid", public])),
        pkcs8: pkcs8.as_ref().to_vec(),
        public_x: digest::base64url(public),
        signs_from,
        signs_until: None,
    })
}

/// A refresh token: 256 bits that nobody can guess.
pub(super) struct RefreshToken([u8; 32]);

impl RefreshToken {
    pub(super) fn fresh() -> Result<Self, BoxError> {
        Ok(Self(digest::random()?))
    }

    /// Reads what a caller sent.
    pub(super) fn read(text: &SecretString) -> Option<Self> {
        read_token(text).map(Self)
    }

    pub(super) fn text(&self) -> SecretString {
        SecretString::from(digest::base64url(&self.0))
    }

    pub(super) fn hash(&self) -> TokenHash {
        digest::sha256(&[b"refresh", &self.0])
    }
}

/// 32 bytes that a caller sent as text.
pub(super) fn read_token(text: &SecretString) -> Option<[u8; 32]> {
    let text = text.expose_secret();
    // 32 bytes are 43 characters; nothing longer is decoded.
    if text.len() != 43 {
        return None;
    }
    digest::from_base64url(text)?.try_into().ok()
}

/// The keys as they are just now.
#[derive(Default)]
struct Keys {
    /// The newest first.
    signers: Vec<Signer>,
    published: serde_json::Value,
}

struct Signer {
    key: EncodingKey,
    header: Header,
    from: Timestamp,
}

impl Signer {
    fn new(key: &SigningKey) -> Self {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid.clone());
        Self {
            key: EncodingKey::from_ed_der(&key.pkcs8),
            header,
            from: key.signs_from,
        }
    }
}

/// Makes tokens.
pub(super) struct Issuer {
    keys: RwLock<Keys>,
    successor_secret: [u8; 32],
    issuer: String,
    audience: String,
    access_seconds: i64,
    refresh_seconds: i64,
    /// The longest life of a session.
    life_seconds: i64,
}

impl Issuer {
    pub(super) fn new(config: &Config, secrets: &Secrets) -> Result<Self, BoxError> {
        let issuer = Self {
            keys: RwLock::default(),
            successor_secret: secrets.successor,
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            access_seconds: i64::from(config.access_token_seconds),
            refresh_seconds: i64::from(config.refresh_token_seconds),
            life_seconds: i64::from(config.session_seconds_max),
        };
        issuer.learn(&secrets.keys)?;
        Ok(issuer)
    }

    /// Signs with these keys from now on, and publishes them; whether they are others than before.
    pub(super) fn learn(&self, keys: &[SigningKey]) -> Result<bool, BoxError> {
        let jwk = |key: &SigningKey| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": key.kid, "x": key.public_x,
            })
        };
        if keys.is_empty() {
            return Err("there is no signing key".into());
        }
        let published = json!({"keys": keys.iter().map(jwk).collect::<Vec<_>>()});
        let mut known = self.keys.write().map_err(|_| KEYS_LOST)?;
        let are_news = known.published != published;
        if are_news {
            known.signers = keys.iter().map(Signer::new).collect();
            known.published = published;
        }
        Ok(are_news)
    }

    pub(super) fn public_keys(&self) -> Result<serde_json::Value, BoxError> {
        let keys = self.keys.read().map_err(|_| KEYS_LOST)?;
        Ok(keys.published.clone())
    }

    /// When a refresh token of this moment ends, if its session lives so long.
    pub(super) fn refresh_ends(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.refresh_seconds)
    }

    /// A new session and its first refresh token; the event tells how it began.
    pub(super) fn session(
        &self,
        event: SecurityEvent,
    ) -> Result<(NewSession, RefreshToken), BoxError> {
        let token = RefreshToken::fresh()?;
        let session = NewSession {
            id: SessionId::generate(),
            token: token.hash(),
            at: event.at,
            expires_at: self
                .refresh_ends(event.at)
                .min(event.at.plus_seconds(self.life_seconds)),
            event,
        };
        Ok((session, token))
    }

    /// The one successor of a refresh token: always the same, so that an answer that was lost can be given
    /// again without keeping it.
    pub(super) fn successor(&self, token: &RefreshToken) -> RefreshToken {
        RefreshToken(digest::hmac_sha256(
            &self.successor_secret,
            &[b"successor", &token.0],
        ))
    }

    /// The setup token that was made at this moment.
    pub(super) fn setup_token(&self, made_at: Timestamp) -> SecretString {
        let made_at = made_at.as_ms().to_be_bytes();
        let bytes = digest::hmac_sha256(&self.successor_secret, &[b"setup", &made_at]);
        SecretString::from(digest::base64url(&bytes))
    }

    /// The token of the link in this mail: the same for each try to send it, and kept nowhere.
    pub(super) fn link_token(&self, mail: MailId) -> [u8; 32] {
        digest::hmac_sha256(&self.successor_secret, &[b"link", mail.as_bytes()])
    }

    /// 32 bytes over a text that only this shop can make, for one purpose.
    pub(super) fn seal(&self, purpose: &[u8], text: &[u8]) -> [u8; 32] {
        digest::hmac_sha256(&self.successor_secret, &[purpose, text])
    }

    /// The tokens of a user who has proven who they are.
    pub(super) fn sign_in(
        &self,
        user: User,
        session: SessionId,
        refresh: &RefreshToken,
        now: Timestamp,
    ) -> Result<SignedIn, BoxError> {
        let issued_at = now.as_ms().div_euclid(1_000);
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.id,
            sid: session,
            jti: digest::base64url(&digest::random::<16>()?),
            roles: user.roles.as_slice().to_vec(),
            epoch: user.epoch,
            iat: issued_at,
            nbf: issued_at,
            exp: issued_at.saturating_add(self.access_seconds),
        };
        let keys = self.keys.read().map_err(|_| KEYS_LOST)?;
        // A clock that was put back may be before them all.
        let due = keys.signers.iter().find(|signer| signer.from <= now);
        let signer = due.or_else(|| keys.signers.last()).ok_or(KEYS_LOST)?;
        let access = jsonwebtoken::encode(&signer.header, &claims, &signer.key)?;
        Ok(SignedIn {
            user: user.view(),
            access_token: SecretString::from(access),
            expires_in: self.access_seconds,
            refresh_token: refresh.text(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_43_characters_of_base64url_are_a_refresh_token() {
        let token = RefreshToken::fresh().unwrap();
        assert_eq!(
            RefreshToken::read(&token.text()).unwrap().hash(),
            token.hash()
        );
        for text in ["", "x", &"=".repeat(43), &"A".repeat(44), &"ä".repeat(21)] {
            assert!(
                RefreshToken::read(&SecretString::from(text)).is_none(),
                "{text}"
            );
        }
    }
}
