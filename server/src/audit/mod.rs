//! Verification: every balance recomputed from its ledger, and the services' books held against each other. For the
//! command, the API and the admins' page alike. Reads only; works beside a running shop, where what is under way just
//! now is not counted as drift.

mod findings;
mod history;
mod http;
mod keeper;
mod money;
mod orders;
mod pace;
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
use pace::Pace;
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
struct View<'p> {
    now: Timestamp,
    /// Whether a shop is open on them: then what is due is done within moments, and what is not is wrong.
    is_open: bool,
    pace: &'p Pace,
}

/// Reads all books and compares them. The books are read one after the other while a shop may be writing in
/// them: what does not fit is looked at once more, and only what still does not fit counts.
pub(crate) async fn check(books: &Books, is_open: bool) -> Result<AuditReport, BoxError> {
    check_at(&Pace::quick(), books, is_open).await
}

/// The same, at this pace.
async fn check_at(pace: &Pace, books: &Books, is_open: bool) -> Result<AuditReport, BoxError> {
    let (at, started) = (crate::shop::now(), Instant::now());
    let view = |now| View { now, is_open, pace };
    let mut found = look(books, view(at)).await?;
    if found.total > 0 {
        tokio::time::sleep(SECOND_LOOK_AFTER).await;
        let again = look(books, view(crate::shop::now())).await?;
        found = again.confirmed_by(&found);
    }
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let oversold_units = found.oversold_units;
    let report = found.into_report(at, took_ms);
    watch::audited(&report, oversold_units);
    Ok(report)
}

/// The parts do not wait for one another, unless there is time.
async fn look(books: &Books, view: View<'_>) -> Result<Findings, BoxError> {
    let shelves = stock::check(&*books.catalog, view);
    let orders = orders::check(books, view);
    let money = money::check(&*books.payments, view);
    let events = orders::check_events(&*books.orders, view);
    let parts = if view.pace.is_easy() {
        [shelves.await?, orders.await?, money.await?, events.await?]
    } else {
        tokio::try_join!(shelves, orders, money, events)?.into()
    };
    let mut all = Findings::default();
    for part in parts {
        all.add(part);
    }
    all.settle();
    Ok(all)
}
