//! Edits of a sound run's record, one thing at a time: what no decorator can bring about, and each row by itself.

use crate::say;
use checker::{Action, Answer, History, Invariant, Outcome, Provider, State, Told, check};
use contracts::{
    catalog::ReservationState,
    orders::OrderStatus,
    payments::PaymentStatus,
    values::{PaymentId, Timestamp},
};
use sim::{Plan, run};

type Books = (History, State, Provider);

/// A sound run that has everything: paid, shipped, cancelled, refunded, declined.
fn sound() -> Books {
    for seed in 1..=60 {
        let run = run(&Plan::of(seed)).unwrap();
        assert_eq!(run.violations, [], "seed {seed}");
        let has = |status| {
            run.state
                .orders
                .iter()
                .any(|row| row.audit.status == status)
        };
        let cancelled = |id| {
            let of = run.state.orders.iter().find(|row| row.audit.id == id);
            of.is_some_and(|row| row.audit.status == OrderStatus::Cancelled)
        };
        let refunds = || run.state.refunds.iter();
        let mut payments = run.state.payments.iter();
        let refunded = refunds().any(|row| cancelled(row.audit.order_id))
            && refunds().any(|row| !cancelled(row.audit.order_id))
            && payments.any(|row| row.status == PaymentStatus::Refunded);
        if has(OrderStatus::Paid)
            && has(OrderStatus::Shipped)
            && has(OrderStatus::Cancelled)
            && refunded
        {
            return (run.history, run.state, run.provider);
        }
    }
    panic!("no run has everything");
}

fn paid(state: &State) -> usize {
    let is_paid = |status| status == OrderStatus::Paid;
    state
        .orders
        .iter()
        .position(|row| is_paid(row.audit.status))
        .unwrap()
}

/// The place of the charge that pays an order.
fn charge_of(order: usize, state: &State, provider: &Provider) -> usize {
    let key = state.orders[order].audit.payment_id.unwrap().to_string();
    provider
        .charges
        .iter()
        .position(|charge| charge.key == key)
        .unwrap()
}

/// The reservation of an order.
fn held_for(order: usize, state: &State) -> usize {
    let id = state.orders[order].audit.id;
    state
        .reservations
        .iter()
        .position(|row| row.order_id == id)
        .unwrap()
}

type Edit = fn(&mut Books);

