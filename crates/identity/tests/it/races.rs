//! Many at once: one wins, the others are told why.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use futures_util::future::join_all;
use secrecy::ExposeSecret;
use serde_json::json;
use std::collections::BTreeMap;

fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.short()).or_default() += 1;
    }
    counts
}

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected
        .map(|(short, count)| (short.to_owned(), count))
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_registrations_of_one_address_one_wins() {
    let (shop, spellings) = (Shop::start().await, ["ann", "ANN", "Ann", "ａｎｎ"]);
    let registrations = spellings.iter().cycle().take(32).map(|who| {
        let body = json!({"email": format!("{who}@example.com"), "password": PASSWORD});
        shop.post("/api/v1/auth/register", body)
    });
    let answers = join_all(registrations).await;
    assert_eq!(
        tally(&answers),
        counts([("201", 1), ("409 email_taken", 31)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_open_one_account_for_one_address() {
    let one = Shop::start().await;
    let other = one.beside().await;
    let registrations = (0..32).map(|n| {
        let body = json!({"username": "Ann", "password": PASSWORD});
        let shop = if n % 2 == 0 { &one } else { &other };
        shop.post("/api/v1/auth/register", body)
    });
    let answers = join_all(registrations).await;
    assert_eq!(
        tally(&answers),
        counts([("201", 1), ("409 username_taken", 31)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tabs_that_refresh_at_once_get_one_successor() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.refresh();
    let answers = join_all((0..16).map(|_| shop.refresh(&token))).await;
    assert_eq!(tally(&answers), counts([("200", 16)]));
    assert!(
        answers
            .iter()
            .all(|answer| answer.refresh() == answers[0].refresh())
    );
    assert_eq!(shop.refresh(&answers[0].refresh()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_with_one_version_one_wins() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.access();
    let patches = (0..16).map(|n| {
        let call = Call::patch("/api/v1/me")
            .bearer(&token)
            .header("if-match", "\"1\"");
        shop.send(call.json(&json!({"name": format!("Ann {n}")})))
    });
    let answers = join_all(patches).await;
    assert_eq!(
        tally(&answers),
        counts([("200", 1), ("412 precondition_failed", 15)])
    );
    let me = shop.send(Call::get("/api/v1/me").bearer(&token)).await;
    assert_eq!(me.body["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_setup_token_makes_one_admin() {
    let shop = Shop::start().await;
    let token = shop.service.setup_token().await.unwrap().unwrap();
    let setups = (0..8).map(|n| {
        let email = format!("root{n}@example.com");
        let body =
            json!({"setup_token": token.expose_secret(), "email": email, "password": PASSWORD});
        shop.post("/api/v1/auth/setup", body)
    });
    let answers = join_all(setups).await;
    assert_eq!(
        tally(&answers),
        counts([("201", 1), ("401 invalid_credentials", 7)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_deleted_once() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.access();
    let deletes = (0..8).map(|_| {
        let call = Call::delete("/api/v1/me").bearer(&token);
        shop.send(call.json(&json!({"password": PASSWORD})))
    });
    let answers = join_all(deletes).await;
    assert_eq!(tally(&answers)["204"], 1);
    assert!(
        answers
            .iter()
            .all(|answer| [204, 401].contains(&answer.status.as_u16()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_in_parallel_gains_nothing_and_knowing_costs_nothing() {
    // Hashes that take long enough for all to wait in the same queue.
    let shop = Shop::start_with(json!({"hash_permits": 1, "argon2_memory_kib": 4_096})).await;
    shop.register("ann").await;
    let right = join_all((0..40).map(|_| shop.login("ann", PASSWORD))).await;
    assert_eq!(tally(&right), counts([("200", 40)]));
    let wrong = join_all((0..40).map(|_| shop.login("ann", "wrong horse"))).await;
    let expected = counts([("401 invalid_credentials", 10), ("429 rate_limited", 30)]);
    assert_eq!(tally(&wrong), expected);
}

#[tokio::test]
async fn a_flood_of_passwords_is_shed_and_not_queued_without_bound() {
    let shop = Shop::start_with(json!({
        "hash_permits": 1, "hash_queue_max": 4, "argon2_memory_kib": 16_384,
    }))
    .await;
    let registrations = (0..20).map(|n| {
        let body = json!({"email": format!("a{n}@example.com"), "password": PASSWORD});
        shop.post("/api/v1/auth/register", body)
    });
    let answers = join_all(registrations).await;
    let (served, shed): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 201);
    assert!(
        served.len() >= 5 && !shed.is_empty(),
        "{} served",
        served.len()
    );
    for answer in shed {
        assert_eq!(answer.short(), "503 overloaded");
        assert_eq!(answer.headers["retry-after"], "1");
    }
}
