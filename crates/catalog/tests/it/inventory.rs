//! Stock by hand, through the door.

use crate::{Shop, Who};
use serde_json::json;

#[tokio::test]
async fn an_adjustment_shows_in_stock_and_movements() {
    let shop = Shop::open().await;
    let made = shop
        .product(json!({"name": "Tea", "sku": "T", "price": 1, "stock": 5}))
        .await;
    let variant = made.body["variants"][0]["id"].as_str().unwrap();
    let change = json!({"changes": [{"sku": "t", "delta": -3, "reason": "damaged"}]});
    let answer = shop
        .post(Who::Merchant, "/api/v1/inventory/adjust", change)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let row = &answer.body["data"][0];
    assert_eq!((&row["on_hand"], &row["available"]), (&json!(2), &json!(2)));
    let shown = shop
        .get(Who::Merchant, &format!("/api/v1/inventory/{variant}"))
        .await;
    assert_eq!(&shown.body, row);
    let path = format!("/api/v1/inventory/{variant}/movements?limit=1");
    let page = shop.get(Who::Merchant, &path).await;
    let newest = &page.body["data"][0];
    assert_eq!(newest["kind"], "adjusted");
    assert_eq!(
        (&newest["on_hand_delta"], &newest["reason"]),
        (&json!(-3), &json!("damaged"))
    );
    assert!(newest["actor"].as_str().unwrap().starts_with("usr_"));
    let next = page
        .header("link")
        .split(['<', '>'])
        .nth(1)
        .unwrap()
        .to_owned();
    let page = shop.get(Who::Merchant, &next).await;
    assert_eq!(page.body["data"][0]["kind"], "initial");
}

#[tokio::test]
async fn an_adjustment_with_a_key_is_made_once() {
    let shop = Shop::open().await;
    shop.product(json!({"name": "Tea", "sku": "T", "price": 1, "stock": 5}))
        .await;
    let line = "POST /api/v1/inventory/adjust";
    let key = ["idempotency-key: k1"];
    let change = json!({"changes": [{"sku": "T", "delta": 2, "reason": "found"}]});
    let first = shop.call(Who::Merchant, line, &key, &change).await;
    let again = shop.call(Who::Merchant, line, &key, &change).await;
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body["data"][0]["on_hand"], 7);
    let other = json!({"changes": [{"sku": "T", "delta": 3, "reason": "found"}]});
    let reused = shop.call(Who::Merchant, line, &key, other).await;
    assert_eq!(reused.refusal(), "422 idempotency_key_reused");
}

#[tokio::test]
async fn stock_is_listed_by_sku_and_by_what_runs_low() {
    let shop = Shop::open().await;
    for (sku, stock) in [("A", 5), ("B", 6), ("C", 0)] {
        shop.product(json!({"name": "Tea", "sku": sku, "price": 1, "stock": stock}))
            .await;
    }
    let skus = |body: &serde_json::Value| -> Vec<String> {
        let rows = body["data"].as_array().unwrap();
        rows.iter()
            .map(|row| row["sku"].as_str().unwrap().to_owned())
            .collect()
    };
    let low = shop
        .get(Who::Merchant, "/api/v1/inventory?low_stock=true")
        .await;
    assert_eq!(skus(&low.body), ["A", "C"]);
    let one = shop.get(Who::Merchant, "/api/v1/inventory?sku=b").await;
    assert_eq!(skus(&one.body), ["B"]);
    let first = shop.get(Who::Merchant, "/api/v1/inventory?limit=2").await;
    let cursor = first.text("next_cursor");
    let path = format!("/api/v1/inventory?limit=2&cursor={cursor}");
    assert_eq!(skus(&shop.get(Who::Merchant, &path).await.body), ["C"]);
}
