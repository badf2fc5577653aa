//! I-1: stock, in every answer that told of it, and at the end against all that was asked for.

use crate::{
    history::{Action, History, Told},
    state::{Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::{
    catalog::{ReservationState, StockAudit},
    orders::OrderLineView,
    values::{OrderId, VariantId},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// No answer ever told of stock below zero, or of more held than there is.
pub(crate) fn reads(history: &History, _: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    for answer in history
        .operations
        .iter()
        .filter_map(crate::Operation::answer)
    {
        let told: Vec<(String, i64, i64, i64)> = match &answer.told {
            Told::Stock(rows) => rows
                .iter()
                .map(|row| (row.sku.clone(), row.on_hand, row.reserved, row.available))
                .collect(),
            Told::Product(product) => product
                .variants
                .iter()
                .map(|one| {
                    let stock = &one.stock;
                    (
                        one.sku.clone(),
                        stock.on_hand,
                        stock.reserved,
                        stock.available,
                    )
                })
                .collect(),
            Told::Order(_)
            | Told::Payment(_)
            | Told::Refund(_)
            | Told::Cart(_)
            | Told::Return(_)
            | Told::Other => continue,
        };
        for (sku, on_hand, reserved, available) in told {
            let possible =
                reserved >= 0 && available >= 0 && on_hand.checked_sub(reserved) == Some(available);
            found.unless(possible, Invariant::Stock, || {
                format!("an answer told of {sku}: {on_hand} on hand, {reserved} reserved, {available} available")
            });
        }
    }
    found.all()
}

/// What was there, plus what was added by hand, is what is there plus what was sold; and what the catalog counts as
/// held or sold are the lines of the orders that hold or bought.
pub(crate) fn sums(history: &History, state: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    let lines = lines_by_state(state);
    for row in &state.stock {
        let first = history
            .first_stock
            .get(&row.variant_id)
            .copied()
            .unwrap_or(0);
        let added = row
            .ledger_on_hand
            .saturating_add(row.sold)
            .saturating_sub(first);
        let (sure, perhaps) = restocked(history, row.variant_id);
        let explained = subset_sums(&perhaps).contains(&added.saturating_sub(sure));
        found.unless(explained, Invariant::Stock, || {
            format!(
                "{}: {added} units were added by hand, {sure} acknowledged, perhaps {perhaps:?} more",
                row.sku
            )
        });
        lines_agree(row, &lines, &mut found);
    }
    found.all()
}

fn lines_agree(row: &StockAudit, lines: &Lines, found: &mut Found) {
    for (kind, kept) in [
        // What came back with refunds is not sold any more.
        (ReservationState::Committed, row.sold),
        (ReservationState::Open, row.ledger_reserved),
    ] {
        let ordered = lines.get(&(row.variant_id, kind)).copied().unwrap_or(0);
        found.unless(kept == ordered, Invariant::Stock, || {
            format!(
                "{}: {kept} units are {}, the orders' lines say {ordered}",
                row.sku,
                kind.as_str()
            )
        });
    }
}

type Lines = HashMap<(VariantId, ReservationState), i64>;

/// Units by variant and by how their order's reservation stands.
fn lines_by_state(state: &State) -> Lines {
    let held: HashMap<OrderId, ReservationState> = state
        .reservations
        .iter()
        .map(|row| (row.order_id, row.state))
        .collect();
    let mut lines = Lines::new();
    for row in &state.orders {
        let Some(kind) = held.get(&row.audit.id) else {
            continue;
        };
        for OrderLineView {
            variant_id,
            quantity,
            ..
        } in &row.view.items
        {
            let units = lines.entry((*variant_id, *kind)).or_insert(0);
            *units = units.saturating_add(i64::from(quantity.get()));
        }
    }
    for row in &state.refunds {
        // What is called off as a whole came back as a whole, whatever had come before.
        if held.get(&row.audit.order_id) != Some(&ReservationState::Committed) {
            continue;
        }
        for item in &row.items {
            let key = (item.variant_id, ReservationState::Committed);
            let units = lines.entry(key).or_insert(0);
            *units = units.saturating_sub(i64::from(item.quantity.get()));
        }
    }
    lines
}

/// Units added by requests that were acknowledged, and those of keys of which nobody knows.
fn restocked(history: &History, of: VariantId) -> (i64, Vec<i64>) {
    let mut by_key: BTreeMap<(&Option<String>, usize), (i64, bool, bool)> = BTreeMap::new();
    for (index, operation) in history.operations.iter().enumerate() {
        let Action::Restock { variant, units } = operation.action else {
            continue;
        };
        if variant != of {
            continue;
        }
        // Without a key each request stands for itself.
        let alone = if operation.key.is_none() { index } else { 0 };
        let entry = by_key
            .entry((&operation.key, alone))
            .or_insert((units, false, false));
        entry.1 |= operation.answer().is_some();
        entry.2 |= operation.is_unknown();
    }
    let sure = by_key
        .values()
        .filter(|(_, acknowledged, _)| *acknowledged)
        .fold(0_i64, |sum, (units, ..)| sum.saturating_add(*units));
    let perhaps = by_key
        .values()
        .filter(|(_, acknowledged, unknown)| !acknowledged && *unknown)
        .map(|(units, ..)| *units)
        .collect();
    (sure, perhaps)
}

/// Every sum that some of these make.
fn subset_sums(units: &[i64]) -> BTreeSet<i64> {
    units.iter().fold(BTreeSet::from([0]), |sums, one| {
        let with: Vec<i64> = sums.iter().map(|sum| sum.saturating_add(*one)).collect();
        sums.into_iter().chain(with).collect()
    })
}
