//! `souk verify`: recomputes every balance from its ledger, and holds the services' books against each other.
//! Reads only; works beside a running shop, where what is under way just now is not counted as drift.

use crate::{args::DataArgs, console::say, shop::open_services, wiring::Services};
use checker::{Violation, books};
use contracts::{
    BoxError,
    catalog::{Catalog, ReservationAudit, StockAudit},
    orders::{OrderAudit, Orders},
    payments::{PaymentAudit, Payments},
    values::{OrderId, PaymentId, Timestamp},
};
use std::time::Duration;

/// Rows read at a time.
const PAGE: u32 = 1_000;
/// How long after the first look a second one follows, if something did not fit.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(2);
/// Violations that are written out.
const SHOWN_MAX: usize = 100;

/// What was counted, and what is wrong.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) variants: usize,
    pub(super) orders: usize,
    pub(super) payments: usize,
    pub(super) reservations: usize,
    pub(super) lines: i64,
    pub(super) units: i64,
    pub(super) violations: Vec<Violation>,
}

pub(super) async fn run(data: &DataArgs) -> Result<(), BoxError> {
    let config = data.load()?;
    let (services, _work) = open_services(&config, true).await?;
    let started = tokio::time::Instant::now();
    let report = check(&services).await?;
    for violation in report.violations.iter().take(SHOWN_MAX) {
        say(violation);
    }
    say(summary(&report, started.elapsed()));
    if report.violations.is_empty() {
        Ok(())
    } else {
        Err("the books do not balance".into())
    }
}

/// One line that says what was checked.
pub(super) fn summary(report: &Report, elapsed: Duration) -> String {
    format!(
        "verified {} variants, {} reservations, {} orders ({} lines, {} units), {} payments in {elapsed:.2?}: \
         {} violations",
        report.variants,
        report.reservations,
        report.orders,
        report.lines,
        report.units,
        report.payments,
        report.violations.len()
    )
}

/// Reads all books and compares them. The books are read one after the other while a shop may be writing in
/// them: what does not fit is looked at once more, and only what still does not fit counts.
pub(super) async fn check(services: &Services) -> Result<Report, BoxError> {
    let first = read(services).await?;
    if first.violations.is_empty() {
        return Ok(first);
    }
    tokio::time::sleep(SECOND_LOOK_AFTER).await;
    let mut second = read(services).await?;
    second
        .violations
        .retain(|violation| first.violations.contains(violation));
    Ok(second)
}

async fn read(services: &Services) -> Result<Report, BoxError> {
    let mut report = Report::default();
    check_stock(services, &mut report).await?;
    check_orders(services, crate::shop::now(), &mut report).await?;
    Ok(report)
}

async fn check_stock(services: &Services, report: &mut Report) -> Result<(), BoxError> {
    let mut after = None;
    loop {
        let page: Vec<StockAudit> = services.catalog.audit_stock(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.variant_id);
        report.variants = report.variants.saturating_add(page.len());
        report
            .violations
            .extend(page.iter().filter_map(books::stock));
    }
}

/// Orders, reservations and payments, all in order-id order, side by side.
async fn check_orders(
    services: &Services,
    now: Timestamp,
    report: &mut Report,
) -> Result<(), BoxError> {
    let orders: &dyn Orders = &*services.orders.service;
    let mut reservations = Reservations::default();
    let mut payments = PaymentRows::default();
    let mut after = None;
    loop {
        let page: Vec<OrderAudit> = orders.audit(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        report.orders = report.orders.saturating_add(page.len());
        for order in &page {
            report.lines = report.lines.saturating_add(order.lines);
            report.units = report.units.saturating_add(order.units);
            let reservation = reservations.take(services, order.id, now, report).await?;
            let paid_by = payments.take(services, order.id, now, report).await?;
            report
                .violations
                .extend(books::order(order, reservation.as_ref(), &paid_by, now));
        }
    }
    reservations.finish(services, now, report).await?;
    payments.finish(services, report).await
}

/// A cursor over the reservations.
#[derive(Default)]
struct Reservations {
    page: std::collections::VecDeque<ReservationAudit>,
    after: Option<OrderId>,
    ended: bool,
}

impl Reservations {
    async fn next(
        &mut self,
        services: &Services,
        up_to: Option<OrderId>,
    ) -> Result<Option<ReservationAudit>, BoxError> {
        if self.page.is_empty() && !self.ended {
            self.page = services
                .catalog
                .audit_reservations(self.after, PAGE)
                .await?
                .into();
            self.after = self.page.back().map(|last| last.order_id).or(self.after);
            self.ended = self.page.is_empty();
        }
        let due = self
            .page
            .front()
            .is_some_and(|first| up_to.is_none_or(|id| first.order_id <= id));
        Ok(if due { self.page.pop_front() } else { None })
    }

    /// The reservation of this order; those before it have none.
    async fn take(
        &mut self,
        services: &Services,
        id: OrderId,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<Option<ReservationAudit>, BoxError> {
        while let Some(reservation) = self.next(services, Some(id)).await? {
            report.reservations = report.reservations.saturating_add(1);
            if reservation.order_id == id {
                return Ok(Some(reservation));
            }
            report.violations.extend(books::orphan(&reservation, now));
        }
        Ok(None)
    }

    async fn finish(
        &mut self,
        services: &Services,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<(), BoxError> {
        while let Some(reservation) = self.next(services, None).await? {
            report.reservations = report.reservations.saturating_add(1);
            report.violations.extend(books::orphan(&reservation, now));
        }
        Ok(())
    }
}

/// A cursor over the payments.
#[derive(Default)]
struct PaymentRows {
    page: std::collections::VecDeque<PaymentAudit>,
    after: Option<(OrderId, PaymentId)>,
    ended: bool,
}

impl PaymentRows {
    async fn next(
        &mut self,
        services: &Services,
        up_to: Option<OrderId>,
    ) -> Result<Option<PaymentAudit>, BoxError> {
        if self.page.is_empty() && !self.ended {
            self.page = services.payments.audit(self.after, PAGE).await?.into();
            self.after = self
                .page
                .back()
                .map(|last| (last.order_id, last.id))
                .or(self.after);
            self.ended = self.page.is_empty();
        }
        let due = self
            .page
            .front()
            .is_some_and(|first| up_to.is_none_or(|id| first.order_id <= id));
        Ok(if due { self.page.pop_front() } else { None })
    }

    async fn take(
        &mut self,
        services: &Services,
        id: OrderId,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<Vec<PaymentAudit>, BoxError> {
        let mut own = Vec::new();
        while let Some(payment) = self.next(services, Some(id)).await? {
            report.payments = report.payments.saturating_add(1);
            report.violations.extend(books::payment(&payment, now));
            if payment.order_id == id {
                own.push(payment);
            } else {
                report.violations.push(books::stray(&payment));
            }
        }
        Ok(own)
    }

    async fn finish(&mut self, services: &Services, report: &mut Report) -> Result<(), BoxError> {
        while let Some(payment) = self.next(services, None).await? {
            report.payments = report.payments.saturating_add(1);
            report.violations.push(books::stray(&payment));
        }
        Ok(())
    }
}
