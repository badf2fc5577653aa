//! Shops that share a Redis, as processes: they count callers together while it is there, and each goes on alone,
//! within its share and without an error, while it is not.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on should stop"
)]

mod away;
mod counted;
mod encrypted;
mod lane;
mod refused;
mod rows;
mod statements;
mod writes;

use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{PASSWORD, Redis, Shop, postgres::Postgres};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const UNITS: usize = 40;
/// How often a server was asked whether it is there.
const PINGS: &str =
    "return tonumber(redis.call('INFO', 'commandstats'):match('cmdstat_ping:calls=(%d+)') or 0)";

async fn shop(redis: &str) -> Shop {
    let units = UNITS.to_string();
    Shop::start_with(&[
        ("SOUK_CACHE", redis),
        ("SOUK_LIMITS__ENABLED", "true"),
        ("SOUK_LIMITS__DEFAULT__UNITS", &units),
        ("SOUK_LIMITS__DEFAULT__WINDOW_SECONDS", "3600"),
        ("SOUK_LIMITS__SHARING__NODES", "2"),
    ])
    .await
}

/// How many of so many reads, at one shop after the other, are let in. The others are refused, and nothing else.
async fn let_in(shops: &[&Shop], reads: usize) -> usize {
    let mut allowed = 0;
    for shop in shops.iter().cycle().take(reads) {
        let answer = shop.visitor().get("/api/v1/products").await;
        match answer.status {
            200 => allowed += 1,
            status => assert_eq!(status, 429, "{}", answer.text),
        }
    }
    allowed
}

