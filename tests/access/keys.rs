//! What API keys open: every route of the document, by a key that has all scopes but the one it needs, and by one that
//! has this one alone. And what is nearly a key, which opens nothing and costs next to nothing.

use crate::{
    cast::{Cast, make_key},
    tokens::{assert_refused, by},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Answer, Client};

/// Where the body proves who asks: a key is not even looked at.
const CREDENTIALS: &[&str] = &[
    "/api/v1/auth/login",
    "/api/v1/auth/login/second-factor",
    "/api/v1/auth/register",
    "/api/v1/auth/refresh",
    "/api/v1/auth/setup",
    "/api/v1/auth/password/reset",
    "/api/v1/auth/verify",
];

const SCOPES: &[&str] = &[
    "products:read",
    "products:write",
    "inventory:read",
    "inventory:write",
    "orders:read",
    "orders:write",
    "payments:read",
    "payments:write",
    "discounts:read",
    "discounts:write",
    "shipping:write",
    "taxes:write",
    "events:read",
    "events:write",
    "webhooks:read",
    "webhooks:write",
    "profile:read",
];

/// The text of a new key of this user's.
async fn key(owner: &Client, scopes: &[&str]) -> String {
    make_key(owner, scopes).await.str("/secret").to_owned()
}

async fn ask(cast: &Cast, key: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = cast.nobody.request(method.parse().unwrap(), path);
    let request = request.bearer_auth(key);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    cast.nobody.send(request).await
}

/// A path of the document with ids in it that nothing has.
fn filled(path: &str) -> String {
    let id = |kind: &str| format!("{kind}_01h455vb4pex5vsknk084sn02q");
    let kind = [
        "orders",
        "payments",
        "products",
        "inventory",
        "users",
        "sessions",
        "api-keys",
        "webhooks",
        "deliveries",
    ];
    let prefix = [
        "ord", "pay", "prd", "var", "usr", "ses", "key", "whk", "dlv",
    ];
    let mut words: Vec<String> = path.split('/').map(str::to_owned).collect();
    for place in 1..words.len() {
        if words[place].starts_with('{') {
            let known = kind.iter().position(|kind| words[place - 1] == *kind);
            words[place] = match (known, words[place - 1].as_str()) {
                (Some(known), _) => id(prefix[known]),
                (None, "providers") => "sandbox".to_owned(),
                (None, "dead") => "orders-1".to_owned(),
                _ => id("pay"),
            };
        }
    }
    words.join("/")
}

#[tokio::test]
async fn every_route_of_the_document_opens_to_its_scope_alone() {
    let cast = Cast::gather().await;
    let document = cast.nobody.get("/openapi.json").await.json;
    let all = key(&cast.admin, SCOPES).await;
    let mut only = Vec::new();
    let mut without = Vec::new();
    for scope in SCOPES {
        only.push(key(&cast.admin, &[scope]).await);
        let others: Vec<&str> = SCOPES
            .iter()
            .copied()
            .filter(|other| other != scope)
            .collect();
        without.push(key(&cast.admin, &others).await);
    }
    let (mut open, mut closed) = (0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let address = filled(path);
            let body = operation.get("requestBody").map(|_| json!({}));
            let told = async |key: &str| ask(&cast, key, &method, &address, body.as_ref()).await;
            let ways = operation["security"].as_array().unwrap();
            let scope = ways.iter().find_map(|way| way["api_key"][0].as_str());
            if let Some(scope) = scope {
                let place = SCOPES.iter().position(|known| *known == scope).unwrap();
                let refused = told(&without[place]).await;
                let seen = (
                    refused.status,
                    refused.code(),
                    refused.json["scope"].as_str(),
                );
                assert_eq!(seen, (403, "scope_missing", Some(scope)), "{method} {path}");
                let let_in = told(&only[place]).await;
                assert!(
                    ![401, 403].contains(&let_in.status),
                    "{method} {path}: {}",
                    let_in.text
                );
                open += 1;
            } else if CREDENTIALS.contains(&path.as_str()) {
                let plain = ask(&cast, "none", &method, &address, body.as_ref()).await;
                let with_key = told(&all).await;
                assert_eq!(
                    (with_key.status, with_key.code()),
                    (plain.status, plain.code()),
                    "{path}"
                );
            } else {
                let refused = told(&all).await;
                assert_eq!(
                    (refused.status, refused.code()),
                    (403, "forbidden"),
                    "{method} {path}"
                );
                closed += 1;
            }
        }
    }
    assert!(open > 30 && closed > 15, "{open} open, {closed} closed");
    cast.shop.verify().await;
}

