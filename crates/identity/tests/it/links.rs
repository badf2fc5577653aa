//! Links in mails: another password for whoever forgot theirs, and the proof of an address.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use futures_util::future::join_all;
use serde_json::{Value, json};

const NEW: &str = "another horse";

async fn forgot(shop: &Shop, who: &str) -> Answer {
    let body = json!({"email": format!("{who}@example.com")});
    shop.post("/api/v1/auth/password/forgot", body).await
}

async fn reset(shop: &Shop, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "new_password": password});
    shop.post("/api/v1/auth/password/reset", body).await
}

/// The token of the link in the next mail, which is for this person.
async fn token(shop: &Shop, who: &str, page: &str) -> String {
    let (_, to, text) = shop.mail().await;
    assert_eq!(to, format!("{who}@example.com"));
    let link = format!("\r\nhttps://shop.test/{page}?token=");
    let (_, rest) = text.split_once(&link).unwrap();
    let (token, _) = rest.split_once("\r\n").unwrap();
    assert_eq!(token.len(), 43, "256 bits");
    token.to_owned()
}

async fn reset_token(shop: &Shop, who: &str) -> String {
    assert_eq!(forgot(shop, who).await.status, 202);
    token(shop, who, "reset-password").await
}

#[tokio::test]
async fn who_forgot_the_password_sets_another_and_everything_before_ends() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await;
    shop.start_work();
    let link = reset_token(&shop, "ann").await;
    assert!(shop.takes(&ann.access()), "asking changes nothing");
    let done = reset(&shop, &link, NEW).await;
    assert_eq!((done.status.as_u16(), &done.body), (204, &Value::Null));
    assert!(!shop.takes(&ann.access()), "at once");
    assert_eq!(shop.refresh(&ann.refresh()).await.status, 401);
    assert_eq!(shop.login("ann", PASSWORD).await.status, 401);
    assert_eq!(shop.login("ann", NEW).await.status, 200);
    let (_, to, text) = shop.mail().await;
    assert_eq!(to, "ann@example.com");
    assert!(text.starts_with("Your password was changed"), "{text}");
    let again = reset(&shop, &link, PASSWORD).await;
    assert_eq!(again.short(), "401 invalid_credentials");
}

#[tokio::test]
async fn the_answer_does_not_tell_whether_there_is_an_account() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    let (known, unknown) = (forgot(&shop, "ann").await, forgot(&shop, "bob").await);
    let shown = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        (answer.status, headers, answer.body.clone())
    };
    assert_eq!(shown(&known), shown(&unknown));
    assert_eq!(known.status, 202);
    shop.start_work();
    let (_, to, _) = shop.mail().await;
    assert_eq!(to, "ann@example.com", "and nobody else gets a mail");
}

#[tokio::test]
async fn a_link_is_good_for_ten_minutes() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    shop.start_work();
    let link = reset_token(&shop, "ann").await;
    shop.clock.advance_seconds(600);
    assert_eq!(reset(&shop, &link, NEW).await.status, 401);
    let link = reset_token(&shop, "ann").await;
    shop.clock.advance_seconds(599);
    assert_eq!(reset(&shop, &link, NEW).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uses_of_a_link_one_wins() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    shop.start_work();
    let link = reset_token(&shop, "ann").await;
    let answers = join_all((0..8).map(|_| reset(&shop, &link, NEW))).await;
    let done = answers.iter().filter(|answer| answer.status == 204);
    assert_eq!(done.count(), 1);
    let refused = answers.iter().filter(|answer| answer.status == 401);
    assert_eq!(refused.count(), 7);
}

#[tokio::test]
async fn what_is_no_link_sets_no_password_and_weak_ones_do_not_use_it_up() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    shop.start_work();
    for text in ["", "x", &"A".repeat(43), &"A".repeat(60_000)] {
        assert_eq!(
            reset(&shop, text, NEW).await.short(),
            "401 invalid_credentials"
        );
    }
    let link = reset_token(&shop, "ann").await;
    for weak in ["seven77", "password", "ann@example.com"] {
        let answer = reset(&shop, &link, weak).await;
        assert_eq!(answer.short(), "422 validation_failed");
        assert_eq!(answer.body["errors"][0]["field"], "/new_password");
    }
    assert_eq!(reset(&shop, &link, NEW).await.status, 204);
}

#[tokio::test]
async fn guesses_at_the_password_do_not_keep_the_owner_out() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    shop.start_work();
    for _ in 0..12 {
        shop.login("ann", "wrong").await;
    }
    assert_eq!(shop.login("ann", PASSWORD).await.status, 429);
    let link = reset_token(&shop, "ann").await;
    assert_eq!(reset(&shop, &link, NEW).await.status, 204);
    assert_eq!(shop.login("ann", NEW).await.status, 200, "at once");
}

#[tokio::test]
async fn an_address_gets_a_few_links_and_then_none_for_a_while() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    shop.register("bob").await;
    shop.start_work();
    for _ in 0..3 {
        reset_token(&shop, "ann").await;
    }
    assert_eq!(forgot(&shop, "ann").await.status, 202, "it does not tell");
    reset_token(&shop, "bob").await;
    shop.clock.advance_seconds(3_600);
    reset_token(&shop, "ann").await;
}

#[tokio::test]
async fn an_address_is_verified_by_a_link_and_shown_so() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await;
    assert_eq!(ann.body["user"]["verified_at"], Value::Null);
    shop.start_work();
    let ask = || Call::post("/api/v1/me/verification").bearer(&ann.access());
    let verify = async |token: &str| {
        shop.post("/api/v1/auth/verify", json!({"token": token}))
            .await
    };
    assert_eq!(shop.send(ask()).await.status, 202);
    let link = token(&shop, "ann", "verify-email").await;
    assert_eq!(reset(&shop, &link, NEW).await.status, 401, "for this only");
    assert_eq!(verify("x").await.short(), "401 invalid_credentials");
    assert_eq!(verify(&link).await.status, 204);
    assert_eq!(verify(&link).await.status, 401, "once");
    let me = shop
        .send(Call::get("/api/v1/me").bearer(&ann.access()))
        .await;
    assert_eq!(me.body["verified_at"], "2026-09-21T14:13:20Z");
    assert_eq!(me.headers["etag"], "\"2\"");
    assert_eq!(shop.send(ask()).await.status, 202);
    // Nothing is owed for it: the next mail is another one.
    reset_token(&shop, "ann").await;
}
