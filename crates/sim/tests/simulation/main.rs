//! Simulated shops under seeded faults keep every promise, and the same seed is the same run. A seed that does not is
//! printed with how to see it again.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

use checker::{Action, Operation, OrderRow, Outcome};
use contracts::{
    orders::{OrderStatus, PartKind, ReturnStatus},
    problem::Code,
};
use sim::{Fault, Plan, Run, run};

/// Seeds of one test; there are eight, so that they run side by side.
const SEEDS_EACH: u64 = 25;

/// Runs the seeds from here on; says which broke a promise, and how to see it again.
fn keep_their_promises(first: u64) {
    let broken: Vec<String> = (first..first + SEEDS_EACH).filter_map(broken).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn broken(seed: u64) -> Option<String> {
    let run = run(&Plan::of(seed)).unwrap();
    let lines: Vec<String> = run.violations.iter().map(ToString::to_string).collect();
    let again = format!("cargo xtask simulate --first {seed} --seeds 1 --trace");
    (!lines.is_empty()).then(|| format!("seed {seed}:\n  {}\n  again: {again}", lines.join("\n  ")))
}

macro_rules! seeds {
    ($($name:ident: $part:literal;)*) => {$(
        #[test]
        fn $name() {
            keep_their_promises(1 + $part * SEEDS_EACH);
        }
    )*};
}

seeds! {
    the_first_25_seeds_keep_every_promise: 0;
    the_second_25_seeds_keep_every_promise: 1;
    the_third_25_seeds_keep_every_promise: 2;
    the_fourth_25_seeds_keep_every_promise: 3;
    the_fifth_25_seeds_keep_every_promise: 4;
    the_sixth_25_seeds_keep_every_promise: 5;
    the_seventh_25_seeds_keep_every_promise: 6;
    the_eighth_25_seeds_keep_every_promise: 7;
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [1, 2, 3, 5, 8, 13, 21, 34] {
        let (one, other) = (run(&Plan::of(seed)).unwrap(), run(&Plan::of(seed)).unwrap());
        for (line, again) in one.plain.iter().zip(&other.plain) {
            assert_eq!(line, again, "seed {seed}");
        }
        assert_eq!(one.digest, other.digest, "seed {seed}");
    }
}

#[test]
fn another_seed_is_another_run() {
    let (one, other) = (run(&Plan::of(1)).unwrap(), run(&Plan::of(2)).unwrap());
    assert_ne!(one.digest, other.digest);
}

/// In several ways, and with all that an order can cost.
fn much_is_bought_and_some_comes_back(runs: &[Run]) {
    let orders = || runs.iter().flat_map(|run| &run.state.orders);
    let with = |kind| {
        let has = |row: &&OrderRow| row.view.parts.iter().any(|part| part.kind == kind);
        orders().filter(has).count()
    };
    for kind in [PartKind::Shipping, PartKind::Tax] {
        assert!(with(kind) > 10, "{} orders with {kind:?}", with(kind));
    }
    let returns = |status| {
        let all = orders().flat_map(|row| &row.audit.returns);
        all.filter(|one| one.status == status).count()
    };
    for (status, more_than) in [(ReturnStatus::Refused, 0), (ReturnStatus::Refunded, 3)] {
        let count = returns(status);
        assert!(count > more_than, "{count} are {status:?}");
    }
    assert_eq!(returns(ReturnStatus::Received), 0, "owed at the end");
    let of_carts = runs.iter().flat_map(|run| &run.history.operations);
    let of_carts = of_carts.filter(|one| {
        let is_cart = matches!(one.action, Action::Place { cart: Some(_), .. });
        is_cart && one.order().is_some()
    });
    let of_carts = of_carts.count();
    assert!(of_carts > 10, "{of_carts} carts became orders");
}

/// What happened in some runs together: a shop in which nothing happens keeps every promise.
#[test]
fn enough_happens() {
    let runs: Vec<Run> = (1..=20).map(|seed| run(&Plan::of(seed)).unwrap()).collect();
    let orders = |status| {
        let all = runs.iter().flat_map(|run| &run.state.orders);
        all.filter(|row| row.audit.status == status).count()
    };
    for status in [
        OrderStatus::Paid,
        OrderStatus::Shipped,
        OrderStatus::Cancelled,
        OrderStatus::Refunded,
    ] {
        assert!(orders(status) > 0, "no order is {status:?}");
    }
    let coded = runs.iter().flat_map(|run| &run.state.orders);
    let coded = coded.filter(|row| !row.view.parts.is_empty()).count();
    let spent = |one: &Operation| match &one.outcome {
        Outcome::Refused(refusal) => refusal.code == Some(Code::DiscountExhausted),
        Outcome::Ok(_) | Outcome::Unknown(_) => false,
    };
    let refused = runs.iter().flat_map(|run| &run.history.operations);
    let refused = refused.filter(|one| spent(one)).count();
    assert!(
        coded > 10 && refused > 10,
        "{coded} orders with the code, {refused} without room"
    );
    much_is_bought_and_some_comes_back(&runs);
    let operations = || runs.iter().flat_map(|run| &run.history.operations);
    let unknown = operations()
        .filter(|one| matches!(one.outcome, Outcome::Unknown(_)))
        .count();
    let refused = operations()
        .filter(|one| matches!(one.outcome, Outcome::Refused(_)))
        .count();
    assert!(
        unknown > 20 && refused > 20,
        "{unknown} unknown, {refused} refused"
    );
    assert!(
        operations().count() > 1_000,
        "{} operations",
        operations().count()
    );
    let crashes = |plan: Plan| {
        plan.faults
            .iter()
            .any(|(_, fault)| matches!(fault, Fault::Crash(_)))
    };
    assert!((1..=12).map(Plan::of).any(crashes), "no process died");
}
