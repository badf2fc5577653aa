//! Refunds that admins make: bounded by what was captured, once for a key, finished whatever breaks between.

use crate::{
    fakes::{Call, Moment},
    shop::{Shop, line, user, variant},
};
use contracts::{
    access::{Principal, Role},
    catalog::ReturnedItem,
    orders::{LineTax, OrderPartView, OrderStatus, PartKind, PartTax},
    payments::{
        PaymentStatus, Payments, RefundError, RefundOf, RefundOrder, RefundStatus, RefundView,
        SagaKind, SagaQuery, SagaState,
    },
    request::{Answered, IdempotencyKey},
    values::{Money, MoneyInput, OrderId, PaymentId, Quantity},
};

fn admin() -> Principal {
    user(&[Role::Admin])
}

fn amount(text: &str) -> RefundOrder {
    RefundOrder {
        amount: Some(MoneyInput::Decimal(text.to_owned())),
        ..RefundOrder::default()
    }
}

fn items(items: &[(&str, u32)]) -> RefundOrder {
    let items = items.iter().map(|(sku, units)| ReturnedItem {
        variant_id: variant(sku),
        quantity: Quantity::try_from(*units).unwrap(),
    });
    RefundOrder {
        items: items.collect(),
        ..RefundOrder::default()
    }
}

fn part(kind: PartKind, minor: i64) -> OrderPartView {
    OrderPartView {
        kind,
        title: String::new(),
        code: None,
        amount: Money::new(minor, "USD".parse().unwrap()),
        tax: None,
    }
}

/// A tax on top, so much of it the lines'.
fn tax(lines: i64, shipping: i64) -> OrderPartView {
    let usd = |minor| Money::new(minor, "USD".parse().unwrap());
    OrderPartView {
        tax: Some(Box::new(PartTax {
            millionths: 190_000,
            included: false,
            taxed: usd(0),
            amount: usd(lines + shipping),
            lines: vec![LineTax {
                line: 1,
                amount: usd(lines),
            }],
            shipping: Some(usd(shipping)),
        })),
        ..part(PartKind::Tax, lines + shipping)
    }
}

impl Shop {
    async fn refund(
        &self,
        who: &Principal,
        key: &str,
        payment: PaymentId,
        wish: RefundOrder,
    ) -> Result<Answered<RefundView>, RefundError> {
        let key = IdempotencyKey::parse(key).unwrap();
        self.service
            .refund(who, key, RefundOf::Payment(payment), wish)
            .await
    }

    /// A paid order of three teas for 2.00 each and four cups for 3.50: 20.00 in all.
    async fn sold(&self) -> (OrderId, PaymentId) {
        let order = self.order();
        self.orders.set(order, |order| {
            order.lines = vec![
                line("tea", 200, 1),
                line("cup", 350, 4),
                line("tea", 200, 2),
            ];
            order.total.minor = 2_000;
        });
        let paid = self.pay(&order.to_string(), order, "tok_ok").await.unwrap();
        (order, paid.value.id)
    }
}

#[tokio::test]
async fn items_come_back_with_the_tax_that_came_on_top_of_them_and_not_with_that_of_shipping() {
    let shop = Shop::start();
    let order = shop.order();
    shop.orders.set(order, |order| {
        order.lines = vec![line("tea", 200, 3), line("cup", 350, 4)];
        order.parts = vec![part(PartKind::Shipping, 500), tax(380, 95)];
        order.total.minor = 2_975;
    });
    let paid = shop.pay("k", order, "tok_ok").await.unwrap();
    let payment = paid.value.id;
    let wish = items(&[("cup", 2)]);
    let refund = shop.refund(&admin(), "a", payment, wish).await.unwrap();
    assert_eq!(refund.value.amount.minor, 833);
    let rest = RefundOrder::default();
    let rest = shop.refund(&admin(), "b", payment, rest).await.unwrap();
    assert_eq!(rest.value.amount.minor, 2_975 - 833);
}

