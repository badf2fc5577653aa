//! Paying by Stripe: what it is asked, what comes of its answers, what is believed of its callbacks. Faults on the way
//! have a file of their own.

use crate::shop::{PRICE, Shop};
use contracts::{
    orders::{OrderStatus, Reader},
    payments::{
        CallbackError, PayError, PaymentStatus, PaymentView, Payments, RefundOf, RefundOrder,
    },
    request::IdempotencyKey,
    values::{Money, MoneyInput, OrderId, PaymentId},
};
use payments::{ProviderName, StripeMode};
use platform::config::Secret;
use testkit::{Stripe, stripe_signature};

pub(crate) const VISA: &str = "pm_card_visa";
const CHALLENGE: &str = "pm_card_challenge";

impl Shop {
    /// A shop that is paid by Stripe.
    pub(crate) fn by(stripe: &Stripe) -> Self {
        Self::by_with(stripe, |_| ())
    }

    pub(crate) fn by_with(
        stripe: &Stripe,
        change: impl FnOnce(&mut payments::StripeSettings),
    ) -> Self {
        let said = stripe.settings();
        let of = |name: &str| {
            let name = format!("SOUK_PAYMENTS__STRIPE__{name}");
            let found = said.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.clone()).unwrap()
        };
        let shop = Self::with(|config| {
            config.provider = ProviderName::Stripe;
            config.stripe.mode = StripeMode::Test;
            config.stripe.shop = of("SHOP");
            config.stripe.secret_key = secret(&of("SECRET_KEY"));
            config.stripe.webhook_secret = secret(&of("WEBHOOK_SECRET"));
            config.stripe.api = of("API");
            config.stripe.return_url = of("RETURN_URL");
            change(&mut config.stripe);
            config.check(&crate::shop::outward_options()).unwrap();
        });
        stripe.at(shop.seconds());
        shop
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.clock.now().as_ms() / 1_000
    }

    async fn seen_by_ann(&self, id: PaymentId) -> PaymentView {
        let who = Reader::user(self.ann.clone());
        self.service.payment(&who, id).await.unwrap()
    }

    /// Delivers these callbacks, signed now; they are worked off before it returns.
    async fn called_back(&self, stripe: &Stripe, events: &[String]) {
        for body in events {
            let signature = stripe.sign(body, self.seconds());
            let taken = self.service.callback("stripe", &signature, body.as_bytes());
            taken.await.unwrap();
        }
        let open = "SELECT COUNT(*) FROM callbacks WHERE done_at_ms IS NULL";
        let count = || -> i64 {
            let file = self.payments_file();
            file.query_row(open, [], |row| row.get(0)).unwrap()
        };
        let wait = async {
            while count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(20);
        tokio::time::timeout(patience, wait).await.unwrap();
    }

    fn kept_callbacks(&self) -> i64 {
        let sql = "SELECT COUNT(*) FROM callbacks";
        self.payments_file()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    }

    async fn challenged_at_the_bank(&self) -> (OrderId, PaymentView) {
        let order = self.order();
        let view = self.pay("k", order, CHALLENGE).await.unwrap().value;
        assert_eq!(view.status, PaymentStatus::RequiresAction);
        (order, view)
    }

    pub(crate) async fn refund_by(&self, key: &str, id: PaymentId, minor: i64) {
        let wish = RefundOrder {
            amount: Some(MoneyInput::from(usd(minor))),
            ..RefundOrder::default()
        };
        let admin = crate::shop::user(&[contracts::access::Role::Admin]);
        let key = IdempotencyKey::parse(key).unwrap();
        let refund = self
            .service
            .refund(&admin, key, RefundOf::Payment(id), wish)
            .await;
        refund.unwrap();
    }
}

