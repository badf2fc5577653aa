//! One's own account: reading it, changing it, deleting it.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use async_trait::async_trait;
use axum::http::Method;
use contracts::{
    BoxError,
    event::{Envelope, Event},
    identity::UserDeleted,
};
use platform::bus::{Bus, Consumer, MemoryBus};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::mpsc;

async fn patch(shop: &Shop, token: &str, body: Value) -> Answer {
    shop.send(Call::patch("/api/v1/me").bearer(token).json(&body))
        .await
}

#[tokio::test]
async fn a_profile_is_read_with_its_tag_and_not_sent_twice() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.access();
    let answer = shop.send(Call::get("/api/v1/me").bearer(&token)).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["email"]),
        (200, &json!("ann@example.com"))
    );
    assert_eq!(answer.headers["etag"], "\"1\"");
    assert_eq!(answer.headers["cache-control"], "private, no-cache");
    let known = Call::get("/api/v1/me")
        .bearer(&token)
        .header("if-none-match", "\"1\"");
    let answer = shop.send(known).await;
    assert_eq!((answer.status.as_u16(), answer.body), (304, Value::Null));
}

#[tokio::test]
async fn a_profile_is_changed_by_whoever_knows_its_version() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.access();
    let answer = patch(&shop, &token, json!({"name": "Ann"})).await;
    assert_eq!(answer.short(), "428 precondition_required");
    let answer = patch(&shop, &token, json!({"name": "Ann", "version": 1})).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["etag"]),
        (200, &"\"2\"".parse().unwrap())
    );
    assert_eq!(
        (&answer.body["name"], &answer.body["version"]),
        (&json!("Ann"), &json!(2))
    );
    let stale = patch(&shop, &token, json!({"name": "Eve", "version": 1})).await;
    assert_eq!(stale.short(), "409 version_conflict");
    assert_eq!(stale.body["current_version"], 2);
    let call = |tag: &str, body: Value| {
        let call = Call::patch("/api/v1/me")
            .bearer(&token)
            .header("if-match", tag)
            .json(&body);
        shop.send(call.header("content-type", "application/merge-patch+json"))
    };
    let stale = call("\"1\"", json!({"name": "Eve"})).await;
    assert_eq!(stale.short(), "412 precondition_failed");
    assert_eq!(stale.body["current_version"], 2);
    let torn = call("\"2\"", json!({"name": "Eve", "version": 1})).await;
    assert_eq!(torn.short(), "400 malformed");
    let forgotten = call("\"2\"", json!({"name": null})).await;
    assert_eq!(
        (&forgotten.body["name"], &forgotten.body["version"]),
        (&Value::Null, &json!(3))
    );
    assert_eq!(call("\"3\"", json!({})).await.body["name"], Value::Null);
}

#[tokio::test]
async fn only_the_name_can_be_changed_and_only_to_a_name() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.access();
    for (field, value) in [
        ("roles", json!(["admin"])),
        ("email", json!("eve@example.com")),
        ("password", json!("another horse")),
        ("name", json!("")),
        ("name", json!("a\r\nBcc: b@c.d")),
        ("name", json!("x".repeat(201))),
    ] {
        let mut body = json!({"version": 1});
        body[field] = value;
        let answer = patch(&shop, &token, body).await;
        assert_eq!(answer.short(), "422 validation_failed", "{field}");
    }
    let me = shop.send(Call::get("/api/v1/me").bearer(&token)).await;
    assert_eq!(
        (&me.body["version"], &me.body["roles"]),
        (&json!(1), &json!(["customer"]))
    );
    let name = "<script>alert(1)</script> \u{202e}nnA";
    let answer = patch(&shop, &token, json!({"name": name, "version": 1})).await;
    assert_eq!(
        answer.body["name"], name,
        "kept as it is, for the pages to escape"
    );
}

#[tokio::test]
async fn deleting_asks_for_the_password_and_ends_everything() {
    let shop = Shop::start().await;
    let (here, there) = (
        shop.register("ann").await,
        shop.login("ann", PASSWORD).await,
    );
    let delete = |password: &str| {
        let call = Call::delete("/api/v1/me").bearer(&here.access());
        shop.send(call.json(&json!({"password": password})))
    };
    assert_eq!(
        delete("wrong horse").await.short(),
        "401 invalid_credentials"
    );
    assert!(shop.takes(&here.access()), "a refusal ends nothing");
    assert_eq!(delete(PASSWORD).await.status, 204);
    assert!(
        !shop.takes(&here.access()) && !shop.takes(&there.access()),
        "at once"
    );
    let refused = shop.refresh(&there.refresh()).await;
    assert_eq!(refused.short(), "401 invalid_refresh_token");
    assert_eq!(
        shop.login("ann", PASSWORD).await.short(),
        "401 invalid_credentials"
    );
    let admin = shop.admin().await;
    let path = format!("/api/v1/users/{}", here.user_id());
    let gone = shop.send(Call::get(&path).bearer(&admin)).await;
    assert_eq!(gone.short(), "404 not_found");
    let again = shop.register("ann").await;
    assert_ne!(
        again.user_id(),
        here.user_id(),
        "the address is free, the id is not"
    );
}

#[tokio::test]
async fn guessing_the_password_while_deleting_has_to_wait_too() {
    let shop = Shop::start().await;
    let token = shop.register("ann").await.access();
    let call = |password: &str| {
        let call = Call::delete("/api/v1/me").bearer(&token);
        shop.send(call.json(&json!({"password": password})))
    };
    for _ in 0..10 {
        assert_eq!(call("wrong horse").await.status, 401);
    }
    assert_eq!(call(PASSWORD).await.short(), "429 rate_limited");
    assert_eq!(
        shop.login("ann", PASSWORD).await.status,
        429,
        "one count for the account"
    );
}

