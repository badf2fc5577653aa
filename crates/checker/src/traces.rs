//! I-6, I-7 and I-8: what was acknowledged is there, what is there was asked for, and what was refused left nothing.

use crate::{
    graph,
    history::{Action, History, Operation, Told},
    keys::by_key,
    returns,
    state::{OrderRow, Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::{
    catalog::ReservationState,
    orders::{OrderStatus, OrderView},
    payments::{PaymentAudit, PaymentStatus, PaymentView},
    problem::Code,
    values::{OrderId, PaymentId, RefundId},
};
use std::collections::{HashMap, HashSet};

/// Every 2xx is still true, or has legally gone further.
pub(crate) fn acknowledged(history: &History, state: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    let orders: HashMap<OrderId, &OrderRow> =
        state.orders.iter().map(|row| (row.audit.id, row)).collect();
    let payments: HashMap<PaymentId, &PaymentAudit> =
        state.payments.iter().map(|row| (row.id, row)).collect();
    for answer in history.operations.iter().filter_map(Operation::answer) {
        match &answer.told {
            Told::Order(view) => order_is_there(view, orders.get(&view.id).copied(), &mut found),
            Told::Payment(view) => {
                payment_is_there(view, payments.get(&view.id).copied(), &mut found);
            }
            Told::Product(view) => {
                let kept = state.products.iter().find(|(id, _)| *id == view.id);
                let there = kept.is_some_and(|(_, version)| *version >= view.version);
                found.unless(there, Invariant::Durability, || {
                    let (id, version) = (view.id, view.version.get());
                    format!(
                        "product {id} was acknowledged at version {version}, and is at {kept:?}"
                    )
                });
            }
            Told::Refund(view) => {
                let row = state.refunds.iter().find(|row| row.audit.id == view.id);
                let there = row.is_some_and(|row| {
                    row.audit.amount == view.amount
                        && row.audit.payment_id == view.payment_id
                        && row.items == view.items
                });
                found.unless(there, Invariant::Durability, || {
                    format!(
                        "refund {} over {} was acknowledged, and is not there",
                        view.id, view.amount
                    )
                });
            }
            Told::Return(view) => {
                returns::is_there(view, orders.get(&view.order_id).copied(), &mut found)
            }
            Told::Cart(_) | Told::Stock(_) | Told::Other => {}
        }
    }
    found.all()
}

fn order_is_there(told: &OrderView, row: Option<&OrderRow>, found: &mut Found) {
    let Some(row) = row else {
        found.unless(false, Invariant::Durability, || {
            format!("order {} was acknowledged, and is not there", told.id)
        });
        return;
    };
    let kept = &row.view;
    let same = kept.items == told.items
        && kept.total == told.total
        && kept.number == told.number
        && kept.customer_id == told.customer_id
        && kept.created_at == told.created_at;
    found.unless(same, Invariant::Durability, || {
        format!("order {} is not what was acknowledged", told.id)
    });
    let further = graph::may_lead(told.status, kept.status) && kept.version >= told.version;
    found.unless(further, Invariant::Durability, || {
        let (then, now) = (told.status.as_str(), kept.status.as_str());
        format!("order {} was acknowledged as {then}, and is {now}", told.id)
    });
}

fn payment_is_there(told: &PaymentView, row: Option<&PaymentAudit>, found: &mut Found) {
    let Some(row) = row else {
        found.unless(false, Invariant::Durability, || {
            format!("payment {} was acknowledged, and is not there", told.id)
        });
        return;
    };
    let same = row.order_id == told.order_id && row.amount == told.amount;
    let further = match told.status {
        PaymentStatus::Pending => true,
        PaymentStatus::RequiresAction | PaymentStatus::Authorised => {
            row.status != PaymentStatus::Pending
        }
        PaymentStatus::Captured => {
            matches!(
                row.status,
                PaymentStatus::Captured | PaymentStatus::Refunded
            )
        }
        // Money that comes after the end goes back at once.
        PaymentStatus::Declined | PaymentStatus::Voided => {
            row.status == told.status || row.status == PaymentStatus::Refunded
        }
        PaymentStatus::Refunded => row.status == told.status,
    };
    found.unless(same && further, Invariant::Durability, || {
        let (then, now) = (told.status.as_str(), row.status.as_str());
        format!(
            "payment {} was acknowledged as {then} over {}, and is {now}",
            told.id, told.amount
        )
    });
}

/// Every order, hold and charge has somebody who asked for it and was not refused.
pub(crate) fn explained(history: &History, state: &State, provider: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    let asked = Asked::of(history);
    for row in &state.orders {
        let id = row.audit.id;
        if asked.placed.contains(&id) || asked.perhaps.contains_key(&id) {
            let fits = asked
                .perhaps
                .get(&id)
                .is_none_or(|operation| is_what_was_asked(&row.view, operation));
            found.unless(fits, Invariant::NoPhantom, || {
                format!("order {id} is not what its key asked for")
            });
            continue;
        }
        if asked.may_be_a_cart(Some(&row.view)) {
            continue;
        }
        let invariant = asked.blame(id);
        found.unless(false, invariant, || {
            format!(
                "order {id} ({}) is there, and nobody was told of it",
                row.audit.status.as_str()
            )
        });
    }
    for row in &state.reservations {
        let id = row.order_id;
        let known = asked.placed.contains(&id) || asked.perhaps.contains_key(&id);
        // Whether a code has room is known when the order is to be written: what it held is given back then.
        let given_back = matches!(
            row.state,
            ReservationState::Released | ReservationState::Expired
        );
        let known = known || (given_back && asked.spent.contains(&id));
        let known = known || asked.may_be_a_cart(None);
        found.unless(known, asked.blame(id), || {
            format!(
                "stock was held for {id} ({}), which nobody ordered",
                row.state.as_str()
            )
        });
    }
    let payments: HashSet<String> = state
        .payments
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    for charge in &provider.charges {
        found.unless(payments.contains(&charge.key), Invariant::NoPhantom, || {
            format!(
                "the provider has a charge of {}, which is no payment of ours",
                charge.key
            )
        });
    }
    refunds(history, state, &mut found);
    returns::explained(history, state, &mut found);
    for row in state.payments.iter().filter(|row| is_money(row.status)) {
        let wanted = asked.paid.contains(&row.order_id) || asked.may_be_a_cart(None);
        found.unless(wanted, Invariant::NoPhantom, || {
            format!(
                "payment {} was made, and nobody wanted to pay {}",
                row.id, row.order_id
            )
        });
    }
    found.all()
}

/// A refund was asked for, or is the rest of an order that was called off, or of money that came too late.
fn refunds(history: &History, state: &State, found: &mut Found) {
    let mut told: HashSet<RefundId> = HashSet::new();
    let mut perhaps: HashSet<PaymentId> = HashSet::new();
    for operation in &history.operations {
        if let Some(Told::Refund(view)) = operation.answer().map(|answer| &answer.told) {
            told.insert(view.id);
        }
        if let Action::Refund { payment, .. } = operation.action
            && operation.is_unknown()
        {
            perhaps.insert(payment);
        }
    }
    let called_off: HashSet<OrderId> = state
        .orders
        .iter()
        .filter(|row| row.audit.status == OrderStatus::Cancelled)
        .map(|row| row.audit.id)
        .collect();
    let returned = returns::refunds(state);
    for row in &state.refunds {
        let (id, of) = (row.audit.id, row.audit.payment_id);
        let asked = told.contains(&id) || perhaps.contains(&of);
        let paid = state
            .orders
            .iter()
            .any(|row| row.audit.payment_id == Some(of));
        let of_return = returned.contains(&id);
        let wanted = asked || of_return || called_off.contains(&row.audit.order_id) || !paid;
        found.unless(wanted, Invariant::NoPhantom, || {
            format!(
                "refund {id} over {} was given, and nobody asked for it",
                row.audit.amount
            )
        });
    }
}

const fn is_money(status: PaymentStatus) -> bool {
    matches!(
        status,
        PaymentStatus::Authorised | PaymentStatus::Captured | PaymentStatus::Refunded
    )
}

/// What clients wanted, by what they know of the outcome.
#[derive(Default)]
struct Asked<'a> {
    /// Orders that somebody was told of.
    placed: HashSet<OrderId>,
    /// Orders whose key was used, with an outcome that is not known.
    perhaps: HashMap<OrderId, &'a Operation>,
    /// Orders whose key was refused each time.
    refused: HashSet<OrderId>,
    /// Orders that were refused because their discount code was used up.
    spent: HashSet<OrderId>,
    /// Orders that somebody wanted to pay, and was not refused.
    paid: HashSet<OrderId>,
    /// Carts that were bought, with an outcome that is not known: where an order of theirs was given up, the next one
    /// has another id.
    carts: Vec<&'a Operation>,
}

impl<'a> Asked<'a> {
    fn of(history: &'a History) -> Self {
        let mut asked = Self::default();
        for operation in history.places() {
            if let Some(order) = operation.order() {
                asked.placed.insert(order.id);
            }
        }
        for operations in by_key(history).into_values() {
            for operation in operations {
                asked.note(operation);
            }
        }
        asked
    }

    fn note(&mut self, operation: &'a Operation) {
        let refusal = operation.refusal().and_then(|refusal| refusal.code);
        // What was refused for its payment's sake stands as an order, which waits for another means of payment.
        let stands = matches!(
            refusal,
            Some(Code::PaymentDeclined | Code::PaymentInProgress | Code::IllegalTransition)
        );
        if let Action::Pay { order, .. } = operation.action
            && (operation.answer().is_some() || operation.is_unknown())
        {
            self.paid.insert(order);
        }
        let (Action::Place { method, cart, .. }, Some(id)) = (&operation.action, operation.means)
        else {
            return;
        };
        if refusal == Some(Code::DiscountExhausted) {
            self.spent.insert(id);
        }
        let may_stand = operation.is_unknown() || (stands && method.is_some());
        if may_stand {
            self.perhaps.entry(id).or_insert(operation);
            self.carts.extend(cart.map(|_| operation));
        }
        if method.is_some() {
            self.paid.insert(id);
            self.paid.extend(operation.order().map(|order| order.id));
        }
        if operation.refusal().is_some() && !may_stand {
            self.refused.insert(id);
        }
    }

    /// Whether this order, or what was held for one that is not there, may be a cart's of which nobody knows.
    fn may_be_a_cart(&self, order: Option<&OrderView>) -> bool {
        let fits =
            |operation: &&Operation| order.is_none_or(|order| is_what_was_asked(order, operation));
        self.carts.iter().any(fits)
    }

    /// Which promise is broken by something that stands under this id.
    fn blame(&self, id: OrderId) -> Invariant {
        if self.refused.contains(&id) {
            Invariant::FailedMeansNothing
        } else {
            Invariant::NoPhantom
        }
    }
}

fn is_what_was_asked(order: &OrderView, operation: &Operation) -> bool {
    let Action::Place { lines, .. } = &operation.action else {
        return false;
    };
    let ordered = order
        .items
        .iter()
        .map(|line| (line.variant_id, line.quantity.get()));
    order.customer_id == Some(operation.user)
        && ordered.eq(lines.iter().copied())
        && OrderStatus::ALL.contains(&order.status)
}
