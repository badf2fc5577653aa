//! The process stands still in the middle of its work, longer than its leases and its orders' time, and goes on
//! as if nothing had been: whoever took over meanwhile and whoever goes on late must not both succeed.

use crate::{
    books::Provider,
    operation::{Operation, WINDOW},
    table::{self, Row, Under},
    world::{QUANTITY, STOCK, World},
};
use futures_util::{StreamExt, future::join, stream};
use std::time::{Duration, Instant};
use testkit::POINTS;

const AT_A_TIME: usize = 4;
/// Longer than the provider may take in these shops.
const STILL: Duration = Duration::from_millis(250);

async fn endure(operation: Operation) {
    let quick = [("SOUK_PAYMENTS__PROVIDER_TIMEOUT_MS", "200")];
    let settings: Vec<_> = WINDOW.iter().chain(&quick).copied().collect();
    let template = operation.prepare_with(&settings).await;
    let points = POINTS.iter().filter(|point| {
        let family = point.split('.').next().unwrap_or_default();
        operation.families().contains(&family)
    });
    let rows: Vec<Row> = stream::iter(points)
        .map(|point| freeze_at(operation, &template, point))
        .buffered(AT_A_TIME)
        .collect()
        .await;
    assert!(!rows.is_empty());
    table::print(&format!("{operation:?}, frozen"), &rows);
}

/// Freezes at a point until all that has a time is over, and lets it go on.
async fn freeze_at(operation: Operation, template: &World, point: &str) -> Row {
    let _under = Under(format!("{operation:?} at {point}"));
    let mut world = template.doomed(&format!("{point}:1:freeze")).await;
    let answer = if world.shop.thawed_at_start() {
        // Over an event that was left from before: that it was delivered late is all there is to it.
        operation.ask(&world).await
    } else {
        join(operation.ask(&world), thaw(&world)).await.0
    };
    let outcome = settled(&world).await;
    assert!(!world.shop.has_ended(), "{operation:?} at {point}");
    world.shop.verify().await;
    Row {
        point: point.to_owned(),
        heard: match answer.map(|answer| answer.status) {
            Some(200 | 201) => "acknowledged",
            Some(202) => "accepted",
            Some(_) => "refused",
            None => "no answer",
        },
        outcome,
    }
}

/// Lets it go on once it has stood still for long enough, and all that has a time is over.
async fn thaw(world: &World) {
    world.shop.frozen().await;
    world.shop.set_clock_offset_seconds(200);
    let frozen = Instant::now();
    while frozen.elapsed() < STILL {
        world.shop.frozen().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.shop.signal("CONT").await;
}

/// Waits until nothing is under way any more: the order is paid, or it is over and nobody paid for it.
async fn settled(world: &World) -> &'static str {
    let started = Instant::now();
    loop {
        let orders = world.orders().await;
        assert!(orders.len() <= 1, "{orders:?}");
        let status = orders
            .first()
            .map_or("none", |order| order["status"].as_str().unwrap_or_default());
        let money = world.provider();
        let (on_hand, reserved, _) = world.admin.stock(&world.product).await;
        assert!(
            money.captures <= 1 && money.refunds <= money.captures,
            "{money:?}"
        );
        let outcome = match (status, money.captures, money.refunds) {
            ("shipped", 1, 1) => Some(("one unit came back, with its money", STOCK - QUANTITY + 1)),
            ("paid", 1, 0) => Some(("paid once", STOCK - QUANTITY)),
            ("cancelled" | "none", 0, 0) => Some(("over, nothing taken", STOCK)),
            ("cancelled" | "refunded", 1, 1) => Some(("over, money given back", STOCK)),
            _ => None,
        };
        if let Some((outcome, units)) = outcome
            && (on_hand, reserved) == (units, 0)
        {
            assert!(money.refunds == 1 || money.refunded_minor == 0);
            return outcome;
        }
        let seen: (&str, Provider) = (status, money);
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{seen:?} {on_hand} {reserved}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_before_it_listens_opens_all_the_same() {
    let template = Operation::Place.prepare().await;
    let world = template.doomed("commit.before:1:freeze").await;
    assert!(world.shop.thawed_at_start(), "it writes while it opens");
    assert!(world.shop.is_open());
    world.shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_it_places_and_is_paid_doubles_nothing() {
    endure(Operation::Buy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_it_is_paid_doubles_nothing() {
    endure(Operation::Pay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_a_proof_comes_in_doubles_nothing() {
    endure(Operation::Prove).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_it_cancels_and_gives_back_doubles_nothing() {
    endure(Operation::CancelPaid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_it_refunds_doubles_nothing() {
    endure(Operation::Refund).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_a_return_is_received_doubles_nothing() {
    endure(Operation::Return).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_orders_expire_doubles_nothing() {
    endure(Operation::Expire).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_a_payment_is_given_up_takes_nothing() {
    endure(Operation::Void).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_frozen_while_it_gives_up_held_stock_gives_it_back_once() {
    endure(Operation::Orphan).await;
}
