//! Changes: each with its entry and its event, and a refused one with neither.

use super::{Bench, at, by, order, order_by};
use crate::{
    domain::order::{Happening, NewOrder},
    store::Acting,
};
use contracts::{
    orders::{
        OrderError, OrderEventView, OrderMove, OrderQuery, OrderStatus, PaymentEnd, RefundNote,
    },
    values::{Email, Money, OrderId, PaymentId, RefundId, UserId},
};
use serde_json::{Value, json};

const CANCEL: Happening = Happening::Moved(OrderMove::Cancel);
const DELIVER: Happening = Happening::Moved(OrderMove::Deliver);
const SHIP: Happening = Happening::Moved(OrderMove::Ship { tracking: None });

/// An entry in a few words.
fn said(entry: &OrderEventView) -> String {
    let note = entry.note.as_deref().unwrap_or("-");
    let status = entry.status.as_str();
    format!("{} {} {status} {note}", entry.sequence, entry.kind)
}

fn moved(id: OrderId, status: &str, version: i64) -> (String, Value) {
    let payload = json!({"order_id": id, "status": status, "version": version});
    ("orders.moved.v1".to_owned(), payload)
}

fn cancelled(id: OrderId, payment: Option<PaymentId>) -> (String, Value) {
    let payload = json!({"order_id": id, "payment_id": payment});
    ("orders.cancelled.v1".to_owned(), payload)
}

pub(super) async fn a_guest_s_orders_are_claimed_once_and_nobody_else_s(bench: Bench) {
    let (ann, eve) = (UserId::generate(), UserId::generate());
    let by = |email: &str| NewOrder {
        guest_email: Email::parse(email).ok(),
        ..order()
    };
    let other = by("bob@example.com");
    for wish in [
        by("Ann@Example.com"),
        other.clone(),
        order(),
        order(),
        order_by(eve, 0),
    ] {
        bench.place(&wish).await;
    }
    let address = Email::parse("ANN@example.com").unwrap();
    let mut claimed = Vec::new();
    for _ in 0..3 {
        let some = bench.store.claim_orders(ann, address.clone(), 2).await;
        claimed.push(some.unwrap());
    }
    assert_eq!(claimed, [2, 1, 0]);
    let nobody = bench.store.claim_orders(eve, address, 9).await.unwrap();
    assert_eq!(nobody, 0, "they are hers now");
    let hers = bench.store.list(Some(ann), OrderQuery::default()).await;
    assert_eq!(hers.unwrap().data.len(), 3);
    let seen = bench.store.view(other.id).await.unwrap().unwrap();
    assert_eq!(seen.customer_id, None);
    bench.store.forget_customer(ann, None).await.unwrap();
    let gone = bench.store.list(Some(ann), OrderQuery::default()).await;
    assert!(gone.unwrap().data.is_empty(), "they go with the account");
}

pub(super) async fn every_move_is_written_with_its_entry_and_its_event(bench: Bench) {
    let id = bench.place(&order()).await.id;
    let payment = bench.pay(id, 10).await;
    let ship = Happening::Moved(OrderMove::Ship {
        tracking: Some("1Z999".to_owned()),
    });
    let (before, shipped) = bench.happen(id, ship, 20).await.unwrap();
    assert_eq!(
        (before.status, shipped.status),
        (OrderStatus::Paid, OrderStatus::Shipped)
    );
    bench.happen(id, DELIVER, 30).await.unwrap();
    let seen = bench.seen(id).await;
    let entries: Vec<_> = seen.timeline.iter().map(said).collect();
    let expected = [
        "1 placed pending -".to_owned(),
        format!("2 payment_started pending {payment}"),
        format!("3 paid paid {payment}"),
        "4 shipped shipped tracking 1Z999".to_owned(),
        "5 delivered delivered -".to_owned(),
    ];
    assert_eq!(entries, expected);
    let told = [
        moved(id, "paid", 2),
        moved(id, "shipped", 3),
        moved(id, "delivered", 4),
    ];
    assert_eq!(&seen.events[1..], told);
    let view = seen.view.unwrap();
    assert_eq!(
        (view.status, view.version.get()),
        (OrderStatus::Delivered, 4)
    );
    assert_eq!((view.updated_at, view.created_at), (at(30), at(0)));
    assert_eq!(view.tracking.as_deref(), Some("1Z999"));
}

