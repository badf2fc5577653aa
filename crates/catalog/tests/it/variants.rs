//! Variants over HTTP: made at once or later, changed under the product's version, and shown by the very next answer.

use crate::{Answer, Shop, Who};
use serde_json::{Value, json};

fn shirt() -> Value {
    json!({"name": "Shirt", "price": "10.00", "options": [
        {"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["red"]},
    ], "variants": [
        {"options": {"Size": "M", "Colour": "red"}, "price": "12.00", "stock": 2, "sku": "M-1"},
        {"options": {"Size": "S", "Colour": "red"}, "stock": 3},
    ]})
}

fn titles(answer: &Answer) -> Vec<&str> {
    let variants = answer.body["variants"].as_array().unwrap();
    variants
        .iter()
        .map(|one| one["title"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_product_with_options_is_made_at_once_and_shown_with_its_variants() {
    let shop = Shop::open().await;
    let made = shop.product(shirt()).await;
    let path = format!("/api/v1/products/{}", made.text("id"));
    assert_eq!(titles(&made), ["S / red", "M / red"]);
    assert_eq!(
        made.body["price"],
        json!({"amount": 1000, "currency": "USD"})
    );
    assert_eq!(
        made.body["price_max"],
        json!({"amount": 1200, "currency": "USD"})
    );
    assert_eq!(made.body["stock"]["available"], 5);
    assert_eq!(
        made.body["variants"][1]["options"],
        json!({"Size": "M", "Colour": "red"})
    );
    let listed = shop.get(Who::Nobody, &format!("{path}/variants")).await;
    assert_eq!(listed.body["data"], made.body["variants"]);
    let stock = shop.get(Who::Merchant, "/api/v1/inventory?sku=m-1").await;
    assert_eq!(stock.body["data"][0]["product_id"], made.body["id"]);
    let written = json!({"name": "Shirt", "price": "10.00", "version": 1});
    let line = format!("PUT {path}");
    let put = shop.call(Who::Merchant, &line, &[], written).await;
    assert_eq!(
        (put.status, titles(&put)),
        (200, vec!["S / red", "M / red"])
    );
}

#[tokio::test]
async fn what_changes_of_variants_is_seen_by_the_next_answer() {
    let shop = Shop::open().await;
    let made = shop.product(shirt()).await;
    let path = format!("/api/v1/products/{}", made.text("id"));
    let variants = format!("{path}/variants");
    let seen = shop.get(Who::Nobody, &path).await;
    assert_eq!(seen.header("etag"), made.header("etag"));
    let options = json!({"options": [
        {"name": "Size", "values": ["S", "M", "L"]}, {"name": "Colour", "values": ["red"]},
    ]});
    let line = format!("PUT {path}/options");
    let tag = format!("if-match: {}", made.header("etag"));
    let set = shop.call(Who::Merchant, &line, &[&tag], &options).await;
    assert_eq!(
        (set.status, set.body["version"].as_i64()),
        (200, Some(2)),
        "{set:?}"
    );
    let large = json!({"options": {"Size": "l", "Colour": "red"}, "price": "9.00"});
    let added = shop.post(Who::Merchant, &variants, large.clone()).await;
    assert_eq!(
        (added.status, titles(&added)),
        (201, vec!["S / red", "M / red", "L / red"])
    );
    assert_eq!(shop.get(Who::Nobody, &path).await.body, added.body);
    let again = shop.post(Who::Merchant, &variants, large).await;
    assert_eq!(again.refusal(), "409 variant_exists /options");
    let large = added.body["variants"][2]["id"].as_str().unwrap();
    let patch = format!("PATCH {variants}/{large}");
    let stale = shop
        .call(Who::Merchant, &patch, &[&tag], json!({"sku": "L-1"}))
        .await;
    assert_eq!(stale.refusal(), "412 precondition_failed");
    let taken = json!({"sku": "m-1", "version": 3});
    let taken = shop.call(Who::Merchant, &patch, &[], taken).await;
    assert_eq!(taken.refusal(), "409 sku_taken /sku");
    let other = json!({"sku": "L-1", "version": 3});
    let other = shop.call(Who::Other, &patch, &[], other).await;
    assert_eq!(other.refusal(), "404 not_found");
    let found = shop.get(Who::Nobody, "/api/v1/products?q=shirt").await;
    assert_eq!(found.body["data"][0]["price"]["amount"], 900);
    let gone = format!("DELETE {variants}/{large}?version=3");
    assert_eq!(shop.call(Who::Merchant, &gone, &[], "").await.status, 204);
    assert_eq!(
        titles(&shop.get(Who::Nobody, &path).await),
        ["S / red", "M / red"]
    );
}
