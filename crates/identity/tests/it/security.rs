//! The audit log: every event of an account's life is in it once, a flood is a few rows, and each sees what is theirs.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use serde_json::{Value, json};
use std::time::Duration;

const ALL: &str = "/api/v1/audit/security-events";
const OWN: &str = "/api/v1/me/security-events";

async fn list(shop: &Shop, token: &str, path: &str) -> Vec<Value> {
    let answer = shop.send(Call::get(path).bearer(token)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer.body["data"].as_array().unwrap().clone()
}

/// The kinds of one's own events, the oldest first.
pub(crate) async fn kinds(shop: &Shop, token: &str) -> Vec<String> {
    let events = list(shop, token, &format!("{OWN}?limit=100")).await;
    let kind = |event: &Value| {
        let kind = event["kind"].as_str().unwrap();
        match event["detail"].as_str() {
            Some(detail) => format!("{kind}: {detail}"),
            None => kind.to_owned(),
        }
    };
    events.iter().rev().map(kind).collect()
}

/// Waits until there are so many events of a kind.
pub(crate) async fn until(shop: &Shop, admin: &str, kind: &str, count: usize) -> Vec<Value> {
    let path = format!("{ALL}?kind={kind}&limit=100");
    let looking = async {
        loop {
            let found = list(shop, admin, &path).await;
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(20), looking);
    found.await.unwrap()
}

pub(crate) async fn quick() -> Shop {
    let shop = Shop::start_with(json!({"refusals_write_ms": 10})).await;
    shop.start_work();
    shop
}

async fn change_password(shop: &Shop, token: &str, from: &str, to: &str) -> Answer {
    let body = json!({"current_password": from, "new_password": to});
    let call = Call::post("/api/v1/auth/password/change");
    shop.send(call.bearer(token).json(&body)).await
}

#[tokio::test]
async fn the_life_of_an_account_is_written_down() {
    let shop = Shop::start().await;
    let mut told = vec!["registered", "signed_in"];
    let ann = shop.register("ann").await;
    let laptop = shop.login("ann", PASSWORD).await;
    told.push("signed_in");
    shop.clock.advance_seconds(1);
    shop.send(Call::post("/api/v1/auth/logout").bearer(&laptop.access()))
        .await;
    told.push("session_ended: signed_out");
    shop.clock.advance_seconds(1);
    let changed = change_password(&shop, &ann.access(), PASSWORD, "another horse").await;
    assert_eq!(changed.status, 204);
    told.push("password_changed");
    shop.clock.advance_seconds(1);
    shop.send(Call::post("/api/v1/me/verification").bearer(&ann.access()))
        .await;
    told.push("verification_asked");
    let admin = shop.admin().await;
    shop.clock.advance_seconds(1);
    let roles = json!({"roles": ["admin"], "version": 1});
    let path = format!("/api/v1/users/{}", ann.user_id());
    let raised = shop
        .send(Call::patch(&path).bearer(&admin).json(&roles))
        .await;
    assert_eq!(raised.status, 200, "{raised:?}");
    told.push("roles_changed: to_admin");
    shop.clock.advance_seconds(1);
    let again = shop.refresh(&ann.refresh()).await;
    assert_eq!(kinds(&shop, &again.access()).await, told);
    shop.send(Call::delete("/api/v1/me/sessions").bearer(&again.access()))
        .await;
    told.push("sessions_ended: by_owner");
    shop.clock.advance_seconds(1);
    let last = shop.login("ann", "another horse").await;
    told.push("signed_in");
    assert_eq!(kinds(&shop, &last.access()).await, told);
    shop.clock.advance_seconds(1);
    let goodbye = json!({"password": "another horse"});
    let call = Call::delete("/api/v1/me").bearer(&last.access());
    assert_eq!(shop.send(call.json(&goodbye)).await.status, 204);
    let of_ann = format!("{ALL}?user_id={}&limit=100", ann.user_id());
    let left = list(&shop, &admin, &of_ann).await;
    assert_eq!(left.len(), told.len() + 1);
    assert_eq!(left[0]["kind"], "account_deleted");
    for event in left.iter().filter(|event| event["kind"] != "roles_changed") {
        let place = [&event["client_address"], &event["request_id"]];
        assert_eq!(place, [&Value::Null; 2], "{event}");
    }
}

#[tokio::test]
async fn an_event_says_who_and_from_where_and_an_owner_is_not_told_which_admin() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await;
    let admin = shop.admin().await;
    let admin_id = shop.verifier.verify(&admin).unwrap().user_id.to_string();
    let path = format!("/api/v1/users/{}", ann.user_id());
    let call = Call::patch(&path).bearer(&admin).from("203.0.113.9");
    let call = call.header("x-request-id", "desk-1");
    let roles = json!({"roles": ["merchant"], "version": 1});
    assert_eq!(shop.send(call.json(&roles)).await.status, 200);
    let seen = list(&shop, &admin, &format!("{ALL}?kind=roles_changed")).await;
    assert_eq!(seen.len(), 1);
    let event = &seen[0];
    assert_eq!(event["user_id"], json!(ann.user_id()));
    assert_eq!(
        (&event["actor"], &event["actor_id"]),
        (&json!("user"), &json!(admin_id))
    );
    assert_eq!(event["client_address"], "203.0.113.9");
    assert_eq!(event["request_id"], "desk-1");
    assert_eq!(
        (&event["count"], &event["at"]),
        (&json!(1), &event["last_at"])
    );
    let again = shop.refresh(&ann.refresh()).await;
    let own = list(&shop, &again.access(), OWN).await;
    assert_eq!(
        (&own[0]["kind"], &own[0]["id"]),
        (&event["kind"], &event["id"])
    );
    for hidden in ["actor_id", "client_address", "request_id", "session_id"] {
        assert_eq!(own[0][hidden], Value::Null, "{hidden}");
    }
    let registered = own.last().unwrap();
    assert_eq!(registered["client_address"], "198.51.100.1", "one's own");
    let made = list(&shop, &admin, &format!("{ALL}?kind=admin_made")).await;
    assert_eq!(
        (&made[0]["actor"], &made[0]["actor_id"]),
        (&json!("system"), &Value::Null)
    );
}

#[tokio::test]
async fn a_flood_of_wrong_passwords_is_a_few_rows_with_their_counts() {
    let shop = quick().await;
    let admin = shop.admin().await;
    let ann = shop.register("ann").await;
    for _ in 0..30 {
        shop.login("ann", "wrong horse").await;
        shop.login("nobody.at.all", "wrong horse").await;
    }
    let looking = async {
        loop {
            let rows = until(&shop, &admin, "sign_in_refused", 4).await;
            let counted = rows.iter().map(|row| row["count"].as_i64().unwrap());
            if counted.sum::<i64>() == 60 {
                return rows;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let rows = tokio::time::timeout(Duration::from_secs(20), looking);
    let mut rows: Vec<String> = rows
        .await
        .unwrap()
        .iter()
        .map(|row| {
            let whose = if row["user_id"] == json!(ann.user_id()) {
                "ann"
            } else {
                "nobody"
            };
            format!(
                "{whose} {} {}",
                row["detail"].as_str().unwrap(),
                row["count"]
            )
        })
        .collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            "ann throttled 20",
            "ann wrong_password 10",
            "nobody throttled 20",
            "nobody unknown_name 10"
        ]
    );
    let all = list(&shop, &admin, &format!("{ALL}?limit=100")).await;
    let text = Value::from(all).to_string();
    for canary in ["nobody.at.all", "wrong horse", "example.com", PASSWORD] {
        assert!(!text.contains(canary), "{canary}");
    }
    shop.tasks.stop();
}

#[tokio::test]
async fn whatever_is_refused_is_written_down_within_moments() {
    let shop = quick().await;
    let admin = shop.admin().await;
    let ann = shop.register("ann").await;
    shop.register("ann2").await;
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    shop.post("/api/v1/auth/register", body).await;
    let body = json!({"setup_token": "x", "email": "eve@example.com", "password": PASSWORD});
    shop.post("/api/v1/auth/setup", body).await;
    change_password(&shop, &ann.access(), "wrong horse", "another horse").await;
    shop.refresh("x").await;
    shop.refresh(&"A".repeat(43)).await;
    let body = json!({"token": "x", "new_password": PASSWORD});
    shop.post("/api/v1/auth/password/reset", body).await;
    shop.post("/api/v1/auth/verify", json!({"token": "A".repeat(43)}))
        .await;
    for (kind, detail) in [
        ("registration_refused", json!("name_taken")),
        ("setup_token_refused", Value::Null),
        ("password_refused", json!("wrong_password")),
        ("refresh_refused", Value::Null),
    ] {
        let rows = until(&shop, &admin, kind, 1).await;
        assert_eq!((rows.len(), &rows[0]["detail"]), (1, &detail), "{kind}");
    }
    assert_eq!(until(&shop, &admin, "link_refused", 2).await.len(), 2);
    let refused = &until(&shop, &admin, "password_refused", 1).await[0];
    assert_eq!(refused["actor_id"], json!(ann.user_id()), "in her session");
    shop.tasks.stop();
}

#[tokio::test]
async fn what_was_counted_is_written_before_the_shop_closes() {
    let shop = Shop::start_with(json!({"refusals_write_ms": 60_000})).await;
    shop.start_work();
    let admin = shop.admin().await;
    shop.login("nobody", "wrong horse").await;
    let path = format!("{ALL}?kind=sign_in_refused");
    assert!(list(&shop, &admin, &path).await.is_empty(), "not at once");
    shop.tasks.stop();
    assert!(shop.tasks.wait(Duration::from_secs(20)).await);
    assert_eq!(list(&shop, &admin, &path).await.len(), 1);
}

#[tokio::test]
async fn events_are_listed_page_by_page_and_by_what_is_asked_for() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    let ann = shop.register("ann").await;
    shop.clock.advance_seconds(10);
    for _ in 0..4 {
        shop.login("ann", PASSWORD).await;
    }
    let of_ann = format!("{ALL}?user_id={}", ann.user_id());
    let whole = list(&shop, &admin, &of_ann).await;
    assert_eq!(whole.len(), 6);
    let (mut seen, mut path) = (Vec::new(), format!("{of_ann}&limit=4"));
    loop {
        let answer = shop.send(Call::get(&path).bearer(&admin)).await;
        seen.extend(answer.body["data"].as_array().unwrap().clone());
        let Some(cursor) = answer.body["next_cursor"].as_str() else {
            break;
        };
        assert!(answer.headers["link"].to_str().unwrap().contains(cursor));
        path = format!("{of_ann}&limit=4&cursor={cursor}");
    }
    assert_eq!(seen, whole);
    let last_at = whole[0]["at"].as_str().unwrap();
    for (filter, count) in [
        (format!("&created_after={last_at}"), 4),
        (format!("&created_before={last_at}"), 2),
        ("&kind=registered".to_owned(), 1),
        ("&kind=password_changed".to_owned(), 0),
    ] {
        let found = list(&shop, &admin, &format!("{of_ann}{filter}")).await;
        assert_eq!(found.len(), count, "{filter}");
    }
    for wrong in [
        "kind=rumour",
        "user_id=7",
        "limit=0",
        "limit=101",
        "cursor=x",
        "what=1",
    ] {
        let answer = shop
            .send(Call::get(&format!("{ALL}?{wrong}")).bearer(&admin))
            .await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let bob = shop.register("bob").await;
    let foreign = shop.send(Call::get(ALL).bearer(&bob.access())).await;
    assert_eq!(foreign.short(), "403 forbidden");
    assert_eq!(
        list(&shop, &bob.access(), OWN).await.len(),
        2,
        "her own alone"
    );
}
