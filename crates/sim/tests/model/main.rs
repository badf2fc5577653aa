//! Any sequence of wishes, moves, payment steps, duplicates and delays, driven through the shop's own pure rules, ends
//! where a model of ten lines says: 100,000 sequences, split over four tests so that they run side by side.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod shop;

use contracts::{
    catalog::ReservationState,
    orders::{OrderMove, OrderStatus},
    values::Timestamp,
};
use proptest::prelude::*;
use shop::{PRICES, Shop, Stock, VARIANTS, WINDOW_MS};

const DEALS: usize = 3;
const FIRST_STOCK: i64 = 6;
const SEQUENCES_EACH: u32 = 25_000;
const STEPS_MAX: usize = 40;

/// What a shop is, to whoever does not care how it is made.
#[derive(Debug, Default)]
struct Model {
    free: [i64; VARIANTS],
    deals: [Option<([i64; VARIANTS], OrderStatus)>; DEALS],
}

impl Model {
    /// An order can be had if, and only if, there is enough of everything.
    fn place(&mut self, number: usize, units: [i64; VARIANTS]) -> bool {
        let enough = (0..VARIANTS).all(|one| units[one] <= self.free[one]);
        if enough {
            (0..VARIANTS).for_each(|one| self.free[one] -= units[one]);
            self.deals[number] = Some((units, OrderStatus::Pending));
        }
        enough
    }

    /// Only a cancelled order gives back what it had.
    fn become_(&mut self, number: usize, to: OrderStatus) {
        let (units, status) = self.deals[number].as_mut().unwrap();
        if *status != to && to == OrderStatus::Cancelled {
            (0..VARIANTS).for_each(|one| self.free[one] += units[one]);
        }
        *status = to;
    }

    /// Money is kept for what is paid and not called off.
    fn kept(&self) -> i64 {
        let kept = |status| !matches!(status, OrderStatus::Pending | OrderStatus::Cancelled);
        let cost = |units: [i64; VARIANTS]| (0..VARIANTS).map(|one| units[one] * PRICES[one]).sum::<i64>();
        self.deals.iter().flatten().filter(|(_, status)| kept(*status)).map(|(units, _)| cost(*units)).sum()
    }
}

/// One step, from two bytes: what, and to which order; the rest of the second says how.
#[derive(Debug, Clone, Copy)]
struct Do {
    what: u8,
    how: u8,
}

/// Which moves a status allows, and whether a payment under way forbids calling off.
fn may(status: OrderStatus, to: OrderStatus, paying: bool) -> bool {
    use OrderStatus::{Cancelled, Delivered, Paid, Pending, Shipped};
    match (status, to) {
        (Pending, Cancelled) => !paying,
        (Paid, Shipped | Cancelled) | (Shipped, Delivered) => true,
        _ => false,
    }
}

fn status(shop: &Shop, number: usize) -> Option<(OrderStatus, bool)> {
    let order = &shop.deals[number].as_ref()?.order;
    Some((order.status, order.payment_id.is_some()))
}

fn move_on(shop: &mut Shop, model: &mut Model, number: usize, step: OrderMove) {
    let Some((before, paying)) = status(shop, number) else {
        assert!(!shop.advance(number, step), "there is no such order");
        return;
    };
    let to = step.to();
    let allowed = may(before, to, paying);
    assert_eq!(shop.advance(number, step), allowed, "{before:?} to {to:?}");
    if allowed {
        model.become_(number, to);
    }
}

fn step(shop: &mut Shop, model: &mut Model, one: Do) {
    let (number, how) = (usize::from(one.how) % DEALS, one.how / 3);
    match one.what % 12 {
        0 | 1 => {
            let units = [i64::from(how % 4), i64::from(how / 4 % 3) + i64::from(how % 4 == 0)];
            let known = model.deals[number].is_some();
            let placed = shop.place(number, units);
            if !known && placed {
                assert!(model.place(number, units), "nothing is sold that is not there");
            } else if !known && !shop.owes() {
                assert!(!model.place(number, units), "what is there can be had");
            }
        }
        2 | 3 => drop(shop.begin_payment(number)),
        4..=6 => {
            shop.drive(number, how % 5 != 0);
            // The one move that the model cannot foresee: when the payment's last step reaches its order.
            if let Some((OrderStatus::Paid, _)) = status(shop, number)
                && matches!(model.deals[number], Some((_, OrderStatus::Pending)))
            {
                model.become_(number, OrderStatus::Paid);
            }
        }
        7 => move_on(shop, model, number, OrderMove::Cancel),
        8 => move_on(shop, model, number, OrderMove::Ship { tracking: None }),
        9 => move_on(shop, model, number, OrderMove::Deliver),
        10 => {
            let late = i64::from(how) * WINDOW_MS / 60;
            shop.now = Timestamp::from_ms(shop.now.as_ms() + late);
            expire(shop, model, number);
        }
        _ => {
            shop.deliver(number);
            let variant = usize::from(how) % VARIANTS;
            if how % 7 == 0 {
                shop.stock[variant].on_hand += 1;
                model.free[variant] += 1;
            }
        }
    }
}

