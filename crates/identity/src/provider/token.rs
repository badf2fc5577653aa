//! What an ID token has to be before anything in it is believed (OpenID Connect Core 1.0, 3.1.3.7). It asks nobody and
//! remembers nothing.

use super::{Fault, keys::Keys};
use aws_lc_rs::digest as hash;
use jsonwebtoken::{Algorithm, Validation};
use platform::digest;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 16_384;
/// How far the provider's clock may be from ours.
const LEEWAY_SECONDS: i64 = 30;
/// The longest subject (Core 1.0, 2).
const SUBJECT_BYTES_MAX: usize = 255;

/// What a token must fit to.
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    /// Tokens that were issued before an attempt began are not for it.
    pub(super) attempt_seconds: i64,
    pub(super) now_seconds: i64,
}

/// One text, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Some providers write a truth as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Truth {
    Said(bool),
    Written(String),
}

/// The claims that we know of.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    at_hash: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(flatten)]
    person: Person,
}

/// What a provider says of a person.
#[derive(Default, Deserialize)]
pub(super) struct Person {
    pub(super) email: Option<String>,
    email_verified: Option<Truth>,
    pub(super) name: Option<String>,
}

impl Person {
    /// Whether the provider vouches for the address.
    pub(super) fn is_verified(&self) -> bool {
        match &self.email_verified {
            Some(Truth::Said(said)) => *said,
            Some(Truth::Written(text)) => text == "true",
            None => false,
        }
    }
}

/// What a token proves.
pub(super) struct Proven {
    pub(super) subject: String,
    pub(super) person: Person,
    /// Whether the provider says that it asked for more than one proof (RFC 8176).
    pub(super) has_second_factor: bool,
}

/// Why a token is not believed.
pub(super) enum Doubt {
    /// Its key is not known. It may be a new one.
    UnknownKey,
    /// Whatever happens.
    Refused(&'static str),
}

impl From<Doubt> for Fault {
    fn from(doubt: Doubt) -> Self {
        Self::Unbelievable(match doubt {
            Doubt::UnknownKey => "its ID token is signed by none of its keys".into(),
            Doubt::Refused(why) => format!("its ID token: {why}").into(),
        })
    }
}

/// What the token proves, if all of it fits.
pub(super) fn check(
    token: &SecretString,
    access_token: &SecretString,
    keys: &Keys,
    expected: &Expected<'_>,
) -> Result<Proven, Doubt> {
    let text = token.expose_secret();
    if text.len() > TOKEN_BYTES_MAX {
        return Err(Doubt::Refused("is too long"));
    }
    // `none` and whatever else is no algorithm of ours is refused here already.
    let header = jsonwebtoken::decode_header(text).map_err(|_| Doubt::Refused("has no head"))?;
    let is_known = matches!(
        header.alg,
        Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA
    );
    if !is_known || header.crit.is_some() {
        return Err(Doubt::Refused("has another algorithm, or more rules"));
    }
    let is_id_token = header
        .typ
        .as_deref()
        .is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"));
    if !is_id_token {
        return Err(Doubt::Refused("is a token for something else"));
    }
    let (key, algorithm) = keys.of(&header).ok_or(Doubt::UnknownKey)?;
    let mut validation = Validation::new(algorithm);
    // Times are compared below, with the clock that the rest of the shop goes by.
    validation.validate_exp = false;
    validation.set_audience(&[expected.client_id]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let decoded = jsonwebtoken::decode::<Claims>(text, key, &validation);
    let decoded = decoded.map_err(|_| Doubt::Refused("is forged, for others, or not one"))?;
    let claims = decoded.claims;
    check_claims(&claims, expected)?;
    if let Some(expected) = &claims.at_hash {
        let fits = digest::equal(
            expected.as_bytes(),
            at_hash(access_token, algorithm).as_bytes(),
        );
        fits.then_some(())
            .ok_or(Doubt::Refused("belongs to another access token"))?;
    }
    Ok(Proven {
        has_second_factor: claims.amr.iter().any(|method| method == "mfa"),
        subject: claims.sub,
        person: claims.person,
    })
}

fn check_claims(claims: &Claims, expected: &Expected<'_>) -> Result<(), Doubt> {
    let is_alone = match &claims.aud {
        Audience::One(only) => !only.is_empty(),
        Audience::Many(all) => all.len() == 1,
    };
    let is_our_party = claims
        .azp
        .as_deref()
        .map_or(is_alone, |party| party == expected.client_id);
    let nonce = claims.nonce.as_deref().unwrap_or_default();
    let now = expected.now_seconds;
    let oldest = now
        .saturating_sub(expected.attempt_seconds)
        .saturating_sub(LEEWAY_SECONDS);
    let newest = now.saturating_add(LEEWAY_SECONDS);
    let subject = &claims.sub;
    let rules = [
        (is_our_party, "was given to another party"),
        (
            digest::equal(nonce.as_bytes(), expected.nonce.as_bytes()),
            "belongs to another attempt",
        ),
        (now < claims.exp.saturating_add(LEEWAY_SECONDS), "is over"),
        (
            (oldest..=newest).contains(&claims.iat),
            "was not issued just now",
        ),
        (
            (1..=SUBJECT_BYTES_MAX).contains(&subject.len())
                && subject
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() || byte == b' '),
            "has no subject that can be kept",
        ),
    ];
    let broken = rules.iter().find(|(holds, _)| !holds);
    broken.map_or(Ok(()), |(_, why)| Err(Doubt::Refused(why)))
}

/// The left half of the access token's hash, by the hash of the token's own algorithm (Core 1.0, 3.1.3.6).
fn at_hash(access_token: &SecretString, algorithm: Algorithm) -> String {
    let kind = if algorithm == Algorithm::EdDSA {
        &hash::SHA512
    } else {
        &hash::SHA256
    };
    let whole = hash::digest(kind, access_token.expose_secret().as_bytes());
    let whole = whole.as_ref();
    let half = whole.get(..whole.len() / 2).unwrap_or_default();
    digest::base64url(half)
}

/// `code_challenge` of a verifier (RFC 7636, S256).
pub(super) fn challenge(verifier: &SecretString) -> String {
    let whole = hash::digest(&hash::SHA256, verifier.expose_secret().as_bytes());
    digest::base64url(whole.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_has_the_challenge_of_the_standard() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn an_access_token_has_the_hash_of_the_standard() {
        let token = SecretString::from("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        assert_eq!(at_hash(&token, Algorithm::RS256), "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn a_truth_may_be_written_and_nothing_else_is_one() {
        let verified = |text: &str| {
            serde_json::from_str::<Person>(text).is_ok_and(|person| person.is_verified())
        };
        assert!(
            verified("{\"email_verified\": true}") && verified("{\"email_verified\": \"true\"}")
        );
        for text in [
            "{}",
            "{\"email_verified\": \"yes\"}",
            "{\"email_verified\": 1}",
            "{\"email_verified\": false}",
        ] {
            assert!(!verified(text), "{text}");
        }
    }
}