const EDITS: &[(&str, Invariant, Edit)] = &[
    (
        "captured twice",
        Invariant::Money,
        |(_, state, provider)| {
            let index = charge_of(paid(state), state, provider);
            let again = provider.charges[index].clone();
            provider.charges.push(again);
        },
    ),
    (
        "more refunded than captured",
        Invariant::Money,
        |(_, state, provider)| {
            let index = charge_of(paid(state), state, provider);
            provider.charges[index].refunded_minor = provider.charges[index].captured_minor + 1;
        },
    ),
    (
        "refunds promised over the captured sum",
        Invariant::Money,
        |(_, state, _)| {
            let row = state
                .payments
                .iter_mut()
                .find(|row| row.refunding_minor > 0)
                .unwrap();
            row.refunding_minor = row.amount.minor + 1;
        },
    ),
    (
        "a refund that the books forgot",
        Invariant::Money,
        |(_, state, _)| {
            let counts = |row: &checker::RefundRow| row.audit.amount.minor > 0;
            let index = state.refunds.iter().position(counts).unwrap();
            state.refunds.remove(index);
        },
    ),
    (
        "a refund that nobody asked for",
        Invariant::NoPhantom,
        |(history, state, _)| {
            let cancelled = |id| {
                let order = state.orders.iter().find(|row| row.audit.id == id);
                order.is_none_or(|row| row.audit.status == OrderStatus::Cancelled)
            };
            let asked = state
                .refunds
                .iter()
                .find(|row| !cancelled(row.audit.order_id))
                .unwrap();
            let of = asked.audit.payment_id;
            history.operations.retain(
                |one| !matches!(one.action, Action::Refund { payment, .. } if payment == of),
            );
        },
    ),
    (
        "a refund that stays half done",
        Invariant::Liveness,
        |(_, state, _)| {
            state.refunds[0].audit.told = false;
        },
    ),
    (
        "a payment that waits for a person",
        Invariant::Queues,
        |(_, state, _)| {
            state.payments[0].parked = true;
        },
    ),
    (
        "a posting that is missing",
        Invariant::Ledger,
        |(_, state, _)| {
            state.ledger.unbalanced = 1;
        },
    ),
    (
        "a ledger entry that was changed",
        Invariant::Ledger,
        |(_, state, _)| {
            state.ledger.broken_at = Some(3);
        },
    ),
    (
        "an entry that was taken out",
        Invariant::Ledger,
        |(_, state, _)| {
            state.ledger.gap_free = false;
        },
    ),
    (
        "an account that drifted from its entries",
        Invariant::Ledger,
        |(_, state, _)| {
            state.ledger.balances[0].kept_minor += 1;
        },
    ),
    (
        "a capture that was never booked",
        Invariant::Ledger,
        |(_, state, provider)| {
            let index = charge_of(paid(state), state, provider);
            let money = provider.charges[index].captured_minor;
            for account in &mut state.ledger.balances {
                let cash = account.account.starts_with("cash:");
                let change = if cash {
                    -money
                } else if account.account == "sales" {
                    money
                } else {
                    0
                };
                account.kept_minor += change;
                account.summed_minor += change;
            }
        },
    ),
    (
        "a charge of nobody",
        Invariant::NoPhantom,
        |(_, _, provider)| {
            provider.charges[0].key = "pay_stranger".to_owned();
        },
    ),
    (
        "a refund that the provider never made",
        Invariant::NoMoneyLeft,
        |(_, state, provider)| {
            let called_off = |row: &&checker::OrderRow| row.audit.status == OrderStatus::Cancelled;
            let keys: Vec<String> = state
                .orders
                .iter()
                .filter(called_off)
                .filter_map(|row| row.audit.payment_id.map(|id| id.to_string()))
                .collect();
            let of_one = |charge: &&mut contracts::payments::ChargeAudit| {
                charge.refunded_minor > 0 && keys.contains(&charge.key)
            };
            provider
                .charges
                .iter_mut()
                .find(of_one)
                .unwrap()
                .refunded_minor = 0;
        },
    ),
    (
        "a charge in another currency",
        Invariant::Money,
        |(_, state, provider)| {
            let index = charge_of(paid(state), state, provider);
            provider.charges[index].amount.currency = "EUR".parse().unwrap();
        },
    ),
    (
        "an acknowledged order lost",
        Invariant::Durability,
        |(_, state, _)| {
            let index = paid(state);
            state.orders.remove(index);
        },
    ),
    (
        "an acknowledged payment lost",
        Invariant::Durability,
        |(history, state, _)| {
            let told = history
                .operations
                .iter()
                .find_map(|one| match &one.outcome {
                    Outcome::Ok(Answer { told, .. }) => captured(told),
                    _ => None,
                });
            state.payments.retain(|row| Some(row.id) != told);
        },
    ),
    (
        "an order that nobody placed",
        Invariant::NoPhantom,
        |(history, state, _)| {
            let id = state.orders[paid(state)].audit.id;
            history.operations.retain(|one| one.means != Some(id));
        },
    ),
    (
        "an order whose requests were all refused",
        Invariant::FailedMeansNothing,
        |(history, state, _)| {
            let id = state.orders[paid(state)].audit.id;
            let refusal = history
                .operations
                .iter()
                .find_map(|one| match &one.outcome {
                    Outcome::Refused(refusal) => Some(checker::Refusal {
                        code: Some(contracts::problem::Code::InsufficientStock),
                        status: 409,
                        ..refusal.clone()
                    }),
                    _ => None,
                })
                .unwrap();
            for one in history
                .operations
                .iter_mut()
                .filter(|one| one.means == Some(id))
            {
                one.outcome = Outcome::Refused(refusal.clone());
            }
        },
    ),
    (
        "an illegal move in the timeline",
        Invariant::Moves,
        |(_, state, _)| {
            let shipped = |row: &&mut checker::OrderRow| row.audit.status == OrderStatus::Shipped;
            let row = state.orders.iter_mut().find(shipped).unwrap();
            row.timeline.retain(|entry| entry.kind != "paid");
        },
    ),
    (
        "a terminal state that was left",
        Invariant::Durability,
        |(_, state, _)| {
            let shipped = |row: &&mut checker::OrderRow| row.audit.status == OrderStatus::Shipped;
            let row = state.orders.iter_mut().find(shipped).unwrap();
            row.view.status = OrderStatus::Cancelled;
        },
    ),
    (
        "an order's version that skips",
        Invariant::Versions,
        |(_, state, _)| {
            let index = paid(state);
            let view = &mut state.orders[index].view;
            view.version = view.version.next();
        },
    ),
    (
        "a total that is not its lines'",
        Invariant::Price,
        |(_, state, _)| {
            let index = paid(state);
            state.orders[index].view.total.minor += 1;
        },
    ),
    ("a unit sold twice", Invariant::Stock, |(_, state, _)| {
        let row = state.stock.iter_mut().find(|row| row.sold > 0).unwrap();
        row.sold -= 1;
        row.ledger_on_hand += 1;
        row.on_hand += 1;
    }),
    (
        "counters that drifted from their ledger",
        Invariant::Stock,
        |(_, state, _)| {
            state.stock[0].on_hand += 1;
        },
    ),
    (
        "a hold that never ends",
        Invariant::Reservations,
        |(_, state, _)| {
            let cancelled = |row: &checker::OrderRow| row.audit.status == OrderStatus::Cancelled;
            let index = state.orders.iter().position(cancelled).unwrap();
            let held = held_for(index, state);
            state.reservations[held].state = ReservationState::Open;
        },
    ),
    (
        "a sale that was given back",
        Invariant::Reservations,
        |(_, state, _)| {
            let held = held_for(paid(state), state);
            state.reservations[held].state = ReservationState::Released;
        },
    ),
    (
        "an event that was never delivered",
        Invariant::Events,
        |(_, state, _)| {
            let id = state.orders[paid(state)].audit.id.to_string();
            let deliveries = state.deliveries.as_mut().unwrap();
            let first = deliveries.iter().position(|one| one.subject == id);
            let gone = deliveries[first.unwrap()].id;
            deliveries.retain(|one| one.id != gone);
        },
    ),
    (
        "an event that nobody took",
        Invariant::Queues,
        |(_, state, _)| {
            let id = state.orders[paid(state)].audit.id.to_string();
            let deliveries = state.deliveries.iter_mut().flatten();
            for one in deliveries.filter(|one| one.subject == id) {
                one.taken = false;
            }
        },
    ),
    (
        "a payment that stays undecided",
        Invariant::Liveness,
        |(_, state, _)| {
            state.payments[0].status = PaymentStatus::Pending;
        },
    ),
    (
        "a request without an end",
        Invariant::Liveness,
        |(history, ..)| {
            history.operations[0].end = None;
        },
    ),
    (
        "stock below zero in an answer",
        Invariant::Stock,
        |(history, ..)| {
            let stock = history
                .operations
                .iter_mut()
                .find_map(|one| match &mut one.outcome {
                    Outcome::Ok(answer) => match &mut answer.told {
                        checker::Told::Stock(rows) => rows.first_mut(),
                        _ => None,
                    },
                    _ => None,
                });
            let stock = stock.unwrap();
            stock.reserved = stock.on_hand + 1;
            stock.available = -1;
        },
    ),
    (
        "a refusal that is no problem",
        Invariant::ErrorShape,
        |(history, ..)| {
            let refusal = history
                .operations
                .iter_mut()
                .find_map(|one| match &mut one.outcome {
                    Outcome::Refused(refusal) => Some(refusal),
                    _ => None,
                });
            refusal.unwrap().is_problem = false;
        },
    ),
    (
        "an answer that came back in other bytes",
        Invariant::Keys,
        |(history, ..)| {
            let first = history
                .operations
                .iter()
                .find(|one| matches!(one.action, Action::Place { .. }) && one.order().is_some());
            let mut again = first.unwrap().clone();
            if let Outcome::Ok(answer) = &mut again.outcome {
                answer.body.push(' ');
            }
            again.start = Timestamp::from_ms(again.start.as_ms() + 1);
            history.operations.push(again);
        },
    ),
];

