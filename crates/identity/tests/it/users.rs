//! Admins and other people's accounts: who is found, who is kept out and with what answer, and who stays.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use contracts::{identity::UserStatus, values::Email};
use serde_json::{Value, json};
use std::time::Duration;

async fn set_status(shop: &Shop, admin: &str, id: &str, body: Value) -> Answer {
    let path = format!("/api/v1/users/{id}/status");
    shop.send(
        Call::new("PUT".parse().unwrap(), &path)
            .bearer(admin)
            .json(&body),
    )
    .await
}

async fn disable(shop: &Shop, admin: &str, id: &str, version: i64) -> Answer {
    set_status(
        shop,
        admin,
        id,
        json!({"status": "disabled", "version": version}),
    )
    .await
}

async fn found(shop: &Shop, admin: &str, query: &str) -> Vec<String> {
    let answer = shop
        .send(Call::get(&format!("/api/v1/users?{query}")).bearer(admin))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let users = answer.body["data"].as_array().unwrap().iter();
    users
        .map(|user| user["email"].as_str().unwrap().replace("@example.com", ""))
        .collect()
}

#[tokio::test]
async fn accounts_are_found_by_how_a_name_begins_by_role_and_by_status() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    for who in ["ann", "bob", "anton"] {
        shop.register(who).await;
    }
    assert_eq!(
        found(&shop, &admin, "").await,
        ["anton", "bob", "ann", "root"]
    );
    assert_eq!(found(&shop, &admin, "q=AN").await, ["anton", "ann"]);
    assert_eq!(found(&shop, &admin, "q=ann%40example.com").await, ["ann"]);
    assert_eq!(found(&shop, &admin, "role=admin").await, ["root"]);
    assert!(found(&shop, &admin, "status=disabled").await.is_empty());
    let first = shop
        .send(Call::get("/api/v1/users?limit=3").bearer(&admin))
        .await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    assert_eq!(
        found(&shop, &admin, &format!("limit=3&cursor={cursor}")).await,
        ["root"]
    );
    for wrong in [
        "q=",
        "q=%00",
        "q=%20",
        "role=root",
        "status=gone",
        "limit=0",
        "cursor=x",
        "sort=x",
    ] {
        let answer = shop
            .send(Call::get(&format!("/api/v1/users?{wrong}")).bearer(&admin))
            .await;
        assert_eq!(answer.short(), "400 invalid_parameter", "{wrong}");
    }
    let long = format!("/api/v1/users?q={}", "x".repeat(201));
    assert_eq!(shop.send(Call::get(&long).bearer(&admin)).await.status, 400);
}

