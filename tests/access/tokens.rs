//! Which tokens open the door: our own, as long as they stand for somebody. Never one that says so itself.

use crate::{
    cast::{Cast, PASSWORD, Who},
    thing::Thing,
};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use testkit::{Answer, Client};

pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |three: &[u8]| {
        let bits = three
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - three.len()));
        let letter = move |place: usize| char::from(ALPHABET[bits >> (18 - 6 * place) & 63]);
        (0..=three.len()).map(letter).collect::<Vec<_>>()
    };
    bytes.chunks(3).flat_map(digits).collect()
}

/// A token that says this of itself, with the signature of another.
fn token(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// Tokens that were never given out, by what they try.
fn forged(genuine: &str, kid: &str, key: &Value, admin: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = genuine.split('.').collect();
    let claims = json!({
        "iss": "souk", "aud": "souk", "sub": admin, "sid": "ses_01h455vb4pex5vsknk084sn02q", "jti": "x",
        "roles": ["admin", "customer"], "epoch": 0, "iat": 1_700_000_000, "nbf": 1_700_000_000,
        "exp": 4_000_000_000_u32,
    });
    let good = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid});
    let other = |name: &str, value: Value| {
        let mut header = good.clone();
        header[name] = value;
        token(&header, &claims, parts[2])
    };
    let half = &parts[2][..parts[2].len() / 2];
    // One signature in 64 begins with an A of its own.
    let other_first = if parts[2].starts_with('A') { 'B' } else { 'A' };
    vec![
        ("other claims", token(&good, &claims, parts[2])),
        ("no signature", token(&good, &claims, "")),
        ("no algorithm", other("alg", json!("none"))),
        (
            "no algorithm, no signature",
            token(&json!({"typ": "at+jwt", "alg": "none"}), &claims, ""),
        ),
        (
            "no algorithm in another spelling",
            other("alg", json!("nOnE")),
        ),
        ("a shared secret", other("alg", json!("HS256"))),
        ("another algorithm", other("alg", json!("RS256"))),
        ("an unknown key", other("kid", json!("unknown"))),
        ("a key's path", other("kid", json!("../../../../dev/null"))),
        ("a key's SQL", other("kid", json!("' OR 1=1 --"))),
        ("a key of its own", other("jwk", key.clone())),
        (
            "a key's address",
            other("jku", json!("http://127.0.0.1:1/keys")),
        ),
        (
            "a certificate's address",
            other("x5u", json!("file:///etc/passwd")),
        ),
        ("an extension", other("crit", json!(["exp"]))),
        ("another kind", other("typ", json!("rt+jwt"))),
        (
            "half a signature",
            format!("{}.{}.{half}", parts[0], parts[1]),
        ),
        (
            "a changed signature",
            format!("{}.{}.{other_first}{}", parts[0], parts[1], &parts[2][1..]),
        ),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{genuine}.x")),
        ("five parts", format!("{genuine}.x.x")),
        ("a longer one", format!("{genuine}AAAA")),
        ("rubbish", "rubbish".to_owned()),
        ("dots", "..".to_owned()),
        ("an id", admin.to_owned()),
        ("8 KiB", "a".repeat(8 * 1_024)),
        (
            "8 KiB of a payload",
            format!("{}.{}.{}", parts[0], "A".repeat(8 * 1_024), parts[2]),
        ),
    ]
}

/// Addresses that ask nobody who they are, and some that do.
const ADDRESSES: &[&str] = &[
    "/api/v1/me",
    "/api/v1/products",
    "/api/v1/orders",
    "/products",
    "/orders",
];

pub(crate) async fn by(cast: &Cast, path: &str, authorization: &[&str]) -> Answer {
    let values = authorization
        .iter()
        .map(|value| HeaderValue::from_str(value).unwrap());
    let headers: HeaderMap = values
        .map(|value| (reqwest::header::AUTHORIZATION, value))
        .collect();
    let request = cast
        .nobody
        .request(reqwest::Method::GET, path)
        .headers(headers);
    cast.nobody.send(request).await
}

