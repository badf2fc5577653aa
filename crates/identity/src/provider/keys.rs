//! A provider's public keys: what of its set can sign for us, by an algorithm that follows from the key and never from
//! a token. A key for a secret shared by both is none.

use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use platform::digest;
use serde::Deserialize;

/// Keys of a set that are looked at.
const KEYS_MAX: usize = 64;
/// 2,048 bits: a shorter modulus signs nothing for us.
const MODULUS_BYTES_MIN: usize = 256;

/// A set as it is sent (RFC 7517). Keys of kinds that we do not know are passed over.
#[derive(Deserialize)]
struct Sent {
    keys: Vec<serde_json::Value>,
}

#[derive(Clone)]
struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The keys of a provider that can sign for us.
#[derive(Clone, Default)]
pub(super) struct Keys(Vec<Key>);

impl Keys {
    pub(super) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let sent: Sent = serde_json::from_slice(body)?;
        let jwks = sent.keys.into_iter().take(KEYS_MAX);
        let jwks = jwks.filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Ok(Self(jwks.filter_map(|jwk| usable(&jwk)).collect()))
    }

    /// The key that a token names, and the one algorithm that is believed from it. Without a name there must be no
    /// choice.
    pub(super) fn of(&self, header: &Header) -> Option<(&DecodingKey, Algorithm)> {
        let mut fitting = self.0.iter().filter(|key| {
            key.algorithm == header.alg && (header.kid.is_none() || key.kid == header.kid)
        });
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some((&key.key, key.algorithm)),
            _ => None,
        }
    }
}

fn usable(jwk: &Jwk) -> Option<Key> {
    let is_for_signatures = matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(key) => {
            let modulus = digest::from_base64url(&key.n)?;
            let is_long =
                modulus.iter().skip_while(|byte| **byte == 0).count() >= MODULUS_BYTES_MIN;
            is_long.then_some((Algorithm::RS256, KeyAlgorithm::RS256))?
        }
        AlgorithmParameters::EllipticCurve(key) => {
            (key.curve == EllipticCurve::P256).then_some((Algorithm::ES256, KeyAlgorithm::ES256))?
        }
        AlgorithmParameters::OctetKeyPair(key) => (key.curve == EllipticCurve::Ed25519)
            .then_some((Algorithm::EdDSA, KeyAlgorithm::EdDSA))?,
        AlgorithmParameters::OctetKey(_) | AlgorithmParameters::Other(_) => return None,
        // Kinds that the library does not know yet.
        _ => return None,
    };
    let is_named_so = jwk.common.key_algorithm.is_none_or(|said| said == name);
    (is_for_signatures && is_named_so).then_some(())?;
    Some(Key {
        kid: jwk.common.key_id.clone(),
        algorithm,
        key: DecodingKey::from_jwk(jwk).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn usable_of(keys: Value) -> usize {
        let body = serde_json::to_vec(&json!({"keys": keys})).unwrap();
        Keys::read(&body).unwrap().0.len()
    }

    #[test]
    fn only_keys_that_sign_for_us_are_taken() {
        let x = digest::base64url(&[7; 32]);
        let long = digest::base64url(&[0xff; 256]);
        let short = digest::base64url(&[0xff; 255]);
        let padded = digest::base64url(&[&[0_u8][..], &[0xff; 255]].concat());
        assert_eq!(
            usable_of(json!([{"kty": "OKP", "crv": "Ed25519", "x": x}])),
            1
        );
        assert_eq!(
            usable_of(
                json!([{"kty": "RSA", "n": long, "e": "AQAB", "use": "sig", "alg": "RS256"}])
            ),
            1
        );
        for key in [
            json!({"kty": "oct", "k": x}),
            json!({"kty": "RSA", "n": short, "e": "AQAB"}),
            json!({"kty": "RSA", "n": padded, "e": "AQAB"}),
            json!({"kty": "RSA", "n": long, "e": "AQAB", "alg": "RS512"}),
            json!({"kty": "RSA", "n": long, "e": "AQAB", "alg": "HS256"}),
            json!({"kty": "RSA", "n": long, "e": "AQAB", "use": "enc"}),
            json!({"kty": "EC", "crv": "P-384", "x": x, "y": x}),
            json!({"kty": "new"}),
            json!("key"),
        ] {
            assert_eq!(usable_of(json!([key])), 0, "{key}");
        }
    }

    #[test]
    fn a_token_without_a_name_for_its_key_must_leave_no_choice() {
        let key = |kid: &str, byte: u8| {
            let x = digest::base64url(&[byte; 32]);
            json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
        };
        let read =
            |keys: Value| Keys::read(&serde_json::to_vec(&json!({"keys": keys})).unwrap()).unwrap();
        let (one, two) = (
            read(json!([key("a", 1)])),
            read(json!([key("a", 1), key("b", 2)])),
        );
        let mut header = Header::new(Algorithm::EdDSA);
        assert!(one.of(&header).is_some() && two.of(&header).is_none());
        header.kid = Some("b".to_owned());
        assert!(one.of(&header).is_none() && two.of(&header).is_some());
        header.alg = Algorithm::RS256;
        assert!(two.of(&header).is_none(), "the key says by which algorithm");
    }
}
