//! Opening accounts and signing in to them.

use crate::shop::{Call, PASSWORD, Shop};
use contracts::access::Role;
use insta::assert_snapshot;
use serde_json::json;

#[tokio::test]
async fn registering_signs_in() {
    let shop = Shop::start().await;
    let body = json!({"email": "Ann@Example.com", "password": PASSWORD, "name": "Ann"});
    let answer = shop.post("/api/v1/auth/register", body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["location"], "/api/v1/me");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let mut shown = answer.body.clone();
    for field in ["access_token", "refresh_token"] {
        shown[field] = json!("...");
    }
    shown["user"]["id"] = json!("usr_...");
    assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap(), @r#"
    {
      "access_token": "...",
      "expires_in": 900,
      "refresh_token": "...",
      "token_type": "Bearer",
      "user": {
        "created_at": "2026-09-21T14:13:20Z",
        "disabled_at": null,
        "email": "Ann@Example.com",
        "id": "usr_...",
        "name": "Ann",
        "roles": [
          "customer"
        ],
        "username": null,
        "verified_at": null,
        "version": 1
      }
    }
    "#);
    let principal = shop.verifier.verify(&answer.access()).unwrap();
    assert_eq!(principal.user_id.to_string(), answer.user_id());
    assert_eq!(principal.roles, [Role::Customer]);
    assert!(
        !shop.takes(&answer.refresh()),
        "a refresh token opens no door"
    );
}

#[tokio::test]
async fn a_user_name_alone_is_enough() {
    let shop = Shop::start().await;
    let body = json!({"username": "Ann", "password": PASSWORD});
    assert_eq!(shop.post("/api/v1/auth/register", body).await.status, 201);
    let body = json!({"username": " aNN ", "password": PASSWORD});
    let answer = shop.post("/api/v1/auth/login", body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let taken = json!({"username": "ANN", "email": "x@example.com", "password": PASSWORD});
    let answer = shop.post("/api/v1/auth/register", taken).await;
    assert_snapshot!(answer.short(), @"409 username_taken");
    let nobody = json!({"password": PASSWORD});
    for path in ["/api/v1/auth/register", "/api/v1/auth/login"] {
        let answer = shop.post(path, nobody.clone()).await;
        assert_eq!(answer.short(), "422 validation_failed", "{path}");
    }
}

#[tokio::test]
async fn nobody_raises_themselves_by_registering() {
    let shop = Shop::start().await;
    for (field, value) in [
        ("role", json!("admin")),
        ("roles", json!(["admin"])),
        ("id", json!("usr_01h455vb4pex5vsknk084sn02q")),
        ("verified", json!(true)),
        ("version", json!(7)),
    ] {
        let mut body = json!({"email": "eve@example.com", "password": PASSWORD});
        body[field] = value;
        let answer = shop.post("/api/v1/auth/register", body).await;
        assert_eq!(answer.short(), "422 validation_failed", "{field}");
        assert_eq!(answer.body["errors"][0]["code"], "unknown_field");
    }
    assert_eq!(
        shop.login("eve", PASSWORD).await.status,
        401,
        "no account was left"
    );
}

#[tokio::test]
async fn where_all_may_sell_a_new_user_is_merchant_and_customer() {
    let shop = Shop::start_with(json!({"registration_role": "merchant"})).await;
    let answer = shop.register("ann").await;
    assert_eq!(
        answer.body["user"]["roles"],
        json!(["customer", "merchant"])
    );
    let principal = shop.verifier.verify(&answer.access()).unwrap();
    assert!(principal.may_sell() && !principal.is_admin());
}

#[tokio::test]
async fn weak_passwords_are_refused_with_the_reason() {
    let shop = Shop::start().await;
    let long = "x".repeat(129);
    for password in [
        "",
        "seven77",
        &long,
        "password1",
        "ann@example.COM",
        "Ann Smith",
    ] {
        let body = json!({"email": "ann@example.com", "name": "ann smith", "password": password});
        let answer = shop.post("/api/v1/auth/register", body).await;
        assert_eq!(answer.short(), "422 validation_failed", "{password}");
        assert_eq!(answer.body["errors"][0]["field"], "/password");
    }
    assert_eq!(shop.login("ann", &long).await.status, 401);
}

#[tokio::test]
async fn any_characters_make_a_password_and_all_of_them_count() {
    let shop = Shop::start().await;
    let longest = "🐴".repeat(128);
    for (who, password) in [
        ("a", "🐴🔋📎🐴🔋📎🐴🔋"),
        ("b", " \u{0}\n spaces "),
        ("c", &longest),
    ] {
        let body = json!({"email": format!("{who}@example.com"), "password": password});
        assert_eq!(shop.post("/api/v1/auth/register", body).await.status, 201);
        assert_eq!(shop.login(who, password).await.status, 200);
        let shorter: String = password.chars().skip(1).collect();
        assert_eq!(shop.login(who, &shorter).await.status, 401, "{who}");
        assert_eq!(
            shop.login(who, &format!("{password} ")).await.status,
            401,
            "{who}"
        );
    }
}

#[tokio::test]
async fn an_address_is_known_in_every_spelling() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    for spelling in ["ANN", "Ann", "ａｎｎ"] {
        assert_eq!(
            shop.login(spelling, PASSWORD).await.status,
            200,
            "{spelling}"
        );
        let body = json!({"email": format!("{spelling}@EXAMPLE.com"), "password": PASSWORD});
        let answer = shop.post("/api/v1/auth/register", body).await;
        assert_eq!(answer.short(), "409 email_taken", "{spelling}");
    }
}

