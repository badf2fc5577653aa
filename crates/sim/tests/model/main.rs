//! Any sequence of wishes, moves, payment steps, refunds, duplicates and delays, driven through the shop's own pure
//! rules, ends where a model of a few lines says: 100,000 sequences, split over four tests that run side by side.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod shop;
mod till;

use contracts::{
    catalog::ReservationState,
    orders::{OrderMove, OrderStatus},
    values::Timestamp,
};
use payments::domain::{Stage, Step};
use proptest::prelude::*;
use shop::{Deal, PRICES, Shop, Stock, Units, VARIANTS, WINDOW_MS, cost};
use std::collections::BTreeMap;
use till::Says;

const DEALS: usize = 2;
const FIRST_STOCK: i64 = 6;
const SEQUENCES_EACH: u32 = 25_000;
const STEPS_MAX: usize = 70;

/// An order, to whoever does not care how it is made: what was bought, where it stands, what went back.
#[derive(Debug, Clone, Copy)]
struct Sold {
    units: Units,
    status: OrderStatus,
    given_minor: i64,
    back: Units,
}

/// The shop, likewise.
#[derive(Debug, Default)]
struct Model {
    free: Units,
    deals: [Option<Sold>; DEALS],
}

impl Model {
    /// An order can be had if, and only if, there is enough of everything.
    fn place(&mut self, number: usize, units: Units) -> bool {
        let enough = (0..VARIANTS).all(|one| units[one] <= self.free[one]);
        if enough {
            (0..VARIANTS).for_each(|one| self.free[one] -= units[one]);
            let status = OrderStatus::Pending;
            self.deals[number] = Some(Sold {
                units,
                status,
                given_minor: 0,
                back: [0; VARIANTS],
            });
        }
        enough
    }

    /// Only a cancelled order gives back all that it had.
    fn become_(&mut self, number: usize, to: OrderStatus) {
        let sold = self.deals[number].as_mut().unwrap();
        if sold.status != to && to == OrderStatus::Cancelled {
            (0..VARIANTS).for_each(|one| self.free[one] += sold.units[one] - sold.back[one]);
        }
        sold.status = to;
    }

    /// Money goes back as far as there is any, and units as far as they were bought.
    fn refund(&mut self, number: usize, minor: Option<i64>, items: Units) -> bool {
        let Some(sold) = &mut self.deals[number] else {
            return false;
        };
        let left = cost(sold.units) - sold.given_minor;
        let none = items == [0; VARIANTS];
        let minor = minor.unwrap_or_else(|| if none { left } else { cost(items) });
        let fits = (0..VARIANTS).all(|one| items[one] + sold.back[one] <= sold.units[one]);
        let paid = !matches!(sold.status, OrderStatus::Pending | OrderStatus::Cancelled);
        let possible = paid && fits && minor > 0 && minor <= left;
        if possible {
            sold.given_minor += minor;
            (0..VARIANTS).for_each(|one| sold.back[one] += items[one]);
            (0..VARIANTS).for_each(|one| self.free[one] += items[one]);
        }
        possible
    }

