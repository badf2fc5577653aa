//! Every way a payment can go, seen through the trait, with a look at the provider's books afterwards.

use crate::{
    fakes::{Call, Moment},
    shop::{PRICE, Shop, guest, user},
};
use contracts::{
    access::Role,
    catalog::ReservationState,
    orders::{OrderStatus, PaymentEnd, Reader},
    payments::{PayError, PayOrder, PaymentStatus, Payments},
    request::IdempotencyKey,
    values::{OrderId, PaymentId},
};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_good_method_pays_the_order_exactly() {
    let shop = Shop::start();
    let order = shop.order();
    let paid = shop.pay("k", order, "tok_ok").await.unwrap();
    assert!(!paid.replayed);
    assert_eq!(paid.value.status, PaymentStatus::Captured);
    assert_eq!(paid.value.amount.minor, PRICE);
    assert_eq!(shop.orders.get(order).status, OrderStatus::Paid);
    assert_eq!(shop.orders.ends_of(paid.value.id), [PaymentEnd::Paid]);
    assert_eq!((shop.entries("captured"), shop.charges()), (1, 1));
    assert_eq!(
        shop.service.sweep().await.unwrap(),
        0,
        "nothing is left to do"
    );
}

#[tokio::test]
async fn a_repetition_answers_the_same_and_charges_nothing() {
    let shop = Shop::start();
    let order = shop.order();
    let first = shop.pay("k", order, "tok_ok").await.unwrap();
    let again = shop.pay("k", order, "tok_ok").await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.value.id, first.value.id);
    assert_eq!(again.value.status, PaymentStatus::Captured);
    assert_eq!(shop.charges(), 1);
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let shop = Shop::start();
    let order = shop.order();
    shop.pay("k", order, "tok_ok").await.unwrap();
    for (order, method) in [
        (order, "tok_slow"),
        (shop.order(), "tok_ok"),
        (order, "tok_none"),
    ] {
        let refused = shop.pay("k", order, method).await;
        assert!(matches!(refused, Err(PayError::KeyReused)), "{refused:?}");
    }
    assert_eq!(shop.charges(), 1);
}

#[tokio::test]
async fn a_declined_payment_leaves_the_order_waiting_and_another_may_follow() {
    let shop = Shop::start();
    let order = shop.order();
    for _ in 0..2 {
        let declined = shop.pay("k1", order, "tok_declined").await;
        let Err(PayError::Declined {
            decline_code,
            order_id,
            ..
        }) = declined
        else {
            panic!("{declined:?}");
        };
        assert_eq!((decline_code.as_str(), order_id), ("card_declined", order));
    }
    assert_eq!(shop.orders.get(order).status, OrderStatus::Pending);
    assert_eq!(shop.entries("declined"), 1, "the repetition asked nobody");
    let paid = shop.pay("k2", order, "tok_ok").await.unwrap();
    assert_eq!(paid.value.status, PaymentStatus::Captured);
    assert_eq!(shop.statuses(), ["declined", "captured"]);
}

#[tokio::test]
async fn a_slow_provider_is_waited_for() {
    let shop = Shop::start();
    let paid = shop.pay("k", shop.order(), "tok_slow").await.unwrap();
    assert_eq!(paid.value.status, PaymentStatus::Captured);
}

#[tokio::test]
async fn an_unknown_outcome_is_pending_and_found_out_later() {
    let mut shop = Shop::with(|config| config.provider_timeout_ms = 100);
    let order = shop.order();
    let unknown = shop.pay("k", order, "tok_timeout").await.unwrap();
    assert_eq!(unknown.value.status, PaymentStatus::Pending);
    assert_eq!(shop.orders.get(order).status, OrderStatus::Pending);
    let again = shop.pay("k", order, "tok_timeout").await.unwrap();
    assert_eq!(
        (again.value.status, again.replayed),
        (PaymentStatus::Pending, true)
    );
    assert_eq!(
        shop.service.sweep().await.unwrap(),
        0,
        "it waits a second first"
    );
    shop.be_patient().await;
    shop.settle().await;
    assert_eq!(shop.orders.get(order).status, OrderStatus::Paid);
    assert_eq!((shop.entries("captured"), shop.charges()), (1, 1));
    let known = shop.pay("k", order, "tok_timeout").await.unwrap();
    assert_eq!(
        (known.value.status, known.replayed),
        (PaymentStatus::Captured, true)
    );
}

