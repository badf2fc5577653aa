//! Moves of payments: each from the version that was read, and due until its order knows the end.
#![expect(clippy::arithmetic_side_effects, reason = "tests")]

use super::{Fixture, at, change, failed, intent, lease, reference};
use crate::{domain::State, store::Taken};
use contracts::values::{OrderId, PaymentId};
use platform::db::Abort;

pub(super) async fn every_state_is_kept_as_it_was_written(fixture: Fixture) {
    let begun = fixture.begin(OrderId::generate()).await.unwrap();
    assert_eq!(
        (&begun.state, begun.version.get(), begun.told),
        (&State::Pending, 1, false)
    );
    let mut payment = begun;
    for (version, state) in (2..).zip([
        State::Authorised {
            reference: reference(),
        },
        State::Captured {
            reference: reference(),
        },
    ]) {
        let moved = fixture.moved(&payment, state.clone()).await;
        assert_eq!((&moved.state, moved.version.get()), (&state, version));
        assert_eq!(fixture.kept(&payment).await, moved);
        assert_eq!((moved.created_at, moved.updated_at), (at(0), at(5)));
        payment = moved;
    }
    for state in [
        State::Declined {
            code: "card_declined".to_owned(),
        },
        State::Voided { reference: None },
        State::Voided {
            reference: Some(reference()),
        },
        State::Challenged {
            reference: reference(),
            url: "/prove".to_owned(),
            due: at(600),
        },
    ] {
        let begun = fixture.begin(OrderId::generate()).await.unwrap();
        assert_eq!(fixture.moved(&begun, state.clone()).await.state, state);
    }
}

pub(super) async fn an_order_has_one_payment_under_way_or_captured(fixture: Fixture) {
    let order = OrderId::generate();
    let refused = || async { matches!(fixture.begin(order).await, Err(Abort::Refused(Taken))) };
    let first = fixture.begin(order).await.unwrap();
    assert!(refused().await, "pending");
    let withdrawn = fixture
        .moved(&first, State::Voided { reference: None })
        .await;
    let second = fixture.begin(order).await.unwrap();
    let back = fixture
        .store
        .advance(&withdrawn, change(State::Pending))
        .await;
    assert!(
        matches!(back, Err(Abort::Refused(Taken))),
        "another is under way"
    );
    let held = fixture
        .moved(
            &second,
            State::Authorised {
                reference: reference(),
            },
        )
        .await;
    assert!(refused().await, "authorised");
    let taken = State::Captured {
        reference: reference(),
    };
    fixture.moved(&held, taken).await;
    assert!(refused().await, "captured");
}

pub(super) async fn no_payment_begins_on_a_charge_that_was_disowned(fixture: Fixture) {
    let lost = intent(OrderId::generate());
    assert!(!fixture.store.is_disowned(lost.id).await.unwrap());
    assert!(fixture.store.disown(lost.id, at(1)).await.unwrap());
    assert!(fixture.store.disown(lost.id, at(2)).await.unwrap(), "again");
    assert!(fixture.store.is_disowned(lost.id).await.unwrap());
    let begun = fixture
        .store
        .begin(lost.clone(), at(3), lease("a", 8))
        .await;
    assert!(matches!(begun, Err(Abort::Refused(Taken))));
    fixture.begin(lost.order_id).await.expect("another key");
    let known = fixture.begin(OrderId::generate()).await.unwrap();
    assert!(!fixture.store.disown(known.id, at(4)).await.unwrap());
    assert!(!fixture.store.is_disowned(known.id).await.unwrap());
}

pub(super) async fn of_a_payment_and_a_disowning_at_once_one_comes_to_be(fixture: Fixture) {
    for _ in 0..20 {
        let one = intent(OrderId::generate());
        let (begun, disowned) = futures_util::future::join(
            fixture.store.begin(one.clone(), at(0), lease("a", 8)),
            fixture.store.disown(one.id, at(0)),
        )
        .await;
        assert_ne!(begun.is_ok(), disowned.unwrap(), "one of them");
    }
}

pub(super) async fn who_reads_an_old_version_moves_nothing(fixture: Fixture) {
    let old = fixture.begin(OrderId::generate()).await.unwrap();
    let declined = State::Declined {
        code: "no".to_owned(),
    };
    let new = fixture.moved(&old, declined.clone()).await;
    let authorised = State::Authorised {
        reference: reference(),
    };
    for to in [authorised, declined, State::Voided { reference: None }] {
        assert_eq!(fixture.store.advance(&old, change(to)).await.unwrap(), None);
    }
    assert_eq!(fixture.store.mark_told(&old, at(6)).await.unwrap(), None);
    fixture.store.postpone(&old, failed(99)).await.unwrap();
    assert_eq!(fixture.kept(&old).await, new);
    assert_eq!(fixture.due(13).await, [new.id]);
}

