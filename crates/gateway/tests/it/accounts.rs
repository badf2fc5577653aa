//! The seeds' accounts: what identity is asked, and what the clients get.

use crate::{
    fakes::{Seen, answer, user_json},
    shop::{Shop, wish},
};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use contracts::{
    problem::{Code, Problem},
    values::UserId,
};
use platform::http::Fault;
use serde_json::{Value, json};

fn identity(seen: &Seen) -> Option<Response> {
    let signed_in = json!({
        "user": user_json(UserId::generate()), "access_token": "eyJ", "token_type": "Bearer",
        "expires_in": 900, "refresh_token": "next",
    });
    match seen.address.as_str() {
        "/api/v1/auth/register" => answer(201, &signed_in),
        "/api/v1/auth/login" if seen.body["password"] == "wrong" => {
            Some(Fault::new(Code::InvalidCredentials).into_response())
        }
        "/api/v1/auth/login" if !seen.body["password"].is_string() => {
            Some(Fault::new(Code::Malformed).into_response())
        }
        "/api/v1/auth/login" | "/api/v1/auth/refresh" => answer(200, &signed_in),
        "/api/v1/auth/logout" | "/api/v1/me" => Some(StatusCode::NO_CONTENT.into_response()),
        _ => None,
    }
}

#[tokio::test]
async fn registering_and_signing_in_are_translated_at_each_address() {
    let shop = Shop::open(identity);
    let body = json!({"username": "ann", "password": "correct horse", "role": "admin", "roles": ["admin"]});
    for (path, canonical, status) in [
        ("/api/auth/register", "/api/v1/auth/register", 201),
        ("/auth/register", "/api/v1/auth/register", 201),
        ("/register", "/api/v1/auth/register", 201),
        ("/register/", "/api/v1/auth/register", 201),
        ("/api/auth/login", "/api/v1/auth/login", 200),
        ("/auth/login", "/api/v1/auth/login", 200),
        ("/login", "/api/v1/auth/login", 200),
    ] {
        let told = shop.ask(wish("POST", path).json(&body)).await;
        assert_eq!(told.status, status, "{path}");
        let (sent, got) = (shop.lines().remove(0), told.json());
        let expected = r#"{"password":"correct horse","username":"ann"}"#;
        assert_eq!(sent, format!("POST {canonical} {expected}"), "{path}");
        assert_eq!(
            (&got["token"], &got["access_token"]),
            (&json!("eyJ"), &json!("eyJ"))
        );
        assert!(
            got["message"].is_string() && got["user"]["id"].is_string(),
            "{got}"
        );
    }
}

#[tokio::test]
async fn either_name_may_stand_in_either_field() {
    let shop = Shop::open(identity);
    for (path, sent, asked) in [
        (
            "/register",
            json!({"username": "a@b.c"}),
            json!({"email": "a@b.c"}),
        ),
        (
            "/register",
            json!({"email": "ann"}),
            json!({"email": "ann"}),
        ),
        (
            "/login",
            json!({"username": "a@b.c"}),
            json!({"email": "a@b.c"}),
        ),
        (
            "/login",
            json!({"email": "ann"}),
            json!({"username": "ann"}),
        ),
        (
            "/login",
            json!({"email": "a@b.c"}),
            json!({"email": "a@b.c"}),
        ),
    ] {
        shop.ask(wish("POST", path).json(&sent)).await;
        assert_eq!(shop.seen()[0].body, asked, "{path} {sent}");
    }
}

#[tokio::test]
async fn refusals_are_problems_with_a_message() {
    let shop = Shop::open(identity);
    let told = shop
        .ask(wish("POST", "/login").json(&json!({"username": "ann", "password": "wrong"})))
        .await;
    assert_eq!(told.brief(), "401 invalid_credentials");
    let problem = told.json();
    assert_eq!(problem["message"], problem["detail"]);
    assert!(problem["request_id"].is_string() && problem["type"].is_string());
}

#[tokio::test]
async fn programs_that_accept_html_get_problems_all_the_same() {
    let shop = Shop::open(identity);
    let body = json!({"username": "ann", "password": "wrong"});
    let html = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2";
    let told = shop
        .ask(wish("POST", "/login").json(&body).header("accept", html))
        .await;
    assert_eq!(told.header("content-type"), "application/problem+json");
    assert_eq!(told.header("www-authenticate"), "Bearer");
    let problem = told.json();
    assert_eq!(problem["instance"], "/login");
    assert_eq!(problem["request_id"], told.header("x-request-id"));
    assert_eq!(problem["message"], problem["detail"]);
}

#[tokio::test]
async fn objects_in_place_of_texts_never_sign_in() {
    let shop = Shop::open(identity);
    let injected = json!({"username": {"$ne": null}, "password": {"$ne": null}});
    let told = shop.ask(wish("POST", "/login").json(&injected)).await;
    assert_eq!(told.status, 400);
    assert_eq!(
        shop.seen()[0].body,
        injected,
        "passed on as it came, for identity to refuse"
    );
}

