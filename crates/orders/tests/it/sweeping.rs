//! What nobody paid or finished in time, with the sweeper at work and time moved by hand.

use crate::shop::{Ask, Shop, TEA, ann, tea, with};
use axum::http::StatusCode;
use contracts::{
    catalog::ReservationState,
    event::Event,
    identity::UserDeleted,
    values::{EventId, OrderId},
};
use platform::bus::{Bus, MemoryBus};
use serde_json::json;
use std::{sync::Arc, time::Duration};

async fn swept_shop() -> Shop {
    let shop = Shop::open().await;
    let bus = Arc::new(MemoryBus::default()) as Arc<dyn Bus>;
    shop.opened.start(&shop.tasks, &bus);
    shop
}

/// Two more rounds have begun, so one has ended that began after now.
async fn next_round(shop: &Shop) {
    let enough = shop.catalog.rounds() + 2;
    let rounds = async {
        while shop.catalog.rounds() < enough {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), rounds)
        .await
        .unwrap_or_else(|_| panic!("the sweeper does not come: {:?}", shop.tasks.failure()));
}

async fn status(shop: &Shop, id: OrderId) -> String {
    shop.seen(id).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_unpaid_order_ends_at_its_time_and_not_before() {
    let shop = swept_shop().await;
    let id = shop.placed("k1", 2).await;
    shop.clock.advance_seconds(899);
    next_round(&shop).await;
    assert_eq!(status(&shop, id).await, "pending");
    assert_eq!(shop.catalog.stock(TEA), (10, 2));
    shop.clock.advance_seconds(1);
    next_round(&shop).await;
    assert_eq!(status(&shop, id).await, "cancelled");
    assert_eq!(
        shop.catalog.reservation(id),
        Some(ReservationState::Expired)
    );
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
    let (what, who) = shop.timeline(id).await.pop().unwrap();
    assert_eq!((what.as_str(), who.as_str()), ("cancelled", "system"));
    let again = shop.ask(Ask::place(&tea(2)).key("k1").by(&ann())).await;
    assert!(again.replayed(), "its first answer stands");
    assert_eq!(again.json()["status"], "pending");
    assert_eq!(shop.catalog.stock(TEA), (10, 0), "and takes nothing again");
}

#[tokio::test]
async fn an_order_that_is_paid_or_being_paid_does_not_end() {
    let shop = swept_shop().await;
    let paid = shop.paid("k1", 1).await;
    let wish = with(tea(1), "payment", json!({"method": "tok_slow"}));
    let paying = shop.ask(Ask::place(&wish).key("k2").by(&ann())).await;
    shop.clock.advance_seconds(100_000);
    next_round(&shop).await;
    assert_eq!(status(&shop, paid).await, "paid");
    assert_eq!(status(&shop, paying.order_id()).await, "pending");
    assert_eq!(
        shop.catalog.stock(TEA),
        (9, 1),
        "never released before the payment ends"
    );
    shop.payments.settle().await;
    assert_eq!(status(&shop, paying.order_id()).await, "paid");
}

/// Identity tells that Ann's account is gone.
async fn erase_ann(shop: &Shop) {
    let gone = UserDeleted {
        user_id: ann().user_id,
    };
    let envelope = gone.envelope(EventId::generate(), shop.clock.now());
    let told = shop.opened.consumer().consume(&envelope.unwrap()).await;
    told.unwrap();
}

#[tokio::test]
async fn who_cannot_be_erased_once_more_keeps_no_stock_of_others() {
    let shop = swept_shop().await;
    erase_ann(&shop).await;
    let id = shop.placed("k1", 2).await;
    shop.spoil(
        "CREATE TRIGGER refuse BEFORE UPDATE ON erased_customers
         BEGIN SELECT RAISE(ABORT, 'nobody today'); END",
    );
    shop.clock.advance_seconds(3_600);
    next_round(&shop).await;
    assert_eq!(status(&shop, id).await, "cancelled");
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
    assert_eq!(shop.seen(id).await["customer_id"], json!(ann().user_id));
    shop.spoil("DROP TRIGGER refuse");
    next_round(&shop).await;
    assert_eq!(shop.seen(id).await["customer_id"], json!(null));
}

#[tokio::test]
async fn what_was_ordered_while_an_account_went_is_erased_once_its_token_is_over() {
    let shop = swept_shop().await;
    erase_ann(&shop).await;
    let late = shop.paid("k1", 1).await;
    next_round(&shop).await;
    assert_eq!(shop.seen(late).await["customer_id"], json!(ann().user_id));
    shop.clock.advance_seconds(3_600);
    next_round(&shop).await;
    assert_eq!(shop.seen(late).await["customer_id"], json!(null));
    assert_eq!(status(&shop, late).await, "paid", "the order stays");
    assert_eq!(shop.timeline(late).await[0].1, "erased");
}

const REFUSE: &str = "CREATE TRIGGER refuse BEFORE INSERT ON orders
                      BEGIN SELECT RAISE(ABORT, 'no orders today'); END";

/// Stock is held for an order that could not be written, as after a crash.
async fn orphan(shop: &Shop) -> (Ask, OrderId) {
    shop.spoil(REFUSE);
    let ask = Ask::place(&tea(2)).key("k1").by(&ann());
    let answer = shop.ask(ask.clone()).await;
    assert_eq!(answer.said(), "500 internal");
    assert!(
        !format!("{}", answer.json()).contains("today"),
        "causes stay inside"
    );
    shop.spoil("DROP TRIGGER refuse");
    assert_eq!(shop.orders().await, []);
    let [id] = shop.catalog.reserved_for()[..] else {
        panic!("one reservation")
    };
    (ask, id)
}

#[tokio::test]
async fn the_same_key_finishes_an_order_that_was_not_written() {
    let shop = swept_shop().await;
    let (ask, id) = orphan(&shop).await;
    shop.clock.advance_seconds(800);
    let answer = shop.ask(ask).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!((answer.order_id(), answer.replayed()), (id, false));
    assert_eq!(shop.catalog.stock(TEA), (10, 2), "held once");
    // The order's own time holds, not that of its reservation.
    shop.clock.advance_seconds(899);
    next_round(&shop).await;
    assert_eq!(status(&shop, id).await, "pending");
    assert_eq!(shop.catalog.reservation(id), Some(ReservationState::Open));
}

#[tokio::test]
async fn stock_of_an_order_that_never_came_is_given_back_and_its_key_is_refused() {
    let shop = swept_shop().await;
    let (ask, id) = orphan(&shop).await;
    shop.clock.advance_seconds(960);
    next_round(&shop).await;
    assert_eq!(shop.catalog.stock(TEA), (10, 2), "within the grace");
    shop.clock.advance_seconds(1);
    next_round(&shop).await;
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
    assert_eq!(
        shop.catalog.reservation(id),
        Some(ReservationState::Expired)
    );
    for _ in 0..2 {
        let late = shop.ask(ask.clone()).await;
        assert_eq!(late.said(), "409 illegal_transition");
        assert!(late.json()["detail"].as_str().unwrap().contains("new key"));
    }
    assert_eq!(shop.orders().await, []);
    let fresh = shop.ask(ask.key("k2")).await;
    assert_eq!(fresh.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_order_that_is_given_up_while_it_is_written_is_not_written() {
    let shop = swept_shop().await;
    let gate = shop.catalog.close_gate().await;
    let ask = Ask::place(&tea(2)).key("k1").by(&ann());
    let asked = async {
        let answer = shop.ask(ask).await;
        assert_eq!(answer.said(), "409 illegal_transition");
    };
    let overtaken = async {
        while shop.catalog.reservations() == 0 {
            tokio::task::yield_now().await;
        }
        shop.clock.advance_seconds(961);
        next_round(&shop).await;
        drop(gate);
    };
    tokio::join!(asked, overtaken);
    assert_eq!(shop.orders().await, []);
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
}

#[tokio::test]
async fn one_order_that_cannot_be_read_keeps_no_other_stock_from_going_back() {
    let shop = swept_shop().await;
    let broken = shop.placed("k0", 1).await;
    shop.spoil("UPDATE orders SET currency = 'XXX' WHERE order_number = 10001");
    shop.clock.advance_seconds(1);
    let sound = shop.placed("k2", 2).await;
    shop.spoil(REFUSE);
    shop.ask(Ask::place(&tea(4)).key("k1").by(&ann())).await;
    assert_eq!(shop.catalog.stock(TEA), (10, 7));
    shop.clock.advance_seconds(961);
    next_round(&shop).await;
    assert_eq!(status(&shop, sound).await, "cancelled");
    let held = Some(ReservationState::Open);
    assert_eq!(shop.catalog.reservation(broken), held, "it needs a person");
    assert_eq!(shop.catalog.stock(TEA), (10, 1), "the other two are back");
}
