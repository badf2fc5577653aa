//! Many at once: one version has one winner, the last ten units ten buyers.

use crate::{NOW, Shop, Who};
use contracts::{
    catalog::{Catalog, ItemRef, Reserve, ReserveError, ReserveLine},
    values::{OrderId, Quantity},
};
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_writers_with_one_version_exactly_one_wins() {
    let shop = Shop::open().await;
    let made = shop.product(json!({"name": "Tea", "price": 1})).await;
    let line = format!("PUT /api/v1/products/{}", made.text("id"));
    let writers = (0..64).map(|n| {
        let body = json!({"name": format!("Tea {n}"), "price": 1});
        let (shop, line) = (&shop, &line);
        async move {
            shop.call(Who::Merchant, line, &["if-match: \"1\""], body)
                .await
        }
    });
    let answers = join_all(writers).await;
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(won.len(), 1);
    assert_eq!(won[0].body["version"], 2);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(lost.refusal(), "412 precondition_failed");
        assert_eq!(lost.body["current_version"], 2);
    }
    let now = shop.get(Who::Nobody, "/api/v1/products/tea").await;
    assert_eq!(
        (&now.body["version"], &now.body["name"]),
        (&json!(2), &won[0].body["name"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_buyers_of_the_last_ten_exactly_ten_win() {
    let shop = Shop::open().await;
    let made = shop
        .product(json!({"name": "Tea", "price": 1, "stock": 10}))
        .await;
    let product = made.text("id").parse().unwrap();
    let buyers = (0..1_000_u32).map(|n| {
        let service = shop.service.clone();
        let mut order = [0; 16];
        order[..4].copy_from_slice(&n.to_be_bytes());
        let wish = Reserve {
            order_id: OrderId::from_bytes(order),
            fingerprint: [0; 32],
            lines: vec![ReserveLine {
                item: ItemRef::Product(product),
                quantity: Quantity::ONE,
            }],
            expected_total: None,
            currency: None,
            hold_until: NOW.plus_seconds(900),
        };
        async move { service.reserve_all(vec![wish]).await.pop().unwrap() }
    });
    let answers = join_all(buyers).await;
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    let short = |answer: &Result<_, ReserveError>| match answer {
        Err(ReserveError::InsufficientStock { items }) => items[0].available == 0,
        Ok(_) | Err(_) => false,
    };
    let lost = answers.iter().filter(|answer| short(answer)).count();
    assert_eq!((won, lost), (10, 990));
    let now = shop.get(Who::Nobody, "/api/v1/products/tea").await;
    assert_eq!(
        now.body["stock"],
        json!({"on_hand": 10, "reserved": 10, "available": 0})
    );
    assert_eq!(now.body["version"], 1, "no sale is an edit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twins_with_one_key_make_one_product() {
    let shop = Shop::open().await;
    let twins = (0..50).map(|_| {
        let body = json!({"name": "Tea", "price": 1});
        let key = ["idempotency-key: k1"];
        let shop = &shop;
        async move {
            shop.call(Who::Merchant, "POST /api/v1/products", &key, body)
                .await
        }
    });
    let answers = join_all(twins).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    let fresh = |answer: &&crate::Answer| answer.header("idempotent-replayed").is_empty();
    assert_eq!(answers.iter().filter(fresh).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adjustments_by_delta_are_never_lost() {
    let shop = Shop::open().await;
    shop.product(json!({"name": "Tea", "sku": "T", "price": 1, "stock": 80}))
        .await;
    let takers = (0..100).map(|_| {
        let body = json!({"changes": [{"sku": "T", "delta": -1, "reason": "taken"}]});
        let shop = &shop;
        async move {
            shop.post(Who::Merchant, "/api/v1/inventory/adjust", body)
                .await
        }
    });
    let answers = join_all(takers).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        80
    );
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 409).count(),
        20
    );
}
