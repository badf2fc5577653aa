//! `souk keys`, beside a running shop.

use crate::refusal;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use testkit::{Folder, Said, Shop, run};

async fn keys(shop: &Shop, words: &[&str]) -> Said {
    let data = shop.folder().to_str().unwrap_or_default();
    let said = run(&[&["keys"], words, &["--data", data]].concat(), "").await;
    assert_eq!(said.code, 0, "{said:?}");
    said
}

/// What an open shop publishes.
async fn published(shop: &Shop) -> String {
    shop.visitor().get("/.well-known/jwks.json").await.text
}

#[tokio::test]
async fn a_key_that_is_made_while_the_shop_is_open_is_published_before_it_signs() {
    let shop = Shop::start().await;
    let ann = shop.customer("ann").await;
    let before = keys(&shop, &["list"]).await.out;
    assert_eq!(before.lines().count(), 1, "{before}");
    let made = keys(&shop, &["rotate"]).await.out;
    let kid = made.split(' ').next().unwrap_or_default();
    let begun = Instant::now();
    while !published(&shop).await.contains(kid) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{kid}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(ann.get("/api/v1/me").await.status, 200);
    let listed = keys(&shop, &["list"]).await.out;
    let (first, second) = listed.split_once('\n').unwrap_or_default();
    assert!(
        first.starts_with(kid) && !first.contains("until"),
        "{listed}"
    );
    assert!(second.contains(" until "), "{listed}");
}

/// Somebody is told when nobody changes it.
#[tokio::test]
async fn how_long_the_key_has_signed_is_measured() {
    let shop = Shop::breakable(&[("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0")]).await;
    let ops = shop.visitor().at(shop.ops_url());
    let age = |text: &str| -> Option<u64> {
        let mut lines = text.lines();
        let age = lines.find_map(|line| line.strip_prefix("souk_signing_key_age_seconds "));
        age.and_then(|age| age.parse().ok())
    };
    let young = ops.get("/metrics").await;
    assert!(
        age(&young.text).is_some_and(|age| age < 3_600),
        "{}",
        young.text
    );
    let days = 100 * 86_400;
    shop.set_clock_offset_seconds(days);
    let old = |text: &str| age(text).is_some_and(|age| age >= days.unsigned_abs());
    ops.get_until("/metrics", |answer| old(&answer.text)).await;
}

#[tokio::test]
async fn when_a_key_was_seen_all_tokens_end_within_seconds_and_sessions_go_on() {
    let shop = Shop::start().await;
    let ann = shop.customer("ann").await;
    assert_eq!(ann.get("/api/v1/me").await.status, 200);
    keys(&shop, &["rotate", "--at-once"]).await;
    let begun = Instant::now();
    while ann.get("/api/v1/me").await.status != 401 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it still opens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let again = shop.customer("bob").await;
    assert_eq!(again.get("/api/v1/me").await.status, 200);
}

/// At night somebody is in the wrong folder, or forgets where the settings are. A key that is made in a shop that was
/// just made for it would look like one of theirs.
#[tokio::test]
async fn where_there_is_no_shop_nothing_is_made_and_nothing_is_said_to_be_well() {
    let files = Folder::default();
    let data = files.at("nothing");
    for words in [
        &["keys", "list"] as &[&str],
        &["keys", "rotate", "--at-once"],
        &["admin", "keys", "list", "--email", "ann@souk.example"],
        &["admin", "users", "list"],
        &["events", "dead"],
        &["events", "republish"],
        &["verify"],
        &["migrate", "status"],
    ] {
        let said = run(&[words, &["--data", &data]].concat(), "").await;
        let line = refusal(&said);
        let expected = format!("souk: there is no shop in {data}");
        assert!(line.starts_with(&expected), "{words:?}: {line}");
        assert!(!Path::new(&data).exists(), "{words:?} made one");
    }
}
