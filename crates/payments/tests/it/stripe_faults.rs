//! Whatever goes wrong between the shop and Stripe, at every call and at several: a buyer is charged once or not at
//! all, given back once, and order, rows and Stripe's books tell the same story.

use crate::{
    shop::{PRICE, Shop},
    stripe::VISA,
};
use contracts::{
    catalog::ReservationState,
    orders::{OrderStatus, Reader},
    payments::{PayError, PaymentStatus, Payments},
    values::OrderId,
};
use proptest::prelude::*;
use testkit::{Stripe, Trouble};

/// More calls than a payment and its refund take.
const CALLS: usize = 8;

impl Shop {
    /// Order, rows and Stripe's books must agree, and nothing be left to do.
    async fn rests_with(&self, stripe: &Stripe, order: OrderId, net: i64) {
        stripe.calm();
        let rows = self.service.audit(None, 9).await.unwrap();
        let captured: Vec<_> = rows
            .iter()
            .filter(|row| row.status == PaymentStatus::Captured)
            .collect();
        let is_paid = self.orders.get(order).status == OrderStatus::Paid;
        assert_eq!(captured.len(), usize::from(is_paid));
        assert_eq!(stripe.holds(), net);
        for row in &rows {
            let expected = if row.status == PaymentStatus::Captured {
                net
            } else {
                0
            };
            assert_eq!(row.provider_net_minor, Some(expected), "{row:?}");
        }
        assert_eq!(self.service.sweep().await.unwrap(), 0);
        assert_eq!(self.service.reviews(9).await.unwrap(), []);
    }
}

async fn paid_and_refunded_with(troubles: &[(usize, Trouble)], first: Option<Trouble>) {
    let stripe = Stripe::start();
    for (number, trouble) in troubles {
        stripe.troubles(*number, *trouble);
    }
    stripe.troubles_first(first);
    let mut shop = Shop::by(&stripe);
    let order = shop.order();
    let begun = shop.pay("k", order, VISA).await;
    let begun = begun.unwrap_or_else(|error| panic!("{troubles:?} {first:?}: {error}"));
    // Whatever was in memory only is gone.
    shop.restart().await;
    shop.settle().await;
    let again = shop.pay("k", order, VISA).await.unwrap();
    assert_eq!(
        (again.value.id, again.value.status),
        (begun.value.id, PaymentStatus::Captured),
        "{troubles:?} {first:?}"
    );
    shop.refund_by("r", again.value.id, 500).await;
    shop.settle().await;
    assert_eq!(stripe.refunds().len(), 1, "{troubles:?} {first:?}");
    let held: Vec<_> = stripe
        .intents()
        .iter()
        .filter(|intent| intent["status"] == "succeeded")
        .map(|intent| intent["amount"].clone())
        .collect();
    assert_eq!(held, [PRICE], "{troubles:?} {first:?}");
    shop.rests_with(&stripe, order, PRICE - 500).await;
}

#[tokio::test]
async fn an_answer_lost_at_any_call_charges_once_and_gives_back_once() {
    for number in 1..=CALLS {
        paid_and_refunded_with(&[(number, Trouble::LostAfter)], None).await;
        paid_and_refunded_with(&[(number, Trouble::LostBefore)], None).await;
    }
}

#[tokio::test]
async fn a_failure_at_any_call_charges_once_and_gives_back_once() {
    for number in 1..=CALLS {
        for trouble in [
            Trouble::FailsBefore,
            Trouble::FailsAfter,
            Trouble::TooMany,
            Trouble::Conflict,
        ] {
            paid_and_refunded_with(&[(number, trouble)], None).await;
        }
    }
}

#[tokio::test]
async fn everything_going_wrong_the_first_time_charges_once_and_gives_back_once() {
    for trouble in Trouble::PASSING {
        paid_and_refunded_with(&[], Some(trouble)).await;
    }
}

#[tokio::test]
async fn two_troubles_one_after_the_other_charge_once_and_give_back_once() {
    let troubles = [Trouble::LostAfter, Trouble::FailsAfter, Trouble::Conflict];
    for number in 1..CALLS {
        for one in troubles {
            for other in troubles {
                paid_and_refunded_with(&[(number, one), (number + 1, other)], None).await;
            }
        }
    }
}

