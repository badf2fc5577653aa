//! A provider of identities of a test's own (OpenID Connect): it knows the people that a test tells it of, keeps the
//! rules of the standard, and breaks one of them when it is told to. It plays the browser's part at the provider, too.
//! Its tokens are made with the crypto library itself and not with the shop's.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop"
)]

use crate::served::{Heard, Reply, pairs, serve};
use aws_lc_rs::{
    digest as hash, hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use platform::{clock::Clock, digest::base64url};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// What the provider calls the shop.
const CLIENT: &str = "the shop";
/// What the shop proves itself by.
const SECRET: &str = "a secret: of chance";
/// What every access token of the provider is.
const ACCESS: &str = "access-token-of-the-provider";

/// A rule that the provider breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// `iss` is another provider.
    Issuer,
    /// `aud` is another shop.
    Audience,
    /// `aud` is two shops, and nobody says which asked.
    Audiences,
    /// `azp` is another shop.
    Party,
    /// `nonce` is of another attempt.
    Nonce,
    /// There is no `nonce`.
    NoNonce,
    /// The token is over.
    Expired,
    /// The token was issued long before the attempt.
    Old,
    /// The token is issued tomorrow.
    Future,
    /// The token is signed by nobody.
    Unsigned,
    /// The token is signed with the public key as a secret.
    PublicKeyAsSecret,
    /// The token names a key that is not there.
    KeyId,
    /// The token is signed by another key of that name.
    ForeignKey,
    /// The token belongs to another access token.
    AccessHash,
    /// The token has no subject.
    Subject,
    /// The token is an access token.
    Type,
    /// The description is another issuer's.
    Description,
    /// The token's endpoint answers with a page.
    NoJson,
    /// The token's endpoint does not answer.
    Silent,
    /// Nothing but 503.
    Down,
    /// The answer names another issuer (RFC 9207).
    MixedUp,
}

/// By which algorithm it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// RSA.
    Rs256,
    /// The curve P-256.
    Es256,
    /// The curve Ed25519.
    EdDsa,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

struct Code {
    nonce: String,
    challenge: String,
    redirect: String,
    person: Value,
}

struct State {
    url: String,
    key: Key,
    kid: String,
    keys_made: u32,
    keys_asked: u32,
    person: Value,
    says_mfa: bool,
    broken: Option<Broken>,
    codes: BTreeMap<String, Code>,
    codes_made: u32,
}

/// The provider.
#[derive(Clone)]
pub struct Issuer(Arc<Mutex<State>>);

impl Key {
    fn new(signs: Signs) -> Self {
        match signs {
            Signs::Rs256 => Self::Rsa(Box::new(
                RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"),
            )),
            Signs::Es256 => {
                Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
            }
            Signs::EdDsa => Self::Ed(Ed25519KeyPair::generate().expect("a key")),
        }
    }

    fn signs(&self) -> Signs {
        match self {
            Self::Rsa(_) => Signs::Rs256,
            Self::Ec(_) => Signs::Es256,
            Self::Ed(_) => Signs::EdDsa,
        }
    }

    fn name(&self) -> &'static str {
        match self.signs() {
            Signs::Rs256 => "RS256",
            Signs::Es256 => "ES256",
            Signs::EdDsa => "EdDSA",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let chance = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &chance, text, &mut signature)
                    .expect("a signature");
                signature
            }
            Self::Ec(pair) => pair
                .sign(&chance, text)
                .expect("a signature")
                .as_ref()
                .to_vec(),
            Self::Ed(pair) => pair.sign(text).as_ref().to_vec(),
        }
    }

    fn public(&self) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Rsa(pair) => json!({
                "kty": "RSA",
                "n": base64url(pair.public_key().modulus().big_endian_without_leading_zero()),
                "e": base64url(pair.public_key().exponent().big_endian_without_leading_zero()),
            }),
            Self::Ec(_) => {
                let point = self.public();
                json!({"kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..])})
            }
            Self::Ed(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(&self.public())}),
        };
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.name());
        jwk
    }
}

impl Issuer {
    /// A provider on this machine that signs so.
    pub fn start(signs: Signs) -> Self {
        let issuer = Self(Arc::new(Mutex::new(State {
            url: String::new(),
            key: Key::new(signs),
            kid: "key-0".to_owned(),
            keys_made: 0,
            keys_asked: 0,
            person: Value::Null,
            says_mfa: false,
            broken: None,
            codes: BTreeMap::new(),
            codes_made: 0,
        })));
        let serving = issuer.clone();
        issuer.state().url = serve(move |heard| serving.answer(heard));
        issuer
    }