pub(crate) fn assert_refused(what: &str, answer: &Answer) {
    let challenge = answer.header("www-authenticate");
    let seen = (answer.status, answer.code(), challenge);
    assert_eq!(
        seen,
        (401, "invalid_token", r#"Bearer error="invalid_token""#),
        "{what}: {}",
        answer.text
    );
}

#[tokio::test]
async fn a_token_that_is_not_ours_opens_nothing() {
    let cast = Cast::gather().await;
    let keys = cast.nobody.get("/.well-known/jwks.json").await;
    let (kid, key) = (keys.str("/keys/0/kid"), &keys.json["keys"][0]);
    let mut tokens = forged(cast.stranger.token(), kid, key, cast.admin.user_id());
    let account = cast.make(Who::Stranger, Thing::Account).await;
    tokens.push(("a refresh token", account.fill("$refresh")));
    tokens.push(("nothing", String::new()));
    for (what, token) in &tokens {
        for path in ADDRESSES {
            assert_refused(what, &by(&cast, path, &[&format!("Bearer {token}")]).await);
        }
    }
    let own = format!("Bearer {}", cast.stranger.token());
    assert_eq!(
        by(&cast, "/api/v1/me", &[&own]).await.status,
        200,
        "and ours does"
    );
    let lower = format!("bearer {}", cast.stranger.token());
    assert_eq!(
        by(&cast, "/api/v1/me", &[&lower]).await.status,
        200,
        "in any spelling of the scheme"
    );
}

#[tokio::test]
async fn other_ways_to_say_who_one_is_are_not_heard() {
    let cast = Cast::gather().await;
    let own = format!("Bearer {}", cast.admin.token());
    for authorization in [
        &["Basic YWRtaW46YWRtaW4="][..],
        &["Digest username=admin"],
        &[cast.admin.token()],
        &["Token x"],
        &[&own, &own],
        &[&own, "Bearer x"],
    ] {
        let answer = by(&cast, "/api/v1/me", authorization).await;
        assert_eq!(
            (answer.status, answer.code()),
            (401, "unauthenticated"),
            "{authorization:?}"
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let token = cast.admin.token();
    for path in [
        format!("/api/v1/me?access_token={token}"),
        format!("/api/v1/me?token={token}"),
        format!("/api/v1/orders?access_token={token}"),
    ] {
        let answer = cast.nobody.get(&path).await;
        assert_eq!(
            answer.status, 401,
            "no token is read from an address: {}",
            answer.text
        );
    }
}

async fn is_in(client: &Client) -> bool {
    let answer = client.get("/api/v1/me").await;
    if answer.status != 200 {
        assert_refused("an ended token", &answer);
        assert_refused("an ended token", &client.get("/api/v1/products").await);
        assert_refused("an ended token", &client.get("/orders").await);
    }
    answer.status == 200
}

async fn refreshed(cast: &Cast, refresh_token: &str) -> Answer {
    cast.nobody
        .post(
            "/api/v1/auth/refresh",
            &json!({"refresh_token": refresh_token}),
        )
        .await
}

#[tokio::test]
async fn an_ended_token_is_refused_at_once() {
    let cast = Cast::gather().await;
    let ways = [
        ("logout", "POST", "/api/v1/auth/logout", "{}"),
        (
            "logout at a seed's address",
            "POST",
            "/api/auth/logout",
            "{}",
        ),
        (
            "deletion",
            "DELETE",
            "/api/v1/me",
            r#"{"password":"$password"}"#,
        ),
        (
            "deletion at a seed's address",
            "POST",
            "/api/auth/delete",
            r#"{"password":"$password"}"#,
        ),
    ];
    for (way, method, path, body) in ways {
        let made = cast.make(Who::OwnMerchant, Thing::Double).await;
        assert!(is_in(&made.asker).await, "{way}");
        let request = made.asker.request(method.parse().unwrap(), path);
        let request = request
            .header("content-type", "application/json")
            .body(made.fill(body));
        let answer = made.asker.send(request).await;
        assert!(answer.status < 300, "{way}: {}", answer.text);
        assert!(!is_in(&made.asker).await, "{way}");
        let again = refreshed(&cast, &made.fill("$refresh")).await;
        assert_eq!(
            again.status, 401,
            "{way} ends the refresh token too: {}",
            again.text
        );
    }
}

#[tokio::test]
async fn a_change_of_roles_ends_earlier_tokens_and_later_ones_have_the_new_roles() {
    let cast = Cast::gather().await;
    let made = cast.make(Who::ForeignMerchant, Thing::Double).await;
    let product = json!({"name": "Cup", "price": 1});
    assert_eq!(
        made.asker.post("/api/v1/products", &product).await.status,
        201
    );
    let lower = json!({"roles": ["customer"], "version": 2});
    let path = format!("/api/v1/users/{}", made.id);
    assert_eq!(cast.admin.patch(&path, &lower).await.status, 200);
    assert!(!is_in(&made.asker).await);
    let again = refreshed(&cast, &made.fill("$refresh")).await;
    assert_eq!(
        again.status, 200,
        "whoever was lowered is still a customer: {}",
        again.text
    );
    let lowered = cast.nobody.signed_in(&again);
    assert_eq!(lowered.post("/api/v1/products", &product).await.status, 403);
}

#[tokio::test]
async fn nobody_learns_whether_an_account_exists() {
    let cast = Cast::gather().await;
    let mut seen = Vec::new();
    for email in ["bob@souk.example", "nobody-at-all@souk.example"] {
        let body = json!({"email": email, "password": format!("{PASSWORD} but wrong")});
        let answer = cast.nobody.post("/api/v1/auth/login", &body).await;
        let mut json = answer.json.clone();
        json.as_object_mut().unwrap().remove("request_id");
        seen.push((answer.status, json));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].0, 401);
}
