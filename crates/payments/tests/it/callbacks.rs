//! Proofs of the buyer, callbacks, giving up, and money that comes when nobody waits for it any more.

use crate::{
    fakes::{Call, Moment},
    shop::{PRICE, Shop},
};
use contracts::{
    catalog::ReservationState,
    orders::{OrderStatus, Reader},
    payments::{CallbackError, PayError, PaymentStatus, PaymentView, Payments},
    values::{OrderId, PaymentId},
};
use payments::Knobs;
use std::time::Duration;

impl Shop {
    async fn challenged(&self) -> (OrderId, PaymentView) {
        let order = self.order();
        let view = self.pay("k", order, "tok_challenge").await.unwrap().value;
        assert_eq!(view.status, PaymentStatus::RequiresAction);
        (order, view)
    }

    async fn seen(&self, id: PaymentId) -> PaymentView {
        let who = Reader::user(self.ann.clone());
        self.service.payment(&who, id).await.unwrap()
    }

    /// The buyer's proof, given at the provider.
    fn prove(&self, view: &PaymentView, state: &str) {
        let proof = view
            .next_action
            .as_ref()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap();
        let sql = "UPDATE charges SET state = ?2 WHERE proof = ?1";
        assert_eq!(self.sandbox_file().execute(sql, [proof, state]).unwrap(), 1);
    }