fn secret(text: &str) -> Secret {
    serde_json::from_value(text.into()).unwrap()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

fn statuses(stripe: &Stripe) -> Vec<String> {
    let intents = stripe.intents();
    let status = |intent: &serde_json::Value| intent["status"].as_str().unwrap().to_owned();
    intents.iter().map(status).collect()
}

#[tokio::test]
async fn an_order_is_paid_by_one_intent_that_is_made_confirmed_and_captured() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let order = shop.order();
    let paid = shop.pay("k", order, VISA).await.unwrap().value;
    assert_eq!(paid.status, PaymentStatus::Captured);
    assert_eq!(shop.orders.get(order).status, OrderStatus::Paid);
    assert!(shop.pay("k", order, VISA).await.unwrap().replayed);
    let calls = [
        "POST /v1/payment_intents",
        "POST /v1/payment_intents/pi_1/confirm",
        "POST /v1/payment_intents/pi_1/capture",
    ];
    assert_eq!(stripe.calls(), calls);
    let intent = &stripe.intents()[0];
    assert_eq!(
        (&intent["amount"], &intent["currency"]),
        (&PRICE.into(), &"usd".into())
    );
    assert_eq!(
        intent["metadata"]["souk_payment"].as_str().unwrap(),
        paid.id.to_string()
    );
    shop.refund_by("r1", paid.id, 500).await;
    shop.refund_by("r2", paid.id, PRICE - 500).await;
    assert_eq!((stripe.refunds().len(), stripe.holds()), (2, 0));
    let audit = &shop.service.audit(None, 9).await.unwrap()[0];
    assert_eq!(audit.provider_net_minor, Some(0));
    shop.clock.advance_seconds(25 * 60 * 60);
    let audit = &shop.service.audit(None, 9).await.unwrap()[0];
    assert_eq!(
        audit.provider_net_minor, None,
        "too long ago to be asked about"
    );
    let ledger = shop.service.audit_ledger().await.unwrap();
    assert!(
        ledger
            .balances
            .iter()
            .any(|one| one.account == "cash:stripe")
    );
}

#[tokio::test]
async fn a_declined_card_leaves_nothing_held_and_says_only_what_a_thief_may_know() {
    for (method, shown) in [
        ("pm_card_insufficient_funds", "insufficient_funds"),
        ("pm_card_stolen_card", "card_declined"),
        ("pm_nobody_knows", "method_unusable"),
    ] {
        let stripe = Stripe::start();
        let shop = Shop::by(&stripe);
        let order = shop.order();
        match shop.pay("k", order, method).await {
            Err(PayError::Declined { decline_code, .. }) => assert_eq!(decline_code, shown),
            other => panic!("{method}: {other:?}"),
        }
        assert!(statuses(&stripe).iter().all(|status| status == "canceled"));
        shop.pay("k2", order, VISA).await.unwrap();
        assert_eq!(stripe.holds(), PRICE);
    }
}

#[tokio::test]
async fn an_order_that_stripe_does_not_take_so_little_for_is_declined() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let order = shop.order();
    shop.orders.set(order, |order| order.total = usd(20));
    match shop.pay("k", order, VISA).await {
        Err(PayError::Declined { decline_code, .. }) => {
            assert_eq!(decline_code, "amount_too_small")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(shop.orders.get(order).payment, None);
}

#[tokio::test]
async fn yen_are_told_whole_and_islands_crowns_in_hundredths() {
    for (currency, minor, said) in [
        ("JPY", 1_999, 1_999),
        ("ISK", 1_999, 199_900),
        ("MGA", 500, 5),
    ] {
        let stripe = Stripe::start();
        let shop = Shop::by(&stripe);
        let order = shop.order();
        let total = Money::new(minor * 10, currency.parse().unwrap());
        shop.orders.set(order, |order| order.total = total);
        let paid = shop.pay("k", order, VISA).await.unwrap().value;
        assert_eq!(paid.status, PaymentStatus::Captured, "{currency}");
        assert_eq!(stripe.intents()[0]["amount"], said * 10, "{currency}");
        let audit = &shop.service.audit(None, 9).await.unwrap()[0];
        assert_eq!(audit.provider_net_minor, Some(total.minor), "{currency}");
    }
}

#[tokio::test]
async fn a_proof_at_the_bank_is_found_by_asking() {
    for (is_owner, end) in [
        (true, PaymentStatus::Captured),
        (false, PaymentStatus::Declined),
    ] {
        let stripe = Stripe::start();
        let shop = Shop::by(&stripe);
        let (order, view) = shop.challenged_at_the_bank().await;
        let address = view.next_action.unwrap();
        assert_eq!(address, "https://bank.example/pi_1");
        let back = &stripe.intents()[0]["next_action"]["redirect_to_url"]["return_url"];
        assert_eq!(
            back.as_str().unwrap(),
            format!("https://shop.example/paid/{}", view.id)
        );
        stripe.prove(&address, is_owner);
        shop.settle().await;
        let seen = shop.seen_by_ann(view.id).await;
        assert_eq!(seen.status, end);
        let code = (!is_owner).then(|| "authentication_failed".to_owned());
        assert_eq!(seen.decline_code, code);
        let paid = shop.orders.get(order).status == OrderStatus::Paid;
        assert_eq!((paid, stripe.holds() > 0), (is_owner, is_owner));
    }
}

#[tokio::test]
async fn a_hold_by_another_card_after_the_end_is_let_go_once_stripe_tells_of_it() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let (order, view) = shop.challenged_at_the_bank().await;
    let address = view.next_action.unwrap();
    stripe.prove(&address, false);
    shop.settle().await;
    shop.pay("k2", order, VISA).await.unwrap();
    stripe.events();
    stripe.at(shop.seconds());
    stripe.try_again(&address);
    assert_eq!(stripe.holds(), 2 * PRICE);
    shop.called_back(&stripe, &stripe.events()).await;
    assert_eq!(stripe.holds(), PRICE, "the order is paid once");
    assert_eq!(
        shop.seen_by_ann(view.id).await.status,
        PaymentStatus::Declined
    );
}

