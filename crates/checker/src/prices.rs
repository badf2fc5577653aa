//! I-5: every order's total is the sum of its lines and parts, each line at a price that was in force while it was
//! placed.

use crate::{
    history::{Action, History, Operation},
    keys::by_key,
    state::{Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::{
    orders::OrderView,
    values::{Money, VariantId},
};

pub(crate) fn of_their_time(history: &History, state: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    for row in &state.orders {
        sums(&row.view, &mut found);
    }
    for ((_, kind, _), operations) in by_key(history) {
        if kind != "place" {
            continue;
        }
        let Some(answered) = operations.iter().find(|one| one.order().is_some()) else {
            continue;
        };
        // Any of the attempts up to the answer may have been the one that priced it.
        let from = operations
            .iter()
            .map(|one| one.start.as_ms())
            .min()
            .unwrap_or(0);
        let to = answered.end_ms();
        let Some(order) = answered.order() else {
            continue;
        };
        for line in &order.items {
            let price = line.unit_price;
            let in_force = was_in_force(history, line.variant_id, price, from, to);
            found.unless(in_force, Invariant::Price, || {
                format!(
                    "order {}: {price} was no price of {} then",
                    order.id, line.sku
                )
            });
        }
    }
    found.all()
}

fn sums(order: &OrderView, found: &mut Found) {
    let mut total = Money::zero(order.total.currency);
    for line in &order.items {
        let cost = line.unit_price.times(line.quantity);
        let adds_up = cost == Ok(line.line_total);
        found.unless(adds_up, Invariant::Price, || {
            let (units, price, told) = (line.quantity.get(), line.unit_price, line.line_total);
            format!("order {}: {units} at {price} are told as {told}", order.id)
        });
        total = cost.and_then(|cost| total.plus(cost)).unwrap_or(total);
    }
    for part in &order.parts {
        total = total.plus(part.amount).unwrap_or(total);
    }
    found.unless(total == order.total, Invariant::Price, || {
        format!(
            "order {}: its lines and parts add up to {total}, its total is {}",
            order.id, order.total
        )
    });
}

/// Whether a variant may have had this price at some moment between two.
fn was_in_force(history: &History, of: VariantId, price: Money, from: i64, to: i64) -> bool {
    let changes: Vec<(&Operation, Money)> = history
        .operations
        .iter()
        .filter_map(|one| of_variant(one, of))
        .filter(|(one, _)| one.answer().is_some() || one.is_unknown())
        .collect();
    // Over for sure: another change began after this one had ended, and was acknowledged before the order began.
    let over = |ended: i64| {
        changes.iter().any(|(one, _)| {
            one.answer().is_some() && one.start.as_ms() >= ended && one.end_ms() <= from
        })
    };
    let first = history.first_prices.get(&of) == Some(&price) && !over(i64::MIN);
    first
        || changes.iter().any(|(one, to_price)| {
            *to_price == price && one.start.as_ms() <= to && !over(one.end_ms())
        })
}

/// The price that an operation sets for a variant.
fn of_variant(operation: &Operation, of: VariantId) -> Option<(&Operation, Money)> {
    let Action::Reprice { variant, price, .. } = operation.action else {
        return None;
    };
    (variant == of).then_some((operation, price))
}
