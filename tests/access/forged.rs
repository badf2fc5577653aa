//! Tokens by another hand: made and signed by other crates than the shop's own, with the shop's own key where the
//! signature must be right, so that each claim is seen to be looked at. None of them opens anything, and each is
//! refused in no time.

use crate::{
    cast::Cast,
    tokens::{assert_refused, base64url, by},
};
use ed25519_compact::{KeyPair, Seed};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How much longer a refusal may take than an answer of nothing but the door.
const REFUSED_WITHIN: Duration = Duration::from_millis(5);
const TIMES: usize = 5;

/// Somebody who has the shop's own signing key, and a customer's claims.
pub(crate) struct Forger {
    key: KeyPair,
    header: Value,
    claims: Value,
}

impl Forger {
    /// Reads the key where identity keeps it, as no program of the shop ever does.
    pub(crate) fn of(folder: &Path, genuine: &str) -> Self {
        let database = folder.join("identity.sqlite");
        let books = rusqlite::Connection::open(database).unwrap();
        let (kid, pkcs8): (String, Vec<u8>) = books
            .query_row("SELECT kid, pkcs8 FROM signing_keys", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        // RFC 8410: the seed is an octet string of 32 bytes within another of 34.
        let mark = [0x04, 0x22, 0x04, 0x20];
        let place = pkcs8.windows(4).position(|four| four == mark).unwrap();
        let seed = &pkcs8[place + 4..place + 36];
        let genuine = genuine.split('.').nth(1).unwrap();
        Self {
            key: KeyPair::from_seed(Seed::from_slice(seed).unwrap()),
            header: json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid}),
            claims: serde_json::from_slice(&from_base64url(genuine)).unwrap(),
        }
    }

    /// Signs these very texts.
    fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!(
            "{}.{}",
            base64url(header.as_bytes()),
            base64url(claims.as_bytes())
        );
        let signature = self.key.sk.sign(&signed, None);
        format!("{signed}.{}", base64url(signature.as_ref()))
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// With one claim changed, or taken away by null.
    fn claiming(&self, name: &str, value: Value) -> String {
        self.token(&self.header, &with(&self.claims, name, value))
    }

    /// With one field of the header changed, or taken away by null.
    fn heading(&self, name: &str, value: Value) -> String {
        self.token(&with(&self.header, name, value), &self.claims)
    }

    /// Signed with a shared secret, which is the public key in some form.
    fn shared(&self, secret: &[u8]) -> String {
        let header = with(&self.header, "alg", json!("HS256"));
        let claims = self.claims.to_string();
        let signed = [header.to_string(), claims].map(|part| base64url(part.as_bytes()));
        let signed = signed.join(".");
        let signature = hmac_sha256::HMAC::mac(&signed, secret);
        format!("{signed}.{}", base64url(&signature))
    }

    pub(crate) fn tokens(&self) -> Vec<(String, String)> {
        let (mut tokens, more) = (self.other_claims(), self.other_headers());
        tokens.extend(more);
        tokens.extend(self.twisted());
        tokens
    }

    fn other_claims(&self) -> Vec<(String, String)> {
        let now = self.claims["iat"].as_i64().unwrap();
        let mut tokens = Vec::new();
        for (name, values) in [
            (
                "aud",
                vec![json!("other"), json!(["other"]), json!(7), Value::Null],
            ),
            ("iss", vec![json!("other"), json!(""), Value::Null]),
            (
                "exp",
                vec![
                    json!(now - 31),
                    json!(0),
                    json!("never"),
                    json!(now + 7_200),
                    Value::Null,
                ],
            ),
            ("nbf", vec![json!(now + 60), json!("soon"), Value::Null]),
            ("iat", vec![json!("then"), json!(0), Value::Null]),
            ("sub", vec![json!("admin"), json!("usr_x"), Value::Null]),
            ("sid", vec![json!("x"), Value::Null]),
            ("jti", vec![Value::Null]),
            ("roles", vec![json!("admin"), json!(["root"]), Value::Null]),
            ("epoch", vec![json!("1"), Value::Null]),
        ] {
            for value in values {
                let what = format!("claim {name}: {value}");
                tokens.push((what, self.claiming(name, value)));
            }
        }
        tokens
    }

    fn other_headers(&self) -> Vec<(String, String)> {
        let address = json!("http://127.0.0.1:1/keys");
        let mut tokens = Vec::new();
        for (name, values) in [
            (
                "typ",
                vec![json!("JWT"), json!("rt+jwt"), json!("id+jwt"), Value::Null],
            ),
            (
                "alg",
                vec![
                    json!("none"),
                    json!("ES256"),
                    json!("RS256"),
                    json!("HS256"),
                    Value::Null,
                ],
            ),
            (
                "kid",
                vec![
                    json!("x"),
                    json!("../../dev/null"),
                    json!("' OR 1=1 --"),
                    Value::Null,
                ],
            ),
            ("jku", vec![address.clone()]),
            ("x5u", vec![address]),
            ("x5c", vec![json!(["MIIB"])]),
            (
                "jwk",
                vec![json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(self.key.pk.as_ref())})],
            ),
            ("crit", vec![json!(["exp"]), json!([])]),
        ] {
            for value in values {
                let what = format!("header {name}: {value}");
                tokens.push((what, self.heading(name, value)));
            }
        }
        tokens
    }

    /// What is no matter of one value.
    fn twisted(&self) -> Vec<(String, String)> {
        let (header, claims) = (self.header.to_string(), self.claims.to_string());
        let twice = |text: &str, more: &str| text.replacen('{', &format!("{{{more},"), 1);
        let public = self.key.pk.as_ref();
        let stranger = KeyPair::from_seed(Seed::new([7; 32]));
        let other = Self {
            key: stranger,
            header: self.header.clone(),
            claims: self.claims.clone(),
        };
        let good = self.token(&self.header, &self.claims);
        let mut tokens = vec![
            ("another's key", other.token(&self.header, &self.claims)),
            ("the public key as a secret", self.shared(public)),
            (
                "its text as a secret",
                self.shared(base64url(public).as_bytes()),
            ),
            ("no secret", self.shared(b"")),
            (
                "a claim twice",
                self.sign(&header, &twice(&claims, r#""roles":["admin"]"#)),
            ),
            (
                "a time twice",
                self.sign(&header, &twice(&claims, r#""exp":4000000000"#)),
            ),
            (
                "a header twice",
                self.sign(&twice(&header, r#""alg":"none""#), &claims),
            ),
            ("no object", self.sign(&header, "[]")),
            ("no claims", self.sign(&header, "{}")),
            ("no JSON", self.sign(&header, "x")),
            ("padded", format!("{good}==")),
            ("with a line's end", good.replacen('.', "%0a.", 1)),
            ("12 KiB", self.claiming("jti", json!("x".repeat(9_000)))),
        ];
        let [head, rest] = [0, 1].map(|part| good.split('.').nth(part).unwrap_or_default());
        tokens.push(("no signature", format!("{head}.{rest}.")));
        let owned = |(what, token): (&str, String)| (what.to_owned(), token);
        tokens.into_iter().map(owned).collect()
    }
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    if value.is_null() {
        object.as_object_mut().unwrap().remove(name);
    } else {
        object[name] = value;
    }
    object
}

fn from_base64url(text: &str) -> Vec<u8> {
    let letters: Vec<String> = (0..64_u8).map(|six| base64url(&[six << 2])).collect();
    let digit = |letter: char| letters.iter().position(|known| known.starts_with(letter));
    let digits: Vec<usize> = text.chars().filter_map(digit).collect();
    let bytes = |four: &[usize]| {
        let bits = (0..4).fold(0, |bits, place| bits << 6 | four.get(place).unwrap_or(&0));
        let bytes = [bits >> 16, bits >> 8, bits].map(|byte| u8::try_from(byte & 255).unwrap());
        bytes[..four.len() - 1].to_vec()
    };
    digits.chunks(4).flat_map(bytes).collect()
}

#[tokio::test]
async fn no_token_of_another_hand_opens_anything_even_with_our_own_key() {
    let cast = Cast::gather().await;
    let forger = Forger::of(cast.shop.folder(), cast.stranger.token());
    let good = forger.token(&forger.header, &forger.claims);
    let taken = by(&cast, "/api/v1/me", &[&format!("Bearer {good}")]).await;
    assert_eq!(taken.status, 200, "the forger's own art: {}", taken.text);
    let tokens = forger.tokens();
    let (mut refused, mut plain) = (Vec::new(), Vec::new());
    for (what, token) in &tokens {
        let authorization = format!("Bearer {token}");
        for _ in 0..TIMES {
            let started = Instant::now();
            let answer = by(&cast, "/api/v1/me", &[&authorization]).await;
            refused.push(started.elapsed());
            assert_refused(what, &answer);
            let started = Instant::now();
            cast.nobody.get("/livez").await;
            plain.push(started.elapsed());
        }
        let list = by(&cast, "/api/v1/products", &[&authorization]).await;
        assert_refused(what, &list);
    }
    let (refused, plain) = (median(refused), median(plain));
    assert!(
        refused < plain + REFUSED_WITHIN,
        "p50 of {} kinds of token {refused:?}, of /livez {plain:?}",
        tokens.len()
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