#[tokio::test]
async fn bodies_that_are_no_objects_reach_nobody() {
    let shop = Shop::open(identity);
    for (kind, body, expected) in [
        ("application/json", "{", "400 malformed"),
        ("application/json", "[]", "400 malformed"),
        ("application/json", "\"ann\"", "400 malformed"),
        (
            "application/json",
            "{\"username\":\"a\",\"username\":\"b\"}",
            "400 malformed",
        ),
        ("text/plain", "{}", "415 unsupported_media_type"),
        (
            "application/x-www-form-urlencoded",
            "username=ann",
            "415 unsupported_media_type",
        ),
    ] {
        let told = shop.ask(wish("POST", "/login").text(kind, body)).await;
        assert_eq!(told.brief(), expected, "{body}");
        assert!(told.json()["message"].is_string());
    }
    let large = format!("{{\"username\":\"{}\"}}", "a".repeat(70_000));
    let told = shop
        .ask(wish("POST", "/login").text("application/json", &large))
        .await;
    assert_eq!(told.brief(), "413 body_too_large");
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn refresh_logout_and_deletion_are_translated() {
    let shop = Shop::open(identity);
    for (method, path, body, asked) in [
        (
            "POST",
            "/api/auth/refresh",
            json!({"refreshToken": "r1"}),
            r#"POST /api/v1/auth/refresh {"refresh_token":"r1"}"#,
        ),
        (
            "POST",
            "/api/auth/logout",
            json!({}),
            "POST /api/v1/auth/logout {}",
        ),
        (
            "POST",
            "/api/auth/logout",
            json!({"refresh_token": "r1"}),
            r#"POST /api/v1/auth/logout {"refresh_token":"r1"}"#,
        ),
        (
            "POST",
            "/api/auth/delete",
            json!({"password": "p"}),
            r#"DELETE /api/v1/me {"password":"p"}"#,
        ),
        (
            "PUT",
            "/api/auth/delete",
            json!({"password": "p", "id": 1}),
            r#"DELETE /api/v1/me {"password":"p"}"#,
        ),
    ] {
        let told = shop.ann(wish(method, path).json(&body)).await;
        assert!(told.status < 300, "{path} {}", told.text);
        let seen = shop.seen().remove(0);
        assert_eq!(
            (seen.line().as_str(), seen.who),
            (asked, Some(shop.ann)),
            "{path}"
        );
    }
    let empty = shop.ann(wish("POST", "/api/auth/logout")).await;
    assert_eq!((empty.status, empty.text.as_str()), (204, ""));
    let cookie = "__Host-souk_refresh=good";
    let by_cookie = wish("POST", "/api/auth/refresh").header("cookie", cookie);
    shop.seen();
    shop.ask(by_cookie.header("origin", "https://shop.example"))
        .await;
    assert_eq!(shop.seen()[0].body, json!({"refresh_token": "good"}));
}

#[tokio::test]
async fn a_refresh_token_may_stand_in_place_of_an_access_token() {
    let shop = Shop::open(identity);
    for (header, body, asked) in [
        ("Bearer r1", json!({}), json!({"refresh_token": "r1"})),
        (
            "Bearer r1",
            json!({"refresh_token": "r2"}),
            json!({"refresh_token": "r2"}),
        ),
        // An access token is none, and is not sent where it would be taken for one.
        ("Bearer a.b.c", json!({}), json!({})),
        ("Bearer", json!({}), json!({})),
    ] {
        let sent = wish("POST", "/api/auth/refresh").json(&body);
        shop.ask(sent.header("authorization", header)).await;
        assert_eq!(shop.seen()[0].body, asked, "{header} {body}");
    }
}

#[tokio::test]
async fn nobody_deletes_an_account_and_wrong_methods_are_named() {
    let shop = Shop::open(identity);
    let told = shop
        .ask(wish("POST", "/api/auth/delete").json(&json!({"password": "p"})))
        .await;
    assert_eq!(told.brief(), "401 unauthenticated");
    for (path, methods) in [
        ("/login", "POST"),
        ("/api/auth/delete", "POST, PUT"),
        ("/products", "GET, HEAD, POST"),
        ("/products/p1", "GET, HEAD, PUT, DELETE"),
        ("/orders/o1", "GET, HEAD, PUT"),
        ("/orders/o1/status", "PUT"),
        ("/orders/user/ann", "GET, HEAD"),
        ("/payments", "POST"),
    ] {
        let told = shop.ask(wish("PATCH", path)).await;
        assert_eq!(told.brief(), "405 method_not_allowed", "{path}");
        assert_eq!(told.header("allow"), methods, "{path}");
        let message = told.json()["message"].clone();
        assert_eq!(
            message,
            Value::from(Problem::new(Code::MethodNotAllowed).detail)
        );
    }
    assert!(shop.seen().is_empty());
}
