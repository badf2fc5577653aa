//! Refunds at once: together never more than was captured, a key once, and never beside a cancellation.

use crate::{assert_are_twins, ground::Ground, outcomes};
use futures_util::future::{join, join_all};
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{Client, Provider};

/// A paid order of two for 10.00 each; its payment.
async fn paid(admin: &Client, buyer: &Client, key: &str) -> (String, String, String) {
    let product = admin.sell(&format!("tea {key}"), 1_000, 100).await;
    let order = buyer.buy(key, &product, 2, "tok_ok").await;
    assert_eq!(
        (order.status, order.str("/status")),
        (201, "paid"),
        "{}",
        order.text
    );
    // An order's payment is called what its charge was made under.
    let charges = Provider::of(admin).charges().await;
    let last = charges.last().and_then(|charge| charge["key"].as_str());
    let payment = last.unwrap_or_default();
    (product, order.str("/id").to_owned(), payment.to_owned())
}

async fn of_50_refunds_at_once_only_what_was_captured_is_given_back(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let (_, _, payment) = paid(&admin, &ann, "k").await;
    let path = format!("/api/v1/payments/{payment}/refunds");
    let body = json!({"amount": "1.50"});
    let keys: Vec<String> = (0..50).map(|number| format!("r{number}")).collect();
    let answers = join_all(
        keys.iter()
            .map(|key| admin.post_with_key(&path, key, &body)),
    )
    .await;
    assert_eq!(
        outcomes(&answers),
        BTreeMap::from([((201, ""), 13), ((422, "refund_exceeds_captured"), 37)])
    );
    assert_eq!(Provider::of(&admin).net().await, 2_000 - 13 * 150);
    let seen = ann.get(&format!("/api/v1/payments/{payment}")).await;
    assert_eq!(seen.int("/refunded/amount"), 13 * 150);
    shop.verify().await;
}

async fn a_hundred_twins_give_back_once(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let (product, _, payment) = paid(&admin, &ann, "k").await;
    let view = ann.get(&format!("/api/v1/products/{product}")).await;
    let variant = view.str("/variants/0/id");
    let path = format!("/api/v1/payments/{payment}/refunds");
    let body = json!({"items": [{"variant_id": variant, "quantity": 1}]});
    let answers = shop.twins(|| admin.post_with_key(&path, "r", &body)).await;
    assert_are_twins(&answers, 201);
    assert_eq!(Provider::of(&admin).net().await, 1_000);
    shop.has_stock(&product, (99, 0, 99)).await;
    let other = admin.post_with_key(&path, "r", &json!({})).await;
    assert_eq!(
        (other.status, other.code()),
        (422, "idempotency_key_reused")
    );
    shop.verify().await;
}

/// Orders that are raced for, each for itself and all at once: most of it is waiting.
const ROUNDS: usize = 10;

/// So many paid orders. One after the other: a payment is found by being the last one.
async fn all_paid(admin: &Client, buyer: &Client) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        all.push(paid(admin, buyer, &format!("k{round}")).await);
    }
    all
}

async fn cancelling_beside_a_refund_gives_everything_back_once(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let all = all_paid(&admin, &ann).await;
    let race = async |(product, order, payment): &(String, String, String)| {
        let view = ann.get(&format!("/api/v1/products/{product}")).await;
        let body = json!({"items": [{"variant_id": view.str("/variants/0/id"), "quantity": 1}]});
        let path = format!("/api/v1/payments/{payment}/refunds");
        let refund = admin.post_with_key(&path, "r", &body);
        let cancel = format!("/api/v1/orders/{order}/cancel");
        let nothing = json!({});
        let cancel = ann.post(&cancel, &nothing);
        let (refund, cancel) = join(refund, cancel).await;
        assert_eq!(cancel.status, 200, "{}", cancel.text);
        assert!([201, 422].contains(&refund.status), "{}", refund.text);
        let path = format!("/api/v1/payments/{payment}");
        ann.get_until(&path, |seen| seen.str("/status") == "refunded")
            .await;
        shop.has_stock(product, (100, 0, 100)).await;
    };
    join_all(all.iter().map(race)).await;
    assert_eq!(Provider::of(&admin).net().await, 0);
    shop.verify().await;
}

async fn what_comes_back_beside_a_parcel_is_sent_before_or_never(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let all = all_paid(&admin, &ann).await;
    let race = async |(product, order, _): &(String, String, String)| {
        let view = ann.get(&format!("/api/v1/products/{product}")).await;
        let body = json!({"items": [{"variant_id": view.str("/variants/0/id"), "quantity": 1}]});
        let path = format!("/api/v1/orders/{order}");
        let (refund, ship) = (format!("{path}/refund"), format!("{path}/ship"));
        let nothing = json!({});
        let refund = admin.post_with_key(&refund, "r", &body);
        let (refund, shipped) = join(refund, admin.post(&ship, &nothing)).await;
        assert_eq!((refund.status, shipped.status), (201, 200));
        let timeline = admin.get(&format!("{path}/timeline")).await;
        let place = |kind: &str| timeline.text.find(&format!("\"{kind}\""));
        let went_first = place("shipped") < place("refunded_in_part");
        let parcels = admin.get(&format!("{path}/shipments")).await;
        let sent = parcels.int("/data/0/lines/0/quantity");
        assert_eq!(sent, if went_first { 2 } else { 1 }, "{}", timeline.text);
        shop.has_stock(product, (99, 0, 99)).await;
    };
    join_all(all.iter().map(race)).await;
    shop.verify().await;
}

on_both_grounds! {
    what_comes_back_beside_a_parcel_is_sent_before_or_never,
    of_50_refunds_at_once_only_what_was_captured_is_given_back,
    a_hundred_twins_give_back_once,
    cancelling_beside_a_refund_gives_everything_back_once,
}