#[tokio::test]
async fn what_a_key_does_is_its_owner_s_and_no_more_than_its_owner_may() {
    let cast = Cast::gather().await;
    let buyer = key(
        &cast.owner,
        &["orders:read", "orders:write", "profile:read"],
    )
    .await;
    let product = cast.own.sell("pot", 100, 5).await;
    let order = json!({"items": [{"product_id": product, "quantity": 1}]});
    let place = async |body: &Value| {
        let request = cast.nobody.request(Method::POST, "/api/v1/orders");
        let request = request
            .bearer_auth(&buyer)
            .header("idempotency-key", "by-machine");
        cast.nobody.send(request.json(body)).await
    };
    let placed = place(&order).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let again = cast
        .owner
        .post_with_key("/api/v1/orders", "by-machine", &order)
        .await;
    assert_eq!(
        again.str("/id"),
        placed.str("/id"),
        "the owner's key and order"
    );
    let mut paid = order.clone();
    paid["payment"] = json!({"method": "tok_ok"});
    let refused = place(&paid).await;
    assert_eq!(refused.json["scope"], "payments:write", "{}", refused.text);
    let path = format!("/api/v1/orders/{}", placed.str("/id"));
    assert_eq!(ask(&cast, &buyer, "GET", &path, None).await.status, 200);
    let me = ask(&cast, &buyer, "GET", "/api/v1/me", None).await;
    assert_eq!(me.str("/id"), cast.owner.user_id());
    let stranger = key(&cast.stranger, &["orders:read", "orders:write"]).await;
    assert_eq!(ask(&cast, &stranger, "GET", &path, None).await.status, 404);
    let cancel = format!("{path}/cancel");
    let foreign = ask(&cast, &stranger, "POST", &cancel, Some(&json!({}))).await;
    assert_eq!(foreign.status, 404, "{}", foreign.text);
    let seed = ask(&cast, &buyer, "GET", "/orders", None).await;
    assert!(seed.text.contains(placed.str("/id")), "{}", seed.text);
    assert_eq!(
        ask(&cast, &buyer, "GET", "/products", None).await.status,
        403
    );
    assert_eq!(
        ask(&cast, &buyer, "GET", "/account", None).await.status,
        403
    );
    cast.shop.verify().await;
}

/// How much longer a refusal may take than an answer that costs nothing.
const REFUSED_WITHIN: Duration = Duration::from_millis(5);
const TIMES: usize = 10;

#[tokio::test]
async fn what_is_nearly_a_key_is_refused_alike_and_at_once() {
    let cast = Cast::gather().await;
    let made = make_key(&cast.owner, &["orders:read"]).await;
    let good = made.str("/secret").to_owned();
    let revoked = make_key(&cast.owner, &["orders:read"]).await;
    let path = format!("/api/v1/api-keys/{}", revoked.str("/key/id"));
    assert_eq!(cast.owner.delete(&path, None).await.status, 204);
    let path = format!("/api/v1/api-keys/{}/rotate", made.str("/key/id"));
    let turned = cast
        .owner
        .post(&path, &json!({"password": crate::cast::PASSWORD}))
        .await;
    let turned = turned.str("/secret").to_owned();
    let last = if turned.ends_with('0') { "1" } else { "0" };
    let texts = [
        ("revoked", revoked.str("/secret").to_owned()),
        ("of before", good.clone()),
        ("a wrong checksum", format!("{}{last}", &turned[..88])),
        ("a letter less", turned[..88].to_owned()),
        ("capitals", turned.to_uppercase()),
        (
            "two halves of two keys",
            format!("{}{}", &good[..60], &turned[60..]),
        ),
        ("an id", made.str("/key/id").to_owned()),
        ("the first word", "souk_".to_owned()),
        ("too long", format!("{turned}{}", "0".repeat(4_000))),
    ];
    let (mut refused, mut plain) = (Vec::new(), Vec::new());
    for (what, text) in &texts {
        for _ in 0..TIMES {
            let started = Instant::now();
            let answer = by(&cast, "/api/v1/orders", &[&format!("Bearer {text}")]).await;
            refused.push(started.elapsed());
            assert_refused(what, &answer);
            assert!(!answer.text.contains(text.as_str()), "{what}");
            let started = Instant::now();
            cast.nobody.get("/livez").await;
            plain.push(started.elapsed());
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (refused, plain) = (median(refused), median(plain));
    assert!(
        refused < plain + REFUSED_WITHIN,
        "p50 {refused:?}, of /livez {plain:?}"
    );
    let let_in = by(&cast, "/api/v1/orders", &[&format!("Bearer {turned}")]).await;
    assert_eq!(let_in.status, 200, "{}", let_in.text);
}
