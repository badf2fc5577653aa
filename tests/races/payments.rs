//! Different payments of one order at once: one takes the money. Never two.

use crate::{ground::Ground, outcomes};
use futures_util::future::{join, join_all};
use serde_json::json;
use std::collections::BTreeMap;
use testkit::Client;

/// An order and two payments of it at once, each with its own key; gives who won.
async fn pay_twice(buyer: &Client, number: usize, product: &str) -> String {
    let order = buyer.order(&format!("k{number}"), product, 1).await;
    let id = order.str("/id");
    let body = json!({"order_id": id, "method": if number.is_multiple_of(2) { "tok_ok" } else { "tok_slow" }});
    let keys = (format!("one{number}"), format!("two{number}"));
    let one = buyer.post_with_key("/api/v1/payments", &keys.0, &body);
    let two = buyer.post_with_key("/api/v1/payments", &keys.1, &body);
    let (one, two) = join(one, two).await;
    let (won, lost) = if one.status == 201 {
        (one, two)
    } else {
        (two, one)
    };
    assert_eq!(
        (won.status, won.str("/status")),
        (201, "captured"),
        "{}",
        won.text
    );
    assert_eq!(lost.status, 409, "{}", lost.text);
    assert!(
        ["payment_in_progress", "illegal_transition"].contains(&lost.code()),
        "{}",
        lost.text
    );
    let order = buyer.get(&format!("/api/v1/orders/{id}")).await;
    assert_eq!(order.str("/status"), "paid");
    won.str("/id").to_owned()
}

async fn of_two_payments_of_one_order_one_is_captured(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = shop.customer("ann").await;
    let payments = join_all((0..20).map(|number| pay_twice(&ann, number, &product))).await;
    for payment in payments {
        let payment = ann.get(&format!("/api/v1/payments/{payment}")).await;
        assert_eq!(payment.str("/status"), "captured");
    }
    shop.has_stock(&product, (80, 0, 80)).await;
    shop.verify().await;
}

async fn of_32_payments_of_one_order_after_a_declined_one_one_is_captured(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = shop.customer("ann").await;
    let declined = ann.buy("k1", &product, 1, "tok_declined").await;
    assert_eq!(
        (declined.status, declined.code()),
        (402, "payment_declined"),
        "{}",
        declined.text
    );
    let body = json!({"order_id": declined.str("/order_id"), "method": "tok_ok"});
    let keys: Vec<String> = (0..32).map(|number| format!("p{number}")).collect();
    let answers = join_all(
        keys.iter()
            .map(|key| ann.post_with_key("/api/v1/payments", key, &body)),
    )
    .await;
    let captured = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((captured, refused), (1, 31), "{:?}", outcomes(&answers));
    // Whoever lost may ask again under the same key, and is told that the order is paid.
    let again = join_all(
        keys.iter()
            .map(|key| ann.post_with_key("/api/v1/payments", key, &body)),
    )
    .await;
    let expected = BTreeMap::from([((201, ""), 1), ((409, "illegal_transition"), 31)]);
    assert_eq!(outcomes(&again), expected);
    shop.has_stock(&product, (99, 0, 99)).await;
    shop.verify().await;
}

on_both_grounds! {
    of_two_payments_of_one_order_one_is_captured,
    of_32_payments_of_one_order_after_a_declined_one_one_is_captured,
}
