//! I-6 and I-7 of returns: what was acknowledged is there, and what is there was asked for.

use crate::{
    history::{Action, History, Told},
    state::{OrderRow, State},
    violation::{Found, Invariant},
};
use contracts::{
    orders::{ReturnStatus, ReturnView},
    values::{OrderId, RefundId, ReturnId},
};
use std::collections::HashSet;

/// A return that somebody was told of is there, and has gone no way back.
pub(crate) fn is_there(told: &ReturnView, order: Option<&OrderRow>, found: &mut Found) {
    let returns = order.map_or(&[][..], |row| &row.audit.returns);
    let kept = returns.iter().find(|one| one.id == told.id);
    let further = kept.is_some_and(|one| may_lead(told.status, one.status));
    found.unless(further, Invariant::Durability, || {
        let (id, then, now) = (told.id, told.status.as_str(), kept.map(|one| one.status));
        format!("return {id} was acknowledged as {then}, and is {now:?}")
    });
}

/// Whether a return that stood here may stand there later: the table, written a second time.
const fn may_lead(from: ReturnStatus, to: ReturnStatus) -> bool {
    use ReturnStatus::{Approved, Received, Refunded, Refused, Requested};
    match from {
        Requested => true,
        Approved => !matches!(to, Requested),
        Refused => matches!(to, Refused),
        Received => matches!(to, Received | Refunded),
        Refunded => matches!(to, Refunded),
    }
}

/// Each return was asked for, and each that came was received by somebody.
pub(crate) fn explained(history: &History, state: &State, found: &mut Found) {
    let (mut asked, mut perhaps): (HashSet<ReturnId>, HashSet<OrderId>) = Default::default();
    let mut received: HashSet<ReturnId> = HashSet::new();
    for operation in &history.operations {
        let answered = operation.answer();
        if let Some(Told::Return(view)) = answered.map(|answer| &answer.told) {
            asked.insert(view.id);
        }
        let may_be = answered.is_some() || operation.is_unknown();
        if let Action::AskReturn { order, .. } = operation.action
            && operation.is_unknown()
        {
            perhaps.insert(order);
        }
        if let Action::ReceiveReturn { back, .. } = operation.action
            && may_be
        {
            received.insert(back);
        }
    }
    for row in &state.orders {
        for one in &row.audit.returns {
            let (id, order) = (one.id, row.audit.id);
            let known = asked.contains(&id) || perhaps.contains(&order);
            found.unless(known, Invariant::NoPhantom, || {
                format!("return {id} of order {order} is there, and nobody asked for it")
            });
            let came = one.refund_id.is_none() || received.contains(&id);
            found.unless(came, Invariant::NoPhantom, || {
                format!("return {id} of order {order} is paid back, and nobody received it")
            });
        }
    }
}

/// The refunds that pay returns back.
pub(crate) fn refunds(state: &State) -> HashSet<RefundId> {
    let returns = state.orders.iter().flat_map(|row| &row.audit.returns);
    returns.filter_map(|one| one.refund_id).collect()
}
