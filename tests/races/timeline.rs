//! What a timeline says of the requests that brought it about, whoever was placed or settled with them in one batch.

use crate::ground::Ground;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client};

const ORDERS: usize = 12;

/// Sends this at a request with an id of the caller's choice.
async fn at_request(who: &Client, id: &str, path: &str, body: &Value) -> Answer {
    let request = who.request(Method::POST, path).json(body);
    let headed = request.header("x-request-id", id);
    who.send(headed.header("idempotency-key", id)).await
}

/// What happened, and at which request, as somebody sees it.
async fn told(who: &Client, order: &str) -> Vec<(String, Option<String>)> {
    let timeline = who.get(&format!("/api/v1/orders/{order}/timeline")).await;
    let entries = timeline.json["data"].as_array().cloned();
    let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
    let entry = |entry: Value| {
        let kind = text(&entry, "kind").unwrap_or_default();
        (kind, text(&entry, "request_id"))
    };
    entries.unwrap_or_default().into_iter().map(entry).collect()
}

async fn each_step_names_its_own_request_to_the_shop_alone(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let tea = admin.sell("tea", 1_000, 100).await;
    let body =
        json!({"items": [{"product_id": tea, "quantity": 1}], "payment": {"method": "tok_ok"}});
    let ids: Vec<String> = (0..ORDERS).map(|number| format!("buys-{number}")).collect();
    let buy = |id| at_request(&ann, id, "/api/v1/orders", &body);
    let bought = join_all(ids.iter().map(|id| buy(id.as_str()))).await;
    for (id, order) in ids.iter().zip(&bought) {
        assert_eq!(
            (order.status, order.str("/status")),
            (201, "paid"),
            "{}",
            order.text
        );
        let (order, sends) = (order.str("/id"), format!("sends-{id}"));
        let (ship, nothing) = (format!("/api/v1/orders/{order}/ship"), json!({}));
        let sent = at_request(&admin, &sends, &ship, &nothing).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
        let known = |kind: &str, request: &str| (kind.to_owned(), Some(request.to_owned()));
        let expected = [
            known("placed", id),
            known("payment_started", id),
            known("paid", id),
            known("shipped", &sends),
        ];
        assert_eq!(told(&admin, order).await, expected);
        let hers = told(&ann, order).await;
        assert_eq!(hers.len(), expected.len());
        assert!(
            hers.iter().all(|(_, request)| request.is_none()),
            "{hers:?}"
        );
    }
    shop.verify().await;
}

on_both_grounds! {
    each_step_names_its_own_request_to_the_shop_alone,
}
