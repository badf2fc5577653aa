//! What the payments of one database promise to several nodes: they meet there, and nowhere else.

use super::{Fixture, at, change, failed, intent, lease, money, postgres_nodes, reference};
use crate::{
    domain::{Payment, Refund, Stage, State, ledger},
    store::{Change, KeptCallback, Lease, RefundRefusal, Store, Taken},
};
use contracts::values::{OrderId, RefundId};
use futures_util::future::join_all;
use platform::db::Abort;
use std::collections::HashSet;

/// A payment whose money is held by the provider.
async fn held(node: &Fixture) -> Payment {
    let begun = node.begin(OrderId::generate()).await.unwrap();
    let to = State::Authorised {
        reference: reference(),
    };
    node.moved(&begun, to).await
}

fn taking(payment: &Payment) -> Change {
    let mut taken = change(State::Captured {
        reference: reference(),
    });
    taken.booked = Some(ledger::captured("test", payment.id, payment.amount));
    taken
}

/// The books are whole, and hold so many entries.
async fn assert_books(store: &dyn Store, entries: i64) {
    let audit = store.audit_ledger().await.unwrap();
    assert_eq!((audit.entries, audit.unbalanced), (entries, 0));
    assert!(audit.gap_free && audit.broken_at.is_none(), "{audit:?}");
    let sums: Vec<i64> = audit.balances.iter().map(|one| one.summed_minor).collect();
    assert_eq!(sums.iter().sum::<i64>(), 0, "the books sum to zero");
    for one in &audit.balances {
        assert_eq!(one.kept_minor, one.summed_minor, "{}", one.account);
    }
}

#[tokio::test]
async fn of_twins_on_two_nodes_one_begins() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    for _ in 0..20 {
        let order = OrderId::generate();
        let wish = intent(order);
        let begin = |node: usize, wish| nodes[node].store.begin(wish, at(0), lease("a", 8));
        // The same key twice, and another key for the same order.
        let (one, twin, rival) = tokio::join!(
            begin(0, wish.clone()),
            begin(1, wish.clone()),
            begin(1, intent(order))
        );
        let answers = [one, twin, rival];
        let begun = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(begun, 1, "{answers:?}");
        for answer in answers {
            assert!(matches!(answer, Ok(_) | Err(Abort::Refused(Taken))));
        }
    }
    assert_eq!(nodes[0].store.after(None, 100).await.unwrap().len(), 20);
}

#[tokio::test]
async fn the_money_of_a_payment_is_taken_once_whoever_settles_it() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let held = join_all((0..40).map(|_| held(&nodes[0]))).await;
    let settle = |node: usize| {
        let settling = held.iter().map(move |payment| (payment, taking(payment)));
        let store = &nodes[node].store;
        join_all(settling.map(move |(payment, change)| store.advance(payment, change)))
    };
    let (one, other) = tokio::join!(settle(0), settle(1));
    for (one, other) in one.into_iter().zip(other) {
        let answers = [one.unwrap(), other.unwrap()];
        assert_eq!(answers.iter().flatten().count(), 1, "{answers:?}");
    }
    assert_books(&*nodes[1].store, 80).await;
}