/// Waits until so many shops have found the server.
async fn found_by(server: &Redis, shops: i64) {
    let begun = Instant::now();
    loop {
        let answer = server.command(&["EVAL", PINGS, "0"]);
        let pings: i64 = answer.trim_start_matches(':').parse().expect("a number");
        // One is ours, from when it started.
        if pings > shops {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{answer}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn shops_with_one_redis_count_a_caller_together() {
    let Some(server) = Redis::start() else {
        return;
    };
    let shops = [shop(&server.url()).await, shop(&server.url()).await];
    found_by(&server, 2).await;
    let allowed = let_in(&[&shops[0], &shops[1]], 4 * UNITS).await;
    // Twenty in a hundred more at worst.
    assert!((UNITS..=UNITS + UNITS / 5).contains(&allowed), "{allowed}");
}

/// The setup token that the first one shows is good though the second one started later.
#[tokio::test]
async fn an_admin_who_signs_out_is_out_on_every_node_within_five_seconds_also_without_redis() {
    let (Some(mut redis), Some(server)) = (Redis::start(), Postgres::shared()) else {
        return;
    };
    let (database, cache) = (server.database(), redis.url());
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
        ("SOUK_CACHE", cache.as_str()),
    ];
    let mut one = Shop::start_with(&settings).await;
    let other = Shop::start_with(&settings).await;
    let admin = one.admin().await;
    let there = admin.at(other.url());
    assert_eq!(there.get("/api/v1/audit").await.status, 200);
    redis.kill();
    let out = admin
        .post("/api/v1/auth/logout", &serde_json::json!({}))
        .await;
    assert_eq!(out.status, 204, "{}", out.text);
    let begun = Instant::now();
    there
        .get_until("/api/v1/me", |answer| answer.status == 401)
        .await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

/// A token may be good on another node for a moment after its account is gone: what is kept with it then is erased with
/// the account, or not kept at all.
#[tokio::test]
async fn an_address_that_is_kept_on_another_node_while_an_account_goes_does_not_stay() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = server.database();
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let one = Shop::start_with(&settings).await;
    let other = Shop::start_with(&settings).await;
    let ann = one.customer("ann").await;
    let there = ann.at(other.url());
    let keep = async |street: usize| {
        let street = format!("{street} Tea Lane");
        let body = json!({"name": "Ann", "line1": street, "city": "London", "country": "GB"});
        there.post("/api/v1/me/addresses", &body).await
    };
    assert_eq!(keep(0).await.status, 201);
    let goodbye = json!({"password": PASSWORD});
    assert_eq!(ann.delete("/api/v1/me", Some(&goodbye)).await.status, 204);
    let begun = Instant::now();
    for street in 1.. {
        let kept = keep(street).await;
        assert!(matches!(kept.status, 201 | 401 | 409), "{}", kept.text);
        // Orders refuse at once; the door does a little later, and nobody comes so far any more.
        if there.get("/api/v1/me/addresses").await.status == 401 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the token is good for ever");
    }
    let name = database.rsplit('/').next().unwrap_or_default();
    let left = || server.sql(name, "SELECT COUNT(*) FROM orders.kept_addresses");
    while left() != "0" {
        assert!(begun.elapsed() < PATIENCE, "{} addresses stay", left());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(keep(0).await.code(), "invalid_token");
    let marks = "SELECT COUNT(*) FROM orders.erased_customers";
    assert_eq!(server.sql(name, marks), "1");
}

#[tokio::test]
async fn a_shop_opens_and_is_ready_without_its_redis_and_keeps_to_its_share() {
    let shop = shop("redis://127.0.0.1:1").await;
    assert_eq!(shop.visitor().get("/readyz").await.status, 200);
    assert_eq!(let_in(&[&shop], 2 * UNITS).await, UNITS / 2);
}

#[tokio::test]
async fn a_redis_that_freezes_dies_or_lies_is_no_error() {
    let Some(mut server) = Redis::start() else {
        return;
    };
    let shop = shop(&server.url()).await;
    found_by(&server, 1).await;
    let_in(&[&shop], UNITS).await;
    server.freeze();
    let begun = Instant::now();
    let_in(&[&shop], 200).await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    server.thaw();
    found_by(&server, 1).await;
    server.fill_with_garbage();
    let_in(&[&shop], 50).await;
    server.flush();
    let_in(&[&shop], 50).await;
    server.kill();
    let_in(&[&shop], 50).await;
    server.start_again();
    found_by(&server, 1).await;
    let_in(&[&shop], 50).await;
}

/// The text of a new key of this user's.
async fn key(owner: &testkit::Client, scopes: &[&str]) -> (String, String) {
    let body = serde_json::json!({"name": "till", "scopes": scopes, "password": testkit::PASSWORD});
    let made = owner.post("/api/v1/api-keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (
        made.str("/key/id").to_owned(),
        made.str("/secret").to_owned(),
    )
}

async fn status(shop: &Shop, key: &str) -> u16 {
    let visitor = shop.visitor();
    let request = visitor.request(reqwest::Method::GET, "/api/v1/inventory");
    visitor.send(request.bearer_auth(key)).await.status
}

async fn becomes(shop: &Shop, key: &str, expected: u16) {
    let begun = Instant::now();
    loop {
        let seen = status(shop, key).await;
        if seen == expected {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "still {seen}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_key_that_ends_ends_on_every_node_within_five_seconds_also_without_redis() {
    let (Some(mut redis), Some(server)) = (Redis::start(), Postgres::shared()) else {
        return;
    };
    let (database, cache) = (server.database(), redis.url());
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
        ("SOUK_CACHE", cache.as_str()),
    ];
    let mut one = Shop::start_with(&settings).await;
    let other = Shop::start_with(&settings).await;
    let admin = one.admin().await;
    let merchant = one.merchant(&admin, "mona").await;
    let (id, revoked) = key(&merchant, &["inventory:read"]).await;
    let (_, lowered) = key(&merchant, &["inventory:read"]).await;
    for key in [&revoked, &lowered] {
        assert_eq!(status(&other, key).await, 200);
    }
    redis.kill();
    let path = format!("/api/v1/api-keys/{id}");
    assert_eq!(merchant.delete(&path, None).await.status, 204);
    assert_eq!(
        status(&one, &revoked).await,
        401,
        "at once where it was revoked"
    );
    becomes(&other, &revoked, 401).await;
    let path = format!("/api/v1/users/{}", merchant.user_id());
    let version = admin.get(&path).await.int("/version");
    let lower = serde_json::json!({"roles": ["customer"], "version": version});
    assert_eq!(admin.patch(&path, &lower).await.status, 200);
    assert_eq!(
        status(&one, &lowered).await,
        403,
        "at once where it was changed"
    );
    becomes(&other, &lowered, 403).await;
}
