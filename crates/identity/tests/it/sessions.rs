//! Refresh tokens, logging out, and what ends with a session.

use crate::shop::{Call, PASSWORD, Shop};
use serde_json::json;

#[tokio::test]
async fn a_refresh_token_gives_new_tokens_and_is_used_up() {
    let shop = Shop::start().await;
    let first = shop.register("ann").await;
    let second = shop.refresh(&first.refresh()).await;
    assert_eq!(second.status, 200);
    assert_eq!(second.headers["cache-control"], "no-store");
    assert_eq!(second.user_id(), first.user_id());
    assert_ne!(second.refresh(), first.refresh());
    assert_ne!(second.access(), first.access());
    assert!(shop.takes(&second.access()) && shop.takes(&first.access()));
    shop.clock.advance_seconds(11);
    assert_eq!(shop.refresh(&second.refresh()).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let shop = Shop::start().await;
    let first = shop.register("ann").await;
    let second = shop.refresh(&first.refresh()).await.refresh();
    shop.clock.advance_seconds(10);
    let again = shop.refresh(&first.refresh()).await;
    assert_eq!(again.refresh(), second, "the same successor");
    assert_eq!(shop.refresh(&second).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_late_ends_the_whole_session() {
    let shop = Shop::start().await;
    let first = shop.register("ann").await;
    let elsewhere = shop.login("ann", PASSWORD).await;
    let second = shop.refresh(&first.refresh()).await;
    shop.clock.advance_seconds(11);
    assert_eq!(
        shop.refresh(&first.refresh()).await.short(),
        "401 token_reuse"
    );
    assert!(!shop.takes(&first.access()), "at once");
    assert!(!shop.takes(&second.access()), "at once");
    let successor = shop.refresh(&second.refresh()).await;
    assert_eq!(successor.short(), "401 invalid_refresh_token");
    assert!(
        shop.takes(&elsewhere.access()),
        "another sign-in is another session"
    );
    assert_eq!(shop.refresh(&elsewhere.refresh()).await.status, 200);
}

#[tokio::test]
async fn tokens_end_in_time() {
    let shop = Shop::start().await;
    let answer = shop.register("ann").await;
    shop.clock.advance_seconds(900 + 29);
    assert!(shop.takes(&answer.access()), "clocks may differ a little");
    shop.clock.advance_seconds(2);
    assert!(!shop.takes(&answer.access()));
    let next = shop.refresh(&answer.refresh()).await;
    assert!(shop.takes(&next.access()));
    shop.clock.advance_seconds(30 * 24 * 60 * 60);
    let late = shop.refresh(&next.refresh()).await;
    assert_eq!(late.short(), "401 invalid_refresh_token");
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let shop = Shop::start().await;
    let access = shop.register("ann").await.access();
    let strange = [
        "",
        "x",
        &"A".repeat(43),
        &"A".repeat(60_000),
        &access,
        "' OR 1=1 --",
    ];
    for text in strange {
        assert_eq!(
            shop.refresh(text).await.short(),
            "401 invalid_refresh_token"
        );
    }
}

#[tokio::test]
async fn logging_out_ends_this_session_and_no_other() {
    let shop = Shop::start().await;
    let here = shop.register("ann").await;
    let there = shop.login("ann", PASSWORD).await;
    let call = || Call::post("/api/v1/auth/logout").bearer(&here.access());
    assert_eq!(shop.send(call()).await.status, 204);
    assert!(!shop.takes(&here.access()), "at once");
    let refused = shop.refresh(&here.refresh()).await;
    assert_eq!(refused.short(), "401 invalid_refresh_token");
    assert!(shop.takes(&there.access()));
    assert_eq!(
        shop.send(call()).await.short(),
        "401 unauthenticated",
        "the token is over"
    );
}

#[tokio::test]
async fn a_refresh_token_alone_logs_out_too() {
    let shop = Shop::start().await;
    let answer = shop.register("ann").await;
    let out = |token: &str| shop.post("/api/v1/auth/logout", json!({"refresh_token": token}));
    assert_eq!(out(&"A".repeat(43)).await.status, 204, "nothing to end");
    assert!(shop.takes(&answer.access()));
    assert_eq!(out(&answer.refresh()).await.status, 204);
    assert!(!shop.takes(&answer.access()));
    assert_eq!(
        out(&answer.refresh()).await.status,
        204,
        "twice is no fault"
    );
}

#[tokio::test]
async fn logging_out_reads_its_optional_body_strictly() {
    let shop = Shop::start().await;
    let answer = shop.register("ann").await;
    let call = || Call::post("/api/v1/auth/logout");
    assert_eq!(shop.send(call()).await.short(), "401 unauthenticated");
    assert_eq!(
        shop.send(call().json(&json!({}))).await.short(),
        "401 unauthenticated"
    );
    let unknown = call().bearer(&answer.access()).json(&json!({"all": true}));
    assert_eq!(shop.send(unknown).await.short(), "422 validation_failed");
    let untyped = call().bearer(&answer.access()).bytes("{}");
    assert_eq!(
        shop.send(untyped).await.short(),
        "415 unsupported_media_type"
    );
    assert!(shop.takes(&answer.access()), "a refusal ends nothing");
    for body in [json!({}), json!({"refresh_token": null}), json!(null)] {
        let access = shop.login("ann", PASSWORD).await.access();
        let call = call().bearer(&access).json(&body);
        assert_eq!(shop.send(call).await.status, 204, "{body}");
        assert!(!shop.takes(&access));
    }
}

#[tokio::test]
async fn what_ended_stays_ended_after_a_restart() {
    let shop = Shop::start().await;
    let (out, stays) = (shop.register("ann").await, shop.register("bob").await);
    let gone = shop.register("eve").await;
    shop.send(Call::post("/api/v1/auth/logout").bearer(&out.access()))
        .await;
    let delete = Call::delete("/api/v1/me").bearer(&gone.access());
    shop.send(delete.json(&json!({"password": PASSWORD}))).await;
    let again = shop.beside().await;
    assert!(!again.takes(&out.access()));
    assert!(!again.takes(&gone.access()));
    assert!(again.takes(&stays.access()), "the keys are the same");
    assert_eq!(again.refresh(&stays.refresh()).await.status, 200);
}
