//! One request many times at once, as impatient clients and broken networks send it: one effect, one answer.

use crate::{assert_are_twins, ground::Ground};
use serde_json::json;

async fn a_hundred_twins_of_an_order_are_one_order(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 500).await;
    let ann = shop.customer("ann").await;
    let answers = shop.twins(|| ann.order("k1", &product, 2)).await;
    assert_are_twins(&answers, 201);
    let orders = ann.get("/api/v1/orders").await;
    assert_eq!(orders.json["data"].as_array().map(Vec::len), Some(1));
    shop.has_stock(&product, (500, 2, 498)).await;
    shop.verify().await;
}

async fn a_hundred_twins_of_a_paid_order_are_one_order_and_one_payment(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 500).await;
    let ann = shop.customer("ann").await;
    let answers = shop.twins(|| ann.buy("k1", &product, 2, "tok_ok")).await;
    assert_are_twins(&answers, 201);
    assert_eq!(answers[0].str("/status"), "paid");
    shop.has_stock(&product, (498, 0, 498)).await;
    let verified = shop.verify().await;
    assert!(
        verified.contains(" 1 orders (1 lines, 2 units), 1 payments"),
        "{verified}"
    );
}

async fn a_hundred_twins_of_a_guest_s_order_are_one_order(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 500).await;
    let guest = shop.visitor();
    let body =
        json!({"items": [{"product_id": product, "quantity": 1}], "email": "gus@souk.example"});
    let answers = shop
        .twins(|| guest.post_with_key("/api/v1/orders", "k1", &body))
        .await;
    assert_are_twins(&answers, 201);
    shop.has_stock(&product, (500, 1, 499)).await;
    shop.verify().await;
}

async fn a_hundred_twins_of_a_payment_are_one_capture(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 500).await;
    let ann = shop.customer("ann").await;
    let order = ann.order("k1", &product, 2).await;
    let body = json!({"order_id": order.str("/id"), "method": "tok_ok"});
    let answers = shop
        .twins(|| ann.post_with_key("/api/v1/payments", "p1", &body))
        .await;
    assert_are_twins(&answers, 201);
    let payment = ann
        .get(&format!("/api/v1/payments/{}", answers[0].str("/id")))
        .await;
    assert_eq!(
        (payment.str("/status"), payment.int("/amount/amount")),
        ("captured", 3_998)
    );
    let verified = shop.verify().await;
    assert!(
        verified.contains(" 1 orders (1 lines, 2 units), 1 payments"),
        "{verified}"
    );
}

on_both_grounds! {
    a_hundred_twins_of_an_order_are_one_order,
    a_hundred_twins_of_a_paid_order_are_one_order_and_one_payment,
    a_hundred_twins_of_a_guest_s_order_are_one_order,
    a_hundred_twins_of_a_payment_are_one_capture,
}
