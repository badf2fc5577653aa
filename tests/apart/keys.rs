//! API keys where the door, identity and orders are nodes of their own: the scopes go along with whoever asks, and
//! while identity is away a key opens nothing that was not asked about a moment ago.

use crate::world::{ALL_APART, Apart};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Answer, Client, PASSWORD};

async fn ask(client: &Client, key: &str, method: Method, path: &str, body: &Value) -> Answer {
    let request = client.request(method, path).bearer_auth(key);
    let request = request.header("idempotency-key", "by-machine").json(body);
    client.send(request).await
}

#[tokio::test]
async fn a_key_opens_the_same_where_its_door_and_identity_are_apart() {
    let Some(mut apart) = Apart::start(ALL_APART).await else {
        return;
    };
    let admin = apart.admin().await;
    let tea = admin.sell("TEA", 1_250, 5).await;
    let wish =
        json!({"name": "till", "scopes": ["orders:read", "orders:write"], "password": PASSWORD});
    let made = admin.post("/api/v1/api-keys", &wish).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (key, door) = (made.str("/secret").to_owned(), apart.visitor());
    let mut order =
        json!({"items": [{"product_id": tea, "quantity": 1}], "payment": {"method": "tok_ok"}});
    let paid = ask(&door, &key, Method::POST, "/api/v1/orders", &order).await;
    let seen = (paid.status, paid.code(), paid.json["scope"].as_str());
    assert_eq!(
        seen,
        (403, "scope_missing", Some("payments:write")),
        "{}",
        paid.text
    );
    order["payment"] = Value::Null;
    let placed = ask(&door, &key, Method::POST, "/api/v1/orders", &order).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let path = format!("/api/v1/orders/{}", placed.str("/id"));
    assert_eq!(admin.get(&path).await.status, 200);
    apart.node("identity").kill().await;
    let away = Instant::now();
    loop {
        let answer = ask(&door, &key, Method::GET, &path, &Value::Null).await;
        match answer.status {
            // It was asked about a moment ago.
            200 => assert!(
                away.elapsed() < Duration::from_secs(10),
                "it is still let in"
            ),
            status => {
                assert_eq!(
                    (status, answer.code()),
                    (503, "unavailable"),
                    "{}",
                    answer.text
                );
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
