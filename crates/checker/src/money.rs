//! I-2 and I-3: the provider's charges against the orders, each way.

use crate::{
    history::History,
    state::{Charge, OrderRow, Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::{
    orders::OrderStatus,
    payments::PaymentAudit,
    values::OrderId,
};
use std::collections::HashMap;

/// Each charge belongs to a payment and its order, each paid order has one charge of exactly its total, and whoever
/// was called off has no money left with us.
pub(crate) fn bijection(_: &History, state: &State, provider: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    let payments: HashMap<String, &PaymentAudit> = state
        .payments
        .iter()
        .map(|row| (row.id.to_string(), row))
        .collect();
    let orders: HashMap<OrderId, &OrderRow> = state
        .orders
        .iter()
        .map(|row| (row.audit.id, row))
        .collect();
    let mut kept: HashMap<OrderId, Vec<&Charge>> = HashMap::new();
    for charge in &provider.charges {
        let (captured, refunded) = (charge.captured_minor, charge.refunded_minor);
        let possible = 0 <= refunded && refunded <= captured && captured <= charge.amount.minor;
        found.unless(possible, Invariant::Money, || {
            format!("charge {}: {captured} captured, {refunded} given back", charge.key)
        });
        let payment = payments.get(&charge.key);
        let order = payment.and_then(|payment| orders.get(&payment.order_id));
        let Some(order) = order else {
            found.unless(captured == refunded, Invariant::Money, || {
                format!("charge {}: {captured} taken for no order that is there", charge.key)
            });
            continue;
        };
        if captured > 0 {
            kept.entry(order.audit.id).or_default().push(charge);
        }
    }
    for row in &state.orders {
        let charges = kept.remove(&row.audit.id).unwrap_or_default();
        of_an_order(row, &charges, &mut found);
    }
    found.all()
}

fn of_an_order(row: &OrderRow, charges: &[&Charge], found: &mut Found) {
    let (id, status, total) = (row.audit.id, row.audit.status, row.audit.total);
    let net = |charge: &&Charge| charge.captured_minor.saturating_sub(charge.refunded_minor);
    let left: Vec<&&Charge> = charges.iter().filter(|one| net(one) > 0).collect();
    match status {
        OrderStatus::Paid | OrderStatus::Shipped | OrderStatus::Delivered => {
            found.unless(left.len() == 1, Invariant::Money, || {
                format!("order {id} is {}, and {} charges pay it", status.as_str(), left.len())
            });
            for charge in left {
                let exact = charge.amount == total && charge.captured_minor == total.minor;
                found.unless(exact, Invariant::Money, || {
                    let (taken, asked) = (charge.captured_minor, charge.amount);
                    format!("order {id}: {taken} of {asked} taken for a total of {total}")
                });
            }
        }
        OrderStatus::Pending | OrderStatus::Cancelled | OrderStatus::Refunded => {
            let kept = left.iter().fold(0_i64, |sum, one| sum.saturating_add(net(one)));
            found.unless(kept == 0, Invariant::NoMoneyLeft, || {
                format!("order {id} is {}, and {kept} of its money is kept", status.as_str())
            });
        }
    }
}
