//! All payments as whoever runs the shop looks through them.

use super::{Fixture, at, reference};
use crate::{
    domain::{Payment, State},
    store::{KeptCallback, Side},
};
use contracts::{
    payments::PaymentStatus,
    values::{OrderId, PaymentId},
};

impl Fixture {
    async fn begin_some(&self, count: usize) -> Vec<Payment> {
        let mut begun = Vec::new();
        for _ in 0..count {
            begun.push(self.begin(OrderId::generate()).await.unwrap());
        }
        begun
    }

    /// The payments of a page, and the number of its last.
    async fn page(
        &self,
        status: Option<PaymentStatus>,
        side: Side,
        limit: u32,
    ) -> (Vec<PaymentId>, i64) {
        let found = self.store.listed(status, side, limit).await.unwrap();
        let last = found.last().map_or(0, |row| row.number);
        (found.iter().map(|row| row.payment.id).collect(), last)
    }
}

pub(super) async fn payments_are_listed_newest_first_and_from_both_sides(fixture: Fixture) {
    let begun: Vec<PaymentId> = fixture.begin_some(5).await.iter().map(|p| p.id).collect();
    let (first, last) = fixture.page(None, Side::Older(i64::MAX), 2).await;
    assert_eq!(first, [begun[4], begun[3]]);
    let (second, end) = fixture.page(None, Side::Older(last), 9).await;
    assert_eq!(second, [begun[2], begun[1], begun[0]]);
    assert_eq!(fixture.page(None, Side::Older(end), 9).await.0, []);
    let (back, _) = fixture.page(None, Side::Newer(end), 2).await;
    assert_eq!(back, [begun[1], begun[2]], "the nearest come first");
    let all = fixture.store.listed(None, Side::Older(i64::MAX), 9).await;
    let newest = &all.unwrap()[0].payment;
    let kept = fixture.store.payment(begun[4]).await.unwrap().unwrap();
    let view = kept.view();
    assert_eq!(
        (newest.order_id, newest.status, newest.amount),
        (view.order_id, view.status, view.amount)
    );
    assert_eq!(newest.refunded, view.refunded);
    assert_eq!(
        (newest.created_at, newest.updated_at),
        (view.created_at, view.updated_at)
    );
}

pub(super) async fn of_a_status_are_those_that_stand_so_now_and_as_many_are_counted(
    fixture: Fixture,
) {
    let begun = fixture.begin_some(4).await;
    let code = "card_declined".to_owned();
    let declined = State::Declined { code: code.clone() };
    for payment in [&begun[1], &begun[3]] {
        fixture.moved(payment, declined.clone()).await;
    }
    let so = Some(PaymentStatus::Declined);
    let (found, last) = fixture.page(so, Side::Older(i64::MAX), 1).await;
    assert_eq!(found, [begun[3].id]);
    let (older, _) = fixture.page(so, Side::Older(last), 9).await;
    assert_eq!(older, [begun[1].id]);
    assert_eq!(fixture.page(so, Side::Newer(last), 9).await.0, []);
    let listed = fixture.store.listed(so, Side::Older(last), 1).await;
    assert_eq!(listed.unwrap()[0].payment.decline_code, Some(code));
    let counts = fixture.store.count_by_status(9).await.unwrap();
    let counted: Vec<(PaymentStatus, i64)> =
        counts.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(
        counted,
        [(PaymentStatus::Pending, 2), (PaymentStatus::Declined, 2)]
    );
    let bounded = fixture.store.count_by_status(1).await.unwrap();
    assert!(bounded.iter().all(|(_, count)| *count <= 1));
    assert_eq!(bounded.len(), PaymentStatus::ALL.len());
}

pub(super) async fn who_took_the_money_is_what_the_ledger_says(fixture: Fixture) {
    let taken = fixture.captured().await;
    let held = fixture.begin(OrderId::generate()).await.unwrap();
    let authorised = State::Authorised {
        reference: reference(),
    };
    fixture.moved(&held, authorised).await;
    let found = fixture.store.listed(None, Side::Older(i64::MAX), 9).await;
    let found: Vec<(PaymentId, Option<String>)> = found
        .unwrap()
        .into_iter()
        .map(|row| (row.payment.id, row.payment.provider))
        .collect();
    let by_test = Some("test".to_owned());
    assert_eq!(found, [(held.id, None), (taken.id, by_test)]);
}

pub(super) async fn what_was_told_of_a_payment_is_found_by_it_newest_first(fixture: Fixture) {
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    let other = fixture.begin(OrderId::generate()).await.unwrap();
    for (event, of, second) in [("a", &payment, 1), ("b", &other, 2), ("c", &payment, 3)] {
        let callback = KeptCallback {
            event_id: event.to_owned(),
            key: of.id.to_string(),
            tries: 0,
            received_at: at(second),
        };
        let body = format!("{{\"id\": \"{event}\"}}");
        let kept = fixture.store.keep_callback(callback, body, at(9)).await;
        assert!(kept.unwrap());
    }
    let ended = fixture.store.end_callback("a".to_owned(), None, at(5));
    ended.await.unwrap();
    let told = fixture.store.callbacks_of(payment.id, 9).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|one| (one.body.as_str(), one.received_at, one.done_at, one.tries))
        .collect();
    assert_eq!(
        told,
        [
            ("{\"id\": \"c\"}", at(3), None, 0),
            ("{\"id\": \"a\"}", at(1), Some(at(5)), 1)
        ]
    );
    let newest = fixture.store.callbacks_of(payment.id, 1).await.unwrap();
    assert_eq!((newest.len(), newest[0].event_id.as_str()), (1, "c"));
}