#[tokio::test]
async fn items_of_a_discounted_order_are_worth_what_was_paid_for_them() {
    let shop = Shop::start();
    let admin = admin();
    let order = shop.order();
    // Lines of 20.00, of which a third was taken off, and 5.00 for shipping: 13.33 of what was paid are for the things.
    shop.orders.set(order, |order| {
        order.lines = vec![line("tea", 200, 3), line("cup", 350, 4)];
        order.parts = vec![
            part(PartKind::Discount, -667),
            part(PartKind::Shipping, 500),
        ];
        order.total.minor = 1_833;
    });
    let paid = shop.pay("k", order, "tok_ok").await.unwrap();
    let payment = paid.value.id;
    let mut given = 0;
    for (key, wish, worth) in [
        ("a", items(&[("cup", 2)]), 466),
        ("b", items(&[("tea", 1)]), 133),
        ("c", items(&[("tea", 2), ("cup", 2)]), 733),
    ] {
        let refund = shop.refund(&admin, key, payment, wish).await.unwrap();
        assert_eq!(refund.value.amount.minor, worth);
        given += worth;
    }
    // What rounding left is there to be given back as well.
    let rest = RefundOrder::default();
    let rest = shop.refund(&admin, "d", payment, rest).await.unwrap();
    assert_eq!((given, rest.value.amount.minor), (1_332, 501));
    assert_eq!(shop.statuses(), ["refunded"]);
}

#[tokio::test]
async fn parts_are_given_back_until_nothing_is_left() {
    let shop = Shop::start();
    let (admin, (order, payment)) = (admin(), shop.sold().await);
    let part = shop
        .refund(&admin, "a", payment, amount("5.00"))
        .await
        .unwrap();
    assert_eq!(
        (part.value.amount.minor, part.value.status, part.replayed),
        (500, RefundStatus::Succeeded, false)
    );
    let cups = shop
        .refund(&admin, "b", payment, items(&[("cup", 2)]))
        .await
        .unwrap();
    assert_eq!(cups.value.amount.minor, 700);
    let who = contracts::orders::Reader::user(admin.clone());
    let view = shop.service.payment(&who, payment).await.unwrap();
    assert_eq!(
        (view.status, view.refunded.minor),
        (PaymentStatus::Captured, 1_200)
    );
    let rest = shop
        .refund(&admin, "c", payment, RefundOrder::default())
        .await
        .unwrap();
    assert_eq!(rest.value.amount.minor, 800);
    assert_eq!(shop.statuses(), ["refunded"]);
    let nothing = shop
        .refund(&admin, "d", payment, RefundOrder::default())
        .await;
    assert!(matches!(nothing, Err(RefundError::TooMuch { left }) if left.minor == 0));
    let whole: Vec<_> = shop
        .orders
        .get(order)
        .refunds
        .iter()
        .map(|note| note.whole)
        .collect();
    assert_eq!(whole, [false, false, true]);
    assert_eq!(
        shop.catalog.given_back.lock().unwrap().len(),
        1,
        "only the cups"
    );
    let audit = &shop.service.audit(None, 9).await.unwrap()[0];
    assert_eq!(audit.provider_net_minor, Some(0));
}

#[tokio::test]
async fn fifty_at_once_never_give_back_more_than_was_captured() {
    let shop = Shop::start();
    let (admin, (_, payment)) = (admin(), shop.sold().await);
    let keys: Vec<String> = (0..50).map(|n| format!("k{n}")).collect();
    let tries = keys
        .iter()
        .map(|key| shop.refund(&admin, key, payment, amount("1.50")));
    let answers = futures_util::future::join_all(tries).await;
    let given = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(given, 13, "13 times 1.50 of 20.00");
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, Err(RefundError::TooMuch { .. })));
    assert_eq!(refused.count(), 37);
    assert_eq!(shop.entries("refunded"), 13);
    let audit = &shop.service.audit(None, 9).await.unwrap()[0];
    assert_eq!(
        (
            audit.refunded_minor,
            audit.refunding_minor,
            audit.provider_net_minor
        ),
        (1_950, 1_950, Some(50))
    );
}