#[tokio::test]
async fn a_booking_that_cannot_be_made_takes_none_of_its_neighbours_along() {
    let Some(nodes) = postgres_nodes(1).await else {
        return;
    };
    let node = &nodes[0];
    let held = join_all((0..30).map(|_| held(node))).await;
    let settling = (0..).zip(&held).map(|(turn, payment): (i64, &Payment)| {
        let mut change = taking(payment);
        if turn % 10 == 3 {
            // From an account that is empty.
            let id = RefundId::from_bytes(*payment.id.as_bytes());
            change.booked = Some(ledger::refunded("nobody", id, payment.amount));
        }
        node.store.advance(payment, change)
    });
    let (mut taken, mut failed) = (0, 0);
    for answer in join_all(settling).await {
        match answer {
            Ok(Some(_)) => taken += 1,
            Err(Abort::Failed(_)) => failed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((taken, failed), (27, 3));
    assert_books(&*node.store, 54).await;
}

#[tokio::test]
async fn fifty_refunds_at_once_give_back_no_more_than_was_taken() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let payment = nodes[0].captured().await;
    let deciding = (0..50_u8).map(|id| {
        let intent = money::intent(&payment, id, Some(100));
        nodes[usize::from(id % 2)].decide(intent)
    });
    let answers = join_all(deciding).await;
    let decided: Vec<Refund> = answers
        .into_iter()
        .filter_map(|answer| match answer {
            Ok((refund, replayed)) => {
                assert!(!replayed);
                Some(refund)
            }
            Err(Abort::Refused(RefundRefusal::TooMuch { left })) => {
                assert_eq!(left.minor, 99);
                None
            }
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(decided.len(), 19);
    assert_eq!(nodes[1].kept(&payment).await.refunding_minor, 1_900);

    // Both nodes book each of them, as after a lease that was taken for over.
    let book = |node: usize| {
        join_all(
            decided
                .iter()
                .map(move |refund| (node, refund))
                .map(|(node, refund)| {
                    let transaction = ledger::refunded("test", refund.id, refund.amount);
                    nodes[node].store.book_refund(refund, transaction, at(21))
                }),
        )
    };
    let (one, other) = tokio::join!(book(0), book(1));
    for (one, other) in one.into_iter().zip(other) {
        let answers = [one.unwrap(), other.unwrap()];
        assert_eq!(answers.iter().flatten().count(), 1, "{answers:?}");
    }
    assert_eq!(nodes[0].kept(&payment).await.refunded_minor, 1_900);
    assert_books(&*nodes[0].store, 2 + 2 * 19).await;
}

#[tokio::test]
async fn twins_of_a_refund_are_one() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let payment = nodes[0].captured().await;
    for id in 0..10 {
        let wish = money::intent(&payment, id, Some(10));
        let (one, twin) = tokio::join!(nodes[0].decide(wish.clone()), nodes[1].decide(wish));
        let ((one, known), (twin, replayed)) = (one.unwrap(), twin.unwrap());
        assert_eq!(one.id, twin.id);
        assert_ne!(known, replayed, "one of them decided it");
    }
    assert_eq!(nodes[0].kept(&payment).await.refunding_minor, 100);
}

#[tokio::test]
async fn a_lease_is_taken_over_by_one_node_only() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    for _ in 0..15 {
        let payment = nodes[0].begin(OrderId::generate()).await.unwrap();
        let claiming = nodes.iter().zip(["b", "c", "d"]).map(|(node, owner)| {
            let claimed = node.store.claim(payment.id, lease(owner, 16), at(8));
            async move { claimed.await.unwrap() }
        });
        let claimed: Vec<Payment> = join_all(claiming).await.into_iter().flatten().collect();
        let [mine] = claimed.as_slice() else {
            panic!("{claimed:?}")
        };
        assert_eq!(mine.progress.fence, payment.progress.fence + 1);
    }
}

#[tokio::test]
async fn what_an_older_owner_writes_changes_no_row() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let (sleeper, other) = (&nodes[0], &nodes[1]);
    let payment = sleeper.captured().await;
    let (refund, _) = sleeper
        .decide(money::intent(&payment, 1, Some(10)))
        .await
        .unwrap();
    let over = |owner| Lease {
        owner: String::from(owner),
        until: at(100),
    };
    let taken = other.store.claim(payment.id, over("b"), at(50)).await;
    let taken = taken.unwrap().unwrap();
    let taken_refund = other.store.claim_refund(refund.id, over("b"), at(50)).await;
    let taken_refund = taken_refund.unwrap().unwrap();

    let late = sleeper.store.mark_told(&payment, at(51)).await;
    assert_eq!(late.unwrap(), None);
    sleeper.store.postpone(&payment, failed(999)).await.unwrap();
    assert_eq!(other.kept(&payment).await, taken);
    let transaction = || ledger::refunded("test", refund.id, refund.amount);
    let booked = sleeper.store.book_refund(&refund, transaction(), at(51));
    assert_eq!(booked.await.unwrap(), None);
    let moved = sleeper
        .store
        .advance_refund(&refund, Stage::Restocked, at(51))
        .await;
    assert_eq!(moved.unwrap(), None);
    let delay = failed(999);
    sleeper.store.postpone_refund(&refund, delay).await.unwrap();
    let kept = other.store.refund(refund.id).await.unwrap().unwrap();
    assert_eq!(kept, taken_refund);
    assert_books(&*other.store, 2).await;
    let booked = other
        .store
        .book_refund(&taken_refund, transaction(), at(52))
        .await;
    assert_eq!(booked.unwrap().unwrap().stage, Stage::Booked);
}

#[tokio::test]
async fn a_callback_that_comes_to_every_node_is_kept_once() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    for event in 0..10 {
        let keeping = nodes.iter().map(|node| {
            let callback = KeptCallback {
                event_id: format!("evt_{event}"),
                key: "k".to_owned(),
                tries: 0,
                received_at: at(0),
            };
            node.store.keep_callback(callback, String::new(), at(2))
        });
        let kept = join_all(keeping).await.into_iter().map(Result::unwrap);
        assert_eq!(kept.filter(|kept| *kept).count(), 1);
    }
    let due = nodes[2].store.due_callbacks(at(2), 99).await.unwrap();
    let events: HashSet<_> = due.iter().map(|kept| kept.event_id.as_str()).collect();
    assert_eq!((due.len(), events.len()), (10, 10));
}

#[tokio::test]
async fn sweepers_of_several_nodes_share_the_due_and_take_each_once() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    for _ in 0..90 {
        nodes[0].begin(OrderId::generate()).await.unwrap();
    }
    for _ in 0..3 {
        let taking = nodes
            .iter()
            .zip(["b", "c", "d"])
            .map(|(node, owner)| node.store.take_due(lease(owner, 16), at(8), 10, Vec::new()));
        let taken = join_all(taking).await.into_iter().map(Result::unwrap);
        let pages: Vec<usize> = taken.map(|page| page.len()).collect();
        assert_eq!(pages, [10, 10, 10], "nobody waits, nobody goes away empty");
    }
    let all = nodes[1].store.after(None, 100).await.unwrap();
    assert!(all.iter().all(|payment| payment.progress.fence == 2));
}
