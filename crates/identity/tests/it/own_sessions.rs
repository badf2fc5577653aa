//! One's own sessions: seen, ended one by one or all at once, and ended by another password.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use serde_json::{Value, json};

const SESSIONS: &str = "/api/v1/me/sessions";
const NEW: &str = "another horse";

async fn list(shop: &Shop, token: &str, query: &str) -> Answer {
    let path = format!("{SESSIONS}{query}");
    let answer = shop.send(Call::get(&path).bearer(token)).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer
}

fn ids(list: &Answer) -> Vec<String> {
    let rows = list.body["data"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn end(shop: &Shop, token: &str, id: &str) -> Answer {
    let path = format!("{SESSIONS}/{id}");
    shop.send(Call::delete(&path).bearer(token)).await
}

async fn change(shop: &Shop, token: &str, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    let call = Call::post("/api/v1/auth/password/change").bearer(token);
    shop.send(call.json(&body)).await
}

#[tokio::test]
async fn a_list_shows_the_sessions_that_have_not_ended_and_which_one_asks() {
    let shop = Shop::start().await;
    let here = shop.register("ann").await;
    shop.clock.advance_seconds(60);
    let there = shop.login("ann", PASSWORD).await;
    shop.register("bob").await;
    let seen = list(&shop, &here.access(), "").await;
    let rows = seen.body["data"].as_array().unwrap();
    let current: Vec<_> = rows.iter().map(|row| &row["current"]).collect();
    assert_eq!(
        current,
        [false, true],
        "the newest first, and nobody else's"
    );
    assert_eq!(seen.body["next_cursor"], Value::Null);
    assert_eq!(rows[0]["created_at"], rows[0]["refreshed_at"]);
    shop.clock.advance_seconds(60);
    shop.refresh(&here.refresh()).await;
    let seen = list(&shop, &here.access(), "").await;
    let first = &seen.body["data"][1];
    assert_ne!(first["created_at"], first["refreshed_at"]);
    let out = Call::post("/api/v1/auth/logout").bearer(&there.access());
    shop.send(out).await;
    assert_eq!(ids(&list(&shop, &here.access(), "").await).len(), 1);
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.access();
    for _ in 0..4 {
        shop.login("ann", PASSWORD).await;
    }
    let whole = ids(&list(&shop, &token, "?limit=5").await);
    let (mut read, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = list(&shop, &token, &query).await;
        read.extend(ids(&page));
        let Some(cursor) = page.body["next_cursor"].as_str() else {
            assert!(!page.headers.contains_key("link"));
            break;
        };
        query = format!("?limit=2&cursor={cursor}");
        let link = page.headers["link"].to_str().unwrap();
        assert_eq!(link, format!("<{SESSIONS}{query}>; rel=\"next\""));
    }
    assert_eq!(read, whole);
    let call = Call::get("/api/v1/me/sessions?cursor=abc").bearer(&token);
    assert_eq!(shop.send(call).await.short(), "400 invalid_parameter");
}

#[tokio::test]
async fn one_session_is_ended_by_its_owner_and_by_nobody_else() {
    let shop = Shop::start().await;
    let here = shop.register("ann").await;
    let there = shop.login("ann", PASSWORD).await;
    let bob = shop.register("bob").await;
    let lost = ids(&list(&shop, &here.access(), "").await)[0].clone();
    let foreign = end(&shop, &bob.access(), &lost).await;
    assert_eq!(foreign.short(), "404 not_found");
    assert!(shop.takes(&there.access()), "a stranger ends nothing");
    let nobodys = contracts::values::SessionId::generate().to_string();
    let missing = end(&shop, &here.access(), &nobodys).await;
    assert_eq!(missing.short(), "404 not_found");
    assert_eq!(end(&shop, &here.access(), &lost).await.status, 204);
    assert!(!shop.takes(&there.access()), "at once");
    assert_eq!(shop.refresh(&there.refresh()).await.status, 401);
    assert!(shop.takes(&here.access()));
    assert_eq!(end(&shop, &here.access(), &lost).await.status, 204, "twice");
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_session_of_one_s_own() {
    let shop = Shop::start().await;
    let here = shop.register("ann").await;
    let there = shop.login("ann", PASSWORD).await;
    let bob = shop.register("bob").await;
    let call = Call::delete(SESSIONS).bearer(&here.access());
    assert_eq!(shop.send(call).await.status, 204);
    for ended in [&here, &there] {
        assert!(!shop.takes(&ended.access()), "at once");
        assert_eq!(shop.refresh(&ended.refresh()).await.status, 401);
    }
    assert!(shop.takes(&bob.access()));
    let again = shop.login("ann", PASSWORD).await;
    assert!(shop.takes(&again.access()));
    let beside = shop.beside().await;
    assert!(!beside.takes(&there.access()), "and in every process");
    assert!(beside.takes(&again.access()));
}

#[tokio::test]
async fn another_password_ends_every_session_but_the_one_that_asks() {
    let shop = Shop::start().await;
    let here = shop.register("ann").await;
    let there = shop.login("ann", PASSWORD).await;
    let changed = change(&shop, &here.access(), PASSWORD, NEW).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.body),
        (204, &Value::Null)
    );
    assert!(shop.takes(&here.access()));
    assert_eq!(shop.refresh(&here.refresh()).await.status, 200);
    assert!(!shop.takes(&there.access()), "at once");
    assert_eq!(shop.refresh(&there.refresh()).await.status, 401);
    assert_eq!(shop.login("ann", PASSWORD).await.status, 401);
    assert_eq!(shop.login("ann", NEW).await.status, 200);
    assert!(!shop.beside().await.takes(&there.access()));
}

#[tokio::test]
async fn another_password_needs_the_current_one_and_keeps_the_rules() {
    let shop = Shop::start().await;
    let here = shop.register("ann").await;
    let there = shop.login("ann", PASSWORD).await;
    for weak in ["seven77", "password", "ann@example.com", &"x".repeat(129)] {
        let answer = change(&shop, &here.access(), PASSWORD, weak).await;
        assert_eq!(answer.short(), "422 validation_failed");
        assert_eq!(answer.body["errors"][0]["field"], "/new_password");
    }
    let wrong = change(&shop, &here.access(), "wrong", NEW).await;
    assert_eq!(wrong.short(), "401 invalid_credentials");
    assert_eq!(shop.login("ann", PASSWORD).await.status, 200);
    assert!(shop.takes(&there.access()), "a refusal ends nothing");
}

#[tokio::test]
async fn guessing_the_current_password_has_to_wait_like_signing_in() {
    let shop = Shop::start().await;
    let here = shop.register("ann").await.access();
    for _ in 0..10 {
        change(&shop, &here, "wrong", NEW).await;
    }
    let answer = change(&shop, &here, PASSWORD, NEW).await;
    assert_eq!(answer.short(), "429 rate_limited");
    assert_eq!(answer.headers["retry-after"], "2");
    assert_eq!(shop.login("ann", PASSWORD).await.status, 429, "one count");
    shop.clock.advance_seconds(2);
    assert_eq!(change(&shop, &here, PASSWORD, NEW).await.status, 204);
}

/// Fails unless the other process refuses the token within five seconds of its end.
async fn hears_of_the_end(other: &Shop, token: &str) {
    let refused = async {
        while other.takes(token) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let longest = std::time::Duration::from_secs(5);
    tokio::time::timeout(longest, refused).await.unwrap();
}

#[tokio::test]
async fn every_end_reaches_the_other_processes_within_five_seconds() {
    let shop = Shop::start().await;
    let mut tokens = vec![shop.register("ann").await.access()];
    for _ in 0..3 {
        tokens.push(shop.login("ann", PASSWORD).await.access());
    }
    let other = shop.beside().await;
    other.start_work();
    assert!(tokens.iter().all(|token| other.takes(token)));
    let newest = ids(&list(&shop, &tokens[0], "").await)[0].clone();
    assert_eq!(end(&shop, &tokens[0], &newest).await.status, 204);
    hears_of_the_end(&other, &tokens[3]).await;
    assert_eq!(change(&shop, &tokens[0], PASSWORD, NEW).await.status, 204);
    hears_of_the_end(&other, &tokens[1]).await;
    hears_of_the_end(&other, &tokens[2]).await;
    assert!(other.takes(&tokens[0]), "the one that asked goes on");
    let everywhere = Call::delete(SESSIONS).bearer(&tokens[0]);
    assert_eq!(shop.send(everywhere).await.status, 204);
    hears_of_the_end(&other, &tokens[0]).await;
}