#[tokio::test]
async fn a_key_gives_back_once_and_its_twins_hear_the_same() {
    let shop = Shop::start();
    let (admin, (_, payment)) = (admin(), shop.sold().await);
    let twins = (0..20).map(|_| shop.refund(&admin, "k", payment, amount("5")));
    let answers = futures_util::future::join_all(twins).await;
    let first = answers[0].as_ref().unwrap();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap().value, first.value);
    }
    let fresh = answers
        .iter()
        .filter(|answer| !answer.as_ref().unwrap().replayed);
    assert_eq!((fresh.count(), shop.entries("refunded")), (1, 1));
    let other = shop.refund(&admin, "k", payment, amount("6")).await;
    assert!(matches!(other, Err(RefundError::KeyReused)));
}

#[tokio::test]
async fn what_cannot_be_given_back_leaves_nothing() {
    let shop = Shop::start();
    let (admin, (_, payment)) = (admin(), shop.sold().await);
    let mut both = items(&[("tea", 1), ("tea", 1)]);
    both.reason = Some("twice".to_owned());
    for wish in [
        amount("0"),
        amount("-1"),
        amount("20.01"),
        amount("1.999"),
        items(&[("tea", 4)]),
        items(&[("hat", 1)]),
        both,
        RefundOrder {
            reason: Some("x".repeat(201)),
            ..RefundOrder::default()
        },
    ] {
        let refused = shop.refund(&admin, "k", payment, wish.clone()).await;
        assert!(refused.is_err(), "{wish:?}");
    }
    let nobody = shop
        .refund(&shop.ann, "k", payment, RefundOrder::default())
        .await;
    assert!(matches!(nobody, Err(RefundError::NotFound)), "not an admin");
    let unpaid = shop.order();
    let key = IdempotencyKey::parse("u").unwrap();
    let early = shop
        .service
        .refund(&admin, key, RefundOf::Order(unpaid), RefundOrder::default())
        .await;
    assert!(matches!(early, Err(RefundError::NotCaptured)), "{early:?}");
    assert_eq!(shop.entries("refunded"), 0);
    let audit = &shop.service.audit(None, 9).await.unwrap()[0];
    assert_eq!(audit.refunding_minor, 0);
}

#[tokio::test]
async fn units_come_back_at_most_once_over_all_refunds() {
    let shop = Shop::start();
    let (admin, (_, payment)) = (admin(), shop.sold().await);
    shop.refund(&admin, "a", payment, items(&[("tea", 2)]))
        .await
        .unwrap();
    let many = shop
        .refund(&admin, "b", payment, items(&[("cup", 1), ("tea", 2)]))
        .await;
    assert!(
        matches!(many, Err(RefundError::TooManyUnits { left: 1, index: 1 })),
        "{many:?}"
    );
    shop.refund(&admin, "c", payment, items(&[("tea", 1)]))
        .await
        .unwrap();
}

/// Where a refund may break off.
const BREAKS: [(&str, &str); 9] = [
    ("sandbox", "UPDATE ON charges"),
    ("payments", "UPDATE ON refunds WHEN NEW.stage = 'booked'"),
    ("payments", "INSERT ON ledger_entries"),
    ("payments", "UPDATE ON refunds WHEN NEW.stage = 'restocked'"),
    ("payments", "UPDATE ON refunds WHEN NEW.stage = 'noted'"),
    ("restock before", ""),
    ("restock after", ""),
    ("note before", ""),
    ("note after", ""),
];

