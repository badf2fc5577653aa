//! Many products in one request.

use crate::{Shop, Who};
use serde_json::{Value, json};

fn statuses(body: &Value) -> Vec<u64> {
    let results = body["results"].as_array().unwrap();
    results
        .iter()
        .map(|one| one["status"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn each_product_of_a_batch_has_its_own_result() {
    let shop = Shop::open().await;
    let body = json!({"products": [
        {"name": "Tea", "sku": "T", "price": 1},
        {"name": "", "price": 1},
        {"name": "Tea", "sku": "t", "price": 1},
        7,
        {"name": "Cup", "price": 1, "colour": "red"},
        {"name": "Cup", "price": "2.50"},
    ]});
    let answer = shop
        .post(Who::Merchant, "/api/v1/products/batch", body)
        .await;
    assert_eq!(
        statuses(&answer.body),
        [201, 422, 409, 400, 422, 201],
        "{answer:?}"
    );
    let results = &answer.body["results"];
    assert_eq!(results[0]["product"]["sku"], "T");
    assert_eq!(results[1]["problem"]["errors"][0]["field"], "/name");
    assert_eq!(results[2]["problem"]["code"], "sku_taken");
    assert_eq!(results[5]["product"]["price"]["amount"], 250);
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let shop = Shop::open().await;
    let one = json!({"name": "Tea", "price": 1});
    for (products, status) in [(0, 422), (101, 422), (100, 200)] {
        let body = json!({"products": vec![one.clone(); products]});
        let answer = shop
            .post(Who::Merchant, "/api/v1/products/batch", body)
            .await;
        assert_eq!(answer.status, status, "{products}");
    }
    let list = shop.get(Who::Nobody, "/api/v1/products?limit=100").await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn a_batch_with_a_key_is_made_once() {
    let shop = Shop::open().await;
    let body = json!({"products": [{"name": "Tea", "price": 1}, {"name": "Cup", "price": 1}]});
    let line = "POST /api/v1/products/batch";
    let key = ["idempotency-key: k1"];
    let first = shop.call(Who::Merchant, line, &key, &body).await;
    let again = shop.call(Who::Merchant, line, &key, &body).await;
    assert_eq!(first.body, again.body);
    let list = shop.get(Who::Nobody, "/api/v1/products").await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 2);
}
