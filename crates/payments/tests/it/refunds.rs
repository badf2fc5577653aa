//! Money goes back when a paid order is called off: once, whatever comes twice or breaks between.

use crate::{
    fakes::{Call, Moment},
    shop::Shop,
};
use contracts::{
    event::{Envelope, Event},
    orders::{OrderCancelled, OrderPlaced, OrderStatus},
    values::{EventId, OrderId, PaymentId, Timestamp},
};
use futures_util::future::join_all;
use std::sync::Arc;

fn cancelled(order_id: OrderId, payment_id: Option<PaymentId>) -> Envelope {
    let event = OrderCancelled {
        order_id,
        payment_id,
    };
    event
        .envelope(EventId::generate(), Timestamp::from_ms(0))
        .unwrap()
}

async fn paid(shop: &Shop) -> (OrderId, PaymentId) {
    let order = shop.order();
    let payment = shop.pay("k", order, "tok_ok").await.unwrap().value.id;
    shop.orders
        .set(order, |order| order.status = OrderStatus::Cancelled);
    (order, payment)
}

#[tokio::test]
async fn a_cancelled_order_s_money_goes_back_once() {
    let shop = Shop::start();
    let (order, payment) = paid(&shop).await;
    let consumer = payments::consumer(Arc::clone(&shop.service));
    assert_eq!(consumer.wants(), [OrderCancelled::NAME]);
    for _ in 0..2 {
        consumer
            .consume(&cancelled(order, Some(payment)))
            .await
            .unwrap();
    }
    shop.rest().await;
    assert_eq!(shop.statuses(), ["refunded"]);
    assert_eq!(
        (
            shop.entries("refunded"),
            shop.orders.get(order).refunds.len()
        ),
        (1, 1)
    );
    let audit = &payments_audit(&shop).await[0];
    assert_eq!(audit.provider_net_minor, Some(0));
    assert_eq!(shop.service.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn an_event_that_comes_a_hundred_times_at_once_gives_money_back_once() {
    let shop = Shop::start();
    let (order, payment) = paid(&shop).await;
    let consumer = payments::consumer(Arc::clone(&shop.service));
    let event = cancelled(order, Some(payment));
    for taken in join_all((0..100).map(|_| consumer.consume(&event))).await {
        taken.unwrap();
    }
    shop.rest().await;
    // An old one, after everything else.
    consumer.consume(&event).await.unwrap();
    shop.rest().await;
    assert_eq!(shop.statuses(), ["refunded"]);
    assert_eq!(
        (
            shop.entries("refunded"),
            shop.orders.get(order).refunds.len()
        ),
        (1, 1)
    );
    assert_eq!(payments_audit(&shop).await[0].provider_net_minor, Some(0));
}

async fn payments_audit(shop: &Shop) -> Vec<contracts::payments::PaymentAudit> {
    use contracts::payments::Payments;
    shop.service.audit(None, 10).await.unwrap()
}

#[tokio::test]
async fn a_refund_that_broke_off_anywhere_is_finished_and_made_once() {
    let broken = "CREATE TRIGGER broken BEFORE UPDATE ON";
    for (file, sql) in [
        (
            "sandbox",
            format!("{broken} charges BEGIN SELECT RAISE(ABORT, 'crashed'); END"),
        ),
        (
            "payments",
            format!(
                "{broken} payments WHEN NEW.status = 'refunded' \
                 BEGIN SELECT RAISE(ABORT, 'crashed'); END"
            ),
        ),
        ("before", String::new()),
        ("after", String::new()),
    ] {
        let mut shop = Shop::start();
        let (order, payment) = paid(&shop).await;
        let connection = match file {
            "sandbox" => shop.sandbox_file(),
            _ => shop.payments_file(),
        };
        connection.execute_batch(&sql).unwrap();
        match file {
            "before" => shop.orders.faults.add(Call::Note, Moment::Before),
            "after" => shop.orders.faults.add(Call::Note, Moment::After),
            _ => {}
        }
        let consumer = payments::consumer(Arc::clone(&shop.service));
        consumer
            .consume(&cancelled(order, Some(payment)))
            .await
            .unwrap();
        // What was begun comes to the break before the restart.
        shop.restart().await;
        connection
            .execute_batch("DROP TRIGGER IF EXISTS broken")
            .unwrap();
        shop.orders.faults.clear();
        shop.settle().await;
        assert_eq!(shop.statuses(), ["refunded"], "{file}");
        assert_eq!(shop.entries("refunded"), 1, "{file}");
        assert_eq!(shop.orders.get(order).refunds.len(), 1, "{file}");
    }
}

#[tokio::test]
async fn only_captured_money_goes_back() {
    let shop = Shop::start();
    let consumer = payments::consumer(Arc::clone(&shop.service));
    consumer
        .consume(&cancelled(shop.order(), None))
        .await
        .unwrap();

    let order = shop.order();
    drop(shop.pay("declined", order, "tok_declined").await);
    let declined = payments_audit(&shop).await[0].id;
    consumer
        .consume(&cancelled(order, Some(declined)))
        .await
        .unwrap();
    assert_eq!(
        (
            shop.entries("refunded"),
            shop.orders.get(order).refunds.len()
        ),
        (0, 0)
    );
}

#[tokio::test]
async fn an_event_that_cannot_be_followed_comes_again() {
    let shop = Shop::start();
    let (order, payment) = paid(&shop).await;
    let consumer = payments::consumer(Arc::clone(&shop.service));
    let foreign = cancelled(shop.order(), Some(payment));
    assert!(
        consumer.consume(&foreign).await.is_err(),
        "the payment is another order's"
    );
    let unknown = cancelled(order, Some(PaymentId::generate()));
    assert!(consumer.consume(&unknown).await.is_err());

    let waiting = shop.order();
    shop.orders.faults.add(Call::Begin, Moment::Before);
    let pending = shop.pay("k2", waiting, "tok_ok").await.unwrap().value.id;
    assert!(
        consumer
            .consume(&cancelled(waiting, Some(pending)))
            .await
            .is_err()
    );
    assert_eq!(shop.entries("refunded"), 0);

    let placed = Envelope {
        name: OrderPlaced::NAME.to_owned(),
        ..foreign
    };
    consumer.consume(&placed).await.unwrap();
}