#[tokio::test]
async fn a_declined_card_with_any_trouble_takes_nothing() {
    for trouble in Trouble::PASSING {
        for number in 1..=4 {
            let stripe = Stripe::start();
            stripe.troubles(number, trouble);
            let shop = Shop::by(&stripe);
            let order = shop.order();
            drop(shop.pay("k", order, "pm_card_expired_card").await);
            shop.settle().await;
            match shop.pay("k", order, "pm_card_expired_card").await {
                Ok(answered) => {
                    let code = answered.value.decline_code;
                    assert_eq!(
                        code.as_deref(),
                        Some("expired_card"),
                        "{trouble:?} {number}"
                    );
                }
                Err(PayError::Declined { decline_code, .. }) => {
                    assert_eq!(decline_code, "expired_card", "{trouble:?} {number}");
                }
                Err(other) => panic!("{trouble:?} {number}: {other:?}"),
            }
            assert_eq!(shop.orders.get(order).payment, None);
            shop.rests_with(&stripe, order, 0).await;
        }
    }
}

#[tokio::test]
async fn stripe_keeping_silent_is_not_waited_for_and_charges_once() {
    for number in 1..=3 {
        let stripe = Stripe::start();
        stripe.troubles(number, Trouble::Silent);
        let mut shop = Shop::by_with(&stripe, |settings| settings.timeout_ms = 200);
        let order = shop.order();
        let begun = shop.pay("k", order, VISA).await.unwrap().value;
        assert_ne!(begun.status, PaymentStatus::Captured);
        shop.config.stripe.timeout_ms = 4_000;
        shop.restart().await;
        shop.settle().await;
        shop.rests_with(&stripe, order, PRICE).await;
    }
}

#[tokio::test]
async fn what_was_given_up_is_not_held_by_a_request_that_comes_late() {
    for number in [1, 2] {
        let stripe = Stripe::start();
        stripe.troubles(number, Trouble::Delayed);
        let shop = Shop::by(&stripe);
        let order = shop.order();
        let begun = shop.pay("k", order, VISA).await.unwrap().value;
        assert_eq!(begun.status, PaymentStatus::Pending);
        let ann = Reader::user(shop.ann.clone());
        shop.service.void(&ann, begun.id).await.unwrap();
        shop.settle().await;
        assert_eq!(shop.statuses(), ["voided"]);
        // A late request to make one makes one that nobody confirms; a late confirmation finds it cancelled.
        let status = if number == 1 { 200 } else { 400 };
        assert_eq!(stripe.deliver(), [status]);
        shop.rests_with(&stripe, order, 0).await;
        shop.pay("k2", order, VISA).await.unwrap();
        assert_eq!(stripe.holds(), PRICE);
    }
}

#[tokio::test]
async fn a_shop_that_was_down_for_longer_than_stripe_remembers_keys_charges_once() {
    for number in 1..=3 {
        for trouble in [Trouble::LostBefore, Trouble::LostAfter] {
            let stripe = Stripe::start();
            stripe.troubles(number, trouble);
            let shop = Shop::by(&stripe);
            let order = shop.order();
            shop.pay("k", order, VISA).await.unwrap();
            shop.clock.advance_seconds(25 * 60 * 60);
            stripe.at(shop.seconds());
            stripe.forget_keys();
            shop.settle().await;
            assert_eq!(shop.statuses(), ["captured"], "{number} {trouble:?}");
            shop.rests_with(&stripe, order, PRICE).await;
        }
    }
}

#[tokio::test]
async fn a_refund_that_stripe_does_not_remember_by_its_key_is_made_once() {
    let stripe = Stripe::start();
    let shop = Shop::by(&stripe);
    let order = shop.order();
    let paid = shop.pay("k", order, VISA).await.unwrap().value;
    stripe.troubles(stripe.calls().len() + 2, Trouble::LostAfter);
    shop.refund_by("r", paid.id, 500).await;
    shop.clock.advance_seconds(25 * 60 * 60);
    stripe.forget_keys();
    shop.settle().await;
    assert_eq!(stripe.refunds().len(), 1);
    shop.rests_with(&stripe, order, PRICE - 500).await;
}

#[tokio::test]
async fn two_shops_processes_at_one_payment_charge_once() {
    for trouble in Trouble::PASSING {
        let stripe = Stripe::start();
        let shop = Shop::by(&stripe);
        let second = shop.second();
        stripe.troubles_first(Some(trouble));
        let order = shop.order();
        shop.pay("k", order, VISA).await.unwrap();
        for _ in 0..6 {
            // Past every lease: both take it up.
            shop.clock.advance_seconds(61);
            let (one, other) = tokio::join!(shop.service.sweep(), second.sweep());
            one.and(other).unwrap();
        }
        shop.settle().await;
        shop.rests_with(&stripe, order, PRICE).await;
    }
}

