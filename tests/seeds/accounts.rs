//! Seed 001, the one that documents accounts: register, log in, refresh, log out, delete by POST and by PUT.
//! What the other documents call the same things is shown beside it.

use crate::program::{Expected, Program, account, list, open};
use serde_json::{Value, json};
use testkit::{Answer, App, PASSWORD};

const REGISTER: &[&str] = &["/api/auth/register", "/auth/register", "/register"];
const LOGIN: &[&str] = &["/api/auth/login", "/auth/login", "/login"];

/// A refusal without what tells one request from another.
fn bare(answer: &Answer) -> Value {
    let mut body = answer.json.clone();
    if let Some(object) = body.as_object_mut() {
        object.remove("request_id");
        object.remove("instance");
    }
    body
}

#[tokio::test]
async fn a_client_of_seed_001_registers_logs_in_refreshes_and_logs_out() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    let registered = nobody.post("/api/auth/register", account("amira")).await;
    let registered = registered.is(201);
    assert_eq!(registered.str("/token"), registered.str("/access_token"));
    assert_eq!(registered.str("/token").split('.').count(), 3, "a JWT");
    assert!(!registered.str("/message").is_empty());
    assert_eq!(registered.str("/user/username"), "amira");
    let first = nobody.with(registered.str("/token"));
    assert!(list(&first.get("/orders").await.is(200)).is_empty());

    let logged_in = nobody.post("/api/auth/login", account("amira")).await;
    let logged_in = logged_in.is(200);
    let second = nobody.with(logged_in.str("/token"));
    second.get("/orders").await.is(200);

    let sent = json!({"refresh_token": logged_in.str("/refresh_token")});
    let renewed = second.post("/api/auth/refresh", sent).await.is(200);
    let third = nobody.with(renewed.str("/token"));
    assert_ne!(third.token(), second.token());
    third.get("/orders").await.is(200);

    let answer = third.call("POST", "/api/auth/logout", None).await;
    assert!((200..300).contains(&answer.status), "{}", answer.text);
    for over in [&second, &third] {
        over.get("/orders").await.refused(401, "invalid_token");
    }
    let sent = json!({"refresh_token": renewed.str("/refresh_token")});
    let again = nobody.post("/api/auth/refresh", sent).await;
    again.refused(401, "invalid_refresh_token");
    first.get("/orders").await.is(200);
}

#[tokio::test]
async fn accounts_open_and_sign_in_at_every_spelling_and_once_only() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    for (number, path) in REGISTER.iter().enumerate() {
        let name = format!("amira{number}");
        for path in [(*path).to_owned(), format!("{path}/")] {
            let body = json!({
                "username": format!("{name}{}", path.len()), "password": PASSWORD,
                "email": format!("{name}{}@example.com", path.len()), "name": "Amira",
            });
            nobody.post(&path, body.clone()).await.is(201);
            let again = nobody.post(&path, body).await.is(409);
            assert!(!again.str("/message").is_empty());
        }
        nobody.post(path, account(&name)).await.is(201);
        let shouted = account(&name.to_uppercase());
        let again = nobody.post(path, shouted).await;
        again.refused(409, "username_taken");
        for path in LOGIN {
            let answer = nobody.post(path, account(&name)).await.is(200);
            assert!(!answer.str("/token").is_empty());
        }
    }
    let body = json!({"name": "Sobe", "email": "sobe@example.com", "password": PASSWORD});
    nobody.post("/auth/register", body.clone()).await.is(201);
    nobody.post("/auth/login", body).await.is(200);
    let shouted = json!({"email": "SOBE@Example.com", "password": PASSWORD});
    nobody.post("/auth/login", shouted).await.is(200);
}

#[tokio::test]
async fn whoever_is_wrong_is_not_told_in_what() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    Program::register(&shop, "amira").await;
    for path in LOGIN {
        let wrong = json!({"username": "amira", "password": "wrong horse battery"});
        let wrong = nobody.post(path, wrong).await;
        let wrong = wrong.refused(401, "invalid_credentials");
        let unknown = nobody.post(path, account("nobody")).await;
        let unknown = unknown.refused(401, "invalid_credentials");
        assert_eq!(bare(&wrong), bare(&unknown));
        let short = json!({"username": "amira", "password": ""});
        nobody.post(path, short).await.is(401);
        for missing in [json!({"username": "amira"}), json!({"password": PASSWORD})] {
            let told = nobody.post(path, missing).await;
            told.refused(422, "validation_failed");
        }
    }
}

