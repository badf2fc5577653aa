//! Who is told what, when, and by whom.

use super::{Bench, at, ended, refused, told, turn};
use crate::{
    domain::endpoint::{Edit, Outcome},
    store::{Delivery, Turn, Work},
};
use contracts::{
    request::Precondition,
    webhooks::{DeliveryCounts, DeliveryStatus, EventType, WebhookStatus},
};

fn numbers(work: &Work) -> Vec<i64> {
    let mut numbers: Vec<i64> = work.due.iter().map(|one| one.event.sequence).collect();
    numbers.sort_unstable();
    numbers
}

pub(super) async fn a_webhook_is_told_what_it_wants_from_its_beginning_on(bench: Bench) {
    bench.placed(0..2).await;
    let hook = bench.make(&[EventType::OrderPaid]).await;
    assert!(!bench.is_busy(5).await, "what was before is not told");
    let kinds = [
        EventType::OrderPlaced,
        EventType::OrderPaid,
        EventType::OrderShipped,
    ];
    bench.gather(kinds.map(|kind| told(kind, 6)).to_vec()).await;
    assert!(bench.is_busy(7).await);
    let work = bench.turn(turn(hook.id, 7)).await.unwrap();
    assert_eq!((numbers(&work), work.endpoint.told), (vec![4], 5));
    let next = Turn {
        ended: ended(work, &Outcome::Taken(204)),
        ..turn(hook.id, 8)
    };
    let work = bench.turn(next).await.unwrap();
    assert!(work.due.is_empty() && !work.more);
    assert!(!bench.is_busy(9).await);
    let log = bench
        .store
        .deliveries(hook.id, None, None, 9)
        .await
        .unwrap();
    assert_eq!((log.len(), log[0].status), (1, DeliveryStatus::Delivered));
    assert_eq!(
        (log[0].answer_status, log[0].ended_at),
        (Some(204), Some(at(8)))
    );
    let counted = async |most| bench.store.count_deliveries(hook.id, most).await.unwrap();
    let delivered = DeliveryCounts {
        delivered: 1,
        ..DeliveryCounts::default()
    };
    assert_eq!(counted(9).await, delivered);
    let ping = Delivery::ping(hook.id, at(9));
    bench.store.insert(ping).await.unwrap();
    let both = DeliveryCounts {
        pending: 1,
        ..delivered
    };
    assert_eq!(counted(9).await, both);
    let newest = counted(1).await;
    let looked_at = newest.pending.saturating_add(newest.delivered);
    assert_eq!(looked_at, 1, "no more are looked at");
}

pub(super) async fn one_of_two_nodes_has_a_webhook_until_its_time_is_over(bench: Bench) {
    let hook = bench.make(&[]).await;
    bench.placed(0..2).await;
    let first = bench.turn(turn(hook.id, 10)).await.unwrap();
    let other = |second: i64| Turn {
        owner: [2; 16],
        ..turn(hook.id, second)
    };
    assert!(!bench.is_busy(11).await, "somebody has it");
    assert!(bench.turn(other(11)).await.is_none());
    // The first one has died, or sleeps.
    assert!(bench.is_busy(40).await);
    let second = bench.turn(other(40)).await.unwrap();
    assert_eq!(second.due, first.due, "the same deliveries once more");
    let late = Turn {
        ended: ended(first, &refused()),
        ..turn(hook.id, 41)
    };
    assert!(
        bench.turn(late).await.is_none(),
        "what it says counts no more"
    );
    let done = Turn {
        ended: ended(second, &Outcome::Taken(200)),
        ..other(42)
    };
    bench.turn(done).await.unwrap();
    bench.placed(50..51).await;
    bench.turn(other(51)).await.unwrap();
    bench.store.let_go([2; 16]).await.unwrap();
    assert!(
        bench.turn(turn(hook.id, 52)).await.is_some(),
        "given back in time"
    );
}

