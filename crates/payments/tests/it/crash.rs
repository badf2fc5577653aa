//! Whatever breaks, wherever: afterwards the payment goes forward or back by itself, money was taken at
//! most once, and the order, our rows and the provider's books tell the same story.

use crate::{
    fakes::{Call, Moment},
    shop::{PRICE, Shop},
};
use contracts::{
    catalog::ReservationState,
    orders::{OrderStatus, PaymentEnd},
    payments::{PayError, PaymentStatus, Payments},
    values::OrderId,
};
use proptest::prelude::*;

/// A place where a payment may break off.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Before or after a neighbour's effect.
    Neighbour(Call, Moment),
    /// The provider does not come to make a charge.
    ChargeUnmade,
    /// The provider does not come to this state of a charge.
    ChargeUnmoved(&'static str),
    /// The provider's effect stands; the row of this status is not written.
    RowUnwritten(&'static str),
    /// The order knows the end; that it does is not written.
    TellingUnwritten,
}

const PLACES: [Place; 16] = [
    Place::Neighbour(Call::Begin, Moment::Before),
    Place::Neighbour(Call::Begin, Moment::After),
    Place::ChargeUnmade,
    Place::RowUnwritten("authorised"),
    Place::RowUnwritten("declined"),
    Place::Neighbour(Call::Sell, Moment::Before),
    Place::Neighbour(Call::Sell, Moment::After),
    Place::ChargeUnmoved("captured"),
    Place::ChargeUnmoved("voided"),
    Place::RowUnwritten("captured"),
    Place::RowUnwritten("voided"),
    Place::Neighbour(Call::End, Moment::Before),
    Place::Neighbour(Call::End, Moment::After),
    Place::TellingUnwritten,
    Place::Neighbour(Call::Note, Moment::Before),
    Place::RowUnwritten("refunded"),
];

const ABORT: &str = "BEGIN SELECT RAISE(ABORT, 'crashed'); END";

impl Shop {
    fn break_at(&self, place: Place) {
        let (file, when) = match place {
            Place::Neighbour(call @ (Call::Sell | Call::Restock), moment) => {
                return self.catalog.faults.add(call, moment);
            }
            Place::Neighbour(call, moment) => return self.orders.faults.add(call, moment),
            Place::ChargeUnmade => (self.sandbox_file(), "INSERT ON charges".to_owned()),
            Place::ChargeUnmoved(state) => (
                self.sandbox_file(),
                format!("UPDATE ON charges WHEN NEW.state = '{state}'"),
            ),
            Place::RowUnwritten(status) => (
                self.payments_file(),
                format!("UPDATE ON payments WHEN NEW.status = '{status}'"),
            ),
            Place::TellingUnwritten => (
                self.payments_file(),
                "UPDATE ON payments WHEN NEW.told_at_ms IS NOT NULL".to_owned(),
            ),
        };
        let sql = format!("CREATE TRIGGER IF NOT EXISTS broken BEFORE {when} {ABORT}");
        file.execute_batch(&sql).unwrap();
    }

    fn mend(&self) {
        self.orders.faults.clear();
        self.catalog.faults.clear();
        for file in [self.sandbox_file(), self.payments_file()] {
            file.execute_batch("DROP TRIGGER IF EXISTS broken").unwrap();
        }
    }

    /// Our rows, the order and the provider's books must agree, and nothing be left to do.
    async fn check_at_rest(&self, order: OrderId) {
        let rows = self.service.audit(None, 100).await.unwrap();
        let captured: Vec<_> = rows
            .iter()
            .filter(|row| row.status == PaymentStatus::Captured)
            .collect();
        let net: i64 = rows.iter().filter_map(|row| row.provider_net_minor).sum();
        let found = self.orders.get(order);
        if found.status == OrderStatus::Paid {
            assert_eq!(captured.len(), 1);
            assert_eq!((found.payment, net), (Some(captured[0].id), PRICE));
            assert_eq!(
                self.orders.ends_of(captured[0].id).last(),
                Some(&PaymentEnd::Paid)
            );
        } else {
            assert_eq!((captured.len(), net, found.payment), (0, 0, None));
        }
        assert!(self.entries("captured") <= 1);
        let unfinished = [PaymentStatus::Pending, PaymentStatus::Authorised];
        assert!(rows.iter().all(|row| !unfinished.contains(&row.status)));
        assert_eq!(self.service.sweep().await.unwrap(), 0);
    }
}

async fn broken_off_at(place: Place, method: &str, reservation: ReservationState) {
    let mut shop = Shop::start();
    let order = shop.order();
    shop.catalog.set(order, reservation);
    shop.break_at(place);
    drop(shop.pay("k", order, method).await);
    // The sweeper meets the same fault, and leaves it for later.
    shop.clock.advance_seconds(9);
    shop.service.sweep().await.unwrap();
    shop.mend();
    shop.be_patient().await;
    shop.settle().await;
    shop.check_at_rest(order).await;
    let (status, end) = match (method, reservation) {
        ("tok_declined", _) => ("declined", OrderStatus::Pending),
        (_, ReservationState::Expired) => ("voided", OrderStatus::Pending),
        _ => ("captured", OrderStatus::Paid),
    };
    assert_eq!(
        shop.statuses(),
        [status],
        "{place:?} {method} {reservation:?}"
    );
    assert_eq!(
        shop.orders.get(order).status,
        end,
        "{place:?} {method} {reservation:?}"
    );
    assert_eq!(shop.charges(), 1, "{place:?} {method} {reservation:?}");
}

#[tokio::test]
async fn a_payment_that_broke_off_anywhere_goes_forward_by_itself() {
    for place in PLACES {
        broken_off_at(place, "tok_ok", ReservationState::Open).await;
    }
}

#[tokio::test]
async fn a_declined_payment_that_broke_off_anywhere_takes_nothing() {
    for place in PLACES {
        broken_off_at(place, "tok_declined", ReservationState::Open).await;
    }
}

#[tokio::test]
async fn a_payment_without_stock_that_broke_off_anywhere_goes_back_by_itself() {
    for place in PLACES {
        broken_off_at(place, "tok_ok", ReservationState::Expired).await;
    }
}

#[tokio::test]
async fn an_intent_that_was_not_kept_was_told_to_nobody() {
    let shop = Shop::start();
    let order = shop.order();
    let broken = format!("CREATE TRIGGER broken BEFORE INSERT ON payments {ABORT}");
    shop.payments_file().execute_batch(&broken).unwrap();
    let failed = shop.pay("k", order, "tok_ok").await;
    assert!(matches!(failed, Err(PayError::Internal(_))), "{failed:?}");
    assert_eq!((shop.charges(), shop.orders.get(order).payment), (0, None));
    shop.mend();
    let paid = shop.pay("k", order, "tok_ok").await.unwrap();
    assert_eq!(
        (paid.value.status, paid.replayed),
        (PaymentStatus::Captured, false)
    );
}

#[tokio::test]
async fn a_request_that_is_repeated_after_a_crash_learns_how_it_went() {
    let mut shop = Shop::start();
    let order = shop.order();
    shop.break_at(Place::RowUnwritten("captured"));
    let unknown = shop.pay("k", order, "tok_ok").await.unwrap();
    assert_eq!(unknown.value.status, PaymentStatus::Authorised);
    shop.mend();
    shop.restart().await;
    let still = shop.pay("k", order, "tok_ok").await.unwrap();
    assert_eq!(
        (still.value.status, still.replayed),
        (PaymentStatus::Authorised, true)
    );
    shop.settle().await;
    let known = shop.pay("k", order, "tok_ok").await.unwrap();
    assert_eq!(
        (known.value.status, known.replayed),
        (PaymentStatus::Captured, true)
    );
}

#[tokio::test]
async fn money_that_its_order_does_not_want_any_more_goes_back() {
    let shop = Shop::start();
    let order = shop.order();
    shop.break_at(Place::Neighbour(Call::End, Moment::Before));
    let paid = shop.pay("k", order, "tok_ok").await.unwrap();
    assert_eq!(paid.value.status, PaymentStatus::Captured);
    shop.mend();
    // Cannot happen while the order keeps its word; if it ever does, nobody pays for nothing.
    shop.orders.set(order, |order| {
        order.status = OrderStatus::Cancelled;
        order.payment = None;
    });
    shop.settle().await;
    assert_eq!(shop.statuses(), ["refunded"]);
    assert_eq!((shop.entries("captured"), shop.entries("refunded")), (1, 1));
}

#[tokio::test]
async fn a_tie_that_storage_forgot_is_not_charged_and_what_was_held_is_let_go() {
    let shop = Shop::start();
    let order = shop.order();
    shop.break_at(Place::RowUnwritten("authorised"));
    drop(shop.pay("k", order, "tok_ok").await);
    assert_eq!(shop.entries("authorised"), 1);
    shop.mend();
    shop.orders.set(order, |order| {
        order.status = OrderStatus::Cancelled;
        order.payment = None;
    });
    shop.settle().await;
    assert_eq!(shop.statuses(), ["voided"]);
    assert_eq!((shop.entries("captured"), shop.entries("voided")), (0, 1));
}

#[derive(Debug, Clone)]
enum Act {
    Pay(u8, &'static str),
    Break(usize),
    Mend,
    Restart,
    Sweep,
    ExpireStock,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let method =
        prop_oneof![4 => Just("tok_ok"), 1 => Just("tok_declined"), 1 => Just("tok_timeout")];
    let act = prop_oneof![
        4 => (0..3_u8, method).prop_map(|(key, method)| Act::Pay(key, method)),
        4 => (0..PLACES.len()).prop_map(Act::Break),
        2 => Just(Act::Mend),
        1 => Just(Act::Restart),
        4 => Just(Act::Sweep),
        1 => Just(Act::ExpireStock),
    ];
    proptest::collection::vec(act, 1..14)
}

async fn live(acts: Vec<Act>) {
    let mut shop = Shop::with(|config| config.provider_timeout_ms = 150);
    let (order, second) = (shop.order(), shop.second());
    let mut broken = false;
    for act in acts {
        match act {
            Act::Pay(key, method) => {
                drop(shop.pay(&format!("k{key}"), order, method).await);
            }
            Act::Break(place) => {
                shop.break_at(PLACES[place]);
                broken = true;
            }
            Act::Mend => {
                shop.mend();
                broken = false;
            }
            Act::Restart => shop.restart().await,
            Act::Sweep => {
                shop.clock.advance_seconds(9);
                // Two sweepers that know nothing of each other are no worse than one.
                let (one, other) = tokio::join!(shop.service.sweep(), second.sweep());
                // Where rows cannot be written, they cannot be taken over either.
                if !broken {
                    one.and(other).unwrap();
                }
            }
            Act::ExpireStock => {
                let mut reservations = shop.catalog.reservations.lock().unwrap();
                let state = reservations.get_mut(&order).unwrap();
                if *state == ReservationState::Open {
                    *state = ReservationState::Expired;
                }
            }
        }
        assert!(shop.entries("captured") <= 1);
    }
    shop.mend();
    shop.be_patient().await;
    shop.settle().await;
    shop.check_at_rest(order).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_history_takes_money_twice_or_leaves_anything_unfinished(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(live(acts));
    }
}
