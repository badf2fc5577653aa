//! The feed and its numbers.

use super::{Bench, at, told};
use crate::store::Gathered;
use contracts::webhooks::EventType;

pub(super) async fn events_get_their_numbers_once_and_in_order(bench: Bench) {
    let events: Vec<_> = (0..3)
        .map(|second| told(EventType::OrderPaid, second))
        .collect();
    let page = |from: i64, to: i64, events: &[_]| Gathered {
        source: "orders",
        from,
        to,
        events: events.to_vec(),
    };
    let store = &bench.store;
    assert!(store.gather(page(0, 7, &events[..2])).await.unwrap());
    let by_another = store.gather(page(0, 7, &events[..2])).await.unwrap();
    assert!(!by_another, "it was read already");
    assert!(store.gather(page(7, 9, &events[2..])).await.unwrap());
    assert!(
        store.gather(page(9, 12, &[])).await.unwrap(),
        "nothing for others"
    );
    let other = Gathered {
        source: "identity",
        ..page(0, 1, &[told(EventType::UserDeleted, 9)])
    };
    assert!(store.gather(other).await.unwrap());
    let places = store.places().await.unwrap();
    assert_eq!((places["orders"], places["identity"]), (12, 1));
    let feed = store.feed(0, 100).await.unwrap();
    let numbers: Vec<i64> = feed.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!((feed[1].id, &feed[1].data), (events[1].id, &events[1].data));
    assert!(feed[1].trace.is_some());
    assert_eq!(feed[1].trace, events[1].trace, "it rests beside the data");
    assert_eq!(feed[2].created_at, at(2));
    let rest = store.feed(2, 1).await.unwrap();
    assert_eq!(rest[0].id, events[2].id);
}

pub(super) async fn what_is_old_goes_and_its_numbers_never_come_again(bench: Bench) {
    let hook = bench.make(&[]).await;
    bench.placed(0..5).await;
    let work = bench.turn(super::turn(hook.id, 10)).await.unwrap();
    assert_eq!(work.due.len(), 5);
    let done = super::ended(work, &crate::domain::endpoint::Outcome::Taken(200));
    let next = crate::store::Turn {
        ended: done,
        ..super::turn(hook.id, 11)
    };
    bench.turn(next).await.unwrap();
    let log = async || {
        bench
            .store
            .deliveries(hook.id, None, None, 100)
            .await
            .unwrap()
    };
    bench.store.prune(at(0), 2).await.unwrap();
    let kept: Vec<i64> = log().await.iter().map(|one| one.event.sequence).collect();
    assert_eq!(kept, [5, 4], "the newest of too many");
    assert_eq!(bench.store.feed(0, 100).await.unwrap().len(), 5);
    bench.store.prune(at(100), 100).await.unwrap();
    assert!(log().await.is_empty() && bench.store.feed(0, 100).await.unwrap().is_empty());
    bench.placed(200..201).await;
    assert_eq!(bench.store.feed(0, 100).await.unwrap()[0].sequence, 6);
}