pub(super) async fn what_was_not_taken_comes_again_later_and_at_once_when_somebody_answers(
    bench: Bench,
) {
    let hook = bench.make(&[]).await;
    bench.placed(0..3).await;
    let work = bench.turn(turn(hook.id, 10)).await.unwrap();
    let next = Turn {
        ended: ended(work, &refused()),
        ..turn(hook.id, 10)
    };
    let work = bench.turn(next).await.unwrap();
    assert!(work.due.is_empty(), "not yet");
    assert_eq!(work.endpoint.failing_since, Some(at(10)));
    assert!(!bench.is_busy(14).await);
    assert!(bench.is_busy(15).await);
    let mut work = bench.turn(turn(hook.id, 15)).await.unwrap();
    assert_eq!(numbers(&work), [1, 2, 3]);
    assert!(work.due.iter().all(|one| one.tries == 1));
    let answered = (work.due.remove(0), Outcome::Taken(200));
    let mut mixed = ended(work, &refused());
    mixed.push(answered);
    let next = Turn {
        ended: mixed,
        ..turn(hook.id, 16)
    };
    let work = bench.turn(next).await.unwrap();
    assert_eq!(work.due.len(), 2, "they need not wait now");
    assert_eq!(work.endpoint.failing_since, None);
}

pub(super) async fn no_more_waits_than_may_and_the_rest_stays_in_the_feed(bench: Bench) {
    let hook = bench.make(&[]).await;
    bench.placed(0..10).await;
    let few = |second: i64| Turn {
        waiting_max: 3,
        ..turn(hook.id, second)
    };
    let work = bench.turn(few(10)).await.unwrap();
    assert_eq!((numbers(&work), work.endpoint.told), (vec![1, 2, 3], 3));
    let next = Turn {
        ended: ended(work, &refused()),
        ..few(10)
    };
    let work = bench.turn(next).await.unwrap();
    assert!(work.due.is_empty() && work.endpoint.told == 3);
    assert!(bench.store.busy(at(11), 3).await.unwrap().is_empty());
    let work = bench.turn(few(20)).await.unwrap();
    let next = Turn {
        ended: ended(work, &Outcome::Taken(200)),
        ..few(20)
    };
    let work = bench.turn(next).await.unwrap();
    assert_eq!(numbers(&work), [4, 5, 6]);
}

pub(super) async fn whoever_fails_for_too_long_is_disabled_and_hears_later_what_they_missed(
    bench: Bench,
) {
    let hook = bench.make(&[]).await;
    bench.placed(0..1).await;
    let hours = 3_600;
    for second in [10, 80 * hours] {
        let work = bench.turn(turn(hook.id, second)).await.unwrap();
        assert_eq!(work.due.len(), 1);
        let next = Turn {
            ended: ended(work, &refused()),
            ..turn(hook.id, second)
        };
        bench.turn(next).await;
    }
    let seen = bench.store.find(hook.id).await.unwrap().unwrap();
    assert_eq!(seen.status, WebhookStatus::Disabled);
    let reason = seen.disabled_reason.unwrap();
    assert!(reason.contains("it answered 500"), "{reason}");
    let second = 81 * hours;
    bench.placed(second..second.saturating_add(1)).await;
    assert!(!bench.is_busy(90 * hours).await);
    let enable = Edit {
        status: Some(WebhookStatus::Enabled),
        ..Edit::default()
    };
    let sent = Precondition::Body(seen.version);
    let second = 91 * hours;
    let enabled = bench.store.change(hook.id, sent, enable, at(second)).await;
    assert_eq!(enabled.unwrap().disabled_reason, None);
    let work = bench.turn(turn(hook.id, second)).await.unwrap();
    assert_eq!(numbers(&work), [1, 2]);
}

pub(super) async fn a_webhook_is_told_again_from_a_moment_on(bench: Bench) {
    let hook = bench.make(&[]).await;
    bench.placed(0..6).await;
    let work = bench.turn(turn(hook.id, 10)).await.unwrap();
    let ids: Vec<_> = work.due.iter().map(|one| one.event.id).collect();
    let next = Turn {
        ended: ended(work, &Outcome::Taken(200)),
        ..turn(hook.id, 11)
    };
    bench.turn(next).await.unwrap();
    let next = bench.store.rewind(hook.id, at(4)).await.unwrap();
    assert_eq!(next, Some(5));
    let work = bench.turn(turn(hook.id, 12)).await.unwrap();
    assert_eq!(numbers(&work), [5, 6]);
    assert!(work.due.iter().all(|one| ids.contains(&one.event.id)));
    let future = bench.store.rewind(hook.id, at(1_000)).await.unwrap();
    assert_eq!(future, Some(7), "there is nothing to tell again");
    let unknown = contracts::values::WebhookId::generate();
    assert_eq!(bench.store.rewind(unknown, at(0)).await.unwrap(), None);
}