    /// The settings of a shop that has it under this name.
    pub fn settings(&self, name: &str) -> Vec<(String, String)> {
        let name = format!("SOUK_IDENTITY__OPENID__{}", name.to_uppercase());
        [
            (format!("{name}__ISSUER"), self.url()),
            (format!("{name}__CLIENT_ID"), CLIENT.to_owned()),
            (format!("{name}__CLIENT_SECRET"), SECRET.to_owned()),
            (format!("{name}__TITLE"), "The Provider".to_owned()),
            (
                "SOUK_OUTWARD__ALLOW".to_owned(),
                "[\"127.0.0.1\"]".to_owned(),
            ),
            ("SOUK_OUTWARD__HTTP".to_owned(), "true".to_owned()),
            ("SOUK_OUTWARD__PORTS".to_owned(), "[]".to_owned()),
        ]
        .to_vec()
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.state().url.clone()
    }

    /// Who signs in there from now on, and whether their address is said to be theirs.
    pub fn knows(&self, subject: &str, email: &str, is_verified: bool) {
        let name = "Ann Smith";
        self.state().person =
            json!({"sub": subject, "email": email, "email_verified": is_verified, "name": name});
    }

    /// Asks for more than one proof from now on, and says so.
    pub fn says_mfa(&self) {
        self.state().says_mfa = true;
    }

    /// Breaks a rule from now on, or none.
    pub fn breaks(&self, broken: Option<Broken>) {
        self.state().broken = broken;
    }

    /// Signs with a new key from now on; the old one is gone.
    pub fn rotate(&self, signs: Signs) {
        let mut state = self.state();
        state.keys_made += 1;
        state.kid = format!("key-{}", state.keys_made);
        state.key = Key::new(signs);
    }

    /// How often its keys were asked for.
    pub fn keys_asked(&self) -> u32 {
        self.state().keys_asked
    }

