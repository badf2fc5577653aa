//! Orders, each beside its reservation and its payments: three streams in the order of the orders' ids.

use super::{
    Books, View,
    findings::Findings,
    pages::{self, Rows, channel, pour},
};
use checker::{
    Invariant, Violation,
    books::{self, Lateness},
};
use contracts::{
    BoxError,
    catalog::{ReservationAudit, ReservationState},
    orders::{OrderAudit, Orders},
    payments::PaymentAudit,
    values::OrderId,
};

/// How long an event may wait to be delivered before it is worth a word.
const WAITING_SECONDS: i64 = 10;

pub(super) async fn check(all: &Books, view: View) -> Result<Findings, BoxError> {
    let (orders, from_orders) = channel();
    let (held, from_catalog) = channel();
    let (paid, from_payments) = channel();
    let comparing = Comparing {
        orders: from_orders,
        held: from_catalog,
        paid: from_payments,
        view,
        late: 0,
        found: Findings::default(),
    };
    let (_, _, _, found) = tokio::try_join!(
        pour(
            orders,
            |row: &OrderAudit| row.id,
            |after| all.orders.audit(after, pages::ROWS)
        ),
        pour(
            held,
            |row: &ReservationAudit| row.order_id,
            |after| { all.catalog.audit_reservations(after, pages::ROWS) }
        ),
        pour(
            paid,
            |row: &PaymentAudit| (row.order_id, row.id),
            |after| { all.payments.audit(after, pages::ROWS) }
        ),
        comparing.walk(),
    )?;
    Ok(found)
}

struct Comparing {
    orders: Rows<OrderAudit>,
    held: Rows<ReservationAudit>,
    paid: Rows<PaymentAudit>,
    view: View,
    late: u64,
    found: Findings,
}

impl Comparing {
    async fn walk(mut self) -> Result<Findings, BoxError> {
        while let Some(order) = self.orders.next().await {
            let counts = &mut self.found.counts;
            counts.orders = counts.orders.saturating_add(1);
            counts.lines = counts.lines.saturating_add(order.lines);
            counts.units = counts.units.saturating_add(order.units);
            let held = self.reservation_of(order.id).await;
            let paid = self.payments_of(order.id).await;
            self.judge(&order, held.as_ref(), &paid);
        }
        while let Some(row) = self.held.next().await {
            self.orphan(&row);
        }
        while let Some(row) = self.paid.next().await {
            self.count(&row);
            self.found.wrong([books::stray(&row)]);
        }
        if self.late > 0 {
            let late = self.late;
            self.found.note(format!(
                "{late} reservations are past their time and wait to be given back"
            ));
        }
        Ok(self.found)
    }

    fn judge(
        &mut self,
        order: &OrderAudit,
        held: Option<&ReservationAudit>,
        paid: &[PaymentAudit],
    ) {
        let now = self.view.now;
        self.found.wrong(books::order(order, held, paid, now));
        self.found.wrong(books::order_s_contents(order, held));
        self.found.wrong(books::refund_sums(paid, held));
        if let Some(held) = held {
            self.found.wrong(books::back_on_shelf(paid, held));
        }
        let (wrong, owed) = books::returns(order, paid, now);
        self.found.wrong(wrong);
        self.found.owes(owed);
        match held.map_or(Lateness::Fine, |held| books::held(held, paid, now)) {
            Lateness::Fine => {}
            Lateness::Forgotten if self.view.is_open => {
                let what = format!("order {} holds its stock past its time", order.id);
                self.found
                    .wrong([Violation::new(Invariant::Liveness, what)]);
            }
            Lateness::Late | Lateness::Forgotten => self.late = self.late.saturating_add(1),
        }
    }

    /// The reservation of this order; those before it have none.
    async fn reservation_of(&mut self, id: OrderId) -> Option<ReservationAudit> {
        while let Some(row) = self.held.next_if(|row| row.order_id <= id).await {
            if row.order_id == id {
                let counts = &mut self.found.counts;
                counts.reservations = counts.reservations.saturating_add(1);
                return Some(row);
            }
            self.orphan(&row);
        }
        None
    }

    /// In a shop that is closed nobody gives back what is over.
    fn orphan(&mut self, row: &ReservationAudit) {
        let counts = &mut self.found.counts;
        counts.reservations = counts.reservations.saturating_add(1);
        if row.state == ReservationState::Open && !self.view.is_open {
            let late = u64::from(self.view.now > row.hold_until);
            self.late = self.late.saturating_add(late);
        } else {
            self.found.wrong(books::orphan(row, self.view.now));
        }
    }

    async fn payments_of(&mut self, id: OrderId) -> Vec<PaymentAudit> {
        let mut own = Vec::new();
        while let Some(row) = self.paid.next_if(|row| row.order_id <= id).await {
            self.count(&row);
            if row.order_id == id {
                own.push(row);
            } else {
                self.found.wrong([books::stray(&row)]);
            }
        }
        own
    }

    fn count(&mut self, row: &PaymentAudit) {
        let counts = &mut self.found.counts;
        counts.payments = counts.payments.saturating_add(1);
        counts.refunds = counts.refunds.saturating_add(row.refunds.count);
        self.found.wrong(books::payment(row, self.view.now));
    }
}

/// Events beside timelines, and how far they have come; discounts beside the orders that have them.
pub(super) async fn check_events(orders: &dyn Orders, view: View) -> Result<Findings, BoxError> {
    let mut found = Findings::default();
    let events = orders.audit_events().await?;
    found.counts.events = events.events;
    found.wrong(books::events(&events));
    found.waits(events.untold_returns);
    found.wrong(books::discounts(&orders.audit_discounts().await?));
    // How far delivery has come is written down now and then: what waits for moments only was delivered, most likely.
    let late = events
        .oldest_waiting
        .filter(|oldest| view.now > oldest.plus_seconds(WAITING_SECONDS));
    if let Some(since) = late {
        let (waiting, parked) = (events.waiting, events.parked);
        found.note(format!(
            "of the events of orders {waiting} wait and {parked} were refused and will come again, since {since}"
        ));
    }
    Ok(found)
}
