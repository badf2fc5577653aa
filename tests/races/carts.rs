//! Carts that many hands reach for at once: one order of each, and each guest's lines arrive once.

use crate::{ground::Ground, outcomes};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

async fn of_thirty_two_check_outs_of_a_cart_one_makes_the_order(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 500).await;
    let ann = shop.customer("ann").await;
    let cart = ann.post("/api/v1/carts", &json!({})).await;
    let cart = cart.str("/id");
    let item = format!("/api/v1/carts/{cart}/items/{product}");
    assert_eq!(ann.put(&item, &json!({"quantity": 3})).await.status, 200);
    let body = json!({"cart_id": cart, "payment": {"method": "tok_ok"}});
    let check_outs = (0..32).map(|number| {
        let (ann, body) = (&ann, &body);
        async move {
            let key = format!("k{number}");
            ann.post_with_key("/api/v1/orders", &key, body).await
        }
    });
    let answers = join_all(check_outs).await;
    // A payment that another node is at is not waited for there: 202, or 409 while it begins.
    let known = |answer: &testkit::Answer| {
        matches!(answer.status, 201 | 202) || answer.code() == "payment_in_progress"
    };
    assert!(answers.iter().all(known), "{:?}", outcomes(&answers));
    let made = answers.iter().filter(|answer| answer.status < 300);
    let orders: BTreeSet<&str> = made.map(|answer| answer.str("/id")).collect();
    assert_eq!(orders.len(), 1);
    let list = ann.get("/api/v1/orders").await;
    assert_eq!(list.json["data"].as_array().map(Vec::len), Some(1));
    shop.verify().await;
    shop.has_stock(&product, (497, 0, 497)).await;
}

async fn a_guest_s_cart_that_is_merged_many_times_at_once_arrives_once(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 500).await;
    let (guest, ann) = (shop.visitor(), shop.customer("ann").await);
    let cart = guest.post("/api/v1/carts", &json!({})).await;
    let (id, token) = (cart.str("/id"), cart.str("/cart_token"));
    let item = format!("/api/v1/carts/{id}/items/{product}");
    let put = guest
        .request(Method::PUT, &item)
        .json(&json!({"quantity": 2}));
    assert_eq!(
        guest.send(put.header("cart-token", token)).await.status,
        200
    );
    let merge = format!("/api/v1/carts/{id}/merge");
    let merges = (0..32).map(|_| {
        let ask = ann
            .request(Method::POST, &merge)
            .header("cart-token", token);
        ann.send(ask)
    });
    let answers = join_all(merges).await;
    assert_eq!(outcomes(&answers), BTreeMap::from([((200, ""), 32)]));
    let mine = ann.post("/api/v1/carts", &json!({})).await;
    assert_eq!(mine.int("/items/0/quantity"), 2);
}

on_both_grounds! {
    of_thirty_two_check_outs_of_a_cart_one_makes_the_order,
    a_guest_s_cart_that_is_merged_many_times_at_once_arrives_once,
}