#[tokio::test]
async fn an_unknown_method_or_order_leaves_nothing() {
    let shop = Shop::start();
    let unknown = shop.pay("k1", shop.order(), "tok_nobody").await;
    assert!(
        matches!(unknown, Err(PayError::UnknownMethod)),
        "{unknown:?}"
    );
    let missing = shop.pay("k2", OrderId::generate(), "tok_ok").await;
    assert!(matches!(missing, Err(PayError::NotFound)), "{missing:?}");
    let foreign = shop.order_of(Some(user(&[]).user_id), None);
    let hidden = shop.pay("k3", foreign, "tok_ok").await;
    assert!(matches!(hidden, Err(PayError::NotFound)), "{hidden:?}");
    assert_eq!((shop.statuses().len(), shop.charges()), (0, 0));
}

#[tokio::test]
async fn a_paid_or_cancelled_order_is_not_charged() {
    let shop = Shop::start();
    for status in [
        OrderStatus::Paid,
        OrderStatus::Cancelled,
        OrderStatus::Shipped,
    ] {
        let order = shop.order();
        shop.orders.set(order, |order| order.status = status);
        let refused = shop.pay(status.as_str(), order, "tok_ok").await;
        assert!(
            matches!(refused, Err(PayError::NotPayable(s)) if s == status),
            "{refused:?}"
        );
    }
    assert_eq!((shop.statuses().len(), shop.charges()), (0, 0));
}

#[tokio::test]
async fn a_refusal_of_the_order_is_not_kept_and_the_same_key_may_try_again() {
    let shop = Shop::start();
    let order = shop.order();
    let other = PaymentId::generate();
    shop.orders.set(order, |order| order.payment = Some(other));
    for _ in 0..2 {
        let refused = shop.pay("k", order, "tok_ok").await;
        assert!(matches!(refused, Err(PayError::InProgress)), "{refused:?}");
        assert_eq!(shop.statuses(), ["voided"]);
    }
    assert_eq!(shop.charges(), 0, "the provider was never asked");
    shop.orders.set(order, |order| order.payment = None);
    let paid = shop.pay("k", order, "tok_ok").await.unwrap();
    assert_eq!(
        (paid.value.status, paid.replayed),
        (PaymentStatus::Captured, false)
    );
    assert_eq!(shop.charges(), 1);
}

