//! API keys at the door: whom they let in, where to, for how long they are remembered, and what happens while nobody
//! can say whether they are good.

use crate::{
    fakes::answer,
    shop::{Answer, Shop, Wish, wish},
};
use contracts::{
    access::Role,
    identity::KeyHolder,
    scopes::Scope::{self, OrdersRead, OrdersWrite, ProductsRead, ProductsWrite},
    values::ApiKeyId,
};
use platform::http::ApiKey;
use secrecy::ExposeSecret;
use serde_json::json;
use std::time::Duration;

fn shop() -> Shop {
    Shop::open(|_| answer(200, &json!({"id": "ord_1", "data": []})))
}

/// A key of Ann's, which identity knows.
fn key(shop: &Shop, scopes: &[Scope]) -> (ApiKeyId, String) {
    let key = ApiKey::fresh(ApiKeyId::generate()).unwrap();
    let holder = KeyHolder {
        id: key.id(),
        scopes: scopes.to_vec(),
        user_id: shop.ann,
        roles: vec![Role::Customer, Role::Merchant],
        epoch: 1,
        ends_at: None,
    };
    let id = key.id();
    shop.keys.known.lock().unwrap().push((key.hash(), holder));
    (id, key.into_text().expose_secret().to_owned())
}

async fn ask(shop: &Shop, key: &str, wish: Wish) -> Answer {
    let header = format!("Bearer {key}");
    shop.ask(wish.header("authorization", &header)).await
}

async fn read(shop: &Shop, key: &str) -> String {
    ask(shop, key, wish("GET", "/api/v1/orders")).await.brief()
}

