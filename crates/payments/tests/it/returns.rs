//! What came back is paid back once, whatever comes twice or breaks between, and never beyond what is left.

use crate::{
    fakes::{Call, Moment},
    shop::{Shop, line, user, variant},
};
use contracts::{
    access::Role,
    catalog::ReturnedItem,
    event::{Envelope, Event},
    orders::{ReturnLineView, ReturnReceived, ReturnStatus, ReturnView},
    payments::{Payments, RefundError, RefundOf, RefundOrder},
    request::IdempotencyKey,
    values::{
        EventId, Money, MoneyInput, OrderId, PaymentId, Quantity, RefundId, ReturnId, Timestamp,
    },
};
use futures_util::future::join_all;
use std::sync::Arc;

fn teas(units: u32) -> ReturnedItem {
    ReturnedItem {
        variant_id: variant("tea"),
        quantity: Quantity::try_from(units).unwrap(),
    }
}

/// A paid order of five teas for 4.00 each.
async fn sold(shop: &Shop) -> (OrderId, PaymentId) {
    let order = shop.order();
    shop.orders.set(order, |order| {
        order.lines = vec![line("tea", 400, 5)];
        order.total.minor = 2_000;
    });
    let paid = shop.pay("k", order, "tok_ok").await.unwrap();
    (order, paid.value.id)
}

/// So many teas came back, of which all can be sold again.
fn received(sold: (OrderId, PaymentId), units: u32) -> Envelope {
    told(&came(sold, units))
}

fn told(event: &ReturnReceived) -> Envelope {
    event
        .envelope(EventId::generate(), Timestamp::from_ms(0))
        .unwrap()
}

fn came((order_id, payment_id): (OrderId, PaymentId), units: u32) -> ReturnReceived {
    ReturnReceived {
        order_id,
        payment_id,
        return_id: ReturnId::from_bytes([7; 16]),
        refund_id: RefundId::from_bytes([8; 16]),
        amount: Money::new(400 * i64::from(units), "USD".parse().unwrap()),
        items: vec![(teas(units), 5)],
        lost: Vec::new(),
        shares: Vec::new(),
        actor: "system".to_owned(),
    }
}

async fn refund(shop: &Shop, payment: PaymentId, wish: RefundOrder) {
    let key = IdempotencyKey::parse("r").unwrap();
    let admin = user(&[Role::Admin]);
    let of = RefundOf::Payment(payment);
    shop.service.refund(&admin, key, of, wish).await.unwrap();
}

#[tokio::test]
async fn a_return_that_is_told_of_a_hundred_times_is_paid_back_once() {
    let shop = Shop::start();
    let sold = sold(&shop).await;
    let consumer = payments::returns_consumer(Arc::clone(&shop.service));
    assert_eq!(consumer.wants(), [ReturnReceived::NAME]);
    let event = received(sold, 2);
    for told in join_all((0..100).map(|_| consumer.consume(&event))).await {
        told.unwrap();
    }
    shop.rest().await;
    let noted = shop.orders.get(sold.0).refunds;
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(
        (noted[0].amount.minor, &noted[0].items),
        (800, &vec![teas(2)])
    );
    assert_eq!(shop.statuses(), ["captured"], "not all of the money");
}

#[tokio::test]
async fn a_return_is_paid_back_although_the_process_ends_in_between() {
    let mut shop = Shop::start();
    let sold = sold(&shop).await;
    shop.catalog.faults.add(Call::Restock, Moment::After);
    let consumer = payments::returns_consumer(Arc::clone(&shop.service));
    consumer.consume(&received(sold, 2)).await.unwrap();
    shop.restart().await;
    shop.catalog.faults.clear();
    shop.settle().await;
    let noted = shop.orders.get(sold.0).refunds;
    assert_eq!((noted.len(), noted[0].amount.minor), (1, 800), "{noted:?}");
}

#[tokio::test]
async fn what_other_refunds_gave_back_is_not_given_back_again() {
    let shop = Shop::start();
    let sold = sold(&shop).await;
    let (order, payment) = sold;
    let most = RefundOrder {
        amount: Some(MoneyInput::Decimal("19.00".to_owned())),
        items: vec![teas(4)],
        ..RefundOrder::default()
    };
    refund(&shop, payment, most).await;
    let consumer = payments::returns_consumer(Arc::clone(&shop.service));
    consumer.consume(&received(sold, 3)).await.unwrap();
    shop.rest().await;
    let noted = shop.orders.get(order).refunds;
    assert_eq!(
        (noted[1].amount.minor, &noted[1].items),
        (100, &vec![teas(1)])
    );
    assert_eq!(shop.statuses(), ["refunded"]);
}

