//! API keys as their owners see them: made with the password, shown once, changed, ended, and used.

use crate::{
    people::{begin, codes_in, confirm, shown_now, wrong_now},
    shop::{Answer, Call, PASSWORD, Shop},
};
use contracts::{access::Principal, scopes::Scope};
use serde_json::{Value, json};
use testkit::App;

const KEYS: &str = "/api/v1/api-keys";

fn wish(scopes: &[&str]) -> Value {
    json!({"name": "till 3", "scopes": scopes, "password": PASSWORD})
}

async fn make(shop: &Shop, token: &str, body: &Value) -> Answer {
    shop.send(Call::post(KEYS).bearer(token).json(body)).await
}

async fn get(shop: &Shop, token: &str, path: &str) -> Answer {
    shop.send(Call::get(path).bearer(token)).await
}

async fn revoke(shop: &Shop, token: &str, id: &str) -> Answer {
    let path = format!("{KEYS}/{id}");
    shop.send(Call::delete(&path).bearer(token)).await
}

async fn rotate(shop: &Shop, token: &str, id: &str, body: &Value) -> Answer {
    let path = format!("{KEYS}/{id}/rotate");
    shop.send(Call::post(&path).bearer(token).json(body)).await
}

fn secret(made: &Answer) -> String {
    made.body["secret"].as_str().unwrap().to_owned()
}

fn id(made: &Answer) -> String {
    made.body["key"]["id"].as_str().unwrap().to_owned()
}

/// Whom a door lets in by this key that has not seen it before.
async fn let_in(shop: &Shop, key: &str) -> Option<Principal> {
    let from = "192.0.2.7".parse().unwrap();
    let keys = shop.verifier.for_keys();
    keys.verify(key, from, &*shop.service).await.unwrap()
}