#[tokio::test]
async fn a_client_that_is_asked_for_a_code_comes_back_with_it() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    let registered = nobody.post("/register", account("amira")).await.is(201);
    let (app, codes) = App::set_up(&shop.visitor().signed_in(&registered)).await;
    for (path, code) in LOGIN.iter().zip([&app.now(1), &codes[0], &codes[1]]) {
        let asked = nobody.post(path, account("amira")).await;
        let asked = asked.refused(401, "second_factor_required");
        assert_eq!(asked.str("/token"), "");
        let challenge = asked.str("/challenge");
        let wrong = json!({"challenge": challenge, "code": app.never()});
        nobody.post(path, wrong).await.refused(401, "invalid_code");
        let right = json!({"challenge": challenge, "code": code});
        let session = nobody.post(path, right).await.is(200);
        let signed_in = nobody.with(session.str("/token"));
        signed_in.get("/orders").await.is(200);
    }
    let amira = nobody.with(registered.str("/token"));
    let delete = async |body| amira.call("POST", "/api/auth/delete", Some(body)).await;
    let asked = delete(account("amira")).await;
    asked.refused(401, "second_factor_required");
    delete(json!({"password": PASSWORD, "code": codes[2]}))
        .await
        .is(204);
}

#[tokio::test]
async fn a_refresh_token_is_taken_wherever_a_client_may_put_it() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    Program::register(&shop, "amira").await;
    let login = async || nobody.post("/login", account("amira")).await.is(200);
    for name in ["refresh_token", "refreshToken", "token"] {
        let session = login().await;
        let sent = json!({name: session.str("/refresh_token")});
        let answer = nobody.post("/api/auth/refresh", sent).await.is(200);
        nobody
            .with(answer.str("/token"))
            .get("/orders")
            .await
            .is(200);
    }
    let session = login().await;
    let carried = nobody.with(session.str("/refresh_token"));
    carried
        .call("POST", "/api/auth/refresh", None)
        .await
        .is(200);
    // An access token renews nothing: whoever steals one has it for a quarter of an hour at most.
    let access = nobody.with(session.str("/token"));
    let answer = access.call("POST", "/api/auth/refresh", None).await;
    answer.refused(422, "validation_failed");
    let sent = json!({"token": session.str("/token")});
    let answer = nobody.post("/api/auth/refresh", sent).await;
    answer.refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn an_old_token_in_the_header_keeps_nobody_out() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    amira.call("POST", "/api/auth/logout", None).await.is(204);
    let forged = format!("{}x", amira.token());
    for (number, old) in [amira.token(), &forged, "x", "a.b.c", "", "sk_1"]
        .iter()
        .enumerate()
    {
        let old = amira.with(old);
        old.get("/products").await.refused(401, "invalid_token");
        for (place, path) in REGISTER.iter().enumerate() {
            old.post(path, account(&format!("new{number}{place}")))
                .await
                .is(201);
        }
        for path in LOGIN.iter().chain(&["/api/v1/auth/login"]) {
            let session = old.post(path, account("amira")).await.is(200);
            let sent = json!({"refresh_token": session.str("/refresh_token")});
            old.post("/api/auth/refresh", sent).await.is(200);
        }
        let wrong = json!({"username": "amira", "password": "wrong horse battery"});
        old.post("/login", wrong)
            .await
            .refused(401, "invalid_credentials");
        let setup = json!({"setup_token": "x", "email": "a@example.com", "password": PASSWORD});
        let answer = old.post("/api/v1/auth/setup", setup).await.is(401);
        assert_eq!(answer.code(), "invalid_credentials");
    }
}

#[tokio::test]
async fn an_account_is_deleted_by_post_and_by_put_with_the_password() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    for method in ["POST", "PUT"] {
        let amira = Program::register(&shop, "amira").await;
        let session = nobody.post("/login", account("amira")).await.is(200);
        let delete = async |who: &Program, body: Value| {
            who.call(method, "/api/auth/delete", Some(body)).await
        };
        delete(&nobody, account("amira"))
            .await
            .refused(401, "unauthenticated");
        delete(&amira, json!({}))
            .await
            .refused(422, "validation_failed");
        let wrong = json!({"username": "amira", "password": "wrong horse battery"});
        delete(&amira, wrong)
            .await
            .refused(401, "invalid_credentials");
        amira.get("/orders").await.is(200);

        let answer = delete(&amira, account("amira")).await;
        assert!((200..300).contains(&answer.status), "{}", answer.text);
        for token in [amira.token(), session.str("/token")] {
            let over = nobody.with(token).get("/orders").await;
            over.refused(401, "invalid_token");
        }
        let sent = json!({"refresh_token": session.str("/refresh_token")});
        nobody.post("/api/auth/refresh", sent).await.is(401);
        let told = nobody.post("/login", account("amira")).await;
        told.refused(401, "invalid_credentials");
    }
}
