//! Paying with the order: what each outcome answers, and that a repetition neither pays nor promises twice.

use crate::shop::{Answer, Ask, Shop, TEA, ann, tea, with};
use axum::http::StatusCode;
use serde_json::json;

async fn buy(shop: &Shop, method: &str) -> Answer {
    let wish = with(tea(2), "payment", json!({"method": method}));
    shop.ask(Ask::place(&wish).key("k1").by(&ann())).await
}

#[tokio::test]
async fn a_good_payment_makes_a_paid_order() {
    let shop = Shop::open().await;
    let answer = buy(&shop, "tok_ok").await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let (id, order) = (answer.order_id(), answer.json());
    assert_eq!(answer.header("location"), format!("/api/v1/orders/{id}"));
    assert_eq!(
        (&order["status"], &order["version"]),
        (&json!("paid"), &json!(2))
    );
    assert_eq!(shop.seen(id).await, order);
    assert_eq!(shop.catalog.stock(TEA), (8, 0), "sold");
    let again = buy(&shop, "tok_ok").await;
    assert_eq!((again.replayed(), again.bytes), (true, answer.bytes));
    assert_eq!(shop.payments.begun().await, 1);
}

#[tokio::test]
async fn a_declined_payment_names_the_order_that_still_waits() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let answer = buy(&shop, "tok_declined").await;
        assert_eq!(answer.said(), "402 payment_declined");
        let problem = answer.json();
        assert_eq!(problem["decline_code"], "card_declined");
        ids.push(problem["order_id"].as_str().unwrap().parse().unwrap());
    }
    assert_eq!(ids[0], ids[1], "one order, whatever was repeated");
    assert_eq!(shop.orders().await.len(), 1);
    assert_eq!(shop.seen(ids[0]).await["status"], "pending");
    assert_eq!(
        shop.catalog.stock(TEA),
        (10, 2),
        "held until its time is over"
    );
    let cancelled = shop.ask(Ask::step(ids[0], "cancel").by(&ann())).await;
    assert_eq!(cancelled.said(), "200", "no payment is under way any more");
}

#[tokio::test]
async fn an_unknown_outcome_is_told_as_such_until_it_is_known() {
    for method in ["tok_slow", "tok_held", "tok_untold"] {
        let shop = Shop::open().await;
        let first = buy(&shop, method).await;
        assert_eq!(first.status, StatusCode::ACCEPTED, "{method}");
        let id = first.order_id();
        assert_eq!(first.header("location"), format!("/api/v1/orders/{id}"));
        assert_eq!(first.header("retry-after"), "1");
        assert_eq!(first.json()["status"], "pending");
        let second = buy(&shop, method).await;
        assert_eq!((second.status, &second.bytes), (first.status, &first.bytes));
        assert!(second.replayed() && !first.replayed());
        assert_eq!(shop.catalog.stock(TEA), (10, 2));

        shop.payments.settle().await;
        let known = buy(&shop, method).await;
        assert_eq!(known.status, StatusCode::CREATED);
        assert_eq!(known.json()["status"], "paid");
        assert_eq!(shop.catalog.stock(TEA), (8, 0));
    }
}

#[tokio::test]
async fn a_means_of_payment_that_nobody_knows_places_nothing() {
    let shop = Shop::open().await;
    let answer = buy(&shop, "tok_of_nobody").await;
    assert_eq!(answer.said(), "422 validation_failed /payment/method");
    assert_eq!(shop.orders().await.len(), 0);
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
}

#[tokio::test]
async fn a_guest_pays_with_the_order_too() {
    let shop = Shop::open().await;
    let wish = with(tea(1), "payment", json!({"method": "tok_ok"}));
    let wish = Ask::place(&with(wish, "email", json!("ann@example.com"))).key("k1");
    let answer = shop.ask(wish.clone()).await;
    let order = answer.json();
    assert_eq!(
        (&order["status"], order["order_token"].is_string()),
        (&json!("paid"), true)
    );
    assert_eq!(shop.ask(wish).await.bytes, answer.bytes);
}

#[tokio::test]
async fn an_order_that_is_over_is_not_paid_by_a_repetition() {
    let shop = Shop::open().await;
    let problem = buy(&shop, "tok_declined").await.json();
    let id = problem["order_id"].as_str().unwrap().parse().unwrap();
    shop.ask(Ask::step(id, "cancel").by(&ann())).await;
    let answer = buy(&shop, "tok_declined").await;
    assert!(answer.status.is_client_error());
    assert_eq!(shop.seen(id).await["status"], "cancelled");
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
}
