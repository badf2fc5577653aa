//! Mails to buyers: owed once, by the event or in the commit of what they tell of; taken by one at a time; gone with
//! the customer.

use super::{Bench, at, line, order, order_by, order_of, shipments::sending};
use crate::store::{
    Store,
    mails::{DueMail, Gathered, MailTake, NewMail, WAITING_OF_ORDER_MAX},
};
use contracts::{
    orders::{OrderError, OrderMailKind},
    values::{MailId, OrderId, UserId},
};
use platform::db::Abort;

fn mail(order: OrderId, kind: OrderMailKind, second: i64) -> NewMail {
    NewMail {
        id: MailId::generate(),
        order,
        kind,
        subject: None,
        due_at: at(second),
        at: at(0),
    }
}

async fn take(store: &dyn Store, second: i64, limit: u32) -> Vec<DueMail> {
    let take = MailTake {
        now: at(second),
        until: at(second).plus_seconds(60),
        limit,
    };
    store.take_mails(take).await.unwrap()
}

pub(super) async fn a_page_of_events_is_told_once_and_to_whom_it_concerns(bench: Bench) {
    let store = &*bench.store;
    let (waits, paid) = (
        bench.place(&order()).await.id,
        bench.place(&order()).await.id,
    );
    bench.pay(paid, 5).await;
    let from = store.mails_place().await.unwrap();
    let page = Gathered {
        from,
        to: 7,
        mails: vec![
            mail(waits, OrderMailKind::Received, 60),
            mail(paid, OrderMailKind::Received, 60),
            mail(paid, OrderMailKind::Paid, 0),
            mail(OrderId::generate(), OrderMailKind::Paid, 0),
        ],
    };
    assert!(store.gather_mails(page.clone()).await.unwrap());
    assert!(
        !store.gather_mails(page).await.unwrap(),
        "another node was quicker"
    );
    assert_eq!(store.mails_place().await.unwrap(), 7);
    assert_eq!(store.mails_waiting(9).await.unwrap(), 2);
    assert_eq!(
        store.mails_waiting(1).await.unwrap(),
        1,
        "no further is counted"
    );
    let first = take(store, 10, 9).await;
    let seen: Vec<_> = first.iter().map(|one| (one.order, one.kind)).collect();
    assert_eq!(seen, [(paid, OrderMailKind::Paid)]);
    let guest = first[0].guest_email.as_ref().unwrap();
    assert_eq!(guest.as_str(), "ann@example.com");
    assert_eq!(take(store, 60, 9).await[0].order, waits);
}

pub(super) async fn a_mail_to_a_buyer_is_taken_by_one_until_its_time_is_over(bench: Bench) {
    let store = &*bench.store;
    let id = bench.place(&order()).await.id;
    assert!(!store.mails_are_due(at(99)).await.unwrap());
    for second in [5, 6] {
        let one = mail(id, OrderMailKind::Received, second);
        store.owe_mail(one).await.unwrap();
    }
    assert!(store.mails_are_due(at(5)).await.unwrap());
    let [first] = take(store, 10, 1).await.try_into().unwrap();
    let [second] = take(store, 10, 9).await.try_into().unwrap();
    assert_ne!(first.id, second.id);
    assert!(take(store, 69, 9).await.is_empty(), "both are taken");
    assert_eq!(
        take(store, 70, 9).await.len(),
        2,
        "whoever had them is gone"
    );
    let settled = vec![(first.id, None), (second.id, Some(at(300)))];
    store.settle_mails(settled).await.unwrap();
    assert!(!store.mails_are_due(at(299)).await.unwrap());
    let [left] = take(store, 300, 9).await.try_into().unwrap();
    assert_eq!((left.id, left.tries), (second.id, 3));
    for _ in 1..WAITING_OF_ORDER_MAX {
        let one = mail(id, OrderMailKind::Received, 5);
        store.owe_mail(one).await.unwrap();
    }
    let refused = store.owe_mail(mail(id, OrderMailKind::Received, 5)).await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(OrderError::Invalid { .. }))
    ));
}

pub(super) async fn parcels_and_refunds_are_told_of_in_their_own_commits(bench: Bench) {
    let two = order_of(vec![line("TEA-1", 3, 1_000), line("CUP-1", 1, 500)]);
    let id = bench.place(&two).await.id;
    bench.pay(id, 10).await;
    let parcel = sending(id, Some(&[(1, 1)]));
    bench.store.send(parcel.clone()).await.unwrap();
    for _ in 0..2 {
        bench.refund(id, 9, 0, 1).await;
    }
    let owed = take(&*bench.store, 99, 9).await;
    let seen: Vec<_> = owed.iter().map(|one| (one.kind, one.subject)).collect();
    let refund = (OrderMailKind::Refunded, Some([9; 16]));
    let shipped = (OrderMailKind::Shipped, Some(*parcel.id.as_bytes()));
    assert!(
        seen.contains(&shipped) && seen.contains(&refund),
        "{seen:?}"
    );
    assert_eq!(seen.len(), 2, "a refund that is noted twice is told once");
}

pub(super) async fn who_has_gone_is_written_to_no_more(bench: Bench) {
    let bob = UserId::generate();
    let id = bench.place(&order_by(bob, 1)).await.id;
    let owe = async || {
        bench
            .store
            .owe_mail(mail(id, OrderMailKind::Received, 5))
            .await
    };
    owe().await.unwrap();
    bench.store.forget_customer(bob, None).await.unwrap();
    assert!(!bench.store.mails_are_due(at(99)).await.unwrap());
    owe().await.unwrap();
    assert!(
        !bench.store.mails_are_due(at(99)).await.unwrap(),
        "nobody's order"
    );
}
