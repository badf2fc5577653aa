//! What the catalog does when an order is called off, however often it hears of it.

use crate::{NOW, Shop, Who};
use contracts::{
    catalog::{Catalog, ItemRef, ReservationState, Reserve, ReserveLine, Resolve},
    event::{Envelope, Event},
    orders::OrderCancelled,
    values::{EventId, OrderId, Quantity},
};
use serde_json::json;

async fn stock_after(to: Option<ReservationState>) -> (i64, i64) {
    let shop = Shop::open().await;
    let made = shop
        .product(json!({"name": "Tea", "price": 1, "stock": 5}))
        .await;
    let order_id = OrderId::generate();
    let wish = Reserve {
        order_id,
        fingerprint: [0; 32],
        lines: vec![ReserveLine {
            item: ItemRef::Product(made.text("id").parse().unwrap()),
            quantity: Quantity::ONE,
        }],
        expected_total: None,
        hold_until: NOW.plus_seconds(900),
    };
    shop.service
        .reserve_all(vec![wish])
        .await
        .pop()
        .unwrap()
        .unwrap();
    if let Some(to) = to {
        let actor = "system".to_owned();
        let wish = Resolve {
            order_id,
            to,
            actor,
        };
        shop.service
            .resolve_all(vec![wish])
            .await
            .pop()
            .unwrap()
            .unwrap();
    }
    let cancelled = OrderCancelled {
        order_id,
        payment_id: None,
    };
    let envelope = cancelled.envelope(EventId::generate(), NOW).unwrap();
    let consumer = catalog::consumer(shop.service.clone());
    assert!(consumer.wants().contains(&envelope.name.as_str()));
    for _ in 0..3 {
        consumer.consume(&envelope).await.unwrap();
    }
    let now = shop.get(Who::Nobody, "/api/v1/products/tea").await;
    let units = |name: &str| now.body["stock"][name].as_i64().unwrap();
    (units("on_hand"), units("reserved"))
}

#[tokio::test]
async fn a_cancelled_order_gives_back_what_it_held_or_bought_once() {
    for to in [
        None,
        Some(ReservationState::Committed),
        Some(ReservationState::Expired),
        Some(ReservationState::Released),
    ] {
        assert_eq!(stock_after(to).await, (5, 0), "{to:?}");
    }
}

#[tokio::test]
async fn an_order_that_held_nothing_and_other_events_are_fine() {
    let shop = Shop::open().await;
    let consumer = catalog::consumer(shop.service.clone());
    let cancelled = OrderCancelled {
        order_id: OrderId::generate(),
        payment_id: None,
    };
    let envelope = cancelled.envelope(EventId::generate(), NOW).unwrap();
    consumer.consume(&envelope).await.unwrap();
    let other = Envelope {
        name: "orders.shipped.v1".to_owned(),
        ..envelope.clone()
    };
    consumer.consume(&other).await.unwrap();
    let broken = Envelope {
        payload: json!({}),
        ..envelope
    };
    assert!(
        consumer.consume(&broken).await.is_err(),
        "comes again, then is set aside"
    );
}
