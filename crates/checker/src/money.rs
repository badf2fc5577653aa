//! I-2 and I-3: the provider's charges against the orders, each way.

use crate::{
    history::History,
    state::{OrderRow, Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::{
    orders::OrderStatus,
    payments::{ChargeAudit, PaymentAudit, RefundStatus},
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
    let orders: HashMap<OrderId, &OrderRow> =
        state.orders.iter().map(|row| (row.audit.id, row)).collect();
    let mut kept: HashMap<OrderId, Vec<&ChargeAudit>> = HashMap::new();
    for charge in &provider.charges {
        let (captured, refunded) = (charge.captured_minor, charge.refunded_minor);
        let possible = 0 <= refunded && refunded <= captured && captured <= charge.amount.minor;
        found.unless(possible, Invariant::Money, || {
            format!(
                "charge {}: {captured} captured, {refunded} given back",
                charge.key
            )
        });
        let payment = payments.get(&charge.key);
        let order = payment.and_then(|payment| orders.get(&payment.order_id));
        let Some(order) = order else {
            found.unless(captured == refunded, Invariant::Money, || {
                format!(
                    "charge {}: {captured} taken for no order that is there",
                    charge.key
                )
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

fn of_an_order(row: &OrderRow, charges: &[&ChargeAudit], found: &mut Found) {
    let (id, status, total) = (row.audit.id, row.audit.status, row.audit.total);
    let net = |charge: &&ChargeAudit| charge.captured_minor.saturating_sub(charge.refunded_minor);
    let left: Vec<&&ChargeAudit> = charges.iter().filter(|one| net(one) > 0).collect();
    match status {
        OrderStatus::Paid | OrderStatus::Shipped | OrderStatus::Delivered => {
            // Free orders have nothing left from the beginning.
            let paid = left.len() == 1 || (total.minor == 0 && charges.len() <= 1);
            found.unless(paid, Invariant::Money, || {
                format!(
                    "order {id} is {}, and {} charges pay it",
                    status.as_str(),
                    left.len()
                )
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
            let kept = left
                .iter()
                .fold(0_i64, |sum, one| sum.saturating_add(net(one)));
            found.unless(kept == 0, Invariant::NoMoneyLeft, || {
                format!(
                    "order {id} is {}, and {kept} of its money is kept",
                    status.as_str()
                )
            });
        }
    }
}

/// The provider gave back under each payment what its refunds say, to the cent.
pub(crate) fn given_back(_: &History, state: &State, provider: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    let mut promised: HashMap<String, i64> = HashMap::new();
    for row in &state.refunds {
        let given = promised
            .entry(row.audit.payment_id.to_string())
            .or_insert(0);
        if row.audit.status == RefundStatus::Succeeded {
            *given = given.saturating_add(row.audit.amount.minor);
        }
    }
    let ours: HashMap<String, &PaymentAudit> = state
        .payments
        .iter()
        .map(|row| (row.id.to_string(), row))
        .collect();
    for charge in &provider.charges {
        let expected = promised.remove(&charge.key).unwrap_or(0);
        let known = ours.contains_key(&charge.key);
        found.unless(
            !known || charge.refunded_minor == expected,
            Invariant::Money,
            || {
                let refunded = charge.refunded_minor;
                format!(
                    "charge {}: {refunded} given back, our refunds say {expected}",
                    charge.key
                )
            },
        );
    }
    for (key, expected) in promised {
        found.unless(expected == 0, Invariant::Money, || {
            format!(
                "payment {key}: {expected} given back of a charge that the provider does not know"
            )
        });
    }
    found.all()
}