#[tokio::test]
async fn a_refund_that_broke_off_anywhere_is_finished_once() {
    for (file, when) in BREAKS {
        let mut shop = Shop::start();
        let (admin, (order, payment)) = (admin(), shop.sold().await);
        let sql = format!(
            "CREATE TRIGGER broken BEFORE {when} BEGIN SELECT RAISE(ABORT, 'crashed'); END"
        );
        match file {
            "sandbox" => shop.sandbox_file().execute_batch(&sql).unwrap(),
            "payments" => shop.payments_file().execute_batch(&sql).unwrap(),
            "restock before" => shop.catalog.faults.add(Call::Restock, Moment::Before),
            "restock after" => shop.catalog.faults.add(Call::Restock, Moment::After),
            "note before" => shop.orders.faults.add(Call::Note, Moment::Before),
            _ => shop.orders.faults.add(Call::Note, Moment::After),
        }
        let begun = shop
            .refund(&admin, "k", payment, items(&[("cup", 4)]))
            .await
            .unwrap();
        if file.starts_with("note") {
            let given_back = shop.catalog.given_back.lock().unwrap();
            assert!(
                given_back.is_empty(),
                "{file}: on sale before its order knew of it"
            );
        }
        shop.restart().await;
        let drop_it = "DROP TRIGGER IF EXISTS broken";
        shop.sandbox_file().execute_batch(drop_it).unwrap();
        shop.payments_file().execute_batch(drop_it).unwrap();
        shop.catalog.faults.clear();
        shop.orders.faults.clear();
        shop.settle().await;
        let again = shop
            .refund(&admin, "k", payment, items(&[("cup", 4)]))
            .await
            .unwrap();
        assert_eq!(
            (again.value.id, again.replayed),
            (begun.value.id, true),
            "{when}"
        );
        assert_eq!(again.value.status, RefundStatus::Succeeded, "{file} {when}");
        assert_eq!(shop.entries("refunded"), 1, "{file} {when}");
        assert_eq!(shop.orders.get(order).refunds.len(), 1, "{file} {when}");
        assert_eq!(
            shop.catalog.given_back.lock().unwrap().len(),
            1,
            "{file} {when}"
        );
        let ledger = shop.service.audit_ledger().await.unwrap();
        assert_eq!((ledger.entries, ledger.unbalanced), (4, 0), "{file} {when}");
    }
}

#[tokio::test]
async fn what_the_provider_refuses_for_good_is_parked_and_taken_up_when_a_person_says_so() {
    let shop = Shop::start();
    let (admin, (_, payment)) = (admin(), shop.sold().await);
    // The provider's books are not ours to change; here somebody did.
    let sandbox = shop.sandbox_file();
    sandbox
        .execute_batch("UPDATE charges SET refunded_minor = captured_minor")
        .unwrap();
    shop.refund(&admin, "k", payment, amount("1"))
        .await
        .unwrap();
    for _ in 0..6 {
        shop.clock.advance_seconds(61);
        shop.service.sweep().await.unwrap();
    }
    let query = || SagaQuery {
        state: Some(SagaState::Parked),
        ..SagaQuery::default()
    };
    let parked = shop.service.sagas(query()).await.unwrap().data;
    assert_eq!(
        (parked.len(), parked[0].kind, parked[0].tries),
        (1, SagaKind::Refund, 5)
    );
    assert!(parked[0].reason.as_ref().unwrap().contains("refuses"));
    shop.clock.advance_seconds(3_600);
    assert_eq!(shop.service.sweep().await.unwrap(), 0, "left alone");

    sandbox
        .execute_batch("UPDATE charges SET refunded_minor = 0")
        .unwrap();
    let taken_up = shop.service.retry_saga(parked[0].id).await.unwrap();
    assert_eq!(
        (taken_up.state, taken_up.step.as_str()),
        (SagaState::Open, "done")
    );
    assert_eq!(shop.service.sagas(query()).await.unwrap().data, []);
    assert!(
        shop.service.retry_saga(parked[0].id).await.is_err(),
        "it has ended"
    );
}

#[tokio::test]
async fn cancelling_gives_back_only_what_is_left() {
    let shop = Shop::start();
    let (admin, (order, payment)) = (admin(), shop.sold().await);
    shop.refund(&admin, "k", payment, amount("5"))
        .await
        .unwrap();
    shop.orders
        .set(order, |order| order.status = OrderStatus::Cancelled);
    let consumer = payments::consumer(std::sync::Arc::clone(&shop.service));
    let event = contracts::orders::OrderCancelled {
        order_id: order,
        payment_id: Some(payment),
    };
    let envelope = contracts::event::Event::envelope(
        &event,
        contracts::values::EventId::generate(),
        contracts::values::Timestamp::from_ms(0),
    );
    consumer.consume(&envelope.unwrap()).await.unwrap();
    shop.rest().await;
    let refunds = shop.orders.get(order).refunds;
    let amounts: Vec<_> = refunds.iter().map(|note| note.amount.minor).collect();
    assert_eq!(amounts, [500, 1_500]);
    assert_eq!(shop.statuses(), ["refunded"]);
}
