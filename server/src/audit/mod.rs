//! Verification: every balance recomputed from its ledger, and the services' books held against each other. For the
//! command, the API and the admins' page alike. Reads only; works beside a running shop, where what is under way just
//! now is not counted as drift.

mod findings;
mod history;
mod http;
mod keeper;
mod money;
mod orders;
mod pages;
mod stock;

pub(crate) use findings::summary;
pub(crate) use history::{Verdict, check as check_history};
pub(crate) use http::routes;
pub(crate) use keeper::Keeper;

use crate::watch;
use contracts::{
    BoxError, audit::AuditReport, catalog::Catalog, orders::Orders, payments::Payments,
    values::Timestamp,
};
use findings::Findings;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long after the first look a second one follows, if something did not fit.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(2);

/// Whose books are read.
#[derive(Clone)]
pub(crate) struct Books {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) orders: Arc<dyn Orders>,
    pub(crate) payments: Arc<dyn Payments>,
}

/// From where the books are looked at.
#[derive(Debug, Clone, Copy)]
struct View {
    now: Timestamp,
    /// Whether a shop is open on them: then what is due is done within moments, and what is not is wrong.
    is_open: bool,
}

/// How the parts of the books are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As fast as can be: by all processors, and most readers.
    AtOnce,
    /// Beside those who buy: nobody waits for it.
    OneAfterAnother,
}

/// Reads all books and compares them. The books are read one after the other while a shop may be writing in
/// them: what does not fit is looked at once more, and only what still does not fit counts.
pub(crate) async fn check(books: &Books, is_open: bool) -> Result<AuditReport, BoxError> {
    check_in(Order::AtOnce, books, is_open).await
}

async fn check_in(order: Order, books: &Books, is_open: bool) -> Result<AuditReport, BoxError> {
    let (at, started) = (crate::shop::now(), Instant::now());
    let mut found = look(order, books, View { now: at, is_open }).await?;
    if found.total > 0 {
        tokio::time::sleep(SECOND_LOOK_AFTER).await;
        let now = crate::shop::now();
        let again = look(order, books, View { now, is_open }).await?;
        found = again.confirmed_by(&found);
    }
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let oversold_units = found.oversold_units;
    let report = found.into_report(at, took_ms);
    watch::audited(&report, oversold_units);
    Ok(report)
}

async fn look(order: Order, books: &Books, view: View) -> Result<Findings, BoxError> {
    let shelves = stock::check(&*books.catalog);
    let orders = orders::check(books, view);
    let money = money::check(&*books.payments, view);
    let events = orders::check_events(&*books.orders, view);
    let parts = match order {
        Order::AtOnce => tokio::try_join!(shelves, orders, money, events)?.into(),
        Order::OneAfterAnother => [shelves.await?, orders.await?, money.await?, events.await?],
    };
    let mut all = Findings::default();
    for part in parts {
        all.add(part);
    }
    all.settle();
    Ok(all)
}
