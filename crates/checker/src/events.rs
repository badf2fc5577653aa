//! I-13, I-16 and I-17: each order's timeline is a path of the table, and its events came in that order, all of them.

use crate::{
    graph,
    history::History,
    state::{Delivery, OrderRow, Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::{
    event::Event,
    orders::{OrderCancelled, OrderMoved, OrderPlaced, OrderStatus, ReturnReceived},
    values::EventId,
};
use std::collections::{HashMap, HashSet};

/// A timeline's word for a return that came.
const RECEIVED: &str = "return_received";

pub(crate) fn in_order(_: &History, state: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    for row in &state.orders {
        timeline(row, &mut found);
    }
    if let Some(deliveries) = &state.deliveries {
        given(deliveries, state, &mut found);
    }
    found.all()
}

/// What the bus was given is what the timelines tell.
fn given(deliveries: &[Delivery], state: &State, found: &mut Found) {
    let mut by_subject: HashMap<&str, Vec<(EventId, &str)>> = HashMap::new();
    let mut taken: HashSet<EventId> = HashSet::new();
    // An event comes again until it was taken: the first time of each counts.
    let mut seen: HashSet<EventId> = HashSet::new();
    for delivery in deliveries {
        if seen.insert(delivery.id) {
            by_subject
                .entry(&delivery.subject)
                .or_default()
                .push((delivery.id, &delivery.name));
        }
        if delivery.taken {
            taken.insert(delivery.id);
        }
    }
    for row in &state.orders {
        let subject = row.audit.id.to_string();
        let came = by_subject.remove(subject.as_str()).unwrap_or_default();
        let names: Vec<&str> = came.iter().map(|(_, name)| *name).collect();
        let wanted = expected(row);
        found.unless(names == wanted, Invariant::Events, || {
            format!("order {subject}: the events {names:?} came, its timeline has {wanted:?}")
        });
        let waiting = came.iter().filter(|(id, _)| !taken.contains(id)).count();
        found.unless(waiting == 0, Invariant::Queues, || {
            format!("order {subject}: {waiting} of its events were not taken by all who want them")
        });
    }
}

fn statuses(row: &OrderRow) -> Vec<OrderStatus> {
    row.timeline.iter().map(|entry| entry.status).collect()
}

fn timeline(row: &OrderRow, found: &mut Found) {
    let id = row.audit.id;
    let path = statuses(row);
    let ends_here = path.last() == Some(&row.audit.status);
    found.unless(graph::is_path(&path) && ends_here, Invariant::Moves, || {
        format!(
            "order {id} is {}, by way of {path:?}",
            row.audit.status.as_str()
        )
    });
    let numbered = (1..)
        .zip(&row.timeline)
        .all(|(number, entry)| entry.sequence == number);
    found.unless(numbered, Invariant::Moves, || {
        format!("order {id}: its timeline has gaps")
    });
    let moves = path
        .windows(2)
        .filter(|pair| pair.first() != pair.last())
        .count();
    let steps = row.view.version.get().saturating_sub(1);
    let counted = i64::try_from(moves) == Ok(steps);
    found.unless(counted, Invariant::Versions, || {
        format!("order {id} moved {moves} times, and its version says {steps}")
    });
}

/// The events that a timeline tells of: its moves, and what came back.
fn expected(row: &OrderRow) -> Vec<&'static str> {
    let told = row.timeline.windows(2).filter_map(|pair| match pair {
        [_, now] if now.kind == RECEIVED => Some(ReturnReceived::NAME),
        [before, now] if before.status != now.status => Some(match now.status {
            OrderStatus::Cancelled => OrderCancelled::NAME,
            OrderStatus::Pending
            | OrderStatus::Paid
            | OrderStatus::Shipped
            | OrderStatus::Delivered
            | OrderStatus::Refunded => OrderMoved::NAME,
        }),
        _ => None,
    });
    std::iter::once(OrderPlaced::NAME).chain(told).collect()
}