#[tokio::test]
async fn unknown_name_and_wrong_password_look_the_same() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    let mut answers = Vec::new();
    for who in ["ann", "nobody"] {
        let mut answer = shop.login(who, "wrong horse").await;
        assert_eq!(answer.short(), "401 invalid_credentials");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        answer.body["request_id"] = json!(null);
        answer.headers.remove("x-request-id");
        answers.push((answer.body, answer.headers));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn an_unknown_name_costs_a_hash_as_well() {
    let shop = Shop::start_with(json!({
        "argon2_memory_kib": 4_096, "login_failures_max": 1_000, "hash_permits": 1,
    }))
    .await;
    shop.register("ann").await;
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..15 {
        for (who, took) in ["ann", "nobody"].into_iter().zip(&mut took) {
            let began = tokio::time::Instant::now();
            assert_eq!(shop.login(who, "wrong horse").await.status, 401);
            took.push(began.elapsed());
        }
    }
    // A busy machine makes any of them slower and none quicker, so the quickest are compared. A lookup alone takes a
    // small part of this.
    let [known, unknown] = took.map(|took| took.into_iter().min().unwrap());
    assert!(
        unknown * 2 > known && known * 2 > unknown,
        "{known:?} {unknown:?}"
    );
}

#[tokio::test]
async fn guessing_has_to_wait_longer_and_longer_but_never_for_good() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    for who in ["ann", "nobody"] {
        for _ in 0..10 {
            assert_eq!(shop.login(who, "wrong horse").await.status, 401);
        }
        let mut waits = Vec::new();
        for _ in 0..7 {
            let answer = shop.login(who, "wrong horse").await;
            assert_eq!(answer.short(), "429 rate_limited");
            let wait: i64 = answer.headers["retry-after"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            waits.push(wait);
            shop.clock.advance_seconds(wait);
            assert_eq!(
                shop.login(who, "wrong horse").await.status,
                401,
                "heard after the wait"
            );
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60], "{who}");
        let right = shop.login(who, PASSWORD).await;
        assert_eq!(right.status, 429, "the right one waits as well");
    }
    shop.clock.advance_seconds(60);
    assert_eq!(shop.login("ann", PASSWORD).await.status, 200);
    assert_eq!(
        shop.login("ann", "wrong horse").await.status,
        401,
        "and all is forgotten"
    );
    shop.register("bob").await;
    assert_eq!(
        shop.login("bob", PASSWORD).await.status,
        200,
        "others never waited"
    );
}

/// A sign-in of Ann's from this address.
async fn from(shop: &Shop, client: &'static str, password: &str) -> u16 {
    let body = json!({"email": "ann@example.com", "password": password});
    let call = Call::post("/api/v1/auth/login").from(client).json(&body);
    shop.send(call).await.status.as_u16()
}

#[tokio::test]
async fn who_guesses_elsewhere_makes_nobody_wait_at_home() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    let elsewhere = ["203.0.113.9", "203.0.114.9", "2001:db8::1", "2001:db8:1::1"];
    for client in elsewhere.iter().cycle().take(10) {
        assert_eq!(from(&shop, client, "wrong horse").await, 401);
    }
    let waits = async |client| {
        assert_eq!(from(&shop, client, PASSWORD).await, 429, "{client}");
    };
    for client in [elsewhere[0], elsewhere[3], "192.0.2.1"] {
        waits(client).await;
    }
    // Where Ann registered, and beside it: her address changes within her network.
    assert_eq!(from(&shop, "198.51.100.1", "wrong horse").await, 401);
    assert_eq!(from(&shop, "198.51.100.77", PASSWORD).await, 200);
    // Whoever guesses there waits there.
    for client in elsewhere.iter().cycle().take(10) {
        assert_eq!(from(&shop, client, "wrong horse").await, 401);
    }
    for _ in 0..10 {
        assert_eq!(from(&shop, "198.51.100.9", "wrong horse").await, 401);
    }
    waits("198.51.100.1").await;
    // A sign-in makes another home, for a while.
    shop.clock.advance_seconds(60);
    assert_eq!(from(&shop, "2001:db8:2::1", PASSWORD).await, 200);
    for client in elsewhere.iter().cycle().take(10) {
        assert_eq!(from(&shop, client, "wrong horse").await, 401);
    }
    assert_eq!(from(&shop, "2001:db8:2::ffff", PASSWORD).await, 200);
    shop.clock.advance_seconds(91 * 24 * 60 * 60);
    for client in elsewhere.iter().cycle().take(10) {
        assert_eq!(from(&shop, client, "wrong horse").await, 401);
    }
    waits("198.51.100.1").await;
    waits("2001:db8:2::1").await;
}
