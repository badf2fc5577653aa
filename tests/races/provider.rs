//! The provider at its worst, through the public door: no order is paid twice or for nothing, and what is unknown is
//! found out.

use crate::start;
use serde_json::json;
use testkit::{Answer, Client, Provider, Shop};

/// Where the outcome of an order's payment shows.
fn payment_of(answer: &Answer) -> &str {
    let link = answer.header("link");
    link.trim_start_matches('<')
        .split('>')
        .next()
        .unwrap_or_default()
}

async fn order_is_paid(buyer: &Client, order: &Answer) {
    let path = format!("/api/v1/orders/{}", order.str("/id"));
    buyer
        .get_until(&path, |seen| seen.str("/status") == "paid")
        .await;
}

struct Place {
    shop: Shop,
    admin: Client,
    ann: Client,
    product: String,
}

async fn place() -> Place {
    let mut shop = start().await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_000, 100).await;
    let ann = shop.customer("ann").await;
    Place {
        shop,
        admin,
        ann,
        product,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_proves_who_they_are_and_the_order_is_paid() {
    let Place {
        shop,
        admin,
        ann,
        product,
    } = place().await;
    let order = ann.buy("k", &product, 1, "tok_challenge").await;
    assert_eq!(
        (order.status, order.str("/status")),
        (202, "pending"),
        "{}",
        order.text
    );
    let payment = ann.get(payment_of(&order)).await;
    assert_eq!(payment.str("/status"), "requires_action");
    let proved = Provider::prove(&ann, &payment, true).await;
    assert_eq!(proved.status, 200, "{}", proved.text);
    order_is_paid(&ann, &order).await;
    let again = ann.buy("k", &product, 1, "tok_challenge").await;
    assert_eq!((again.status, again.str("/status")), (201, "paid"));

    let order = ann.buy("k2", &product, 1, "tok_challenge").await;
    let payment = ann.get(payment_of(&order)).await;
    Provider::prove(&ann, &payment, false).await;
    ann.get_until(payment_of(&order), |seen| seen.str("/status") == "declined")
        .await;
    assert_eq!(Provider::of(&admin).net().await, 1_000);
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_delays_and_loses_nothing() {
    let Place {
        shop,
        admin,
        ann,
        product,
    } = place().await;
    let provider = Provider::of(&admin);
    provider.turn(&json!({"down": true})).await;
    let order = ann.buy("k", &product, 1, "tok_ok").await;
    assert_eq!(
        (order.status, order.header("retry-after")),
        (202, "1"),
        "{}",
        order.text
    );
    let cancel = format!("/api/v1/orders/{}/cancel", order.str("/id"));
    let refused = ann.post(&cancel, &json!({})).await;
    assert_eq!(
        (refused.status, refused.code()),
        (409, "payment_in_progress")
    );
    assert_eq!(admin.stock(&product).await, (100, 1, 99), "held");
    let sagas = admin.get("/api/v1/payments/sagas").await;
    assert_eq!(sagas.str("/data/0/order_id"), order.str("/id"));
    provider.behave().await;
    order_is_paid(&ann, &order).await;
    assert_eq!(provider.net().await, 1_000);
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_are_found_out_and_nothing_is_taken_twice() {
    let Place {
        shop,
        admin,
        ann,
        product,
    } = place().await;
    let provider = Provider::of(&admin);
    provider
        .turn(&json!({"drop_answers": 8, "callbacks": true, "duplicate_callbacks": 5, "reorder_callbacks": true}))
        .await;
    let mut orders = Vec::new();
    for number in 0..20 {
        let order = ann.buy(&format!("k{number}"), &product, 1, "tok_ok").await;
        assert!([201, 202].contains(&order.status), "{}", order.text);
        orders.push(order);
    }
    assert!(
        orders.iter().any(|order| order.status == 202),
        "some answers were lost"
    );
    for order in &orders {
        order_is_paid(&ann, order).await;
    }
    assert_eq!(provider.net().await, 20_000);
    assert_eq!(provider.charges().await.len(), 20);
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_amount_is_never_taken() {
    let Place {
        shop,
        admin,
        ann,
        product,
    } = place().await;
    let provider = Provider::of(&admin);
    provider.turn(&json!({"wrong_amount": 1})).await;
    let refused = ann.buy("k", &product, 1, "tok_ok").await;
    assert_eq!(
        (refused.status, refused.code()),
        (409, "illegal_transition"),
        "{}",
        refused.text
    );
    assert_eq!(provider.net().await, 0);
    let reviews = admin.get("/api/v1/payments/reviews").await;
    assert_eq!(reviews.str("/data/0/kind"), "amount_differs");
    shop.verify().await;
}