struct Listener(mpsc::Sender<Envelope>);

#[async_trait]
impl Consumer for Listener {
    fn name(&self) -> &'static str {
        "listener"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[UserDeleted::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        Ok(self.0.send(envelope.clone()).await?)
    }
}

#[tokio::test]
async fn the_others_hear_of_a_deleted_user() {
    let shop = Shop::start().await;
    let (heard, mut hears) = mpsc::channel(8);
    let bus = Arc::new(MemoryBus::default());
    bus.subscribe(Arc::new(Listener(heard)));
    identity::start(&shop.service, &shop.tasks, bus);
    let ann = shop.register("ann").await;
    let delete = Call::delete("/api/v1/me").bearer(&ann.access());
    shop.send(delete.json(&json!({"password": PASSWORD}))).await;
    let event = UserDeleted::open(&hears.recv().await.unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(event.user_id.to_string(), ann.user_id());
    shop.tasks.stop();
    assert!(shop.tasks.wait(std::time::Duration::from_secs(10)).await);
    assert_eq!(shop.tasks.failure(), None);
}

const USER: &str = "/api/v1/users/{id}";
const FACTOR: &str = "/api/v1/me/second-factor";
const CONFIRM: &str = "/api/v1/me/second-factor/confirm";
const CODES: &str = "/api/v1/me/second-factor/recovery-codes";
const FACTOR_OF: &str = "/api/v1/users/{id}/second-factor";
const ANSWER: &str = "/api/v1/auth/login/second-factor";

/// What nobody, a customer and an admin get for an empty object.
const ACCESS: [(Method, &str, [u16; 3]); 32] = [
    (Method::GET, "/api/v1/me", [401, 200, 200]),
    (Method::PATCH, "/api/v1/me", [401, 428, 428]),
    (Method::DELETE, "/api/v1/me", [401, 422, 422]),
    (Method::GET, USER, [401, 403, 200]),
    (Method::GET, "/api/v1/users", [401, 403, 200]),
    (Method::PUT, "/api/v1/users/{id}/status", [401, 403, 422]),
    (
        Method::POST,
        "/api/v1/users/{id}/password-reset",
        [401, 403, 202],
    ),
    (
        Method::DELETE,
        "/api/v1/users/{id}/sessions",
        [401, 403, 204],
    ),
    (Method::PATCH, USER, [401, 403, 422]),
    (Method::POST, "/api/v1/auth/register", [422, 422, 422]),
    (Method::POST, "/api/v1/auth/login", [422, 422, 422]),
    (Method::POST, ANSWER, [422, 422, 422]),
    (Method::GET, FACTOR, [401, 200, 200]),
    (Method::POST, FACTOR, [401, 422, 422]),
    (Method::DELETE, FACTOR, [401, 422, 422]),
    (Method::POST, CONFIRM, [401, 422, 422]),
    (Method::POST, CODES, [401, 422, 422]),
    (Method::DELETE, FACTOR_OF, [401, 403, 204]),
    (Method::POST, "/api/v1/auth/refresh", [422, 422, 422]),
    (Method::POST, "/api/v1/auth/setup", [422, 422, 422]),
    (Method::GET, "/.well-known/jwks.json", [200, 200, 200]),
    (Method::GET, "/api/v1/me/security-events", [401, 200, 200]),
    (
        Method::GET,
        "/api/v1/audit/security-events",
        [401, 403, 200],
    ),
    (Method::GET, "/api/v1/me/sessions", [401, 200, 200]),
    (Method::DELETE, "/api/v1/me/sessions", [401, 204, 204]),
    (Method::DELETE, "/api/v1/me/sessions/{id}", [401, 400, 400]),
    (
        Method::POST,
        "/api/v1/auth/password/change",
        [401, 422, 422],
    ),
    (
        Method::POST,
        "/api/v1/auth/password/forgot",
        [422, 422, 422],
    ),
    (Method::POST, "/api/v1/auth/password/reset", [422, 422, 422]),
    (Method::POST, "/api/v1/auth/verify", [422, 422, 422]),
    (Method::POST, "/api/v1/me/verification", [401, 202, 202]),
    (Method::POST, "/api/v1/auth/logout", [401, 204, 204]),
];

#[tokio::test]
async fn every_route_knows_who_may_use_it() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await;
    shop.admin().await;
    for (method, route, expected) in ACCESS {
        let path = route.replace("{id}", &ann.user_id());
        // Anew for each: some of these work, and end the sessions of whoever asks.
        let customer = shop.login("ann", PASSWORD).await.access();
        let admin = shop.login("root", PASSWORD).await.access();
        for (token, expected) in ["", &customer, &admin].into_iter().zip(expected) {
            let call = Call::new(method.clone(), &path)
                .bearer(token)
                .json(&json!({}));
            let answer = shop.send(call).await;
            assert_eq!(answer.status, expected, "{method} {path} {:?}", answer.body);
        }
    }
}

#[tokio::test]
async fn every_documented_route_is_in_the_table_of_access() {
    let shop = Shop::start().await;
    let mut documented = 0;
    let mut ids = BTreeSet::new();
    for (path, methods) in shop.document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_it = |(known, route, _): &(Method, &str, [u16; 3])| {
                known.as_str().eq_ignore_ascii_case(method) && route == path
            };
            assert!(ACCESS.iter().any(is_it), "{method} {path}");
            assert_eq!(operation["tags"], json!(["identity"]));
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(
                ids.insert(operation["operationId"].to_string()),
                "{method} {path}"
            );
            documented += 1;
        }
    }
    assert_eq!(documented, ACCESS.len());
}
