//! All rows of a run's books through the functions for one row.

use crate::{
    books,
    history::History,
    state::{Provider, State},
    violation::Violation,
};
use contracts::{
    catalog::ReservationAudit,
    orders::OrderAudit,
    payments::{PaymentAudit, RefundAudit},
    values::{OrderId, PaymentId},
};
use std::collections::HashMap;

/// All rows of a run's books, each with those that belong to it.
pub(crate) fn all(_: &History, state: &State, _: &Provider) -> Vec<Violation> {
    let now = state.now();
    let held: HashMap<OrderId, &ReservationAudit> = state
        .reservations
        .iter()
        .map(|row| (row.order_id, row))
        .collect();
    let mut payments: HashMap<OrderId, Vec<PaymentAudit>> = HashMap::new();
    for row in &state.payments {
        payments.entry(row.order_id).or_default().push(row.clone());
    }
    let orders: HashMap<OrderId, &OrderAudit> = state
        .orders
        .iter()
        .map(|row| (row.audit.id, &row.audit))
        .collect();
    let mut given_back: HashMap<PaymentId, Vec<RefundAudit>> = HashMap::new();
    for row in &state.refunds {
        let of_payment = given_back.entry(row.audit.payment_id).or_default();
        of_payment.push(row.audit.clone());
    }
    let mut found: Vec<Violation> = state.stock.iter().filter_map(books::stock).collect();
    found.extend(books::ledger(&state.ledger));
    for row in &state.orders {
        let id = row.audit.id;
        let paid_by = payments.get(&id).map_or(&[][..], Vec::as_slice);
        let held = held.get(&id).copied();
        found.extend(books::order(&row.audit, held, paid_by, now));
        found.extend(books::order_s_contents(&row.audit, held));
        found.extend(books::refund_sums(paid_by, held));
        found.extend(
            held.iter()
                .flat_map(|held| books::back_on_shelf(paid_by, held)),
        );
        let (wrong, owed) = books::returns(&row.audit, paid_by, now);
        found.extend(wrong);
        let owed = owed
            .into_iter()
            .filter(|one| !state.untold_returns.contains(&one.return_id));
        found.extend(owed.map(|one| one.wrong));
    }
    let without_order = |row: &&ReservationAudit| !orders.contains_key(&row.order_id);
    let orphans = state.reservations.iter().filter(without_order);
    found.extend(orphans.filter_map(|row| books::orphan(row, now)));
    for row in &state.payments {
        found.extend(books::payment(row, now));
        let own = given_back.get(&row.id).map_or(&[][..], Vec::as_slice);
        found.extend(books::refunds(row, own));
        if !orders.contains_key(&row.order_id) {
            found.push(books::stray(row));
        }
    }
    found
}
