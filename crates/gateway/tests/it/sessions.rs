//! Tokens and cookies: who gets in as whom.

use crate::{
    fakes::answer,
    shop::{Answer, Shop, Wish, wish},
};
use contracts::{access::Role, identity::Ended, values::UserId};
use serde_json::json;
use std::time::Duration;

fn shop() -> Shop {
    Shop::open(|_| answer(200, &json!({})))
}

fn cookies(answer: &Answer) -> Vec<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    cookies
        .map(|cookie| cookie.to_str().unwrap().to_owned())
        .collect()
}

fn with_access(wish: Wish, token: &str) -> Wish {
    wish.header("cookie", &format!("__Host-souk_access={token}"))
}

fn with_refresh(wish: Wish, token: &str) -> Wish {
    wish.header("cookie", &format!("__Host-souk_refresh={token}"))
}

#[tokio::test]
async fn a_good_token_becomes_the_principal() {
    let shop = shop();
    assert_eq!(shop.ann(wish("GET", "/api/v1/orders")).await.status, 200);
    assert_eq!(shop.seen()[0].who, Some(shop.ann));
    let token = shop.signer.token(shop.ann, &[Role::Customer]);
    let lower = wish("GET", "/").header("authorization", &format!("bearer {token}"));
    assert_eq!(shop.ask(lower).await.status, 200);
    assert_eq!(shop.seen()[0].who, Some(shop.ann));
}

#[tokio::test(start_paused = true)]
async fn an_admin_is_not_let_in_while_nobody_knows_which_sessions_have_ended() {
    let shop = shop();
    let boss = UserId::generate();
    let told = |ended: Option<Ended>| *shop.ended.lock().unwrap() = ended;
    let ask = async || {
        let wish = wish("GET", "/api/v1/orders");
        shop.ask_as(boss, &[Role::Admin], wish).await.brief()
    };
    told(None);
    assert_eq!(ask().await, "503 unavailable");
    let ann = shop.ann(wish("GET", "/api/v1/orders")).await;
    assert_eq!(ann.status, 200, "others are let in");
    told(Some(Ended::default()));
    assert_eq!(ask().await, "200");
    told(None);
    tokio::time::advance(Duration::from_millis(4_900)).await;
    assert_eq!(ask().await, "200", "it was told a moment ago");
    tokio::time::advance(Duration::from_millis(101)).await;
    assert_eq!(ask().await, "503 unavailable");
    told(Some(Ended {
        users: vec![(boss, 2, shop.signer.clock.now())],
        ..Ended::default()
    }));
    assert_eq!(ask().await, "401 invalid_token");
}

