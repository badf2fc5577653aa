//! Forged access tokens, checked as the gateway checks them. Each one differs from a good token by one
//! thing; the good one is checked too, so that no test passes because everything is refused.

use crate::shop::{Call, Shop};
use contracts::{
    access::{AccessClaims, Role},
    values::{SessionId, UserId},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::digest::base64url;
use serde_json::{Value, json};

/// The server's own key is not to be had from outside, so these tests sign with one that they put into the
/// same kind of key set.
struct Forger {
    shop: Shop,
    verifier: platform::http::TokenVerifier,
    key: EncodingKey,
    x: String,
}

const KID: &str = "known";

impl Forger {
    async fn new() -> Self {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
        let shop = Shop::start().await;
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = base64url(pair.public_key().as_ref());
        let keys = platform::http::KeySet::default();
        keys.insert(KID, &x).unwrap();
        let options = crate::shop::config(&json!({})).verifier();
        let revocations = platform::http::Revocations::default();
        let clock = shop.clock.clone();
        let verifier = platform::http::TokenVerifier::new(&options, keys, revocations, clock);
        let key = EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref());
        Self {
            shop,
            verifier,
            key,
            x,
        }
    }

    fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": KID})
    }

    fn claims(&self) -> Value {
        let now = self.shop.clock.now().as_ms() / 1_000;
        serde_json::to_value(AccessClaims {
            iss: "souk".to_owned(),
            aud: "souk".to_owned(),
            sub: UserId::generate(),
            sid: SessionId::generate(),
            jti: "1".to_owned(),
            roles: vec![Role::Admin],
            epoch: 0,
            iat: now,
            nbf: now,
            exp: now + 900,
        })
        .unwrap()
    }

    /// Signs whatever it is given with the key of the set.
    fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!(
            "{}.{}",
            base64url(header.as_bytes()),
            base64url(claims.as_bytes())
        );
        let signed = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::EdDSA);
        format!("{message}.{}", signed.unwrap())
    }

    fn with_header(&self, field: &str, value: Value) -> String {
        let mut header = self.header();
        header[field] = value;
        self.sign(&header.to_string(), &self.claims().to_string())
    }

    fn with_claim(&self, field: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[field] = value;
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    fn good(&self) -> String {
        self.sign(&self.header().to_string(), &self.claims().to_string())
    }

    fn refuses(&self, what: &str, token: &str) {
        assert!(self.verifier.verify(token).is_none(), "{what} was taken");
    }
}

#[tokio::test]
async fn a_good_token_is_taken() {
    let forger = Forger::new().await;
    assert!(forger.verifier.verify(&forger.good()).is_some());
    let own = forger.shop.register("ann").await.access();
    assert!(forger.shop.takes(&own));
    assert!(
        forger.verifier.verify(&own).is_none(),
        "but not by another shop"
    );
    let head = jsonwebtoken::decode_header(&own).unwrap();
    assert_eq!(
        (head.typ.as_deref(), head.alg),
        (Some("at+jwt"), Algorithm::EdDSA)
    );
}

#[tokio::test]
async fn headers_that_ask_for_trust_are_refused() {
    let forger = Forger::new().await;
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": forger.x});
    for (field, value) in [
        ("kid", json!("unknown")),
        ("kid", json!("../../known")),
        ("kid", json!("known' OR '1'='1")),
        ("kid", Value::Null),
        ("jku", json!("https://evil.example/keys")),
        ("jwk", jwk),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("typ", json!("JWT")),
        ("typ", json!("rt+jwt")),
        ("typ", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("alg", json!("ES256")),
    ] {
        let token = forger.with_header(field, value.clone());
        forger.refuses(&format!("{field} {value}"), &token);
    }
}

#[tokio::test]
async fn claims_of_others_and_of_other_times_are_refused() {
    let forger = Forger::new().await;
    let now = forger.shop.clock.now().as_ms() / 1_000;
    for (field, value) in [
        ("aud", json!("other")),
        ("aud", Value::Null),
        ("iss", json!("other")),
        ("iss", Value::Null),
        ("exp", json!(now - 31)),
        ("exp", json!("tomorrow")),
        ("exp", Value::Null),
        ("nbf", json!(now + 31)),
        ("nbf", Value::Null),
        ("sub", json!("ord_01h455vb4pex5vsknk084sn02q")),
        ("sub", Value::Null),
        ("sid", Value::Null),
        ("roles", json!(["root"])),
        ("roles", Value::Null),
        ("epoch", Value::Null),
    ] {
        let token = forger.with_claim(field, value.clone());
        forger.refuses(&format!("{field} {value}"), &token);
    }
}

#[tokio::test]
async fn broken_and_unsigned_tokens_are_refused() {
    let forger = Forger::new().await;
    let good = forger.good();
    let parts: Vec<&str> = good.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        panic!("three parts")
    };
    let none = base64url(
        json!({"typ": "at+jwt", "alg": "none", "kid": KID})
            .to_string()
            .as_bytes(),
    );
    let mut raised = forger.claims();
    raised["sub"] = json!(UserId::generate());
    let raised = base64url(raised.to_string().as_bytes());
    for (what, token) in [
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("no signature", format!("{head}.{claims}.")),
        ("two parts", format!("{head}.{claims}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{good}.{signature}.{signature}")),
        ("alg none without signature", format!("{none}.{claims}.")),
        (
            "alg none with signature",
            format!("{none}.{claims}.{signature}"),
        ),
        ("other claims", format!("{head}.{raised}.{signature}")),
        (
            "a cut signature",
            good.chars().take(good.len() - 2).collect(),
        ),
        ("a padded signature", format!("{good}==")),
        ("a space", format!(" {good}")),
        (
            "64 KiB",
            format!("{head}.{}.{signature}", "A".repeat(65_536)),
        ),
        ("64 KiB of dots", ".".repeat(65_536)),
        ("no base64", "ä.ö.ü".to_owned()),
    ] {
        forger.refuses(what, &token);
    }
}

#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    let forger = Forger::new().await;
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(KID.to_owned());
    let raw = platform::digest::from_base64url(&forger.x).unwrap();
    for secret in [raw.as_slice(), forger.x.as_bytes(), b""] {
        let key = EncodingKey::from_secret(secret);
        let token = jsonwebtoken::encode(&header, &forger.claims(), &key).unwrap();
        forger.refuses("HS256 with the public key", &token);
    }
}

#[tokio::test]
async fn claims_that_come_twice_are_refused() {
    let forger = Forger::new().await;
    let claims = forger.claims().to_string();
    let twice = claims.replacen('{', "{\"roles\":[\"customer\"],", 1);
    forger.refuses(
        "roles twice",
        &forger.sign(&forger.header().to_string(), &twice),
    );
}

#[tokio::test]
async fn the_published_keys_are_public_and_verify_what_we_sign() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.access();
    let answer = shop.send(Call::get("/.well-known/jwks.json")).await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let keys = answer.body["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys[0].get("d").is_none(), "no private part");
    assert_eq!(
        (&keys[0]["kty"], &keys[0]["crv"], &keys[0]["alg"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
    );
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(answer.body.clone()).unwrap();
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["souk"]);
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<AccessClaims>(&token, &key, &validation)
        .unwrap()
        .claims;
    assert_eq!(claims.exp - claims.iat, 900);
    assert_eq!(
        shop.beside()
            .await
            .send(Call::get("/.well-known/jwks.json"))
            .await
            .body,
        answer.body
    );
}