#[tokio::test]
async fn who_is_disabled_is_out_at_once_and_only_the_right_password_tells_why() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    let ann = shop.register("ann").await;
    let done = disable(&shop, &admin, &ann.user_id(), 1).await;
    assert_eq!(
        (done.status.as_u16(), &done.body["version"]),
        (200, &json!(2))
    );
    assert_eq!(done.headers["etag"], "\"2\"");
    assert_eq!(done.body["disabled_at"], "2026-09-21T14:13:20Z");
    assert!(!shop.takes(&ann.access()));
    assert_eq!(
        shop.refresh(&ann.refresh()).await.short(),
        "401 invalid_refresh_token"
    );
    assert_eq!(
        shop.login("ann", PASSWORD).await.short(),
        "403 account_disabled"
    );
    let (wrong, unknown) = (
        shop.login("ann", "wrong").await,
        shop.login("nobody", "wrong").await,
    );
    assert_eq!(wrong.short(), "401 invalid_credentials");
    assert_eq!(wrong.body["detail"], unknown.body["detail"]);
    let stale = set_status(
        &shop,
        &admin,
        &ann.user_id(),
        json!({"status": "active", "version": 1}),
    )
    .await;
    assert_eq!(stale.short(), "409 version_conflict");
    let enabled = set_status(
        &shop,
        &admin,
        &ann.user_id(),
        json!({"status": "active", "version": 2}),
    )
    .await;
    assert_eq!(
        (enabled.status.as_u16(), &enabled.body["disabled_at"]),
        (200, &Value::Null)
    );
    assert_eq!(shop.login("ann", PASSWORD).await.status, 200);
    let events = format!(
        "/api/v1/audit/security-events?user_id={}&kind=account_disabled",
        ann.user_id()
    );
    let events = shop.send(Call::get(&events).bearer(&admin)).await;
    assert_eq!(events.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_disabled_account_is_out_on_every_node_within_five_seconds() {
    let shop = Shop::start().await;
    let there = shop.beside().await;
    there.start_work();
    let admin = shop.admin().await;
    let ann = shop.register("ann").await;
    assert!(there.takes(&ann.access()));
    assert_eq!(disable(&shop, &admin, &ann.user_id(), 1).await.status, 200);
    let heard = async {
        while there.takes(&ann.access()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard)
        .await
        .unwrap();
    there.tasks.stop();
}

#[tokio::test]
async fn no_admin_disables_themselves_and_the_last_one_stays() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    let me = shop.verifier.verify(&admin).unwrap().user_id.to_string();
    let refused = disable(&shop, &admin, &me, 1).await;
    assert_eq!(refused.short(), "422 validation_failed");
    assert_eq!(refused.body["errors"][0]["field"], "/status");
    let email = || Email::parse("root@example.com").unwrap();
    let last = shop
        .service
        .set_status_of(email(), UserStatus::Disabled)
        .await;
    assert!(
        last.unwrap_err()
            .to_string()
            .contains("there is no other admin")
    );
    assert!(shop.takes(&admin), "nothing was changed");
    for (id, body, expected) in [
        (
            &*me,
            json!({"status": "disabled"}),
            "428 precondition_required",
        ),
        (
            &me,
            json!({"status": "gone", "version": 1}),
            "422 validation_failed",
        ),
        (&me, json!({"version": 1}), "422 validation_failed"),
        (
            "usr_01h455vb4pex5vsknk084sn02q",
            json!({"status": "active", "version": 1}),
            "404 not_found",
        ),
    ] {
        assert_eq!(set_status(&shop, &admin, id, body).await.short(), expected);
    }
}

#[tokio::test]
async fn an_admin_sends_a_link_and_ends_all_sessions_of_somebody() {
    let shop = Shop::start().await;
    shop.start_work();
    let admin = shop.admin().await;
    let ann = shop.register("ann").await;
    let reset = format!("/api/v1/users/{}/password-reset", ann.user_id());
    let send = async || shop.send(Call::post(&reset).bearer(&admin)).await;
    assert_eq!(send().await.status, 202);
    let (_, to, text) = shop.mail().await;
    assert_eq!(to, "ann@example.com");
    assert!(text.contains("/reset-password?token="), "{text}");
    assert_eq!(
        shop.login("ann", PASSWORD).await.status,
        200,
        "the old one is good"
    );
    for _ in 0..2 {
        assert_eq!(send().await.status, 202);
    }
    assert_eq!(
        send().await.short(),
        "409 illegal_transition",
        "several of late"
    );
    let sessions = format!("/api/v1/users/{}/sessions", ann.user_id());
    let ended = shop.send(Call::delete(&sessions).bearer(&admin)).await;
    assert_eq!(ended.status, 204);
    assert!(!shop.takes(&ann.access()));
    assert_eq!(shop.refresh(&ann.refresh()).await.status, 401);
    assert_eq!(disable(&shop, &admin, &ann.user_id(), 1).await.status, 200);
    assert_eq!(send().await.short(), "409 illegal_transition", "disabled");
    let body = json!({"username": "nameless", "password": PASSWORD});
    let nameless = shop.post("/api/v1/auth/register", body).await;
    let reset = format!("/api/v1/users/{}/password-reset", nameless.user_id());
    let refused = shop.send(Call::post(&reset).bearer(&admin)).await;
    assert_eq!(refused.short(), "409 illegal_transition", "no address");
    shop.tasks.stop();
}

#[tokio::test]
async fn a_session_that_is_refreshed_for_ever_ends_all_the_same() {
    let shop =
        Shop::start_with(json!({"session_seconds_max": 100, "refresh_token_seconds": 40})).await;
    let ann = shop.register("ann").await;
    let mut token = ann.refresh();
    for _ in 0..3 {
        shop.clock.advance_seconds(30);
        let answer = shop.refresh(&token).await;
        assert_eq!(answer.status, 200);
        token = answer.refresh();
    }
    let sessions = shop.login("ann", PASSWORD).await.access();
    let sessions = shop
        .send(Call::get("/api/v1/me/sessions").bearer(&sessions))
        .await;
    let [_, long] = &**sessions.body["data"].as_array().unwrap() else {
        panic!("two sessions")
    };
    assert_eq!(
        long["expires_at"], "2026-09-21T14:15:00Z",
        "100 s since the sign-in"
    );
    shop.clock.advance_seconds(10);
    assert_eq!(
        shop.refresh(&token).await.short(),
        "401 invalid_refresh_token"
    );
}