    /// Money is kept for what is paid and not called off, less what went back.
    fn kept(&self) -> i64 {
        let kept =
            |sold: &&Sold| !matches!(sold.status, OrderStatus::Pending | OrderStatus::Cancelled);
        let deals = self.deals.iter().flatten();
        deals
            .filter(kept)
            .map(|sold| cost(sold.units) - sold.given_minor)
            .sum()
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

fn place(shop: &mut Shop, model: &mut Model, number: usize, how: u8) {
    let units = [
        i64::from(how % 4),
        i64::from(how / 4 % 3) + i64::from(how.is_multiple_of(4)),
    ];
    let known = model.deals[number].is_some();
    let placed = shop.place(number, units);
    if !known && placed {
        assert!(
            model.place(number, units),
            "nothing is sold that is not there"
        );
    } else if !known && !shop.owes() {
        assert!(!model.place(number, units), "what is there can be had");
    }
}

/// What a refund is of: money, goods, both, or all that is left.
fn refund(shop: &mut Shop, model: &mut Model, number: usize, how: u8) {
    let minor = (!how.is_multiple_of(3)).then(|| i64::from(how) * 20 + 1);
    let items = [i64::from(how / 3 % 3), i64::from(how / 9 % 2)];
    let before = model.deals[number];
    let told = shop.refund(number, minor, items);
    // What was called off goes back as a whole, whoever asks for a part of it first.
    if before.is_some_and(|sold| sold.status != OrderStatus::Cancelled) {
        assert_eq!(
            told,
            model.refund(number, minor, items),
            "{before:?}: {minor:?}, {items:?}"
        );
    }
}

fn step(shop: &mut Shop, model: &mut Model, one: Do) {
    let (number, how) = (usize::from(one.how) % DEALS, one.how / 2);
    match one.what % 20 {
        0 | 1 => place(shop, model, number, how),
        2 | 3 => drop(shop.begin_payment(number)),
        4..=8 => {
            let says = match how % 6 {
                0 => Says::No,
                1 => Says::Prove,
                _ => Says::Yes,
            };
            for _ in 0..=how % 4 {
                shop.drive(number, says);
                follow(shop, model, number, OrderStatus::Pending, OrderStatus::Paid);
            }
        }
        9 if how.is_multiple_of(3) => move_on(shop, model, number, OrderMove::Cancel),
        9 | 10 => move_on(shop, model, number, OrderMove::Ship { tracking: None }),
        11 => move_on(shop, model, number, OrderMove::Deliver),
        12 => {
            let late = i64::from(how) * WINDOW_MS / 300;
            shop.now = Timestamp::from_ms(shop.now.as_ms() + late);
            expire(shop, model, number);
        }
        13 if how.is_multiple_of(3) => shop.void(number),
        13..=15 => refund(shop, model, number, how),
        16 | 17 => (0..=how % 4).for_each(|_| drive_refund(shop, model, number)),
        18 => {
            let variant = usize::from(how) % VARIANTS;
            shop.stock[variant].on_hand += 1;
            model.free[variant] += 1;
        }
        _ => shop.deliver(number),
    }
}

/// The moves that the model cannot foresee are those that wait for their turn; it follows them.
fn follow(shop: &Shop, model: &mut Model, number: usize, from: OrderStatus, to: OrderStatus) {
    let there = status(shop, number).is_some_and(|(status, _)| status == to);
    if there && model.deals[number].is_some_and(|sold| sold.status == from) {
        model.become_(number, to);
    }
}

fn drive_refund(shop: &mut Shop, model: &mut Model, number: usize) {
    shop.drive_refund(number);
    let whole = model.deals[number].is_some_and(|sold| sold.given_minor == cost(sold.units));
    if whole {
        for from in [
            OrderStatus::Paid,
            OrderStatus::Shipped,
            OrderStatus::Delivered,
        ] {
            follow(shop, model, number, from, OrderStatus::Refunded);
        }
    }
}

fn expire(shop: &mut Shop, model: &mut Model, number: usize) {
    let due = shop.deals[number]
        .as_ref()
        .is_some_and(|deal| shop.now >= deal.order.payment_due_at);
    let before = status(shop, number);
    shop.expire(number);
    if due && before == Some((OrderStatus::Pending, false)) {
        model.become_(number, OrderStatus::Cancelled);
    }
}

/// What holds at any moment, however much is half done.
fn always(shop: &Shop, model: &Model) {
    for (index, Stock { on_hand, reserved }) in shop.stock.iter().enumerate() {
        assert!(
            0 <= *reserved && reserved <= on_hand,
            "stock is never below zero"
        );
        let owed: i64 = shop
            .deals
            .iter()
            .flatten()
            .map(|deal| deal.owed(index))
            .sum();
        assert_eq!(
            on_hand - reserved + owed,
            model.free[index],
            "what can be had, less what is on its way back"
        );
    }
    for (number, deal) in shop.deals.iter().enumerate() {
        let modelled = model.deals[number].map(|sold| sold.status);
        assert_eq!(
            deal.as_ref().map(|deal| deal.order.status),
            modelled,
            "the order stands where the model has it"
        );
        let Some(deal) = deal else { continue };
        let charges: Vec<_> = deal
            .payments
            .iter()
            .filter_map(|one| shop.charges.get(&one.id))
            .collect();
        assert!(
            charges
                .iter()
                .filter(|one| one.captured > one.refunded)
                .count()
                <= 1,
            "it is charged once"
        );
        assert!(
            charges.iter().all(|one| one.refunded <= one.captured),
            "no more goes back than came"
        );
    }
    assert_eq!(
        shop.accounts.values().sum::<i64>(),
        0,
        "the ledger sums to zero"
    );
}

/// Lets everything that is under way come to its end, each event more than once.
fn settle(shop: &mut Shop, model: &mut Model) {
    for round in 0..40 {
        for number in 0..DEALS {
            shop.drive(number, if round < 8 { Says::Prove } else { Says::Yes });
            follow(shop, model, number, OrderStatus::Pending, OrderStatus::Paid);
            drive_refund(shop, model, number);
            shop.deliver(number);
            if round == 20 {
                shop.now = Timestamp::from_ms(shop.now.as_ms() + WINDOW_MS);
                expire(shop, model, number);
            }
        }
    }
}

fn at_the_end(shop: &Shop, model: &Model) {
    let net: i64 = shop
        .charges
        .values()
        .map(|charge| charge.captured - charge.refunded)
        .sum();
    assert_eq!(
        net,
        model.kept(),
        "the provider has for us what paid orders cost, less what went back"
    );
    let cash = shop.accounts.get("cash:sandbox").copied().unwrap_or(0);
    assert_eq!(cash, net, "and so says the ledger");
    for (index, stock) in shop.stock.iter().enumerate() {
        assert_eq!(
            (stock.on_hand, stock.reserved),
            (model.free[index], 0),
            "nothing is held any more"
        );
    }
    for (deal, sold) in shop
        .deals
        .iter()
        .zip(&model.deals)
        .filter_map(|(deal, sold)| deal.as_ref().zip(*sold))
    {
        ended(deal, &sold);
    }
}

fn ended(deal: &Deal, sold: &Sold) {
    let is_sold = deal.held == ReservationState::Committed;
    let kept = !matches!(sold.status, OrderStatus::Pending | OrderStatus::Cancelled);
    assert_eq!(is_sold, kept, "sold is what is paid");
    assert_ne!(sold.status, OrderStatus::Pending, "nothing waits for ever");
    assert!(
        deal.payments
            .iter()
            .all(|one| one.next_step() == Step::Rest),
        "every payment has ended"
    );
    assert!(
        deal.refunds.iter().all(|one| one.stage == Stage::Noted),
        "every refund has ended"
    );
    let whole = kept && sold.given_minor == cost(sold.units);
    assert_eq!(
        whole,
        sold.status == OrderStatus::Refunded,
        "refunded is what has no money left"
    );
}

fn steps() -> impl Strategy<Value = Vec<Do>> {
    let one = any::<(u8, u8)>().prop_map(|(what, how)| Do { what, how });
    proptest::collection::vec(one, 1..STEPS_MAX)
}

fn holds(steps: &[Do], twice: bool) -> Shop {
    let mut shop = Shop::new(DEALS, FIRST_STOCK);
    let mut model = Model {
        free: [FIRST_STOCK; VARIANTS],
        ..Model::default()
    };
    for one in steps {
        step(&mut shop, &mut model, *one);
        // Some things are told twice: events, and wishes whose answer was lost.
        if twice && matches!(one.what % 20, 0..=3 | 9..=11 | 13 | 19) {
            step(&mut shop, &mut model, *one);
        }
        always(&shop, &model);
    }
    settle(&mut shop, &mut model);
    always(&shop, &model);
    at_the_end(&shop, &model);
    shop
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

/// How often sequences came to each end: a model that never gets anywhere proves nothing.
#[test]
fn the_sequences_reach_every_end() {
    let mut random = sim::Random::new(1, 1);
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..2_000 {
        let byte = |random: &mut sim::Random| u8::try_from(random.below(256)).unwrap();
        let count = random.between(1, 60);
        let steps: Vec<Do> = (0..count)
            .map(|_| Do {
                what: byte(&mut random),
                how: byte(&mut random),
            })
            .collect();
        for deal in holds(&steps, false).deals.into_iter().flatten() {
            let parts = deal.refunds.len().min(2);
            let back = if deal.returned == [0; VARIANTS] {
                "kept"
            } else {
                "came back"
            };
            let end = format!(
                "{}, {parts} refunds, goods {back}",
                deal.order.status.as_str()
            );
            *ends.entry(end).or_insert(0) += 1;
        }
    }
    for end in [
        "paid, 0 refunds, goods kept",
        "paid, 1 refunds, goods kept",
        "paid, 1 refunds, goods came back",
        "shipped, 0 refunds, goods kept",
        "delivered, 0 refunds, goods kept",
        "cancelled, 0 refunds, goods kept",
        "cancelled, 1 refunds, goods kept",
        "refunded, 1 refunds, goods kept",
    ] {
        assert!(
            ends.get(end).is_some_and(|count| *count >= 10),
            "{end}: {ends:?}"
        );
    }
    assert!(
        PRICES.iter().all(|price| *price > 0),
        "nothing is free here"
    );
}