#[tokio::test]
async fn a_key_is_shown_once_and_acts_as_its_owner() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await;
    let made = make(
        &shop,
        &ann.access(),
        &wish(&["orders:write", "orders:read", "orders:read"]),
    )
    .await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(made.headers["cache-control"], "no-store");
    assert_eq!(
        made.headers["location"],
        format!("{KEYS}/{}", id(&made)).as_str()
    );
    assert_eq!(
        made.body["key"]["scopes"],
        json!(["orders:read", "orders:write"])
    );
    let key = secret(&made);
    let who = let_in(&shop, &key).await.unwrap();
    assert_eq!(who.user_id.to_string(), ann.user_id());
    assert_eq!(
        who.key.unwrap().scopes,
        [Scope::OrdersRead, Scope::OrdersWrite]
    );
    for path in [KEYS.to_owned(), format!("{KEYS}/{}", id(&made))] {
        let seen = get(&shop, &ann.access(), &path).await;
        assert_eq!(
            (seen.status.as_u16(), &seen.headers["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        let text = seen.body.to_string();
        assert!(
            text.contains("till 3") && !text.contains(&key[31..]),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_key_is_made_by_the_password_and_within_the_rules() {
    let shop = Shop::start_with(json!({"api_keys_max": 2})).await;
    let ann = shop.register("ann").await.access();
    let mut wrong = wish(&["orders:read"]);
    wrong["password"] = json!("wrong horse");
    assert_eq!(
        make(&shop, &ann, &wrong).await.short(),
        "401 invalid_credentials"
    );
    let late = json!("2026-01-01T00:00:00Z");
    let far = json!("2099-01-01T00:00:00Z");
    for (field, value, pointer) in [
        ("scopes", json!([]), "/scopes"),
        ("scopes", json!(["products:write"]), "/scopes"),
        ("scopes", json!(["events:read"]), "/scopes"),
        ("name", json!(""), "/name"),
        ("name", json!("two\nlines"), "/name"),
        ("expires_at", late, "/expires_at"),
        ("expires_at", far, "/expires_at"),
    ] {
        let mut body = wish(&["orders:read"]);
        body[field] = value;
        let told = make(&shop, &ann, &body).await;
        assert_eq!(told.short(), "422 validation_failed", "{body}");
        assert_eq!(told.body["errors"][0]["field"], pointer, "{body}");
    }
    for scope in ["orders", "*", "users:write"] {
        let told = make(&shop, &ann, &wish(&[scope])).await;
        assert!(told.status.is_client_error(), "{scope}");
    }
    for _ in 0..2 {
        assert_eq!(make(&shop, &ann, &wish(&["orders:read"])).await.status, 201);
    }
    let one_more = make(&shop, &ann, &wish(&["orders:read"])).await;
    assert_eq!(one_more.short(), "409 too_many_api_keys");
    let nobody = shop
        .send(Call::post(KEYS).json(&wish(&["orders:read"])))
        .await;
    assert_eq!(nobody.short(), "401 unauthenticated");
}

#[tokio::test]
async fn a_repeated_request_shows_the_key_and_not_its_text() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await.access();
    let send = async |body: &Value| {
        let call = Call::post(KEYS)
            .bearer(&ann)
            .header("idempotency-key", "till-3");
        shop.send(call.json(body)).await
    };
    let first = send(&wish(&["orders:read"])).await;
    let again = send(&wish(&["orders:read"])).await;
    assert_eq!((again.status.as_u16(), id(&again)), (201, id(&first)));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.body["secret"], Value::Null);
    assert!(let_in(&shop, &secret(&first)).await.is_some());
    let other = send(&wish(&["orders:write"])).await;
    assert_eq!(other.short(), "422 idempotency_key_reused");
    let twins = futures_util::future::join_all((0..8).map(|_| async {
        let call = Call::post(KEYS)
            .bearer(&ann)
            .header("idempotency-key", "twins");
        shop.send(call.json(&wish(&["orders:read"]))).await
    }));
    let twins = twins.await;
    let shown = twins.iter().filter(|twin| twin.body["secret"].is_string());
    assert_eq!(shown.count(), 1, "one of eight is told");
    assert!(twins.iter().all(|twin| id(twin) == id(&twins[0])));
}

#[tokio::test]
async fn others_keys_are_not_there_but_for_admins() {
    let shop = Shop::start().await;
    let (ann, bob) = (shop.register("ann").await, shop.register("bob").await);
    let made = make(&shop, &ann.access(), &wish(&["orders:read"])).await;
    let path = format!("{KEYS}/{}", id(&made));
    assert_eq!(
        get(&shop, &bob.access(), &path).await.short(),
        "404 not_found"
    );
    assert_eq!(
        revoke(&shop, &bob.access(), &id(&made)).await.short(),
        "404 not_found"
    );
    let body = json!({"password": PASSWORD});
    assert_eq!(
        rotate(&shop, &bob.access(), &id(&made), &body)
            .await
            .short(),
        "404 not_found"
    );
    let hers = format!("{KEYS}?owner={}", ann.user_id());
    assert_eq!(
        get(&shop, &bob.access(), &hers).await.short(),
        "403 forbidden"
    );
    assert!(let_in(&shop, &secret(&made)).await.is_some());
    let admin = shop.admin().await;
    assert_eq!(
        get(&shop, &admin, &hers).await.body["data"][0]["id"],
        id(&made)
    );
    assert_eq!(get(&shop, &admin, &path).await.status, 200);
    let foreign = rotate(&shop, &admin, &id(&made), &body).await;
    assert_eq!(
        foreign.short(),
        "404 not_found",
        "no admin becomes somebody else"
    );
    assert_eq!(revoke(&shop, &admin, &id(&made)).await.status, 204);
    assert!(let_in(&shop, &secret(&made)).await.is_none());
    assert_eq!(revoke(&shop, &admin, &id(&made)).await.status, 204, "again");
}

#[tokio::test]
async fn a_long_list_of_keys_comes_in_pages() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await.access();
    for _ in 0..5 {
        make(&shop, &ann, &wish(&["orders:read"])).await;
    }
    let ids = |page: &Answer| {
        let rows = page.body["data"].as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let whole = ids(&get(&shop, &ann, KEYS).await);
    let first = get(&shop, &ann, &format!("{KEYS}?limit=3")).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = get(&shop, &ann, &format!("{KEYS}?limit=3&cursor={cursor}")).await;
    assert_eq!([ids(&first), ids(&rest)].concat(), whole);
    assert_eq!(rest.body["next_cursor"], Value::Null);
    let bad = get(&shop, &ann, &format!("{KEYS}?cursor=abc")).await;
    assert_eq!(bad.short(), "400 invalid_parameter");
}

#[tokio::test]
async fn another_secret_leaves_the_former_one_as_long_as_was_asked() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await.access();
    let made = make(&shop, &ann, &wish(&["orders:read"])).await;
    let turn = async |body: Value| rotate(&shop, &ann, &id(&made), &body).await;
    let wrong = turn(json!({"password": "wrong horse"})).await;
    assert_eq!(wrong.short(), "401 invalid_credentials");
    let long = turn(json!({"password": PASSWORD, "grace_seconds": 604_801})).await;
    assert_eq!(long.short(), "422 validation_failed");
    let second = turn(json!({"password": PASSWORD, "grace_seconds": 60})).await;
    assert_eq!((second.status.as_u16(), id(&second)), (200, id(&made)));
    let good = async |made: &Answer| let_in(&shop, &secret(made)).await.is_some();
    assert!(good(&made).await && good(&second).await);
    shop.clock.advance_seconds(60);
    assert!(!good(&made).await && good(&second).await);
    let third = turn(json!({"password": PASSWORD})).await;
    assert!(!good(&second).await && good(&third).await, "at once");
    let seen = get(&shop, &ann, &format!("{KEYS}/{}", id(&made))).await;
    assert_eq!(seen.body["former_until"], Value::Null);
}

#[tokio::test]
async fn a_key_ends_with_its_time_its_account_and_its_owner_s_rights() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    let ann = shop.register("ann").await;
    let mut ending = wish(&["orders:read"]);
    ending["expires_at"] = json!(shop.clock.now().plus_seconds(60));
    let ending = make(&shop, &ann.access(), &ending).await;
    let raise = json!({"roles": ["merchant"], "version": 1});
    let path = format!("/api/v1/users/{}", ann.user_id());
    shop.send(Call::patch(&path).bearer(&admin).json(&raise))
        .await;
    let token = shop.login("ann", PASSWORD).await.access();
    let selling = make(&shop, &token, &wish(&["products:write"])).await;
    assert!(let_in(&shop, &secret(&selling)).await.unwrap().may_sell());
    let lower = json!({"roles": ["customer"], "version": 2});
    shop.send(Call::patch(&path).bearer(&admin).json(&lower))
        .await;
    let lowered = let_in(&shop, &secret(&selling)).await.unwrap();
    assert!(!lowered.may_sell(), "a key can do no more than its owner");
    shop.clock.advance_seconds(60);
    assert!(let_in(&shop, &secret(&ending)).await.is_none());
    let token = shop.login("ann", PASSWORD).await.access();
    let gone = Call::delete("/api/v1/me").bearer(&token);
    let gone = shop.send(gone.json(&json!({"password": PASSWORD}))).await;
    assert_eq!(gone.status, 204);
    assert!(let_in(&shop, &secret(&selling)).await.is_none());
    assert_eq!(
        get(&shop, &admin, &format!("{KEYS}/{}", id(&selling)))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_owner_is_told_of_a_key_and_sees_when_it_was_used() {
    let shop = Shop::start().await;
    shop.start_work();
    let ann = shop.register("ann").await.access();
    let made = make(&shop, &ann, &wish(&["orders:read"])).await;
    let (_, to, text) = shop.mail().await;
    assert_eq!(to, "ann@example.com");
    assert!(text.starts_with("An API key was made") && !text.contains(&secret(&made)));
    assert!(
        !text.contains("till 3"),
        "nobody makes the shop say something"
    );
    let path = format!("{KEYS}/{}", id(&made));
    assert_eq!(
        get(&shop, &ann, &path).await.body["last_used_at"],
        Value::Null
    );
    let used = async |expected: Value| {
        let_in(&shop, &secret(&made)).await.unwrap();
        let noting = async {
            while get(&shop, &ann, &path).await.body["last_used_at"] != expected {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), noting);
        in_time.await.unwrap();
    };
    let first = json!(shop.clock.now());
    used(first.clone()).await;
    let seen = get(&shop, &ann, &path).await;
    assert_eq!(seen.body["last_used_from"], "192.0.2.7");
    shop.clock.advance_seconds(59);
    used(first).await;
    shop.clock.advance_seconds(1);
    used(json!(shop.clock.now())).await;
    shop.tasks.stop();
}

/// The first rows of a log that are of this kind and fit, as soon as there are so many.
async fn logged(shop: &Shop, token: &str, path: &str, count: usize) -> Vec<Value> {
    let looking = async {
        loop {
            let log = get(shop, token, path).await;
            let rows = log.body["data"].as_array().unwrap().iter();
            let of_keys = |row: &&Value| row["kind"].as_str().unwrap().starts_with("api_key");
            let rows: Vec<Value> = rows.filter(of_keys).cloned().collect();
            if rows.len() >= count {
                return rows;
            }
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), looking);
    in_time.await.unwrap()
}

#[tokio::test]
async fn what_happens_to_keys_is_in_the_audit_log() {
    let shop = Shop::start().await;
    shop.start_work();
    let ann = shop.register("ann").await.access();
    let made = make(&shop, &ann, &wish(&["orders:read"])).await;
    let turned = rotate(&shop, &ann, &id(&made), &json!({"password": PASSWORD})).await;
    let admin = shop.admin().await;
    for token in [&admin, &ann] {
        assert_eq!(revoke(&shop, token, &id(&made)).await.status, 204);
    }
    let own = logged(&shop, &ann, "/api/v1/me/security-events", 3).await;
    let mut kinds: Vec<&str> = own
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        ["api_key_made", "api_key_revoked", "api_key_rotated"]
    );
    for (key, expected) in [(&made, "unknown_key"), (&turned, "ended_key")] {
        assert!(let_in(&shop, &secret(key)).await.is_none());
        let path = "/api/v1/audit/security-events?kind=api_key_refused&limit=1";
        let refused = loop {
            let row = logged(&shop, &admin, path, 1).await.remove(0);
            if row["detail"] == expected {
                break row;
            }
        };
        assert_eq!(refused["client_address"], "192.0.2.7");
        assert_eq!(refused["user_id"].is_string(), expected == "ended_key");
    }
    shop.tasks.stop();
}

#[tokio::test]
async fn where_the_second_factor_is_on_a_key_takes_a_code_as_well() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await.access();
    let begun = begin(&shop, &ann).await;
    let app = App::new(begun.body["secret"].as_str().unwrap());
    let codes = codes_in(&confirm(&shop, &ann, &shown_now(&shop, &app)).await);
    let with = |code: &str| {
        let mut body = wish(&["orders:read"]);
        body["code"] = json!(code);
        body
    };
    let none = make(&shop, &ann, &wish(&["orders:read"])).await;
    assert_eq!(none.short(), "401 second_factor_required");
    let wrong = make(&shop, &ann, &with(&wrong_now(&shop, &app))).await;
    assert_eq!(wrong.short(), "401 invalid_code");
    let made = make(&shop, &ann, &with(&codes[0])).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let used = make(&shop, &ann, &with(&codes[0])).await;
    assert_eq!(used.short(), "401 invalid_code", "once");
    let bare = rotate(&shop, &ann, &id(&made), &json!({"password": PASSWORD})).await;
    assert_eq!(bare.short(), "401 second_factor_required");
    let both = json!({"password": PASSWORD, "code": codes[1]});
    let turned = rotate(&shop, &ann, &id(&made), &both).await;
    assert_eq!(turned.status, 200, "{:?}", turned.body);
    assert!(let_in(&shop, &secret(&turned)).await.is_some());
}