pub(super) async fn what_is_unfinished_comes_due_until_its_order_knows(fixture: Fixture) {
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    assert_eq!(
        (fixture.due(7).await, fixture.due(8).await),
        (vec![], vec![payment.id])
    );
    fixture.store.postpone(&payment, failed(10)).await.unwrap();
    assert_eq!(
        (fixture.due(9).await, fixture.due(10).await),
        (vec![], vec![payment.id])
    );
    assert_eq!(fixture.kept(&payment).await.progress.tries, 1);
    let declined = fixture
        .moved(
            &payment,
            State::Declined {
                code: "no".to_owned(),
            },
        )
        .await;
    assert_eq!((declined.progress.tries, declined.told), (0, false));
    assert_eq!(
        (fixture.due(12).await, fixture.due(13).await),
        (vec![], vec![payment.id])
    );
    let told = fixture
        .store
        .mark_told(&declined, at(14))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((told.told, told.version), (true, declined.version));
    assert_eq!(fixture.due(1_000_000).await, []);
}

pub(super) async fn the_longest_due_come_first_and_a_page_is_bounded(fixture: Fixture) {
    let mut ids = Vec::new();
    for seconds in [30, 10, 20] {
        let payment = fixture.begin(OrderId::generate()).await.unwrap();
        fixture
            .store
            .postpone(&payment, failed(seconds))
            .await
            .unwrap();
        ids.push((seconds, payment.id));
    }
    ids.sort_unstable();
    let expected: Vec<PaymentId> = ids.iter().map(|(_, id)| *id).collect();
    assert_eq!(fixture.due(30).await, expected);
    let page = fixture.store.due(at(30), 2).await.unwrap();
    assert_eq!(page.len(), 2);
}

pub(super) async fn a_payment_that_has_not_ended_cannot_be_told(fixture: Fixture) {
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    assert!(fixture.store.mark_told(&payment, at(1)).await.is_err());
    assert_eq!(fixture.kept(&payment).await, payment);
}

pub(super) async fn pages_go_through_all_payments_by_order_and_id(fixture: Fixture) {
    let mut expected = Vec::new();
    for _ in 0..3 {
        let order = OrderId::generate();
        for _ in 0..2 {
            let payment = fixture.begin(order).await.unwrap();
            let to = State::Declined {
                code: "no".to_owned(),
            };
            expected.push((order, fixture.moved(&payment, to).await.id));
        }
    }
    expected.sort_unstable();
    let (mut seen, mut last) = (Vec::new(), None);
    loop {
        let page = fixture.store.after(last, 4).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some((end.order_id, end.id));
        seen.extend(page.iter().map(|payment| (payment.order_id, payment.id)));
    }
    assert_eq!(seen, expected);
}

pub(super) async fn the_due_are_taken_over_but_for_those_that_are_left_out(fixture: Fixture) {
    let mut begun = Vec::new();
    for seconds in [10, 20, 30, 40] {
        let payment = fixture.begin(OrderId::generate()).await.unwrap();
        fixture
            .store
            .postpone(&payment, failed(seconds))
            .await
            .unwrap();
        begun.push(payment);
    }
    let take = |now, limit, except: &[PaymentId]| {
        let lease = lease("b", now + 8);
        fixture
            .store
            .take_due(lease, at(now), limit, except.to_vec())
    };
    assert_eq!(take(9, 10, &[]).await.unwrap(), []);
    let taken = take(30, 10, &[begun[1].id]).await.unwrap();
    let mut ids: Vec<PaymentId> = taken.iter().map(|payment| payment.id).collect();
    ids.sort_unstable();
    let mut expected = [begun[0].id, begun[2].id];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    for mine in &taken {
        assert_eq!(fixture.kept(mine).await, *mine);
        assert_eq!(mine.progress.owner.as_deref(), Some("b"));
        assert_eq!((mine.progress.fence, mine.progress.tries), (2, 1));
        assert_eq!(mine.progress.next_try_at, at(38));
    }
    assert_eq!(take(30, 10, &[begun[1].id]).await.unwrap(), [], "leased");
    let longest = take(40, 1, &[]).await.unwrap();
    assert_eq!(longest[0].id, begun[1].id, "a page is bounded");
}