    /// What the person's browser does at the provider: the address within the shop that it is sent back to.
    pub fn visit(&self, location: &str) -> String {
        let (entrance, query) = location.split_once('?').expect("parameters");
        let mut state = self.state();
        assert_eq!(entrance, format!("{}/authorize", state.url));
        let wish: BTreeMap<String, String> = pairs(query);
        let of = |name: &str| wish.get(name).cloned().unwrap_or_default();
        for (name, expected) in [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("scope", "openid email profile"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
        assert!(of("state").len() >= 43 && of("nonce").len() >= 43 && of("state") != of("nonce"));
        let code = format!("code-{}", state.codes_made);
        state.codes_made += 1;
        let redirect = of("redirect_uri");
        let kept = Code {
            nonce: of("nonce"),
            challenge: of("code_challenge"),
            redirect: redirect.clone(),
            person: state.person.clone(),
        };
        state.codes.insert(code.clone(), kept);
        let issuer = if state.broken == Some(Broken::MixedUp) {
            "https://other.example".to_owned()
        } else {
            state.url.clone()
        };
        let path = redirect.splitn(4, '/').nth(3).expect("a path");
        format!(
            "/{path}?code={code}&state={}&iss={issuer}&session_state=x",
            of("state")
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test has failed in here")
    }

    fn answer(&self, heard: &Heard) -> Reply {
        let (status, body) = self.told(heard);
        match status {
            0 => Reply::Silence,
            status => Reply::Says(status, "", body),
        }
    }

    /// The status and the body; 0 is silence.
    fn told(&self, heard: &Heard) -> (u16, String) {
        let mut state = self.state();
        if state.broken == Some(Broken::Down) {
            return (503, "{}".to_owned());
        }
        let proof = heard.field("authorization");
        match heard.path.as_str() {
            "/.well-known/openid-configuration" => (200, state.description().to_string()),
            "/jwks" => {
                state.keys_asked += 1;
                let keys = [state.key.jwk(&state.kid), json!({"kty": "unheard of"})];
                (200, json!({ "keys": keys }).to_string())
            }
            "/token" => state.token(proof, &heard.body),
            "/userinfo" if proof == format!("Bearer {ACCESS}") => (200, state.person.to_string()),
            _ => (404, "{}".to_owned()),
        }
    }
}

impl State {
    fn description(&self) -> Value {
        let url = &self.url;
        let issuer = if self.broken == Some(Broken::Description) {
            "https://other.example"
        } else {
            url
        };
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "userinfo_endpoint": format!("{url}/userinfo"),
            "jwks_uri": format!("{url}/jwks"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn token(&mut self, proof: &str, body: &str) -> (u16, String) {
        match self.broken {
            Some(Broken::Silent) => return (0, String::new()),
            Some(Broken::NoJson) => return (200, "<html>".to_owned()),
            _ => {}
        }
        // "the shop" and "a secret: of chance", each encoded, and then both.
        if proof != "Basic dGhlK3Nob3A6YStzZWNyZXQlM0Erb2YrY2hhbmNl" {
            return (401, json!({"error": "invalid_client"}).to_string());
        }
        let wish = pairs(body);
        let of = |name: &str| wish.get(name).cloned().unwrap_or_default();
        let challenge =
            base64url(hash::digest(&hash::SHA256, of("code_verifier").as_bytes()).as_ref());
        // A code is good once.
        let code = self.codes.remove(&of("code"));
        let code = code.filter(|code| {
            code.challenge == challenge
                && code.redirect == of("redirect_uri")
                && of("grant_type") == "authorization_code"
        });
        let Some(code) = code else {
            return (400, json!({"error": "invalid_grant"}).to_string());
        };
        let answer = json!({"access_token": ACCESS, "token_type": "Bearer", "id_token": self.id_token(&code)});
        (200, answer.to_string())
    }

    fn id_token(&self, code: &Code) -> String {
        let now = Clock::System.now().as_ms() / 1_000;
        let kind = if matches!(self.key, Key::Ed(_)) {
            &hash::SHA512
        } else {
            &hash::SHA256
        };
        let access = hash::digest(kind, ACCESS.as_bytes());
        let mut claims = json!({
            "iss": self.url, "aud": CLIENT, "nonce": code.nonce, "iat": now, "exp": now + 300,
            "at_hash": base64url(&access.as_ref()[..access.as_ref().len() / 2]), "sub": code.person["sub"],
        });
        if self.says_mfa {
            claims["amr"] = json!(["pwd", "mfa"]);
        }
        let mut head = json!({"alg": self.key.name(), "kid": self.kid, "typ": "JWT"});
        let text = |head: &Value, claims: &Value| {
            format!(
                "{}.{}",
                base64url(head.to_string().as_bytes()),
                base64url(claims.to_string().as_bytes())
            )
        };
        match self.broken {
            Some(Broken::Issuer) => claims["iss"] = json!("https://other.example"),
            Some(Broken::Audience) => claims["aud"] = json!("another shop"),
            Some(Broken::Audiences) => claims["aud"] = json!([CLIENT, "another shop"]),
            Some(Broken::Party) => claims["azp"] = json!("another shop"),
            Some(Broken::Nonce) => claims["nonce"] = json!("x".repeat(43)),
            Some(Broken::NoNonce) => claims["nonce"] = Value::Null,
            Some(Broken::Expired) => claims["exp"] = json!(now - 60),
            Some(Broken::Old) => claims["iat"] = json!(now - 3_600),
            Some(Broken::Future) => claims["iat"] = json!(now + 86_400),
            Some(Broken::AccessHash) => claims["at_hash"] = json!("x".repeat(22)),
            Some(Broken::Subject) => claims["sub"] = json!(""),
            Some(Broken::Type) => head["typ"] = json!("at+jwt"),
            Some(Broken::KeyId) => head["kid"] = json!("unheard-of"),
            Some(Broken::Unsigned) => {
                head["alg"] = json!("none");
                return format!("{}.", text(&head, &claims));
            }
            Some(Broken::PublicKeyAsSecret) => {
                head["alg"] = json!("HS256");
                let text = text(&head, &claims);
                let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key.public());
                return format!(
                    "{text}.{}",
                    base64url(hmac::sign(&key, text.as_bytes()).as_ref())
                );
            }
            _ => {}
        }
        let text = text(&head, &claims);
        let signature = if self.broken == Some(Broken::ForeignKey) {
            Key::new(self.key.signs()).sign(text.as_bytes())
        } else {
            self.key.sign(text.as_bytes())
        };
        format!("{text}.{}", base64url(&signature))
    }
}
