//! Placing: numbers, lines, twins, and ids that were given up. Never half an order.

use super::{Bench, at, line, order, order_by, order_of, usd};
use crate::{
    domain::order::NewOrder,
    store::{PlaceRefusal, Placed},
};
use contracts::{orders::OrderStatus, values::UserId};
use serde_json::json;

pub(super) async fn numbers_begin_at_10001_and_follow_each_other(bench: Bench) {
    let batch = vec![order(), order(), order()];
    let placed = bench.store.place_all(batch).await.unwrap();
    let later = bench.place(&order()).await;
    let numbers: Vec<_> = placed
        .into_iter()
        .map(|placed| placed.unwrap().view.number)
        .chain([later.number])
        .collect();
    assert_eq!(numbers, [10_001, 10_002, 10_003, 10_004]);
}

pub(super) async fn lines_keep_their_order_and_repeated_skus_stay_apart(bench: Bench) {
    let tea = line("TEA-1", 2, 1_999);
    let wish = order_of(vec![tea.clone(), line("CUP-1", 1, 500), tea]);
    let placed = bench.place(&wish).await;
    let shown: Vec<_> = placed
        .items
        .iter()
        .map(|item| (item.sku.as_str(), item.quantity.get(), item.line_total))
        .collect();
    let expected = [
        ("TEA-1", 2, usd(3_998)),
        ("CUP-1", 1, usd(500)),
        ("TEA-1", 2, usd(3_998)),
    ];
    assert_eq!(shown, expected);
    assert_eq!(placed.total, usd(8_496));
    assert_eq!(bench.store.view(wish.id).await.unwrap(), Some(placed));
}

pub(super) async fn an_order_comes_with_its_entry_and_its_event(bench: Bench) {
    let ann = UserId::generate();
    let (hers, guests) = (order_by(ann, 5), order());
    let placed = bench.place(&hers).await;
    assert_eq!(
        (placed.status, placed.version.get()),
        (OrderStatus::Pending, 1)
    );
    let seen = bench.seen(hers.id).await;
    let [entry] = seen.timeline.as_slice() else {
        panic!("one entry: {:?}", seen.timeline)
    };
    assert_eq!((entry.sequence, entry.kind.as_str()), (1, "placed"));
    assert_eq!((entry.status, entry.at), (OrderStatus::Pending, at(5)));
    assert_eq!((&entry.actor, &entry.note), (&ann.to_string(), &None));
    let payload = json!({
        "order_id": hers.id,
        "number": 10_001,
        "total": {"amount": 3_998, "currency": "USD"},
    });
    assert_eq!(seen.events, [("orders.placed.v1".to_owned(), payload)]);

    bench.place(&guests).await;
    let seen = bench.seen(guests.id).await;
    assert_eq!(seen.timeline[0].actor, "guest");
    assert_eq!(seen.events.len(), 2);
}

pub(super) async fn twins_find_the_first_in_one_batch_and_across_batches(bench: Bench) {
    let wish = order();
    // A twin is a later request: its own time says nothing.
    let twin = NewOrder {
        created_at: at(30),
        payment_due_at: at(930),
        ..wish.clone()
    };
    let batch = vec![wish.clone(), twin.clone(), order()];
    let answers = bench.store.place_all(batch).await.unwrap();
    let answers: Vec<Placed> = answers.into_iter().map(Result::unwrap).collect();
    assert!(!answers[0].replayed && answers[1].replayed && !answers[2].replayed);
    assert_eq!(answers[0].view, answers[1].view);
    assert_eq!(answers[2].view.number, 10_002, "a twin takes no number");

    bench.pay(wish.id, 10).await;
    let again = bench.store.place_all(vec![twin]).await.unwrap();
    let found = bench.store.placed(wish.id, wish.fingerprint).await.unwrap();
    let first = Placed {
        view: answers[0].view.clone(),
        replayed: true,
    };
    assert_eq!(again, [Ok(first.clone())], "as it was first answered");
    assert_eq!(found, Ok(first));
    let placed = |(name, _): &&(String, _)| name == "orders.placed.v1";
    assert_eq!(bench.behind.events().await.iter().filter(placed).count(), 2);
}

pub(super) async fn another_request_under_the_same_id_is_refused_and_its_neighbours_are_not(
    bench: Bench,
) {
    let wish = order();
    let before = bench.place(&wish).await;
    let other = NewOrder {
        fingerprint: [2; 32],
        ..order_of(vec![line("CUP-1", 9, 1)])
    };
    let forged = NewOrder {
        id: wish.id,
        ..other.clone()
    };
    let batch = vec![forged.clone(), other, forged.clone()];
    let answers = bench.store.place_all(batch).await.unwrap();
    let refused = Err(PlaceRefusal::FingerprintDiffers);
    assert_eq!((&answers[0], &answers[2]), (&refused, &refused));
    assert!(answers[1].as_ref().unwrap().view.number > before.number);
    assert_eq!(bench.store.placed(wish.id, [2; 32]).await.unwrap(), refused);
    assert_eq!(bench.store.view(wish.id).await.unwrap(), Some(before));
}

pub(super) async fn a_given_up_id_is_refused_for_good(bench: Bench) {
    let late = order();
    let given_up = bench.store.give_up(vec![late.id], at(960)).await.unwrap();
    assert_eq!(given_up, [late.id]);
    let before = bench.seen(late.id).await;
    let refused = Err(PlaceRefusal::GivenUp);
    for _ in 0..2 {
        let answers = bench.store.place_all(vec![late.clone(), order()]).await;
        let answers = answers.unwrap();
        assert_eq!(answers[0], refused);
        assert!(answers[1].is_ok(), "its neighbour is placed");
    }
    let known = bench.store.placed(late.id, late.fingerprint).await.unwrap();
    assert_eq!(known, refused);
    let after = bench.seen(late.id).await;
    assert_eq!((after.view, after.timeline), (None, before.timeline));
    assert_eq!(
        after.events.len(),
        2,
        "only the neighbours' orders are told of"
    );
}

pub(super) async fn orders_and_the_token_secret_outlive_the_process(bench: Bench) {
    let wish = order();
    let placed = bench.place(&wish).await;
    let secret = bench.store.token_secret().await.unwrap();
    assert_ne!(secret, [0; 32]);
    let again = bench.behind.reopened().await;
    assert_eq!(again.token_secret().await.unwrap(), secret);
    assert_eq!(again.view(wish.id).await.unwrap(), Some(placed));
}