fn asked(shop: &Shop) -> u32 {
    std::mem::take(&mut *shop.keys.asked.lock().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_key_acts_as_its_owner_and_is_asked_about_every_few_seconds_alone() {
    let shop = shop();
    let (_, key) = key(&shop, &[OrdersRead]);
    for _ in 0..100 {
        assert_eq!(read(&shop, &key).await, "200");
    }
    assert_eq!(shop.seen()[99].who, Some(shop.ann));
    assert_eq!(asked(&shop), 1, "what is remembered costs identity nothing");
    tokio::time::advance(Duration::from_millis(2_900)).await;
    assert_eq!((read(&shop, &key).await.as_str(), asked(&shop)), ("200", 0));
    tokio::time::advance(Duration::from_millis(101)).await;
    assert_eq!((read(&shop, &key).await.as_str(), asked(&shop)), ("200", 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_in_by_a_key_while_nobody_knows_whether_it_is_good() {
    let shop = shop();
    let (_, key) = key(&shop, &[OrdersRead]);
    let away = |is_away| *shop.keys.is_away.lock().unwrap() = is_away;
    away(true);
    assert_eq!(read(&shop, &key).await, "503 unavailable");
    away(false);
    assert_eq!(read(&shop, &key).await, "200");
    away(true);
    assert_eq!(read(&shop, &key).await, "200", "it was told a moment ago");
    tokio::time::advance(Duration::from_millis(3_001)).await;
    let seen = shop.seen().len();
    assert_eq!(read(&shop, &key).await, "503 unavailable");
    let list = wish("GET", "/api/v1/products");
    assert_eq!(ask(&shop, &key, list).await.brief(), "503 unavailable");
    assert_eq!((seen, shop.seen().len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_ends_a_key_here_ends_it_at_once_and_elsewhere_within_five_seconds() {
    let shop = shop();
    let (id, revoked) = key(&shop, &[OrdersRead]);
    let (_, lowered) = key(&shop, &[OrdersRead]);
    for key in [&revoked, &lowered] {
        assert_eq!(read(&shop, key).await, "200");
    }
    let now = shop.signer.clock.now();
    shop.signer.revocations.end_key(id, now);
    assert_eq!(read(&shop, &revoked).await, "401 invalid_token");
    asked(&shop);
    shop.signer.revocations.end_user_before(shop.ann, 2, now);
    shop.keys.known.lock().unwrap()[1].1.epoch = 2;
    assert_eq!(read(&shop, &lowered).await, "200");
    assert_eq!(
        asked(&shop),
        1,
        "what was known of the owner is out of date"
    );
    shop.keys.known.lock().unwrap().clear();
    tokio::time::advance(Duration::from_millis(3_001)).await;
    assert_eq!(
        read(&shop, &lowered).await,
        "401 invalid_token",
        "though nobody told"
    );
}

#[tokio::test]
async fn a_key_ends_with_its_time_though_it_is_remembered() {
    let shop = shop();
    let (_, key) = key(&shop, &[OrdersRead]);
    let end = shop.signer.clock.now().plus_seconds(60);
    shop.keys.known.lock().unwrap()[0].1.ends_at = Some(end);
    assert_eq!(read(&shop, &key).await, "200");
    shop.signer.clock.advance_seconds(60);
    assert_eq!(read(&shop, &key).await, "401 invalid_token");
    assert_eq!(asked(&shop), 1);
}

/// Texts that are nearly this key.
fn near_misses(good: &str) -> Vec<(&'static str, String)> {
    let other = ApiKey::fresh(good.replacen("souk_", "key_", 1)[..30].parse().unwrap());
    let stranger = ApiKey::fresh(ApiKeyId::generate());
    let text = |key: Result<ApiKey, _>| key.map(|key| key.into_text().expose_secret().to_owned());
    let (first, last) = (&good[..88], &good[88..]);
    vec![
        ("another secret of that key", text(other).unwrap()),
        ("a key that nobody made", text(stranger).unwrap()),
        ("no checksum", good[..83].to_owned()),
        (
            "a checksum of another",
            format!("{first}{}", if last == "0" { "1" } else { "0" }),
        ),
        ("one letter less", first.to_owned()),
        ("one letter more", format!("{good}0")),
        ("capitals", good.to_uppercase()),
        (
            "capitals behind the first word",
            format!("souk_{}", good[5..].to_uppercase()),
        ),
        ("another first word", good.replacen("souk_", "soup_", 1)),
        ("the first word alone", "souk_".to_owned()),
        ("the id alone", good[..31].to_owned()),
        ("twice", format!("{good}{good}")),
        (
            "a letter that is none of ours",
            good.replacen(&good[40..41], "u", 1),
        ),
        ("dots", format!("souk_{}", ".".repeat(84))),
        ("8 KiB", format!("souk_{}", "a".repeat(8_192))),
        ("SQL", format!("souk_' OR 1=1 --{}", &good[16..])),
    ]
}

#[tokio::test]
async fn what_is_nearly_a_key_is_refused_like_what_is_none() {
    let shop = shop();
    let (_, good) = key(&shop, &[OrdersRead, ProductsRead]);
    let mut answers = Vec::new();
    for (what, text) in near_misses(&good) {
        for path in [
            "/api/v1/orders",
            "/api/v1/products",
            "/orders",
            "/api/v1/audit",
            "/",
        ] {
            let told = ask(&shop, &text, wish("GET", path)).await;
            assert_eq!(told.brief(), "401 invalid_token", "{what} at {path}");
            assert!(told.header("www-authenticate").contains("invalid_token"));
            assert!(!told.text.contains("souk_"), "{what}: {}", told.text);
            if path == "/api/v1/orders" {
                let mut body = told.json();
                body.as_object_mut().unwrap().remove("request_id");
                answers.push(body);
            }
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "all are refused in the same words");
    assert_eq!(
        asked(&shop),
        2,
        "only what could be a key is asked about, and once"
    );
    assert!(shop.seen().is_empty());
    assert_eq!(read(&shop, &good).await, "200");
}

#[tokio::test]
async fn a_scope_that_is_missing_is_named_and_what_is_closed_says_so() {
    let shop = shop();
    let (_, key) = key(&shop, &[OrdersRead]);
    let told = ask(&shop, &key, wish("POST", "/api/v1/orders").json(&json!({}))).await;
    assert_eq!(told.brief(), "403 scope_missing");
    assert_eq!(told.json()["scope"], "orders:write");
    for (method, path, expected) in [
        ("GET", "/api/v1/products", "403 scope_missing"),
        ("GET", "/products", "403 scope_missing"),
        ("POST", "/orders", "403 scope_missing"),
        ("GET", "/api/v1/api-keys", "403 forbidden"),
        ("POST", "/api/v1/api-keys", "403 forbidden"),
        ("PATCH", "/api/v1/me", "403 forbidden"),
        ("POST", "/api/v1/auth/password/change", "403 forbidden"),
        ("POST", "/api/v1/auth/logout", "403 forbidden"),
        ("POST", "/api/auth/logout", "403 forbidden"),
        ("GET", "/api/v1/audit", "403 forbidden"),
        ("GET", "/", "403 forbidden"),
        ("GET", "/account", "403 forbidden"),
        ("GET", "/api/v1/nothing", "404 not_found"),
    ] {
        let told = ask(&shop, &key, wish(method, path).json(&json!({}))).await;
        assert_eq!(told.brief(), expected, "{method} {path}");
    }
    assert!(shop.seen().is_empty());
    assert_eq!(ask(&shop, &key, wish("GET", "/orders")).await.status, 200);
}

#[tokio::test]
async fn at_a_published_address_a_key_needs_all_that_the_address_stands_for() {
    let shop = Shop::open(|seen| match seen.method.as_str() {
        "GET" => answer(404, &json!({})),
        _ => answer(200, &json!({})),
    });
    let (_, writer) = key(&shop, &[ProductsWrite]);
    let (_, both) = key(&shop, &[ProductsRead, ProductsWrite]);
    let wish =
        || wish("PUT", "/products/prd_01h455vb4pex5vsknk084sn02q").json(&json!({"name": "Tea"}));
    let told = ask(&shop, &writer, wish()).await;
    assert_eq!(told.brief(), "403 scope_missing", "it is read first");
    assert_eq!(ask(&shop, &both, wish()).await.brief(), "404 not_found");
}

#[tokio::test]
async fn a_key_is_no_cookie_and_no_proof_where_one_proves_oneself() {
    let shop = shop();
    let (_, key) = key(&shop, Scope::ALL);
    for name in ["__Host-souk_access", "__Host-souk_refresh"] {
        let cookie = format!("{name}={key}");
        shop.ask(wish("GET", "/api/v1/orders").header("cookie", &cookie))
            .await;
        assert_eq!(shop.seen()[0].who, None, "{name}");
    }
    let login = wish("POST", "/api/v1/auth/login").json(&json!({}));
    assert_eq!(ask(&shop, &key, login).await.status, 200);
    assert_eq!(shop.seen()[0].who, None);
    assert_eq!(asked(&shop), 0);
}

#[tokio::test]
async fn a_key_is_counted_by_itself_and_one_that_is_none_by_its_address() {
    let quota = json!({"units": 2, "window_seconds": 3_600});
    let limits = json!({"default": quota, "checkout": quota, "login": quota});
    let shop = Shop::with(json!({"limits": limits}), |_| answer(200, &json!({})));
    let (_, one) = key(&shop, &[OrdersRead, OrdersWrite]);
    let (_, other) = key(&shop, &[OrdersRead]);
    let statuses = async |key: &str| {
        [
            read(&shop, key).await,
            read(&shop, key).await,
            read(&shop, key).await,
        ]
    };
    let worn_out = ["200", "200", "429 rate_limited"];
    assert_eq!(statuses(&one).await, worn_out);
    assert_eq!(statuses(&other).await, worn_out);
    let owner = shop.ann(wish("GET", "/api/v1/orders")).await;
    assert_eq!(owner.status, 200, "machines take nothing from their owner");
    let nobodys = ApiKey::fresh(ApiKeyId::generate()).unwrap().into_text();
    let nobodys = nobodys.expose_secret();
    let refused = ["401 invalid_token", "401 invalid_token", "429 rate_limited"];
    assert_eq!(statuses(nobodys).await, refused);
    let stranger = shop.ask(wish("GET", "/api/v1/orders")).await;
    assert_eq!(stranger.brief(), "429 rate_limited", "of the same address");
}
