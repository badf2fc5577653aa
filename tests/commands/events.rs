//! Events that were not taken, by API and by `souk events`: on a shop in a folder, and on a database and a broker that
//! nodes share.

use crate::refusal;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use testkit::{Client, Nats, Said, Shop, postgres::Postgres, run_with};

const DEAD: &str = "/api/v1/events/dead";
/// Nobody can read what this one says.
const BROKEN: &str = "'orders.cancelled.v1', 'ord_nobody', '{}'";

fn sql(shop: &Shop, statements: &str) {
    let file = Connection::open(shop.folder().join("orders.sqlite")).expect("the file");
    file.busy_timeout(Duration::from_secs(10)).expect("a wait");
    file.execute_batch(statements).expect("it is done");
}

async fn events(arguments: &[&str], settings: &[(&str, &str)]) -> Said {
    run_with(&[&["events"], arguments].concat(), settings, "").await
}

/// Waits until so many are in the list, and gives them.
async fn listed(admin: &Client, count: usize) -> Vec<Value> {
    let has_all = |json: &Value| json["data"].as_array().map(Vec::len) == Some(count);
    let answer = admin.get_until(DEAD, |answer| has_all(&answer.json)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["data"].as_array().cloned().unwrap_or_default()
}

/// Somebody called an order off: its event was taken, and can come again.
async fn cancelled(shop: &Shop, admin: &Client) {
    let tea = admin.sell("TEA-1", 1_999, 10).await;
    let ann = shop.customer("ann").await;
    let order = ann.buy("k1", &tea, 2, "tok_ok").await;
    let path = format!("/api/v1/orders/{}/cancel", order.str("/id"));
    assert_eq!(ann.post(&path, &json!({})).await.status, 200);
}

#[tokio::test]
async fn a_parked_event_is_shown_with_its_reason_and_goes_when_it_is_sent_on_and_taken() {
    let mut shop = Shop::start_with(&[("SOUK_LOG_LEVEL", "error")]).await;
    let admin = shop.admin().await;
    cancelled(&shop, &admin).await;
    listed(&admin, 0).await;
    let broken =
        "INSERT INTO outbox (event_id, name, subject, payload, at_ms) VALUES (randomblob(16), ";
    sql(
        &shop,
        &format!("{broken}{BROKEN}, 1); {broken}{BROKEN}, 2)"),
    );
    let both = listed(&admin, 2).await;
    let (first, id) = (
        &both[0],
        both[0]["id"].as_str().unwrap_or_default().to_owned(),
    );
    assert_eq!(first["state"], "parked");
    assert_eq!(first["name"], "orders.cancelled.v1");
    assert_eq!(first["subject"], "ord_nobody");
    assert_eq!(first["happened_at"], "1970-01-01T00:00:00.001Z");
    assert!(
        first["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("order_id")),
        "{first}"
    );
    assert_eq!(both[1]["reason"], "waits for an earlier event");

    let folder = shop.folder().to_str().unwrap_or_default();
    let told = events(&["dead", "--data", folder], &[]).await;
    assert_eq!((told.code, told.out.lines().count()), (0, 3), "{told:?}");
    assert!(
        told.out
            .starts_with(&format!("{id}  orders.cancelled.v1 ord_nobody  parked, ")),
        "{told:?}"
    );
    let few = events(&["dead", "--limit", "1", "--data", folder], &[]).await;
    assert!(
        few.out.ends_with("there are more: see --limit\n"),
        "{few:?}"
    );
    let none = events(&["redrive", "orders-999", "--data", folder], &[]).await;
    assert_eq!(refusal(&none), "souk: there is no such event");

    // Whole again, but its next try is a minute off.
    sql(&shop, "UPDATE outbox
                   SET payload = (SELECT payload FROM outbox WHERE name = 'orders.cancelled.v1' LIMIT 1)
                 WHERE subject = 'ord_nobody';
                UPDATE outbox_parked SET next_try_at_ms = unixepoch() * 1000 + 60000");
    let second = both[1]["id"].as_str().unwrap_or_default();
    let sent = admin
        .post(&format!("{DEAD}/{second}/redrive"), &json!({}))
        .await;
    assert_eq!(
        (sent.status, sent.str("/id")),
        (202, second),
        "{}",
        sent.text
    );
    listed(&admin, 0).await;
    let again = admin
        .post(&format!("{DEAD}/{id}/redrive"), &json!({}))
        .await;
    assert_eq!(again.status, 404, "{}", again.text);
    let told = events(&["dead", "--data", folder], &[]).await;
    assert_eq!(told.out, "every event was taken\n");
}

#[tokio::test]
async fn what_was_taken_can_be_published_again_and_changes_nothing() {
    let mut shop = Shop::start().await;
    let admin = shop.admin().await;
    cancelled(&shop, &admin).await;
    let folder = shop.folder().to_owned();
    let republish = async |since: &[&str]| {
        let folder = Path::to_str(&folder).unwrap_or_default();
        events(&[&["republish", "--data", folder], since].concat(), &[]).await
    };
    let said = republish(&[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("orders    1 events were published again"),
        "{said:?}"
    );
    // By its other name, which people look for.
    let replay = [
        "replay",
        "--data",
        Path::to_str(&folder).unwrap_or_default(),
    ];
    assert_eq!(events(&replay, &[]).await.out, said.out);
    let said = republish(&["--since", "2999-01-01T00:00:00Z"]).await;
    assert!(
        said.out.contains("orders    0 events were published again"),
        "{said:?}"
    );
    let said = republish(&["--since", "yesterday"]).await;
    assert!(said.err.contains("2026-01-31T12:00:00Z"), "{said:?}");
    shop.verify().await;
}

#[tokio::test]
async fn dead_letters_of_the_broker_are_shown_page_by_page_and_sent_on() {
    let (Some(server), Some(mut broker)) = (Postgres::shared(), Nats::start().await) else {
        return;
    };
    let (database, bus) = (server.database(), broker.url());
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
        ("SOUK_BUS", bus.as_str()),
        ("SOUK_NATS__RETRY_WAIT_MS", "[10]"),
        ("SOUK_LOG_LEVEL", "off"),
    ];
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    cancelled(&shop, &admin).await;
    let name = database.rsplit('/').next().unwrap_or_default();
    let insert = "INSERT INTO orders.outbox (event_id, name, subject, payload, at_ms)";
    server.sql(
        name,
        &format!("{insert} VALUES (gen_random_uuid(), {BROKEN}, 1)"),
    );
    // Two want to hear of it.
    let both = listed(&admin, 2).await;
    assert!(
        both.iter()
            .all(|letter| letter["state"] == "dead" && letter["given_up_at"].is_string())
    );
    let mut consumers: Vec<_> = both
        .iter()
        .map(|letter| letter["consumer"].to_string())
        .collect();
    consumers.sort_unstable();
    assert_eq!(consumers, ["\"catalog\"", "\"payments-refunds\""]);
    let first = admin.get(&format!("{DEAD}?limit=1")).await;
    let next = format!("{DEAD}?limit=1&cursor={}", first.str("/next_cursor"));
    assert_eq!(first.json["data"], json!([both[0]]));
    let second = admin.get(&next).await;
    assert_eq!(
        (&second.json["data"], &second.json["next_cursor"]),
        (&json!([both[1]]), &Value::Null)
    );

    let sent = admin
        .post(&format!("{DEAD}/broker-1/redrive"), &json!({}))
        .await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    let comes_back = |json: &Value| json["data"][1]["id"] == "broker-3";
    admin
        .get_until(DEAD, |answer| comes_back(&answer.json))
        .await;
    let said = events(&["redrive", "broker-1"], &settings).await;
    assert_eq!(refusal(&said), "souk: there is no such event");
    let said = events(&["redrive", "broker-2"], &settings).await;
    assert_eq!(said.code, 0, "{said:?}");
    let comes_back = |json: &Value| json["data"][1]["id"] == "broker-4";
    admin
        .get_until(DEAD, |answer| comes_back(&answer.json))
        .await;
    let told = events(&["dead"], &settings).await;
    assert!(told.out.ends_with("2 events were not taken\n"), "{told:?}");
    let said = events(&["republish"], &settings).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains(" events were published again"),
        "{said:?}"
    );

    broker.kill();
    let is_away = |answer: &testkit::Answer| answer.code() == "dependency_unavailable";
    let away = admin.get_until(DEAD, is_away).await;
    assert_eq!(away.status, 503, "{}", away.text);
}