fn expire(shop: &mut Shop, model: &mut Model, number: usize) {
    let due = shop.deals[number].as_ref().is_some_and(|deal| shop.now >= deal.order.payment_due_at);
    let before = status(shop, number);
    shop.expire(number);
    if due && before == Some((OrderStatus::Pending, false)) {
        model.become_(number, OrderStatus::Cancelled);
    }
}

/// What holds at any moment, however much is half done.
fn always(shop: &Shop, model: &Model) {
    for (index, Stock { on_hand, reserved }) in shop.stock.iter().enumerate() {
        assert!(0 <= *reserved && reserved <= on_hand, "stock is never below zero");
        let owed: i64 = shop
            .deals
            .iter()
            .flatten()
            .filter(|deal| deal.owes())
            .map(|deal| deal.units[index])
            .sum();
        assert_eq!(on_hand - reserved + owed, model.free[index], "what can be bought, less what is on its way back");
    }
    for (number, deal) in shop.deals.iter().enumerate() {
        let modelled = model.deals[number].map(|(_, status)| status);
        assert_eq!(deal.as_ref().map(|deal| deal.order.status), modelled, "the order stands where the model has it");
        let captured = |charge: &&(contracts::values::PaymentId, shop::Charge)| charge.1.captured > charge.1.refunded;
        let own = |id| deal.as_ref().is_some_and(|deal| deal.payments.iter().any(|one| one.id == id));
        let kept = shop.charges.iter().filter(captured).filter(|(id, _)| own(*id)).count();
        assert!(kept <= 1, "an order is charged once");
    }
}

/// Lets everything that is under way come to its end, each event twice.
fn settle(shop: &mut Shop, model: &mut Model) {
    for round in 0..16 {
        for number in 0..DEALS {
            step(shop, model, Do { what: 4, how: u8::try_from(number).unwrap() + 3 });
            shop.deliver(number);
            if round == 12 {
                shop.now = Timestamp::from_ms(shop.now.as_ms() + WINDOW_MS);
                expire(shop, model, number);
            }
        }
    }
}

fn at_the_end(shop: &Shop, model: &Model) {
    let net: i64 = shop.charges.iter().map(|(_, charge)| charge.captured - charge.refunded).sum();
    assert_eq!(net, model.kept(), "the provider has for us what paid orders cost, to the cent");
    for (index, stock) in shop.stock.iter().enumerate() {
        assert_eq!((stock.on_hand, stock.reserved), (model.free[index], 0), "nothing is held any more");
    }
    for deal in shop.deals.iter().flatten() {
        let sold = deal.held == ReservationState::Committed;
        let kept = !matches!(deal.order.status, OrderStatus::Pending | OrderStatus::Cancelled);
        assert_eq!(sold, kept, "sold is what is paid");
        assert_ne!(deal.order.status, OrderStatus::Pending, "nothing waits for ever");
        assert!(deal.payments.iter().all(|one| one.next_step() == payments::domain::Step::Rest));
    }
}

fn steps() -> impl Strategy<Value = Vec<Do>> {
    let one = any::<(u8, u8)>().prop_map(|(what, how)| Do { what, how });
    proptest::collection::vec(one, 1..STEPS_MAX)
}

fn holds(steps: &[Do], twice: bool) {
    let mut shop = Shop::new(DEALS, FIRST_STOCK);
    let mut model = Model {
        free: [FIRST_STOCK; VARIANTS],
        ..Model::default()
    };
    for one in steps {
        step(&mut shop, &mut model, *one);
        // Some things are told twice: events, and wishes whose answer was lost.
        if twice && matches!(one.what % 12, 0..=3 | 7..=9) {
            step(&mut shop, &mut model, *one);
        }
        always(&shop, &model);
    }
    settle(&mut shop, &mut model);
    always(&shop, &model);
    at_the_end(&shop, &model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: SEQUENCES_EACH, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_ends_where_the_model_says_first_quarter(steps in steps()) {
        holds(&steps, false);
    }

    #[test]
    fn any_sequence_ends_where_the_model_says_second_quarter(steps in steps()) {
        holds(&steps, false);
    }

    #[test]
    fn told_twice_it_ends_in_the_same_place_first_quarter(steps in steps()) {
        holds(&steps, true);
    }

    #[test]
    fn told_twice_it_ends_in_the_same_place_second_quarter(steps in steps()) {
        holds(&steps, true);
    }
}
