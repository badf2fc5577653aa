//! A run in words: for people, with every id; and plainly, without what is drawn by lot, so that equal seeds can be
//! seen to be equal runs.

use crate::record::Good;
use checker::State;
use contracts::values::OrderId;
use std::collections::HashMap;

/// How everything ended, in the words of the trace.
pub(crate) fn ends(state: &State, goods: &[Good]) -> Vec<String> {
    let orders = state.orders.iter().map(|row| {
        let kinds: Vec<&str> = row
            .timeline
            .iter()
            .map(|entry| entry.kind.as_str())
            .collect();
        format!(
            "{} #{}: {}",
            row.audit.id,
            row.audit.number,
            kinds.join(", ")
        )
    });
    let payments = state.payments.iter().map(|row| {
        format!(
            "{} for {}: {} {}",
            row.id,
            row.order_id,
            row.status.as_str(),
            row.amount
        )
    });
    let refunds = state.refunds.iter().map(|row| {
        let audit = &row.audit;
        format!(
            "{} of {}: {} {}",
            audit.id,
            audit.payment_id,
            audit.status.as_str(),
            audit.amount
        )
    });
    stock(state, goods)
        .chain(orders)
        .chain(payments)
        .chain(refunds)
        .collect()
}

fn stock(state: &State, goods: &[Good]) -> impl Iterator<Item = String> {
    goods.iter().enumerate().filter_map(|(index, good)| {
        let row = state
            .stock
            .iter()
            .find(|row| row.variant_id == good.variant)?;
        Some(format!(
            "g{index}: {} on hand, {} reserved, {} sold",
            row.on_hand, row.reserved, row.sold
        ))
    })
}

/// What happened and how it ended, without what is drawn by lot. Ids of orders and payments of which some follow from
/// such are named by the turn in which they come.
pub(crate) fn plain(trace: &[String], state: &State, goods: &[Good]) -> Vec<String> {
    let mut names = HashMap::new();
    let told = trace.iter().map(|line| by_turn(line, &mut names));
    let mut lines: Vec<String> = told.collect();
    let numbers: HashMap<OrderId, i64> = state
        .orders
        .iter()
        .map(|row| (row.audit.id, row.audit.number))
        .collect();
    let number = |id: OrderId| numbers.get(&id).copied().unwrap_or_default();
    let mut ended = Vec::new();
    for row in &state.orders {
        let kinds = row.timeline.iter().map(|entry| entry.kind.as_str());
        let kinds: Vec<&str> = kinds.collect();
        let (at, total) = (row.audit.number, row.audit.total);
        ended.push((at, format!("{total}: {}", kinds.join(", "))));
        let returns = row.audit.returns.iter();
        let returns = returns.map(|one| (at, format!("{} {}", one.status.as_str(), one.on_sale)));
        ended.extend(returns);
    }
    for row in &state.payments {
        let said = format!("{} {}", row.status.as_str(), row.amount);
        ended.push((number(row.order_id), said));
    }
    for row in &state.refunds {
        let said = format!("{} {}", row.audit.status.as_str(), row.audit.amount);
        ended.push((number(row.audit.order_id), said));
    }
    ended.sort_unstable();
    lines.extend(stock(state, goods));
    lines.extend(ended.into_iter().map(|(at, said)| format!("#{at}: {said}")));
    lines
}

/// An id is four signs and 26 more.
const ID_LENGTH: usize = 30;

fn by_turn(line: &str, names: &mut HashMap<String, usize>) -> String {
    let words = line.split(' ').map(|word| {
        let id = word.get(..ID_LENGTH).unwrap_or_default();
        if !id.starts_with("ord_") && !id.starts_with("pay_") {
            return word.to_owned();
        }
        let next = names.len();
        let turn = *names.entry(id.to_owned()).or_insert(next);
        let kind = id.get(..4).unwrap_or_default();
        let rest = word.get(ID_LENGTH..).unwrap_or_default();
        format!("{kind}{turn}{rest}")
    });
    words.collect::<Vec<_>>().join(" ")
}