#[derive(Debug, Clone)]
enum Act {
    Pay(u8, &'static str),
    /// With the next call but so many.
    Trouble(usize, Trouble),
    Void,
    Prove(bool),
    Deliver,
    Restart,
    Sweep,
    /// Stripe forgets all keys.
    ADayPasses,
    ExpireStock,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let method = prop_oneof![
        4 => Just(VISA),
        2 => Just("pm_card_challenge"),
        1 => Just("pm_card_insufficient_funds"),
    ];
    let trouble = prop_oneof![
        6 => (0..Trouble::PASSING.len()).prop_map(|number| Trouble::PASSING[number]),
        2 => Just(Trouble::Delayed),
    ];
    let act = prop_oneof![
        4 => (0..3_u8, method).prop_map(|(key, method)| Act::Pay(key, method)),
        6 => (0..4_usize, trouble).prop_map(|(ahead, trouble)| Act::Trouble(ahead, trouble)),
        1 => Just(Act::Void),
        2 => any::<bool>().prop_map(Act::Prove),
        1 => Just(Act::Deliver),
        1 => Just(Act::Restart),
        4 => Just(Act::Sweep),
        1 => Just(Act::ADayPasses),
        1 => Just(Act::ExpireStock),
    ];
    proptest::collection::vec(act, 1..16)
}

impl Shop {
    async fn void_all(&self) {
        let ann = Reader::user(self.ann.clone());
        for row in self.service.audit(None, 9).await.unwrap() {
            drop(self.service.void(&ann, row.id).await);
        }
    }

    fn expire(&self, order: OrderId) {
        let mut reservations = self.catalog.reservations.lock().unwrap();
        let state = reservations.get_mut(&order).unwrap();
        if *state == ReservationState::Open {
            *state = ReservationState::Expired;
        }
    }
}

/// The buyer does at the bank what they do, if the bank waits for them.
fn prove(stripe: &Stripe, is_owner: bool) {
    let intents = stripe.intents();
    let waits = intents
        .iter()
        .find(|intent| intent["status"] == "requires_action");
    if let Some(intent) = waits {
        stripe.prove(intent["id"].as_str().unwrap(), is_owner);
    }
}

/// What was taken, and of how many intents.
fn taken(stripe: &Stripe) -> (usize, i64) {
    let intents = stripe.intents();
    let taken = intents
        .iter()
        .filter(|intent| intent["status"] == "succeeded");
    let amounts: Vec<i64> = taken
        .map(|intent| intent["amount_received"].as_i64().unwrap())
        .collect();
    (amounts.len(), amounts.iter().sum())
}

async fn live(acts: Vec<Act>) {
    let stripe = Stripe::start();
    let mut shop = Shop::by(&stripe);
    let order = shop.order();
    for act in acts {
        match act {
            Act::Pay(key, method) => drop(shop.pay(&format!("k{key}"), order, method).await),
            Act::Trouble(ahead, trouble) => {
                stripe.troubles(stripe.calls().len() + 1 + ahead, trouble);
            }
            Act::Void => shop.void_all().await,
            Act::Prove(is_owner) => prove(&stripe, is_owner),
            Act::Deliver => drop(stripe.deliver()),
            Act::Restart => shop.restart().await,
            Act::Sweep => {
                shop.clock.advance_seconds(16);
                shop.service.sweep().await.unwrap();
            }
            Act::ADayPasses => {
                shop.clock.advance_seconds(25 * 60 * 60);
                stripe.forget_keys();
            }
            Act::ExpireStock => shop.expire(order),
        }
        stripe.at(shop.seconds());
        let (count, amount) = taken(&stripe);
        assert!(count <= 1 && amount <= PRICE, "taken twice");
    }
    stripe.calm();
    shop.clock.advance_seconds(601);
    stripe.at(shop.seconds());
    shop.settle().await;
    // What arrives after the end finds nothing that it could do.
    stripe.deliver();
    let is_paid = shop.orders.get(order).status == OrderStatus::Paid;
    let expected = if is_paid { (1, PRICE) } else { (0, 0) };
    assert_eq!(taken(&stripe), expected);
    assert_eq!(stripe.holds(), expected.1, "nothing is held besides");
    assert_eq!(shop.service.reviews(9).await.unwrap(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_history_charges_twice_or_without_an_order_or_leaves_money_held(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(live(acts));
    }
}