#[tokio::test]
async fn a_buyer_who_never_comes_back_from_the_bank_is_given_up_for_good() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let (order, view) = shop.challenged_at_the_bank().await;
    shop.clock.advance_seconds(601);
    shop.settle().await;
    assert_eq!(
        shop.seen_by_ann(view.id).await.status,
        PaymentStatus::Voided
    );
    assert_eq!(statuses(&stripe), ["canceled"]);
    shop.pay("k2", order, VISA).await.unwrap();
    assert_eq!(stripe.holds(), PRICE);
}

#[tokio::test]
async fn without_a_page_to_come_back_to_a_card_that_wants_a_proof_is_declined() {
    let stripe = Stripe::start();
    let shop = Shop::by_with(&stripe, |settings| settings.return_url = String::new());
    let order = shop.order();
    match shop.pay("k", order, CHALLENGE).await {
        Err(PayError::Declined { decline_code, .. }) => {
            assert_eq!(decline_code, "authentication_required");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(statuses(&stripe), ["canceled"]);
}

#[tokio::test]
async fn callbacks_in_any_order_and_twice_end_a_challenge_once() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let (_, view) = shop.challenged_at_the_bank().await;
    stripe.prove(view.next_action.as_ref().unwrap(), true);
    let mut events = stripe.events();
    events.reverse();
    events.extend(events.clone());
    shop.called_back(&stripe, &events).await;
    assert_eq!(
        shop.seen_by_ann(view.id).await.status,
        PaymentStatus::Captured
    );
    let mut later = stripe.events();
    later.extend(events);
    shop.called_back(&stripe, &later).await;
    assert_eq!((stripe.intents().len(), stripe.holds()), (1, PRICE));
    let ledger = shop.service.audit_ledger().await.unwrap();
    assert_eq!((ledger.entries, ledger.unbalanced), (2, 0));
    assert_eq!(shop.service.reviews(9).await.unwrap(), []);
}

#[tokio::test]
async fn a_callback_is_believed_by_its_signature_its_time_and_its_mode_only() {
    let stripe = Stripe::start();
    let before = "whsec_of_last_year";
    let shop = Shop::by_with(&stripe, |settings| {
        settings.webhook_secret_before = secret(before);
    });
    let (_, view) = shop.challenged_at_the_bank().await;
    let body = stripe.events().pop().unwrap();
    let now = shop.seconds();
    let live = body.replace("\"livemode\":false", "\"livemode\":true");
    let other = body.replace(&view.id.to_string(), &PaymentId::generate().to_string());
    let good = stripe.sign(&body, now);
    let nobody = stripe_signature("whsec_of_nobody", &body, now);
    for (signature, body) in [
        (String::new(), &body),
        ("t=x,v1=y".to_owned(), &body),
        (good.replace("v1=", "v0="), &body),
        (good.replace("t=", "t=0"), &body),
        (nobody, &body),
        (good.clone(), &other),
        (stripe.sign(&body, now - 301), &body),
        (stripe.sign(&body, now + 301), &body),
        (stripe.sign(&live, now), &live),
    ] {
        let refused = shop.service.callback("stripe", &signature, body.as_bytes());
        let refused = refused.await;
        assert!(
            matches!(refused, Err(CallbackError::BadSignature(_))),
            "{signature}: {refused:?}"
        );
    }
    let foreign = shop.service.callback("sandbox", &good, body.as_bytes());
    assert!(matches!(foreign.await, Err(CallbackError::UnknownProvider)));
    assert_eq!(shop.kept_callbacks(), 0);
    // Other shops' payments, and what is about no payment at all, are answered and forgotten.
    for foreign in [
        body.replace("tried-out", "another-shop"),
        r#"{"id":"evt_9","livemode":false,"data":{"object":{"object":"payout"}}}"#.to_owned(),
    ] {
        shop.called_back(&stripe, &[foreign]).await;
    }
    assert_eq!(shop.kept_callbacks(), 0);
    // While the secret is changed Stripe signs with both, and both are good alone.
    let old = stripe_signature(before, &body, now - 299);
    let both = format!("{},v1={}", good, old.split("v1=").nth(1).unwrap());
    for signature in [old, both, good] {
        let taken = shop.service.callback("stripe", &signature, body.as_bytes());
        taken.await.unwrap();
    }
    assert_eq!(shop.kept_callbacks(), 1, "the same event each time");
}

#[tokio::test]
async fn money_in_stripes_books_that_nobody_asked_for_goes_back_and_other_shops_are_left_alone() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let lost = PaymentId::generate().to_string();
    stripe.stray("tried-out", &lost, 700, "succeeded");
    stripe.stray("tried-out", "nonsense", 800, "requires_capture");
    stripe.stray("another-shop", &lost, 900, "succeeded");
    stripe.stray("another-shop", "nonsense", 1_000, "requires_capture");
    assert_eq!(shop.service.reconcile().await.unwrap(), 0, "too young");
    shop.clock.advance_seconds(61);
    assert_eq!(shop.service.reconcile().await.unwrap(), 2);
    assert_eq!(stripe.holds(), 1_900);
    assert_eq!(shop.service.reviews(9).await.unwrap().len(), 2);
    assert_eq!(shop.service.reconcile().await.unwrap(), 0, "compared once");
}