pub(super) async fn a_failed_payment_moves_nothing_and_leaves_room_for_another(bench: Bench) {
    let placed = bench.place(&order()).await;
    let (first, second) = (PaymentId::generate(), PaymentId::generate());
    let failed = Happening::PaymentEnded(first, PaymentEnd::Failed);
    for happening in [
        Happening::PaymentBegan(first),
        failed,
        Happening::PaymentBegan(second),
    ] {
        bench.happen(placed.id, happening, 10).await.unwrap();
    }
    let seen = bench.seen(placed.id).await;
    let kinds: Vec<_> = seen
        .timeline
        .iter()
        .map(|entry| entry.kind.as_str())
        .collect();
    let expected = [
        "placed",
        "payment_started",
        "payment_failed",
        "payment_started",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(
        seen.view.as_ref(),
        Some(&placed),
        "nobody else sees any of it"
    );
    assert_eq!(seen.events.len(), 1);
    let found = bench.store.find(placed.id).await.unwrap().unwrap();
    assert_eq!(found.order.payment_id, Some(second));
}

pub(super) async fn calling_off_says_which_money_goes_back(bench: Bench) {
    let (pending, paid, late) = (order(), order(), order());
    for wish in [&pending, &paid, &late] {
        bench.place(wish).await;
    }
    let payment = bench.pay(paid.id, 10).await;
    // A payment that failed took nothing.
    let failed = PaymentId::generate();
    for happening in [
        Happening::PaymentBegan(failed),
        Happening::PaymentEnded(failed, PaymentEnd::Failed),
        CANCEL,
    ] {
        bench.happen(pending.id, happening, 20).await.unwrap();
    }
    bench.happen(paid.id, CANCEL, 20).await.unwrap();
    bench
        .happen(late.id, Happening::Expired, 900)
        .await
        .unwrap();
    let events = bench.behind.events().await;
    let told = [
        cancelled(pending.id, None),
        cancelled(paid.id, Some(payment)),
        cancelled(late.id, None),
    ];
    assert_eq!(&events[4..], told);
    for (id, note) in [
        (pending.id, None),
        (paid.id, None),
        (late.id, Some("not paid in time")),
    ] {
        let last = bench.store.timeline(id).await.unwrap().pop().unwrap();
        assert_eq!(
            (last.kind.as_str(), last.note.as_deref()),
            ("cancelled", note)
        );
        assert_eq!(last.status, OrderStatus::Cancelled);
    }
}

pub(super) async fn what_had_happened_is_not_written_again(bench: Bench) {
    let id = bench.place(&order()).await.id;
    let (paid, other) = (PaymentId::generate(), PaymentId::generate());
    for happening in [
        Happening::PaymentBegan(paid),
        Happening::PaymentEnded(paid, PaymentEnd::Paid),
        Happening::PaymentEnded(other, PaymentEnd::Failed),
        Happening::Expired,
    ] {
        let first = bench.happen(id, happening.clone(), 10).await;
        first.unwrap();
        let before = bench.seen(id).await;
        let (was, is) = bench.happen(id, happening, 5_000).await.unwrap();
        assert_eq!(was, is);
        assert_eq!(bench.seen(id).await, before);
    }
}

pub(super) async fn a_refused_happening_leaves_all_as_it_was(bench: Bench) {
    let (pending, paying, paid, gone) = (order(), order(), order(), order());
    for wish in [&pending, &paying, &paid, &gone] {
        bench.place(wish).await;
    }
    let other = PaymentId::generate();
    let began = Happening::PaymentBegan(PaymentId::generate());
    bench.happen(paying.id, began, 5).await.unwrap();
    bench.pay(paid.id, 5).await;
    bench.happen(gone.id, CANCEL, 5).await.unwrap();
    let foreign_money = Happening::PaymentEnded(other, PaymentEnd::Paid);
    for (id, happening) in [
        (pending.id, SHIP),
        (pending.id, DELIVER),
        (pending.id, foreign_money.clone()),
        (paid.id, DELIVER),
        (paid.id, Happening::PaymentBegan(other)),
        (paid.id, foreign_money.clone()),
        (gone.id, CANCEL),
        (gone.id, SHIP),
        (gone.id, Happening::PaymentBegan(other)),
        (gone.id, foreign_money),
    ] {
        let before = bench.seen(id).await;
        let refusal = bench.happen(id, happening.clone(), 20).await.unwrap_err();
        let illegal = matches!(refusal, OrderError::IllegalTransition { .. });
        assert!(illegal, "{happening:?}: {refusal:?}");
        assert_eq!(bench.seen(id).await, before, "{happening:?}");
    }
    for happening in [CANCEL, Happening::PaymentBegan(other)] {
        let before = bench.seen(paying.id).await;
        let refusal = bench.happen(paying.id, happening, 20).await;
        assert!(matches!(refusal, Err(OrderError::PaymentInProgress)));
        assert_eq!(bench.seen(paying.id).await, before);
    }
}

pub(super) async fn what_was_never_written_is_not_found(bench: Bench) {
    let unknown = OrderId::generate();
    let refusal = bench.happen(unknown, CANCEL, 0).await;
    assert!(matches!(refusal, Err(OrderError::NotFound)));
    assert!(bench.store.find(unknown).await.unwrap().is_none());
    let noted = bench.happen(unknown, refunded(unknown, 1, true), 0).await;
    assert!(matches!(noted, Err(OrderError::NotFound)));
    let seen = bench.seen(unknown).await;
    assert!(seen.view.is_none() && seen.timeline.is_empty() && seen.events.is_empty());
}

fn refunded(order_id: OrderId, refund: u8, whole: bool) -> Happening {
    Happening::Refunded(RefundNote {
        order_id,
        refund_id: RefundId::from_bytes([refund; 16]),
        amount: Money::new(5, "USD".parse().unwrap()),
        whole,
        items: Vec::new(),
        actor: "system".to_owned(),
    })
}

pub(super) async fn a_refund_is_noted_once_and_leaves_a_cancelled_order_cancelled(bench: Bench) {
    let id = bench.place(&order()).await.id;
    bench.pay(id, 10).await;
    bench.happen(id, CANCEL, 20).await.unwrap();
    let before = bench.seen(id).await;
    for second in [30, 40] {
        bench
            .happen(id, refunded(id, 1, true), second)
            .await
            .unwrap();
    }
    let after = bench.seen(id).await;
    assert_eq!(
        (&after.view, &after.events),
        (&before.view, &before.events),
        "it moves nothing"
    );
    let (last, rest) = after.timeline.split_last().unwrap();
    assert_eq!(rest, before.timeline);
    let refund = RefundId::from_bytes([1; 16]);
    assert_eq!(
        said(last),
        format!("5 refunded cancelled {refund} 0.05 USD")
    );
    assert_eq!((last.actor.as_str(), last.at), ("system", at(30)));
}

pub(super) async fn an_order_without_money_left_is_refunded(bench: Bench) {
    let id = bench.place(&order()).await.id;
    bench.pay(id, 10).await;
    let (before, after) = bench.happen(id, refunded(id, 1, false), 20).await.unwrap();
    assert_eq!(
        (before.status, after.status),
        (OrderStatus::Paid, OrderStatus::Paid)
    );
    let (_, after) = bench.happen(id, refunded(id, 2, true), 30).await.unwrap();
    assert_eq!(after.status, OrderStatus::Refunded);
    assert!(bench.happen(id, CANCEL, 40).await.is_err(), "an end");
    let seen = bench.seen(id).await;
    let kinds: Vec<_> = seen
        .timeline
        .iter()
        .map(|entry| entry.kind.as_str())
        .collect();
    assert!(
        kinds.ends_with(&["refunded_in_part", "refunded"]),
        "{kinds:?}"
    );
}

pub(super) async fn of_many_happenings_each_has_its_own_end(bench: Bench) {
    let (good, bad) = (bench.place(&order()).await.id, OrderId::generate());
    let payment = PaymentId::generate();
    let at_request = |request: &str| Acting {
        request: Some(request.to_owned()),
        ..by("system")
    };
    let batch = vec![
        (bad, Happening::PaymentBegan(payment), at_request("r-1")),
        (good, Happening::PaymentBegan(payment), at_request("r-2")),
        (
            good,
            Happening::PaymentBegan(PaymentId::generate()),
            at_request("r-3"),
        ),
    ];
    let answers = bench.store.happen_all(batch, at(5)).await;
    let answers = answers.unwrap();
    assert!(matches!(answers[0], Err(OrderError::NotFound)));
    assert_eq!(answers[1].as_ref().unwrap().1.payment_id, Some(payment));
    assert!(matches!(answers[2], Err(OrderError::PaymentInProgress)));
    let timeline = bench.store.timeline(good).await.unwrap();
    let requests = timeline.iter().map(|entry| entry.request_id.as_deref());
    let requests: Vec<_> = requests.collect();
    assert_eq!(requests, [None, Some("r-2")], "each at its own request");
}

pub(super) async fn due_are_the_pending_without_a_payment_whose_time_is_over(bench: Bench) {
    let (late, later, paying, paid, gone) = (order(), order(), order(), order(), order());
    let later = crate::domain::order::NewOrder {
        payment_due_at: at(950),
        ..later
    };
    for wish in [&later, &late, &paying, &paid, &gone] {
        bench.place(wish).await;
    }
    let payment = PaymentId::generate();
    let began = Happening::PaymentBegan(payment);
    bench.happen(paying.id, began, 5).await.unwrap();
    bench.pay(paid.id, 5).await;
    bench.happen(gone.id, CANCEL, 5).await.unwrap();
    let due = async |second, limit| bench.store.due(at(second), limit).await.unwrap();
    assert_eq!(due(899, 9).await, []);
    assert_eq!(due(900, 9).await, [late.id]);
    assert_eq!(
        due(1_000, 9).await,
        [late.id, later.id],
        "longest due first"
    );
    assert_eq!(due(1_000, 1).await, [late.id]);

    let failed = Happening::PaymentEnded(payment, PaymentEnd::Failed);
    bench.happen(paying.id, failed, 1_000).await.unwrap();
    assert!(due(1_000, 9).await.contains(&paying.id), "it may end now");
}

pub(super) async fn stock_is_given_up_for_what_never_came_or_was_cancelled(bench: Bench) {
    let (pending, paid, gone) = (order(), order(), order());
    for wish in [&pending, &paid, &gone] {
        bench.place(wish).await;
    }
    bench.pay(paid.id, 5).await;
    bench.happen(gone.id, CANCEL, 5).await.unwrap();
    let unknown = OrderId::generate();
    let all = vec![pending.id, unknown, paid.id, gone.id];
    for _ in 0..2 {
        let given_up = bench.store.give_up(all.clone(), at(960)).await.unwrap();
        assert_eq!(given_up, [unknown, gone.id], "and asking again is fine");
    }
    let view = bench.store.view(pending.id).await.unwrap().unwrap();
    assert_eq!(view.status, OrderStatus::Pending, "it is only a question");
}

pub(super) async fn a_forgotten_customer_is_nowhere(bench: Bench) {
    let (ann, bob) = (UserId::generate(), UserId::generate());
    let (hers, his) = (order_by(ann, 0), order_by(bob, 0));
    for wish in [&hers, &his] {
        bench.place(wish).await;
    }
    let asked = Acting {
        request: Some("anns-own".to_owned()),
        ..by(&ann.to_string())
    };
    let by_ann = bench.store.happen(hers.id, CANCEL, asked, at(5));
    by_ann.await.unwrap();
    let (before, untouched) = (bench.seen(hers.id).await, bench.seen(his.id).await);
    for _ in 0..2 {
        bench.store.forget_customer(ann, None).await.unwrap();
    }
    let after = bench.seen(hers.id).await;
    let view = after.view.unwrap();
    assert_eq!(view.customer_id, None);
    assert_eq!(view.total, before.view.unwrap().total, "the order stays");
    let actors: Vec<_> = after.timeline.iter().map(|entry| &entry.actor).collect();
    assert_eq!(actors, ["erased", "erased"]);
    let requests = after.timeline.iter().map(|entry| &entry.request_id);
    assert!(
        requests.into_iter().all(Option::is_none),
        "they may name her"
    );
    assert_eq!(bench.seen(his.id).await, untouched);
    let told = format!("{:?}", bench.behind.events().await);
    assert!(!told.contains(&ann.to_string()), "events name no buyer");
}