#[tokio::test]
async fn a_bad_token_is_refused_at_once_even_where_nobody_would_do() {
    let shop = shop();
    let good = shop.signer.token(shop.ann, &[Role::Customer]);
    let other = Shop::open(|_| None).signer.token(shop.ann, &[Role::Admin]);
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    for token in [
        "",
        "x",
        "a.b.c",
        "sk_live_1",
        &other,
        &unsigned,
        &"a".repeat(9_000),
    ] {
        for path in ["/api/v1/products", "/products", "/"] {
            let told = shop
                .ask(wish("GET", path).header("authorization", &format!("Bearer {token}")))
                .await;
            assert_eq!(told.brief(), "401 invalid_token", "{path} {token}");
            assert!(told.header("www-authenticate").contains("invalid_token"));
        }
    }
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn an_old_token_keeps_nobody_from_proving_who_they_are() {
    let shop = shop();
    let token = shop.signer.token(shop.ann, &[Role::Customer]);
    let expired = format!("Bearer {token}");
    shop.signer.clock.advance_seconds(1_000);
    for path in [
        "/api/v1/auth/login",
        "/api/v1/auth/register",
        "/api/v1/auth/refresh",
        "/api/v1/auth/setup",
        "/api/v1/auth/login/",
        "/api/auth/login",
        "/api/auth/refresh",
        "/auth/register",
        "/register/",
    ] {
        for header in [expired.as_str(), "Bearer over", "Bearer", "Basic YTpi"] {
            let asked = wish("POST", path).json(&json!({"refresh_token": "r"}));
            let told = shop.ask(asked.header("authorization", header)).await;
            assert_eq!(told.status, 200, "{path} {header} {}", told.text);
            assert_eq!(shop.seen()[0].who, None, "{path} {header}");
        }
    }
    for path in [
        "/api/v1/auth/logout",
        "/api/auth/logout",
        "/api/auth/delete",
    ] {
        let asked = wish("POST", path).header("authorization", &expired);
        let told = shop.ask(asked).await;
        assert_eq!(told.brief(), "401 invalid_token", "{path}");
    }
}

#[tokio::test]
async fn an_old_token_does_not_turn_a_browser_s_cookies_on() {
    let shop = shop();
    let token = shop.signer.token(shop.ann, &[Role::Customer]);
    let asked = with_access(wish("POST", "/api/v1/auth/login"), &token);
    shop.ask(asked.header("authorization", "Bearer over")).await;
    assert_eq!(shop.seen()[0].who, None);
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_its_user() {
    let shop = shop();
    let token = format!("Bearer {}", shop.signer.token(shop.ann, &[Role::Customer]));
    let ask = || shop.ask(wish("GET", "/api/v1/me").header("authorization", &token));
    assert_eq!(ask().await.status, 200);
    shop.signer
        .revocations
        .end_user_before(shop.ann, 2, shop.signer.clock.now());
    assert_eq!(ask().await.brief(), "401 invalid_token");
    let admin = shop.signer.token(shop.ann, &[Role::Admin]);
    shop.signer.clock.advance_seconds(1_000);
    let late = wish("GET", "/").header("authorization", &format!("Bearer {admin}"));
    assert_eq!(shop.ask(late).await.brief(), "401 invalid_token");
}

#[tokio::test]
async fn other_schemes_and_double_headers_are_refused() {
    let shop = shop();
    let basic = wish("GET", "/api/v1/me").header("authorization", "Basic YTpi");
    assert_eq!(shop.ask(basic).await.brief(), "401 unauthenticated");
    let twice = wish("GET", "/api/v1/me").header("authorization", "Bearer x");
    assert_eq!(shop.ann(twice).await.brief(), "401 unauthenticated");
}

#[tokio::test]
async fn a_cookie_is_the_second_carrier() {
    let shop = shop();
    let token = shop.signer.token(shop.ann, &[Role::Customer]);
    let told = shop
        .ask(with_access(wish("GET", "/api/v1/orders"), &token))
        .await;
    assert_eq!((told.status, cookies(&told)), (200, Vec::new()));
    assert_eq!(shop.seen()[0].who, Some(shop.ann));
}

#[tokio::test]
async fn a_session_is_renewed_on_the_way() {
    let shop = shop();
    let asked = with_refresh(with_access(wish("GET", "/account"), "over"), "good");
    let told = shop.ask(asked).await;
    assert_eq!((told.status, shop.seen()[0].who), (200, Some(shop.ann)));
    let set = cookies(&told);
    assert!(set[0].starts_with("__Host-souk_access=eyJ") && set[0].contains("Max-Age=900; Secure"));
    assert!(set[1].starts_with("__Host-souk_refresh=next;") && set[1].contains("Max-Age=2592000"));
    assert_eq!(told.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_dead_session_goes_on_as_nobody_without_its_cookies() {
    let shop = shop();
    for asked in [
        with_refresh(wish("GET", "/"), "bad"),
        with_access(wish("GET", "/"), "over"),
    ] {
        let told = shop.ask(asked).await;
        assert_eq!((told.status, shop.seen()[0].who), (200, None));
        let set = cookies(&told);
        assert!(
            set.len() == 2 && set.iter().all(|cookie| cookie.contains("Max-Age=0")),
            "{set:?}"
        );
    }
}

#[tokio::test]
async fn who_meant_to_be_known_never_orders_as_nobody() {
    let shop = shop();
    let order = || wish("POST", "/api/v1/orders").header("sec-fetch-site", "same-origin");
    for (asked, expected) in [
        (with_access(order(), "over"), "401 invalid_token"),
        (with_refresh(order(), "bad"), "401 invalid_token"),
        (with_refresh(order(), "broken"), "503 unavailable"),
    ] {
        assert_eq!(shop.ask(asked).await.brief(), expected);
    }
    assert!(
        shop.seen().is_empty(),
        "the same key would have named another order"
    );
}

#[tokio::test]
async fn a_session_outlives_an_identity_that_is_not_well() {
    let shop = shop();
    let told = shop.ask(with_refresh(wish("GET", "/"), "broken")).await;
    assert_eq!((told.status, cookies(&told)), (200, Vec::new()));
    assert_eq!(shop.seen()[0].who, None);
}

#[tokio::test]
async fn a_page_that_signs_out_has_the_last_word() {
    let shop = Shop::open(|_| {
        let mut response = answer(200, &json!({}))?;
        let gone = "__Host-souk_access=; Max-Age=0".parse().ok()?;
        response.headers_mut().insert("set-cookie", gone);
        Some(response)
    });
    let told = shop
        .ask(with_refresh(wish("GET", "/sign-out"), "good"))
        .await;
    assert_eq!(cookies(&told).len(), 3);
    assert_eq!(cookies(&told)[2], "__Host-souk_access=; Max-Age=0");
}

#[tokio::test]
async fn files_and_probes_renew_nothing() {
    let shop = shop();
    for path in ["/assets/souk.css", "/media/a.jpg", "/livez", "/readyz"] {
        let asked = with_refresh(wish("GET", path), "good").header("authorization", "Bearer x");
        assert_eq!(shop.ask(asked).await.status, 200, "{path}");
    }
    assert_eq!(*shop.renewals.lock().unwrap(), 0);
}

#[tokio::test]
async fn cookies_change_something_only_from_a_page_of_ours() {
    let shop = shop();
    let token = shop.signer.token(shop.ann, &[Role::Customer]);
    for (path, told, expected) in [
        ("/api/v1/orders", None, 403),
        (
            "/api/v1/orders",
            Some(("sec-fetch-site", "cross-site")),
            403,
        ),
        ("/api/v1/orders", Some(("sec-fetch-site", "same-site")), 403),
        (
            "/api/v1/orders",
            Some(("origin", "https://evil.example")),
            403,
        ),
        ("/api/v1/orders", Some(("origin", "null")), 403),
        (
            "/api/v1/orders",
            Some(("sec-fetch-site", "same-origin")),
            200,
        ),
        (
            "/api/v1/orders",
            Some(("origin", "https://shop.example")),
            200,
        ),
        ("/api/auth/logout", None, 403),
        (
            "/api/auth/logout",
            Some(("origin", "https://shop.example")),
            200,
        ),
        ("/sign-out", None, 200),
        ("/sign-out", Some(("sec-fetch-site", "same-origin")), 200),
        ("/sign-out", Some(("sec-fetch-site", "cross-site")), 403),
        ("/sign-out", Some(("origin", "https://evil.example")), 403),
    ] {
        let mut asked = with_access(wish("POST", path), &token);
        if let Some((name, value)) = told {
            asked = asked.header(name, value);
        }
        let answer = shop.ask(asked).await;
        assert_eq!(answer.status, expected, "{path} {told:?}");
        assert!(expected == 200 || answer.brief() == "403 csrf_failed");
    }
    let read = with_access(wish("GET", "/api/v1/orders"), &token);
    let read = read.header("sec-fetch-site", "cross-site");
    assert_eq!(shop.ask(read).await.status, 200, "reading changes nothing");
}

#[tokio::test]
async fn nothing_is_renewed_for_another_site() {
    let shop = shop();
    let asked = with_refresh(wish("POST", "/api/v1/orders"), "good");
    assert_eq!(
        shop.ask(asked.header("sec-fetch-site", "cross-site"))
            .await
            .status,
        403
    );
    assert_eq!(*shop.renewals.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_program_with_a_token_needs_no_page_of_ours() {
    let shop = shop();
    let asked = wish("POST", "/api/v1/orders").header("origin", "https://app.example");
    assert_eq!(shop.ann(asked).await.status, 200);
    let nobody = wish("POST", "/api/v1/auth/login");
    assert_eq!(shop.ask(nobody).await.status, 200);
}