#[tokio::test]
async fn long_books_are_read_to_their_end_in_the_order_of_time() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let begin = shop.seconds() - 3_000;
    for number in 0..450_i64 {
        // 150 in one second, the others scattered; every third is somebody else's.
        stripe.at(if number < 150 { begin } else { begin + number });
        let whose = if number % 3 == 2 {
            "another-shop"
        } else {
            "tried-out"
        };
        stripe.stray(whose, &PaymentId::generate().to_string(), 100, "canceled");
    }
    let mut compared = 0;
    for _ in 0..40 {
        // An answer may be put off where the books are long; the next goes on from there.
        compared += shop.service.reconcile().await.unwrap_or(0);
    }
    assert_eq!(compared, 300, "each once");
}

#[tokio::test]
async fn a_refund_that_the_bank_gives_back_waits_for_a_person() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let paid = shop.pay("k", shop.order(), VISA).await.unwrap().value;
    // Its answer is lost, and until it is asked for again it has failed.
    stripe.troubles(stripe.calls().len() + 2, testkit::Trouble::LostAfter);
    shop.refund_by("r", paid.id, 500).await;
    stripe.fail_refund(0);
    for _ in 0..8 {
        shop.clock.advance_seconds(61);
        shop.service.sweep().await.unwrap();
    }
    let sagas = shop.service.sagas(Default::default()).await.unwrap().data;
    assert_eq!(sagas.len(), 1);
    assert!(format!("{sagas:?}").contains("re_1 failed"), "{sagas:?}");
    assert_eq!(stripe.refunds().len(), 1, "it is not tried again by itself");
}

#[tokio::test]
async fn a_cards_number_is_refused_by_every_provider_and_kept_nowhere() {
    let stripe = Stripe::start();
    for shop in [Shop::start(), Shop::by(&stripe)] {
        let order = shop.order();
        for number in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "pm_4242424242424242",
        ] {
            let refused = shop.pay("k", order, number).await;
            assert!(matches!(refused, Err(PayError::CardNumber)), "{refused:?}");
            assert!(!shop.service.accepts(number).await.unwrap());
        }
        for method in ["tok_ok_not", "pm_", "pm_x y", "card_1", "src_1"] {
            let refused = shop.pay("k", order, method).await;
            assert!(
                matches!(refused, Err(PayError::UnknownMethod)),
                "{refused:?}"
            );
        }
        assert_eq!(shop.statuses(), Vec::<String>::new());
        for entry in std::fs::read_dir(&shop.folder).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let number = b"4242424242424242";
            assert!(!bytes.windows(number.len()).any(|window| window == number));
        }
    }
    assert_eq!(stripe.calls(), Vec::<String>::new());
}
