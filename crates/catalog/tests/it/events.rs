//! What the catalog does when an order is called off, however often it hears of it.

use crate::{NOW, Shop, Who};
use contracts::{
    catalog::{Catalog, ItemRef, ReservationState, Reserve, ReserveLine, Resolve},
    event::{Envelope, Event},
    orders::OrderCancelled,
    values::{EventId, OrderId, Quantity},
};
use futures_util::future::join_all;
use serde_json::json;

async fn tea(shop: &Shop) -> ItemRef {
    let made = shop
        .product(json!({"name": "Tea", "price": 1, "stock": 5}))
        .await;
    ItemRef::Product(made.text("id").parse().unwrap())
}

/// An order for one piece, taken so far.
async fn order(shop: &Shop, item: &ItemRef, to: Option<ReservationState>) -> OrderId {
    let order_id = OrderId::generate();
    let wish = Reserve {
        order_id,
        fingerprint: [0; 32],
        lines: vec![ReserveLine {
            item: item.clone(),
            quantity: Quantity::ONE,
        }],
        expected_total: None,
        currency: None,
        hold_until: NOW.plus_seconds(900),
    };
    shop.service
        .reserve_all(vec![wish])
        .await
        .pop()
        .unwrap()
        .unwrap();
    if let Some(to) = to {
        let wish = Resolve {
            order_id,
            to,
            actor: "system".to_owned(),
        };
        shop.service
            .resolve_all(vec![wish])
            .await
            .pop()
            .unwrap()
            .unwrap();
    }
    order_id
}

fn cancelled(order_id: OrderId) -> Envelope {
    let event = OrderCancelled {
        order_id,
        payment_id: None,
    };
    event.envelope(EventId::generate(), NOW).unwrap()
}

/// On hand and reserved.
async fn stock(shop: &Shop) -> (i64, i64) {
    let now = shop.get(Who::Nobody, "/api/v1/products/tea").await;
    let units = |name: &str| now.body["stock"][name].as_i64().unwrap();
    (units("on_hand"), units("reserved"))
}

async fn stock_after(to: Option<ReservationState>) -> (i64, i64) {
    let shop = Shop::open().await;
    let item = tea(&shop).await;
    let envelope = cancelled(order(&shop, &item, to).await);
    let consumer = catalog::consumer(shop.service.clone());
    assert!(consumer.wants().contains(&envelope.name.as_str()));
    for _ in 0..3 {
        consumer.consume(&envelope).await.unwrap();
    }
    stock(&shop).await
}

#[tokio::test]
async fn events_that_come_a_hundred_times_at_once_in_any_order_give_back_once() {
    let shop = Shop::open().await;
    let item = tea(&shop).await;
    let mut events = vec![cancelled(OrderId::generate())];
    for to in [
        None,
        Some(ReservationState::Committed),
        Some(ReservationState::Expired),
        Some(ReservationState::Released),
    ] {
        events.push(cancelled(order(&shop, &item, to).await));
    }
    // It bought a piece as well, and nobody calls it off.
    order(&shop, &item, Some(ReservationState::Committed)).await;
    let consumer = catalog::consumer(shop.service.clone());
    let mut deliveries = Vec::new();
    for round in 0..100_usize {
        let turned = events.iter().cycle().skip(round).take(events.len());
        deliveries.extend(turned.map(|event| consumer.consume(event)));
    }
    for taken in join_all(deliveries).await {
        taken.unwrap();
    }
    assert_eq!(stock(&shop).await, (4, 0));
    // An old one, after everything else.
    consumer.consume(&events[2]).await.unwrap();
    assert_eq!(stock(&shop).await, (4, 0));
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