#[tokio::test]
async fn of_money_that_is_gone_the_order_hears_that_nothing_is_left() {
    let shop = Shop::start();
    let sold = sold(&shop).await;
    let all = RefundOrder {
        items: vec![teas(5)],
        ..RefundOrder::default()
    };
    refund(&shop, sold.1, all).await;
    let consumer = payments::returns_consumer(Arc::clone(&shop.service));
    for _ in 0..2 {
        consumer.consume(&received(sold, 3)).await.unwrap();
    }
    let noted = shop.orders.get(sold.0).refunds;
    assert_eq!(noted.len(), 2, "{noted:?}");
    let last = &noted[1];
    assert_eq!(last.refund_id, RefundId::from_bytes([8; 16]));
    assert_eq!((last.amount.minor, last.items.len()), (0, 0));
}

#[tokio::test]
async fn units_that_another_refund_brought_back_are_not_paid_for_twice_whatever_money_is_left() {
    for is_lost in [false, true] {
        let shop = Shop::start();
        let order = shop.order();
        shop.orders.set(order, |order| {
            order.lines = vec![line("tea", 400, 5), line("cup", 5_000, 1)];
            order.total.minor = 7_000;
        });
        let paid = shop.pay("k", order, "tok_ok").await.unwrap();
        let sold = (order, paid.value.id);
        let four = RefundOrder {
            items: vec![teas(4)],
            ..RefundOrder::default()
        };
        refund(&shop, sold.1, four).await;
        let mut event = came(sold, 3);
        event.shares = vec![1_200];
        if is_lost {
            event.lost = std::mem::take(&mut event.items);
        }
        let consumer = payments::returns_consumer(Arc::clone(&shop.service));
        consumer.consume(&told(&event)).await.unwrap();
        shop.rest().await;
        let noted = shop.orders.get(order).refunds;
        let items = if is_lost { vec![] } else { vec![teas(1)] };
        assert_eq!(noted[0].amount.minor, 1_600);
        assert_eq!((noted[1].amount.minor, &noted[1].items), (400, &items));
    }
}

#[tokio::test]
async fn a_return_of_which_all_came_back_with_another_refund_is_at_its_end_without_money() {
    let shop = Shop::start();
    let (order, payment) = sold(&shop).await;
    let some = RefundOrder {
        amount: Some(MoneyInput::Decimal("1.00".to_owned())),
        items: vec![teas(5)],
        ..RefundOrder::default()
    };
    refund(&shop, payment, some).await;
    let mut event = came((order, payment), 3);
    event.amount.minor = 1_201;
    event.shares = vec![1_200];
    let consumer = payments::returns_consumer(Arc::clone(&shop.service));
    consumer.consume(&told(&event)).await.unwrap();
    let noted = shop.orders.get(order).refunds;
    assert_eq!((noted.len(), noted[1].amount.minor), (2, 0), "{noted:?}");
}

#[tokio::test]
async fn what_came_back_broken_is_not_put_on_sale_by_a_later_refund() {
    let shop = Shop::start();
    let (order, payment) = sold(&shop).await;
    let broken = ReturnView {
        id: ReturnId::from_bytes([7; 16]),
        order_id: order,
        order_number: 10_001,
        number: 1,
        status: ReturnStatus::Refunded,
        lines: vec![ReturnLineView {
            line: 1,
            sku: "tea".to_owned(),
            name: "tea".to_owned(),
            quantity: teas(3).quantity,
            written_off: true,
        }],
        reason: "wet".to_owned(),
        note: None,
        refund_id: Some(RefundId::from_bytes([8; 16])),
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
    };
    shop.orders.set(order, |order| order.returns = vec![broken]);
    let wish = |units| RefundOrder {
        amount: Some(MoneyInput::Decimal("1.00".to_owned())),
        items: vec![teas(units)],
        ..RefundOrder::default()
    };
    let (admin, of) = (user(&[Role::Admin]), RefundOf::Payment(payment));
    let key = IdempotencyKey::parse("three").unwrap();
    let three = shop.service.refund(&admin, key, of, wish(3)).await;
    assert!(
        matches!(three, Err(RefundError::TooManyUnits { left: 2, index: 0 })),
        "{three:?}"
    );
    refund(&shop, payment, wish(2)).await;
}
