//! `souk bench orders`: durable orders a second over HTTP, load and shop on the same machine and in one process,
//! with the books checked afterwards. Beside it, in the same run, what a bare loop reaches that writes the same
//! rows into files of the same schema. It judges correctness only, never speed.

mod aged;
mod bare;
mod calls;
mod goods;
mod load;
mod postgres;
mod prepare;
mod reads;
mod report;
mod search;
mod watched;

pub(super) use postgres::run as postgres;
pub(super) use reads::reads;
pub use search::SearchArgs;
pub(super) use search::search;

use crate::{
    args::{BenchArgs, BenchMode},
    audit,
    commands::{replay::own_shop, verify},
    console::say,
    ops,
    shop::Shop,
    wiring::Services,
};
use bare::{Bare, Reached};
pub(in crate::commands) use calls::calls;
use contracts::{BoxError, orders::Orders, values::OrderId};
use load::{Load, Placed};
use prepare::Prepared;
use report::Line;

/// Orders of the bare loop: as many as the run that it is held against, so that its files grow alike; but enough that
/// its log is written over, as a shop's is, and not more than take a few seconds.
const BARE_ORDERS: (u32, u32) = (20_000, 100_000);
/// How often the bare loop runs before each run of the shop; the better one counts.
const BARE_RUNS: u32 = 2;
/// Pairs of commits, one order each, that a single client is held against.
const BARE_PAIRS: u32 = 500;
/// Orders of a single client: it waits for each.
const SINGLE_ORDERS: u32 = 10_000;
/// A long run is told in this many parts, so that the first can be held against the last.
const PARTS: u32 = 10;
/// From so many orders on a run is long.
const LONG: u32 = 100_000;

pub(super) async fn orders(plan: BenchArgs) -> Result<(), BoxError> {
    if plan.mode == BenchMode::Aged {
        return Box::pin(aged::aged(&plan)).await;
    }
    let shop = own_shop(None).await?;
    let prepared = prepare::products(&shop, &plan).await?;
    let mut acknowledged = Placed::default();
    let mut lines = Vec::new();
    for (mode, orders, clients) in modes(&plan) {
        let products = if mode == BenchMode::Hot {
            prepared.products.get(..1).unwrap_or_default()
        } else {
            &prepared.products
        };
        let load = Load {
            address: shop.address,
            token: &prepared.token,
            products,
            clients,
            name: mode.name(),
        };
        let bare = bare_loop(&shop, orders)?;
        say(bare.told(&format!("bare loop beside {}", mode.name())));
        let line = run(&load, orders, &mut acknowledged).await?;
        report::ratio(&line, &bare);
        lines.push(line);
    }
    report::hot_beside_uniform(&lines);
    let outcome = check(&shop.services, &prepared, &acknowledged).await;
    shop.close().await;
    outcome
}

/// What the bare loop reaches from where the shop stands now, over as many orders as the shop is about to take.
fn bare_loop(shop: &Shop, orders: u32) -> Result<Reached, BoxError> {
    let kept = shop.data_folder().ok_or("the shop keeps nothing here")?;
    let folder = kept.join("bare");
    let mut best: Option<Reached> = None;
    for _ in 0..BARE_RUNS {
        let bare = Bare::copy(kept, &folder)?;
        let reached = bare.run(orders.clamp(BARE_ORDERS.0, BARE_ORDERS.1), BARE_PAIRS)?;
        best = Some(best.map_or(reached, |best| best.or(&reached)));
    }
    best.ok_or_else(|| "the bare loop did not run".into())
}

/// What is run: the mode, its orders, its clients.
fn modes(plan: &BenchArgs) -> Vec<(BenchMode, u32, u32)> {
    let all = [
        (BenchMode::Uniform, plan.orders, plan.clients),
        (BenchMode::Hot, plan.orders, plan.clients),
        (BenchMode::Single, plan.orders.min(SINGLE_ORDERS), 1),
    ];
    let chosen = |(mode, ..): &(BenchMode, u32, u32)| [BenchMode::All, *mode].contains(&plan.mode);
    all.into_iter().filter(chosen).collect()
}

async fn run(load: &Load<'_>, orders: u32, sum: &mut Placed) -> Result<Line, BoxError> {
    let parts = if orders >= LONG { PARTS } else { 1 };
    let mut told = Vec::new();
    for part in 0..parts {
        let (from, to) = (
            share(orders, part, parts),
            share(orders, part.saturating_add(1), parts),
        );
        let counted = ops::counted()?;
        let ran = load.run(from..to).await?;
        sum.add(&ran.placed);
        let batches = ops::counted()?.since(&counted);
        let line = Line::new(load, &ran, batches);
        say(line.told());
        told.push(line);
    }
    if let ([first, .., last], true) = (told.as_slice(), parts > 1) {
        say(report::first_and_last(first, last));
    }
    told.pop().ok_or_else(|| "nothing was run".into())
}

fn share(orders: u32, part: u32, parts: u32) -> u32 {
    let share = u64::from(orders)
        .saturating_mul(u64::from(part))
        .checked_div(u64::from(parts));
    share.and_then(|n| u32::try_from(n).ok()).unwrap_or(orders)
}

/// Every order that was acknowledged is there and no other, the stock went down by just as much, and the books
/// balance.
async fn check(services: &Services, prepared: &Prepared, sent: &Placed) -> Result<(), BoxError> {
    let books = audit::check(&services.books(), true).await?;
    let balanced = verify::judge(&books);
    let mut there = Placed::default();
    let orders: &dyn Orders = &*services.orders;
    let mut after: Option<OrderId> = None;
    loop {
        let page = orders.audit(after, 1_000).await?;
        page.iter().for_each(|order| there.note(order.id));
        match page.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    let held = prepare::reserved(services, prepared).await?;
    say(format!(
        "{} orders acknowledged, {} there, {held} units held for them",
        sent.count, there.count
    ));
    balanced?;
    if *sent == there && held == sent.count {
        Ok(())
    } else {
        Err("what is there is not what was acknowledged".into())
    }
}