    async fn until(&self, id: PaymentId, status: PaymentStatus) {
        let wait = async {
            while self.seen(id).await.status != status {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_proof_that_nobody_called_back_about_is_found_by_asking() {
    for (state, end) in [
        ("authorised", PaymentStatus::Captured),
        ("declined", PaymentStatus::Declined),
    ] {
        let shop = Shop::start();
        let (order, view) = shop.challenged().await;
        assert_eq!(
            shop.orders.get(order).payment,
            Some(view.id),
            "the order is fenced"
        );
        shop.clock.advance_seconds(16);
        shop.service.sweep().await.unwrap();
        assert_eq!(
            shop.seen(view.id).await.status,
            PaymentStatus::RequiresAction
        );
        shop.prove(&view, state);
        shop.settle().await;
        assert_eq!(shop.seen(view.id).await.status, end);
        let paid = shop.orders.get(order).status == OrderStatus::Paid;
        assert_eq!(paid, end == PaymentStatus::Captured);
    }
}

#[tokio::test]
async fn a_buyer_who_never_comes_back_is_given_up_and_fenced() {
    let shop = Shop::start();
    let (order, view) = shop.challenged().await;
    shop.clock.advance_seconds(601);
    shop.settle().await;
    assert_eq!(shop.seen(view.id).await.status, PaymentStatus::Voided);
    assert_eq!(
        (shop.orders.get(order).payment, shop.entries("voided")),
        (None, 1)
    );
    let late = shop.service.sandbox().knobs();
    assert_eq!(late, Knobs::default());
    shop.pay("k2", order, "tok_ok").await.unwrap();
    assert_eq!(
        shop.orders.get(order).status,
        OrderStatus::Paid,
        "another try is free"
    );
}

#[tokio::test]
async fn a_payment_can_be_given_up_until_its_money_is_taken() {
    let shop = Shop::start();
    let (order, view) = shop.challenged().await;
    let ann = Reader::user(shop.ann.clone());
    let stranger = Reader::user(crate::shop::user(&[]));
    let hidden = shop.service.void(&stranger, view.id).await;
    assert!(matches!(hidden, Err(PayError::NotFound)));
    for _ in 0..2 {
        let voided = shop.service.void(&ann, view.id).await.unwrap();
        assert_eq!(voided.status, PaymentStatus::Voided);
    }
    assert_eq!(
        (shop.orders.get(order).payment, shop.entries("voided")),
        (None, 1)
    );
    let paid = shop.pay("k2", order, "tok_ok").await.unwrap().value;
    let late = shop.service.void(&ann, paid.id).await;
    assert!(matches!(
        late,
        Err(PayError::NotVoidable(PaymentStatus::Captured))
    ));
}

#[tokio::test]
async fn giving_up_while_the_provider_is_down_is_kept_and_done_later() {
    let shop = Shop::start();
    let (_, view) = shop.challenged().await;
    shop.service.sandbox().turn(Knobs {
        down: true,
        ..Knobs::default()
    });
    let ann = Reader::user(shop.ann.clone());
    let wished = shop.service.void(&ann, view.id).await.unwrap();
    assert_eq!(wished.status, PaymentStatus::RequiresAction);
    shop.service.sandbox().turn(Knobs::default());
    shop.settle().await;
    assert_eq!(shop.seen(view.id).await.status, PaymentStatus::Voided);
}

#[tokio::test]
async fn callbacks_a_hundredfold_and_in_disorder_change_nothing() {
    let shop = Shop::start();
    shop.service.sandbox().turn(Knobs {
        callbacks: true,
        duplicate_callbacks: 99,
        reorder_callbacks: true,
        ..Knobs::default()
    });
    payments::start(shop.service.clone(), &shop.tasks);
    let order = shop.order();
    let paid = shop.pay("k", order, "tok_ok").await.unwrap().value;
    assert_eq!(paid.status, PaymentStatus::Captured);
    let (_, challenged) = shop.challenged_by("k3").await;
    shop.prove_and_call_back(&challenged).await;
    shop.until(challenged.id, PaymentStatus::Captured).await;
    shop.callbacks_are_done().await;
    assert_eq!((shop.entries("captured"), shop.charges()), (2, 2));
    let ledger = shop.service.audit_ledger().await.unwrap();
    assert_eq!((ledger.entries, ledger.unbalanced), (4, 0));
    assert_eq!(shop.service.reviews(9).await.unwrap(), []);
}

impl Shop {
    async fn challenged_by(&self, key: &str) -> (OrderId, PaymentView) {
        let order = self.order();
        let view = self.pay(key, order, "tok_challenge").await.unwrap().value;
        (order, view)
    }

    async fn prove_and_call_back(&self, view: &PaymentView) {
        use axum::body::Body;
        use tower::ServiceExt;
        let router = payments::routes(self.service.clone());
        let request = axum::http::Request::post(view.next_action.as_ref().unwrap())
            .header("content-type", "application/json")
            .body(Body::from(r#"{"approve":true}"#))
            .unwrap();
        let answer = router.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    async fn callbacks_are_done(&self) {
        let count = |connection: rusqlite::Connection, sql: &str| -> i64 {
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let open = || {
            let ours = "SELECT COUNT(*) FROM callbacks WHERE done_at_ms IS NULL";
            let theirs = "SELECT COUNT(*) FROM callbacks";
            count(self.payments_file(), ours).max(count(self.sandbox_file(), theirs))
        };
        let wait = async {
            while open() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_forged_callback_is_refused_and_leaves_nothing() {
    let shop = Shop::start();
    let body = br#"{"id":"evt_1","kind":"charge.captured","key":"k"}"#;
    let forged = shop.service.callback("sandbox", "t=1,v1=x", body).await;
    assert!(matches!(forged, Err(CallbackError::BadSignature(_))));
    let unknown = shop.service.callback("paypal", "t=1,v1=x", body).await;
    assert!(matches!(unknown, Err(CallbackError::UnknownProvider)));
    let sql = "SELECT COUNT(*) FROM callbacks";
    let kept: i64 = shop
        .payments_file()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn another_amount_is_never_taken_and_somebody_is_told() {
    let shop = Shop::start();
    shop.service.sandbox().turn(Knobs {
        wrong_amount: 1,
        ..Knobs::default()
    });
    let order = shop.order();
    let refused = shop.pay("k", order, "tok_ok").await;
    assert!(
        matches!(refused, Err(PayError::NotPayable(_))),
        "{refused:?}"
    );
    assert_eq!(
        (shop.statuses(), shop.entries("captured")),
        (vec!["voided".to_owned()], 0)
    );
    let reviews = shop.service.reviews(9).await.unwrap();
    assert_eq!(
        (reviews.len(), reviews[0].kind.as_str()),
        (1, "amount_differs")
    );
    shop.pay("k2", order, "tok_ok").await.unwrap();
    assert_eq!(shop.orders.get(order).status, OrderStatus::Paid);
}

#[tokio::test]
async fn money_that_comes_after_the_end_goes_back_and_somebody_is_told() {
    let shop = Shop::start();
    let (order, view) = shop.challenged().await;
    shop.clock.advance_seconds(601);
    shop.settle().await;
    shop.orders
        .set(order, |order| order.status = OrderStatus::Cancelled);
    // A provider that breaks its word: what it let go, it takes all the same.
    let taken = format!("UPDATE charges SET state = 'captured', captured_minor = {PRICE}");
    shop.sandbox_file().execute_batch(&taken).unwrap();
    assert_eq!(shop.service.reconcile().await.unwrap(), 1);
    shop.settle().await;
    assert_eq!(shop.seen(view.id).await.status, PaymentStatus::Refunded);
    assert_eq!(shop.orders.get(order).status, OrderStatus::Cancelled);
    let audit = &shop.service.audit(None, 9).await.unwrap()[0];
    assert_eq!(audit.provider_net_minor, Some(0));
    assert_eq!(shop.service.reviews(9).await.unwrap()[0].kind, "late_money");
    assert_eq!(shop.service.reconcile().await.unwrap(), 0, "compared once");
}

#[tokio::test]
async fn a_charge_that_was_given_back_before_we_knew_of_it_pays_for_nothing() {
    let shop = Shop::start();
    let (order, view) = shop.challenged().await;
    // As after a second restore: what the first one gave back is known to the provider alone.
    let spent = format!(
        "UPDATE charges SET state = 'captured', captured_minor = {PRICE}, refunded_minor = {PRICE}"
    );
    shop.sandbox_file().execute_batch(&spent).unwrap();
    shop.clock.advance_seconds(30);
    shop.settle().await;
    assert_eq!(shop.seen(view.id).await.status, PaymentStatus::Voided);
    assert_eq!(shop.orders.get(order).status, OrderStatus::Pending);
    shop.pay("k2", order, "tok_ok").await.unwrap();
    assert_eq!(shop.orders.get(order).status, OrderStatus::Paid);
}

#[tokio::test]
async fn a_charge_that_nobody_asked_for_is_undone() {
    let shop = Shop::start();
    let sql = "INSERT INTO charges (key, method, amount_minor, asked_minor, currency, state, captured_minor,
                                    made_at_ms)
               VALUES (?1, 'tok_ok', 700, 700, 'USD', ?2, ?3, 0)";
    let lost = PaymentId::generate().to_string();
    let file = shop.sandbox_file();
    file.execute(sql, (lost, "captured", 700)).unwrap();
    file.execute(sql, ("nonsense", "authorised", 0)).unwrap();
    assert_eq!(shop.service.reconcile().await.unwrap(), 2);
    let charges = shop.service.audit_charges(0, 9).await.unwrap();
    let ends: Vec<_> = charges
        .iter()
        .map(|charge| {
            (
                charge.state.as_str(),
                charge.captured_minor - charge.refunded_minor,
            )
        })
        .collect();
    assert_eq!(ends, [("captured", 0), ("voided", 0)]);
    assert_eq!(shop.service.reviews(9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn money_that_was_taken_for_stock_that_is_gone_goes_back() {
    let shop = Shop::start();
    let order = shop.order();
    shop.orders.faults.add(Call::Begin, Moment::Before);
    let pending = shop.pay("k", order, "tok_ok").await.unwrap().value;
    shop.orders.faults.clear();
    // Storage went back in time: the provider took the money once, and the stock was let go since.
    let sql = "INSERT INTO charges (key, method, amount_minor, asked_minor, currency, state, captured_minor,
                                    made_at_ms)
               VALUES (?1, 'tok_ok', ?2, ?2, 'USD', 'captured', ?2, 0)";
    let key = pending.id.to_string();
    shop.sandbox_file().execute(sql, (key, PRICE)).unwrap();
    shop.catalog.set(order, ReservationState::Released);
    shop.settle().await;
    assert_eq!(shop.statuses(), ["refunded"]);
    let waiting = shop.orders.get(order);
    assert_eq!(
        (waiting.status, waiting.payment),
        (OrderStatus::Pending, None)
    );
    let audit = &shop.service.audit(None, 9).await.unwrap()[0];
    assert_eq!(audit.provider_net_minor, Some(0));
    let ledger = shop.service.audit_ledger().await.unwrap();
    assert_eq!((ledger.entries, ledger.unbalanced), (4, 0));
    assert_eq!(shop.service.reviews(9).await.unwrap()[0].kind, "late_money");
}
