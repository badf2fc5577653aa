//! Breaks the shop on purpose, one promise at a time, and sees that the checker names the promise. A checker that finds
//! nothing in a sound shop has shown nothing until it has found each of these.
//! `cargo test -p souk-sim --test mutations -- --nocapture --test-threads 1` prints the table.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod broken_catalog;
mod broken_orders;
mod broken_returns;
mod edits;

use broken_catalog::{BrokenCatalog, CatalogBug, ReturnsByHand};
use broken_orders::{BrokenOrders, OrdersBug};
use broken_returns::{PaysAgain, PutsOnSaleAgain};
use checker::Invariant;
use contracts::{catalog::Catalog, orders::Orders};
use platform::bus::Consumer;
use sim::{Plan, Services, Tampering, run};
use std::{collections::BTreeSet, io::Write, sync::Arc};

/// Runs in which a mutation must show itself.
const SEEDS: u64 = 40;

/// A row of the table, past the test harness's own hands.
fn say(mutation: &str, invariant: Invariant, by: &str) {
    let row = format!(
        "{mutation:<64} {:<6}{:<22}{by}",
        invariant.number(),
        invariant.name()
    );
    drop(writeln!(std::io::stdout(), "{row}"));
}

/// Some run of a shop that is broken like this breaks this promise.
fn is_caught(mutation: &str, invariant: Invariant, tampering: &Tampering) {
    let mut seen = BTreeSet::new();
    for seed in 1..=SEEDS {
        let plan = Plan {
            tampering: tampering.clone(),
            ..Plan::of(seed)
        };
        let run = run(&plan).unwrap();
        seen.extend(run.violations.iter().map(|violation| violation.invariant));
        if seen.contains(&invariant) {
            say(mutation, invariant, &format!("seed {seed}"));
            return;
        }
    }
    panic!("{mutation}: {SEEDS} seeds did not break {invariant:?}, only {seen:?}");
}

fn catalog_with(bug: CatalogBug) -> Tampering {
    let wrap = move |inner| Arc::new(BrokenCatalog { inner, bug }) as Arc<dyn Catalog>;
    Tampering {
        catalog: Some(Arc::new(wrap)),
        ..Tampering::default()
    }
}

fn orders_with(bug: OrdersBug) -> Tampering {
    let wrap = move |inner| Arc::new(BrokenOrders::new(inner, bug)) as Arc<dyn Orders>;
    Tampering {
        orders: Some(Arc::new(wrap)),
        ..Tampering::default()
    }
}

macro_rules! mutations {
    ($($name:ident: $invariant:ident, $tampering:expr;)*) => {$(
        #[test]
        fn $name() {
            let mutation = stringify!($name).replace('_', " ");
            is_caught(&mutation, Invariant::$invariant, &$tampering);
        }
    )*};
}

mutations! {
    an_order_without_stock: Reservations, catalog_with(CatalogBug::SellsWhatIsNotThere);
    stock_that_is_read_then_written: Stock, catalog_with(CatalogBug::ReadsThenWrites);
    a_restock_whose_key_is_dropped: Stock, catalog_with(CatalogBug::DropsKeys);
    a_release_before_the_fence: Reservations, catalog_with(CatalogBug::ReleasesBeforeTheFence);
    a_price_that_was_never_in_force: Price, catalog_with(CatalogBug::InventsPrices);
    a_version_that_is_skipped: Versions, catalog_with(CatalogBug::SkipsVersions);
    an_edit_that_overwrites: Versions, catalog_with(CatalogBug::LastWriterWins);
    a_return_that_is_put_back_twice: Stock, catalog_with(CatalogBug::PutsBackTwice);
    a_refund_that_its_order_never_hears_of: Money, orders_with(OrdersBug::ForgetsRefunds);
    a_sale_that_is_forgotten: Reservations, catalog_with(CatalogBug::ForgetsToSell);
    an_order_s_key_that_is_dropped: Keys, orders_with(OrdersBug::DropsKeys);
    a_refusal_that_leaves_an_order: FailedMeansNothing, orders_with(OrdersBug::RefusesAfterwards);
    an_order_that_is_paid_without_money: Money, orders_with(OrdersBug::PaidWithoutMoney);
    a_charge_of_another_amount: Money, orders_with(OrdersBug::WrongAmount);
    an_acknowledged_move_that_was_not_made: Durability, orders_with(OrdersBug::AnswersWithoutMoving);
    a_read_that_fails_for_no_reason: ErrorShape, orders_with(OrdersBug::FailsForNoReason);
    a_read_that_never_ends: Liveness, orders_with(OrdersBug::Hangs);
    an_effect_without_its_inbox: Stock, Tampering {
        consumers: Some(Arc::new(|services: &Services| {
            vec![Arc::new(ReturnsByHand(Arc::clone(&services.catalog))) as Arc<dyn Consumer>]
        })),
        ..Tampering::default()
    };
    a_return_that_is_paid_back_by_another_name: NoPhantom, Tampering {
        consumers: Some(Arc::new(|services: &Services| {
            vec![Arc::new(PaysAgain(Arc::clone(&services.payments))) as Arc<dyn Consumer>]
        })),
        ..Tampering::default()
    };
    a_return_that_is_put_on_sale_by_another_name: Stock, Tampering {
        consumers: Some(Arc::new(|services: &Services| {
            vec![Arc::new(PutsOnSaleAgain(Arc::clone(&services.catalog))) as Arc<dyn Consumer>]
        })),
        ..Tampering::default()
    };
    a_return_that_nobody_pays_back: Liveness, Tampering {
        never_started: &["returns"],
        ..Tampering::default()
    };
    an_outbox_and_a_sweeper_that_never_run: Liveness, Tampering {
        never_started: &["orders"],
        ..Tampering::default()
    };
    an_undecided_payment_that_nobody_takes_up: Liveness, Tampering {
        never_started: &["payments"],
        ..Tampering::default()
    };
    an_event_that_is_thrown_away: Events, Tampering { bus_swallows: true, ..Tampering::default() };
    a_refund_whose_event_is_thrown_away: NoMoneyLeft, Tampering { bus_swallows: true, ..Tampering::default() };
    events_in_the_wrong_order: Events, Tampering { bus_reorders: true, ..Tampering::default() };
    a_disk_that_is_never_synced: Durability, Tampering { unsynced_disk: true, ..Tampering::default() };
}