#[test]
fn every_edit_of_a_sound_run_is_caught_by_its_invariant() {
    let sound = sound();
    for (name, invariant, edit) in EDITS {
        let mut books = sound.clone();
        edit(&mut books);
        let found = check(&books.0, &books.1, &books.2);
        let names: Vec<_> = found.iter().map(|violation| violation.invariant).collect();
        assert!(names.contains(invariant), "{name}: {found:?}");
        say(name, *invariant, "edit of a record");
    }
}

fn captured(told: &Told) -> Option<PaymentId> {
    match told {
        Told::Payment(one) => (one.status == PaymentStatus::Captured).then_some(one.id),
        _ => None,
    }
}

/// How many violations there are without one row of a kind, for each row.
fn caught_without(count: usize, remove: impl Fn(&mut Books, usize), sound: &Books) -> Vec<usize> {
    let clean = |index: &usize| {
        let mut books = sound.clone();
        remove(&mut books, *index);
        check(&books.0, &books.1, &books.2).is_empty()
    };
    (0..count).filter(clean).collect()
}

#[test]
fn no_row_can_be_taken_out_unseen() {
    let sound = sound();
    let (_, state, _) = &sound;
    let orders = caught_without(
        state.orders.len(),
        |(_, state, _), at| drop(state.orders.remove(at)),
        &sound,
    );
    assert_eq!(orders, [0; 0], "orders");
    let reservations = caught_without(
        state.reservations.len(),
        |(_, state, _), at| {
            state.reservations.remove(at);
        },
        &sound,
    );
    for at in reservations {
        let id = state.reservations[at].order_id;
        assert!(
            state.orders.iter().all(|row| row.audit.id != id),
            "the reservation of {id}"
        );
    }
}
