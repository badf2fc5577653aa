//! Many at once: one effect for one key, one winner for one order, and a full queue that says so.

use crate::shop::{Answer, Ask, Shop, TEA, admin, ann, config, person, send, tea, with};
use axum::http::StatusCode;
use contracts::access::Role;
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use orders::Config;
use serde_json::json;

/// Sends all requests at once, each in a task of its own.
pub(crate) async fn at_once(shop: &Shop, asks: impl IntoIterator<Item = Ask>) -> Vec<Answer> {
    let sent = asks
        .into_iter()
        .map(|ask| shop.tasks.finish(send(shop.router.clone(), ask)));
    let sent: Vec<_> = sent.collect();
    join_all(sent)
        .await
        .into_iter()
        .map(Option::unwrap)
        .collect()
}

pub(crate) fn count(answers: &[Answer], status: StatusCode) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_twins_make_one_order() {
    for wish in [tea(2), with(tea(2), "payment", json!({"method": "tok_ok"}))] {
        let shop = Shop::open().await;
        let ask = Ask::place(&wish).key("k1").by(&ann());
        let answers = at_once(&shop, vec![ask; 100]).await;
        assert_eq!(count(&answers, StatusCode::CREATED), 100);
        assert!(
            answers
                .iter()
                .all(|answer| answer.bytes == answers[0].bytes)
        );
        let fresh = answers.iter().filter(|answer| !answer.replayed()).count();
        assert_eq!(fresh, 1, "all but one are repetitions");
        assert_eq!(
            (shop.orders().await.len(), shop.catalog.reservations()),
            (1, 1)
        );
        let (on_hand, reserved) = shop.catalog.stock(TEA);
        assert_eq!(on_hand - reserved, 8, "taken once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_bodies_under_one_key_one_is_placed() {
    let shop = Shop::open().await;
    let ask = |quantity| Ask::place(&tea(quantity)).key("k1").by(&ann());
    let asks = (0..40).map(|n| ask(1 + n % 2));
    let answers = at_once(&shop, asks).await;
    assert_eq!(count(&answers, StatusCode::CREATED), 20);
    assert_eq!(count(&answers, StatusCode::UNPROCESSABLE_ENTITY), 20);
    assert_eq!(
        (shop.orders().await.len(), shop.catalog.reservations()),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_buyers_of_the_last_ten_make_ten_orders() {
    let shop = Shop::open().await;
    let ask = |n: u8| {
        Ask::place(&tea(1))
            .key("k1")
            .by(&person(100 + n, Role::Customer))
    };
    let answers = at_once(&shop, (0..100_u8).map(ask)).await;
    assert_eq!(count(&answers, StatusCode::CREATED), 10);
    assert_eq!(count(&answers, StatusCode::CONFLICT), 90);
    let orders = shop.orders().await;
    let mut numbers: Vec<_> = orders.iter().map(|order| order.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (10_001..=10_010).collect::<Vec<_>>());
    assert_eq!(shop.catalog.stock(TEA), (10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ship_and_cancel_exactly_one_wins() {
    let shop = Shop::open().await;
    let mut sold = 0;
    for round in 0..10 {
        let id = shop.paid(&format!("k{round}"), 1).await;
        let other = person(31, Role::Admin);
        let mut asks = vec![
            Ask::step(id, "ship").by(&admin()),
            Ask::step(id, "cancel").by(&other),
        ];
        if round % 2 == 0 {
            asks.reverse();
        }
        let answers = at_once(&shop, asks).await;
        assert_eq!(count(&answers, StatusCode::OK), 1, "{answers:?}");
        assert_eq!(count(&answers, StatusCode::CONFLICT), 1);
        let order = shop.seen(id).await;
        assert_eq!(order["version"], 3, "one move");
        sold += i64::from(order["status"] == "shipped");
    }
    assert_eq!(shop.catalog.stock(TEA), (10 - sold, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_cancelled_once_however_many_ask() {
    let shop = Shop::open().await;
    let id = shop.paid("k1", 4).await;
    let ask = Ask::step(id, "cancel").by(&ann());
    let answers = at_once(&shop, vec![ask; 20]).await;
    assert_eq!(count(&answers, StatusCode::OK), 1);
    assert_eq!(count(&answers, StatusCode::CONFLICT), 19);
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
    assert_eq!(shop.timeline(id).await.len(), 4);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_keeps_nothing_of_it() {
    let shop = Shop::with(Config {
        place_queue_max: 1,
        place_batch_max: 1,
        place_batches_in_flight_max: 1,
        ..config()
    })
    .await;
    let gate = shop.catalog.close_gate().await;
    let key = |n: u32| format!("k{n}");
    let ask = |n| shop.ask(Ask::place(&tea(1)).key(&key(n)).by(&ann()));
    let mut asked: FuturesUnordered<_> = (0..10).map(ask).collect();
    // One may be at work and one may wait.
    for _ in 0..8 {
        let answer = asked.next().await.unwrap();
        assert_eq!(answer.said(), "503 overloaded");
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.json()["retryable"], true);
    }
    drop(gate);
    let late: Vec<Answer> = asked.collect().await;
    let placed = count(&late, StatusCode::CREATED);
    assert!(placed >= 1, "{late:?}");
    assert_eq!(shop.orders().await.len(), placed);
    assert_eq!(shop.catalog.reservations(), placed);
    for n in 0..10 {
        let again = shop.ask(Ask::place(&tea(1)).key(&key(n)).by(&ann())).await;
        assert_eq!(again.status, StatusCode::CREATED, "the same key goes on");
    }
    assert_eq!(shop.orders().await.len(), 10);
}

#[tokio::test]
async fn an_order_is_placed_even_if_its_buyer_hangs_up() {
    let shop = Shop::open().await;
    let gate = shop.catalog.close_gate().await;
    let ask = Ask::place(&tea(2)).key("k1").by(&ann());
    {
        let mut asked = std::pin::pin!(shop.ask(ask.clone()));
        while shop.catalog.reservations() == 0 {
            assert!(futures_util::poll!(asked.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    drop(gate);
    let again = shop.ask(ask).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert!(again.replayed(), "it was placed without anybody waiting");
    assert_eq!(
        (shop.orders().await.len(), shop.catalog.reservations()),
        (1, 1)
    );
}

#[tokio::test]
async fn an_order_whose_time_is_over_is_refused_at_once_and_its_key_makes_it_later() {
    let shop = Shop::open().await;
    let ask = Ask::place(&tea(1)).key("k1").by(&ann());
    let late = shop.ask(ask.clone().header("x-deadline-ms", "0")).await;
    assert_eq!(late.said(), "503 overloaded");
    assert_eq!(late.header("retry-after"), "1");
    shop.assert_untouched("too late").await;
    assert_eq!(shop.ask(ask).await.status, StatusCode::CREATED);
}
