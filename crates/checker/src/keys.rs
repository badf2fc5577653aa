//! I-4: a key has one effect, and one answer.

use crate::{
    history::{Action, History, Operation, Told},
    state::{Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::values::UserId;
use std::collections::BTreeMap;

/// All 2xx answers to a key name the same thing; those to an order's key are equal to the byte.
pub(crate) fn once(history: &History, _: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    for ((_, kind, key), operations) in by_key(history) {
        let answers: Vec<&Operation> = operations
            .into_iter()
            .filter(|one| one.answer().is_some())
            .collect();
        for pair in answers.windows(2) {
            let [one, other] = pair else { continue };
            found.unless(named(one) == named(other), Invariant::Keys, || {
                let (one, other) = (named(one), named(other));
                format!("{kind} key {key} was answered with {one} and with {other}")
            });
            let (Some(one), Some(other)) = (one.answer(), other.answer()) else {
                continue;
            };
            let bytes = kind != "place" || one.status != other.status || one.body == other.body;
            found.unless(bytes, Invariant::Keys, || {
                format!(
                    "{kind} key {key} was answered with other bytes: {} and {}",
                    one.body, other.body
                )
            });
        }
    }
    found.all()
}

/// What an answer is about, whatever has become of it since.
fn named(operation: &Operation) -> String {
    match operation.answer().map(|answer| &answer.told) {
        Some(Told::Order(order)) => format!("order {} over {}", order.id, order.total),
        Some(Told::Payment(payment)) => {
            let (id, order_id, amount) = (payment.id, payment.order_id, payment.amount);
            format!("payment {id} of {order_id} over {amount}")
        }
        Some(Told::Refund(refund)) => {
            let (id, payment_id, amount) = (refund.id, refund.payment_id, refund.amount);
            format!("refund {id} of {payment_id} over {amount}")
        }
        // A restock's answer is the stock as it was then: the same rows, to the unit.
        Some(Told::Stock(rows)) => rows
            .iter()
            .map(|row| format!("{} {} v{}", row.variant_id, row.on_hand, row.version))
            .collect(),
        Some(Told::Return(back)) => {
            let units = back.lines.iter().map(|line| (line.line, line.quantity));
            let units: Vec<_> = units.collect();
            format!("return {} of {}: {units:?}", back.id, back.order_id)
        }
        Some(Told::Cart(_) | Told::Product(_) | Told::Other) | None => String::new(),
    }
}

type Key<'a> = (UserId, &'static str, &'a str);

/// Operations that carry the same key of the same user to the same address.
pub(crate) fn by_key(history: &History) -> BTreeMap<Key<'_>, Vec<&Operation>> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        let kind = match operation.action {
            Action::Place { .. } => "place",
            Action::Pay { .. } => "pay",
            Action::Restock { .. } => "restock",
            Action::Refund { .. } => "refund",
            Action::AskReturn { .. } => "return",
            Action::Void(_)
            | Action::Prove { .. }
            | Action::Cancel(_)
            | Action::Ship(_)
            | Action::Deliver(_)
            | Action::OpenCart
            | Action::SetCartItem { .. }
            | Action::SetCartShipping { .. }
            | Action::AnswerReturn { .. }
            | Action::ReceiveReturn { .. }
            | Action::Reprice { .. }
            | Action::ReadStock(_)
            | Action::ReadOrder(_)
            | Action::ReadProduct(_) => continue,
        };
        if let Some(key) = operation.key.as_deref() {
            groups
                .entry((operation.user, kind, key))
                .or_default()
                .push(operation);
        }
    }
    groups
}