#[tokio::test]
async fn an_order_that_changed_its_total_is_not_charged() {
    let shop = Shop::start();
    let order = shop.order();
    shop.orders.faults.add(Call::Begin, Moment::Before);
    let begun = shop.pay("k", order, "tok_ok").await.unwrap();
    assert_eq!(begun.value.status, PaymentStatus::Pending);
    shop.orders.faults.clear();
    shop.orders.set(order, |order| order.total.minor += 1);
    shop.settle().await;
    assert_eq!(shop.statuses(), ["voided"]);
    assert_eq!(
        (shop.entries("authorised"), shop.entries("captured")),
        (0, 0)
    );
    assert_eq!(shop.orders.get(order).payment, None);
    assert_eq!(shop.service.reviews(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn stock_that_was_given_up_meanwhile_is_not_paid_for() {
    for state in [ReservationState::Expired, ReservationState::Released] {
        let shop = Shop::start();
        let order = shop.order();
        shop.catalog.set(order, state);
        for _ in 0..2 {
            let refused = shop.pay("k", order, "tok_ok").await;
            assert!(
                matches!(refused, Err(PayError::NotPayable(_))),
                "{refused:?}"
            );
        }
        assert_eq!(shop.statuses(), ["voided"]);
        assert_eq!((shop.entries("voided"), shop.entries("captured")), (1, 0));
        assert_eq!(
            shop.orders.get(order).payment,
            None,
            "the order is free again"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_twins_make_one_charge() {
    let shop = Arc::new(Shop::start());
    let order = shop.order();
    let mut twins = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let shop = Arc::clone(&shop);
        twins.spawn(async move { shop.pay("k", order, "tok_slow").await.unwrap() });
    }
    let answers = twins.join_all().await;
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.value == answers[0].value)
    );
    assert_eq!(answers[0].value.status, PaymentStatus::Captured);
    assert_eq!((shop.entries("captured"), shop.charges()), (1, 1));
    assert_eq!(shop.statuses(), ["captured"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twins_in_two_processes_make_one_charge() {
    let shop = Shop::start();
    let order = shop.order();
    let (first, second) = (Arc::clone(&shop.service), shop.second());
    let mut twins = tokio::task::JoinSet::new();
    for service in [first, second] {
        let who = Reader::user(shop.ann.clone());
        let wish = PayOrder {
            order_id: order,
            method: "tok_slow".to_owned(),
        };
        let key = IdempotencyKey::parse("k").unwrap();
        twins.spawn(async move { service.pay(&who, key, wish).await });
    }
    let answers = twins.join_all().await;
    let lawful = |answer: &Result<_, PayError>| matches!(answer, Ok(_) | Err(PayError::InProgress));
    assert!(answers.iter().all(lawful), "{answers:?}");
    shop.settle().await;
    assert_eq!(shop.statuses(), ["captured"]);
    assert_eq!((shop.entries("captured"), shop.charges()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_keys_on_one_order_at_once_one_is_charged() {
    let shop = Arc::new(Shop::start());
    let order = shop.order();
    let mut rivals = tokio::task::JoinSet::new();
    for number in 0..16 {
        let shop = Arc::clone(&shop);
        rivals.spawn(async move { shop.pay(&format!("k{number}"), order, "tok_slow").await });
    }
    let answers = rivals.join_all().await;
    let paid = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = |answer: &Result<_, PayError>| {
        matches!(
            answer,
            Err(PayError::InProgress | PayError::NotPayable(OrderStatus::Paid))
        )
    };
    let others = answers.iter().filter(|answer| refused(answer)).count();
    assert_eq!((paid, others), (1, 15), "{answers:?}");
    assert_eq!((shop.entries("captured"), shop.charges()), (1, 1));
}

#[tokio::test]
async fn a_payment_goes_on_when_its_client_has_gone() {
    let shop = Shop::start();
    let order = shop.order();
    let asking = shop.pay("k", order, "tok_slow");
    assert!(
        tokio::time::timeout(Duration::from_millis(1), asking)
            .await
            .is_err()
    );
    // The order is told last.
    let paid = async {
        while shop.orders.get(order).status != OrderStatus::Paid {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(20), paid)
            .await
            .is_ok()
    );
    assert_eq!(shop.statuses(), ["captured"]);
}

#[tokio::test]
async fn a_guest_pays_with_the_order_s_token_and_nobody_else_learns_of_it() {
    let shop = Shop::start();
    let order = shop.order_of(None, Some("secret"));
    let paid = shop
        .pay_as(&guest("secret"), "k", order, "tok_ok")
        .await
        .unwrap();
    for who in [
        guest("guess"),
        Reader::default(),
        Reader::user(shop.ann.clone()),
    ] {
        let hidden = shop.pay_as(&who, "k", order, "tok_ok").await;
        assert!(matches!(hidden, Err(PayError::NotFound)), "{hidden:?}");
        let hidden = shop.service.payment(&who, paid.value.id).await;
        assert!(matches!(hidden, Err(PayError::NotFound)), "{hidden:?}");
    }
    let again = shop
        .pay_as(&guest("secret"), "k", order, "tok_ok")
        .await
        .unwrap();
    assert!(again.replayed);
    let shown = shop
        .service
        .payment(&guest("secret"), paid.value.id)
        .await
        .unwrap();
    assert_eq!(shown, paid.value);
    let admin = Reader::user(user(&[Role::Admin]));
    assert_eq!(
        shop.service.payment(&admin, paid.value.id).await.unwrap(),
        paid.value
    );
}

#[tokio::test]
async fn two_users_may_use_the_same_key() {
    let shop = Shop::start();
    let bob = user(&[Role::Customer]);
    let (hers, his) = (shop.order(), shop.order_of(Some(bob.user_id), None));
    let ann_paid = shop.pay("k", hers, "tok_ok").await.unwrap();
    let bob_paid = shop
        .pay_as(&Reader::user(bob), "k", his, "tok_ok")
        .await
        .unwrap();
    assert_ne!(ann_paid.value.id, bob_paid.value.id);
    assert!(!bob_paid.replayed);
}

#[tokio::test]
async fn one_payment_too_many_at_work_is_refused_and_leaves_nothing() {
    let shop = Shop::with(|config| config.in_flight_max = 0);
    let refused = shop.pay("k", shop.order(), "tok_ok").await;
    assert!(matches!(refused, Err(PayError::Overloaded)), "{refused:?}");
    assert_eq!((shop.statuses().len(), shop.charges()), (0, 0));
}

#[tokio::test]
async fn the_audit_pages_through_all_payments_beside_the_provider_s_books() {
    let shop = Shop::start();
    for number in 0..5 {
        let method = if number == 2 {
            "tok_declined"
        } else {
            "tok_ok"
        };
        drop(shop.pay(&format!("k{number}"), shop.order(), method).await);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = shop.service.audit(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.order_id, last.id));
        seen.extend(page);
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by_key(|audit| (audit.order_id, audit.id)));
    for audit in seen {
        let expected = if audit.status == PaymentStatus::Captured {
            PRICE
        } else {
            0
        };
        assert_eq!(audit.provider_net_minor, Some(expected));
    }
}

#[tokio::test]
async fn the_sweeper_finishes_by_itself_and_stops_when_told() {
    let shop = Shop::start();
    let order = shop.order();
    shop.orders.faults.add(Call::Begin, Moment::Before);
    shop.pay("k", order, "tok_ok").await.unwrap();
    shop.orders.faults.clear();
    shop.clock.advance_seconds(2);
    let tasks = platform::tasks::Tasks::default();
    payments::start(Arc::clone(&shop.service), &tasks);
    let id = shop.service.audit(None, 1).await.unwrap()[0].id;
    let who = Reader::user(shop.ann.clone());
    let captured = async {
        while shop.service.payment(&who, id).await.unwrap().status != PaymentStatus::Captured {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), captured)
        .await
        .unwrap();
    tasks.stop();
    assert!(tasks.wait(Duration::from_secs(30)).await);
    assert_eq!(tasks.failure(), None);
}

#[tokio::test]
async fn a_twin_with_another_body_does_not_wait_for_the_first() {
    let shop = Shop::start();
    let (order, other) = (shop.order(), shop.order());
    let who = Reader::user(shop.ann.clone());
    let wish = |order_id, method: &str| PayOrder {
        order_id,
        method: method.to_owned(),
    };
    let key = IdempotencyKey::parse("k").unwrap();
    let (first, twin) = tokio::join!(
        shop.service.pay(&who, key.clone(), wish(order, "tok_slow")),
        shop.service.pay(&who, key.clone(), wish(other, "tok_slow")),
    );
    assert_eq!(first.unwrap().value.status, PaymentStatus::Captured);
    assert!(matches!(twin, Err(PayError::KeyReused)), "{twin:?}");
    assert_eq!(shop.charges(), 1);
}
