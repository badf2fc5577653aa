//! I-20: every request is answered or given up in time, and once faults have stopped nothing stays half done.

use crate::{
    history::History,
    state::{Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::{
    catalog::ReservationState,
    orders::OrderStatus,
    payments::{PaymentStatus, RefundStatus},
    values::OrderId,
};
use std::collections::HashSet;

/// How long a request may take that began after all faults had stopped.
const QUIET_MS: i64 = 10_000;
/// How much longer than a client's patience an operation may be told to have taken.
const LEEWAY_MS: i64 = 1_000;

pub(crate) fn ended(history: &History, state: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    for operation in &history.operations {
        let took = operation.end_ms().saturating_sub(operation.start.as_ms());
        let bound = history.patience_ms.saturating_add(LEEWAY_MS);
        found.unless(took <= bound, Invariant::Liveness, || {
            format!("{:?} took {took} ms, or never ended", operation.action)
        });
        let quiet = operation.start.as_ms() >= history.quiet_from_ms;
        let answered = !operation.is_unknown() && took <= QUIET_MS;
        found.unless(!quiet || answered, Invariant::Liveness, || {
            format!(
                "{:?} had no answer although all faults had stopped",
                operation.action
            )
        });
    }
    nothing_half_done(state, &mut found);
    found.all()
}

fn nothing_half_done(state: &State, found: &mut Found) {
    for row in &state.payments {
        let decided = !matches!(
            row.status,
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised
        );
        found.unless(decided, Invariant::Liveness, || {
            format!("payment {} is {} at the end", row.id, row.status.as_str())
        });
        found.unless(!row.parked, Invariant::Queues, || {
            format!(
                "payment {} ({}) waits for a person",
                row.id,
                row.status.as_str()
            )
        });
    }
    for row in &state.refunds {
        let done = row.audit.status == RefundStatus::Succeeded && row.audit.told;
        found.unless(done, Invariant::Liveness, || {
            let (id, status, told) = (row.audit.id, row.audit.status, row.audit.told);
            format!(
                "refund {id} is {} at the end, told: {told}",
                status.as_str()
            )
        });
    }
    let now = state.now();
    let mut waiting: HashSet<OrderId> = HashSet::new();
    for row in &state.orders {
        let pending = row.audit.status == OrderStatus::Pending;
        found.unless(
            !pending || row.view.payment_due_at > now,
            Invariant::Liveness,
            || format!("order {} is pending past its time", row.audit.id),
        );
        found.unless(
            !pending || row.audit.payment_id.is_none(),
            Invariant::Liveness,
            || format!("order {} waits for a payment at the end", row.audit.id),
        );
        if pending {
            waiting.insert(row.audit.id);
        }
    }
    for row in &state.reservations {
        let open = row.state == ReservationState::Open;
        found.unless(
            !open || waiting.contains(&row.order_id),
            Invariant::Reservations,
            || {
                format!(
                    "stock is held for {}, which does not wait for it",
                    row.order_id
                )
            },
        );
    }
}
