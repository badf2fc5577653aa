//! What must hold between the books, a row or an order at a time: whoever streams over millions of rows holds one of
//! them. Judges only what the services say of themselves, and is lenient with what is under way just now.

mod events;
mod ledger;
mod orders;
mod products;
mod returns;
#[cfg(test)]
mod samples;

pub use events::{discounts, events};
pub use ledger::{charge, ledger, provider};
pub use orders::{Lateness, held, order_s_contents, refund_sums};
pub use products::product;
pub use returns::{Owed, back_on_shelf, returns};

use crate::violation::{Found, Invariant, Violation};
use contracts::{
    catalog::{ReservationAudit, ReservationState, StockAudit},
    orders::{OrderAudit, OrderStatus},
    payments::{PaymentAudit, PaymentStatus, RefundAudit, RefundStatus},
    values::Timestamp,
};

/// How long after its hold a reservation without an order may still be waiting for the sweeper.
const ORPHAN_SECONDS: i64 = 300;

/// How long a payment's outcome may be unknown before somebody should look.
const UNDECIDED_SECONDS: i64 = 3_600;
/// How long the steps between two books may take: from money taken to order paid, from order cancelled to
/// stock and money back.
const SETTLING_SECONDS: i64 = 60;

/// Counters of stock are what its ledgers add up to, and nothing is below zero.
#[must_use]
pub fn stock(row: &StockAudit) -> Option<Violation> {
    let same = row.on_hand == row.ledger_on_hand && row.reserved == row.ledger_reserved;
    let possible = row.reserved >= 0 && row.reserved <= row.on_hand && row.sold >= 0;
    (!same || !possible).then(|| {
        let what = format!(
            "stock of {}: on hand {} (ledger {}), reserved {} (ledger {}), sold {}",
            row.sku, row.on_hand, row.ledger_on_hand, row.reserved, row.ledger_reserved, row.sold
        );
        Violation::new(Invariant::Stock, what)
    })
}

/// Stock is held without an order only for as long as its order may still come.
#[must_use]
pub fn orphan(row: &ReservationAudit, now: Timestamp) -> Option<Violation> {
    let what = match row.state {
        ReservationState::Open if now > row.hold_until.plus_seconds(ORPHAN_SECONDS) => {
            format!(
                "reservation {} is open, and its order never came",
                row.order_id
            )
        }
        ReservationState::Committed | ReservationState::Returned => format!(
            "reservation {} is {}, and its order is not there",
            row.order_id,
            row.state.as_str()
        ),
        ReservationState::Open | ReservationState::Released | ReservationState::Expired => {
            return None;
        }
    };
    Some(Violation::new(Invariant::Reservations, what))
}

/// The provider's books say the same as ours, and no payment stays undecided.
#[must_use]
pub fn payment(row: &PaymentAudit, now: Timestamp) -> Option<Violation> {
    let settling = now <= row.updated_at.plus_seconds(SETTLING_SECONDS);
    let expected = match row.status {
        // A refund that is under way may be in the provider's books before it is in ours.
        PaymentStatus::Captured if settling && row.refunding_minor > row.refunded_minor => {
            return None;
        }
        PaymentStatus::Captured => row.amount.minor.saturating_sub(row.refunded_minor),
        PaymentStatus::Declined | PaymentStatus::Voided | PaymentStatus::Refunded => 0,
        // Between two steps the provider may be ahead of us.
        PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised
            if settling =>
        {
            return None;
        }
        PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised => 0,
    };
    let (id, status) = (row.id, row.status.as_str());
    if let Some(provider) = row
        .provider_net_minor
        .filter(|provider| *provider != expected)
    {
        let what =
            format!("payment {id} is {status} with {expected}, the provider says {provider}");
        return Some(Violation::new(Invariant::Money, what));
    }
    let undecided = matches!(
        row.status,
        PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised
    );
    let forgotten = now > row.updated_at.plus_seconds(UNDECIDED_SECONDS);
    (undecided && forgotten).then(|| {
        let what = format!("payment {id} is {status} since {}", row.updated_at);
        Violation::new(Invariant::Liveness, what)
    })
}

/// An order's total, timeline, stock and money fit together.
#[must_use]
pub fn order(
    order: &OrderAudit,
    held: Option<&ReservationAudit>,
    payments: &[PaymentAudit],
    now: Timestamp,
) -> Vec<Violation> {
    let settling = now <= order.updated_at.plus_seconds(SETTLING_SECONDS);
    let (total, lines) = (order.total.minor, order.lines_total_minor);
    let parts = order.parts_total_minor;
    let mut found = Found::default();
    found.unless(
        lines.checked_add(parts) == Some(total),
        Invariant::Price,
        || {
            said(
                order,
                &format!("its total is {total}, its lines add up to {lines}, its parts to {parts}"),
            )
        },
    );
    found.unless(order.taxes_add_up, Invariant::Price, || {
        said(order, "a tax is not what its lines and its shipping are")
    });
    found.unless(order.timeline_is_legal, Invariant::Moves, || {
        said(order, "its timeline is no path of the table of moves")
    });
    order_s_stock(order, held, is_being_paid(payments), settling, &mut found);
    order_s_money(order, payments, settling, &mut found);
    found.all()
}

fn said(order: &OrderAudit, what: &str) -> String {
    format!("order {} ({}): {what}", order.id, order.status.as_str())
}

fn order_s_stock(
    order: &OrderAudit,
    held: Option<&ReservationAudit>,
    being_paid: bool,
    settling: bool,
    found: &mut Found,
) {
    let Some(held) = held else {
        found.unless(false, Invariant::Reservations, || {
            said(order, "nothing was ever reserved for it")
        });
        return;
    };
    let (units, value, total) = (held.units, held.value_minor, order.lines_total_minor);
    found.unless(units == order.units, Invariant::Reservations, || {
        said(
            order,
            &format!("{} units ordered, {units} reserved", order.units),
        )
    });
    found.unless(value == total, Invariant::Price, || {
        said(order, &format!("reserved at {value}, ordered at {total}"))
    });
    let fits = stock_fits(order.status, held.state, being_paid, settling);
    found.unless(fits, Invariant::Reservations, || {
        said(order, &format!("its stock is {}", held.state.as_str()))
    });
}

fn order_s_money(order: &OrderAudit, payments: &[PaymentAudit], settling: bool, found: &mut Found) {
    let captured: Vec<&PaymentAudit> = payments
        .iter()
        .filter(|payment| payment.status == PaymentStatus::Captured)
        .collect();
    for payment in &captured {
        let (amount, total) = (payment.amount, order.total);
        found.unless(amount == total, Invariant::Money, || {
            said(
                order,
                &format!("{amount} was captured for a total of {total}"),
            )
        });
        let its_own = order.payment_id == Some(payment.id);
        found.unless(its_own, Invariant::Money, || {
            said(
                order,
                &format!("payment {} is captured, and it names another", payment.id),
            )
        });
    }
    let fenced = order.status != OrderStatus::Pending || order.payment_id.is_none();
    let known = payments
        .iter()
        .any(|payment| order.payment_id == Some(payment.id));
    found.unless(fenced || known, Invariant::Money, || {
        said(order, "the payment that it waits for is not there")
    });
    let fits = money_fits(order, captured.len(), settling);
    found.unless(fits, Invariant::NoMoneyLeft, || {
        said(order, &format!("{} payments are captured", captured.len()))
    });
}

/// A payment and its refunds tell the same, and never more than was taken.
#[must_use]
pub fn refunds(row: &PaymentAudit, refunds: &[RefundAudit]) -> Vec<Violation> {
    let sum = |counts: fn(&RefundAudit) -> bool| {
        let counted = refunds.iter().filter(|refund| counts(refund));
        counted.fold(0_i64, |sum, refund| sum.saturating_add(refund.amount.minor))
    };
    let (promised, given) = (
        sum(|_| true),
        sum(|one| one.status == RefundStatus::Succeeded),
    );
    let (id, amount) = (row.id, row.amount.minor);
    let mut found = Found::default();
    let same = row.refunding_minor == promised && row.refunded_minor == given;
    found.unless(same, Invariant::Money, || {
        let (refunding, refunded) = (row.refunding_minor, row.refunded_minor);
        format!("payment {id}: {refunding} promised and {refunded} given back, its refunds say {promised} and {given}")
    });
    found.unless(promised <= amount, Invariant::Money, || {
        format!("payment {id}: {promised} is promised back of {amount}")
    });
    found.all()
}

/// A payment whose order is not there.
#[must_use]
pub fn stray(row: &PaymentAudit) -> Violation {
    let (id, order_id) = (row.id, row.order_id);
    let what = format!("payment {id} pays for order {order_id}, which is not there");
    Violation::new(Invariant::Money, what)
}

fn is_being_paid(payments: &[PaymentAudit]) -> bool {
    payments.iter().any(|payment| {
        matches!(
            payment.status,
            PaymentStatus::Authorised | PaymentStatus::Captured
        )
    })
}

fn stock_fits(
    status: OrderStatus,
    state: ReservationState,
    being_paid: bool,
    settling: bool,
) -> bool {
    use ReservationState::{Committed, Expired, Open, Released, Returned};
    match status {
        // The pivot: stock is sold once the money is authorised, a moment before the order says paid.
        OrderStatus::Pending => state == Open || (state == Committed && being_paid),
        OrderStatus::Paid | OrderStatus::Shipped | OrderStatus::Delivered => state == Committed,
        OrderStatus::Cancelled => matches!(state, Released | Expired | Returned) || settling,
        OrderStatus::Refunded => matches!(state, Committed | Returned),
    }
}

fn money_fits(order: &OrderAudit, captured: usize, settling: bool) -> bool {
    match order.status {
        OrderStatus::Paid | OrderStatus::Shipped | OrderStatus::Delivered => captured == 1,
        // Taken, and about to be told to the order: only while a payment is under way.
        OrderStatus::Pending => captured == 0 || (captured == 1 && order.payment_id.is_some()),
        OrderStatus::Cancelled => captured == 0 || (captured == 1 && settling),
        OrderStatus::Refunded => captured == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{money, paid_order};
    use super::*;
    use contracts::values::VariantId;

    const LATER: Timestamp = Timestamp::from_ms(1_000_000);

    #[test]
    fn books_that_fit_are_clean() {
        let (order, held, payment) = paid_order();
        assert_eq!(
            super::order(&order, Some(&held), std::slice::from_ref(&payment), LATER),
            Vec::<Violation>::new()
        );
        assert_eq!(super::payment(&payment, LATER), None);
    }

    /// How many violations these books have.
    fn found(
        order: &OrderAudit,
        held: Option<&ReservationAudit>,
        payments: &[PaymentAudit],
    ) -> usize {
        super::order(order, held, payments, LATER).len()
    }

    #[test]
    fn money_that_does_not_fit_is_found() {
        let (order, held, payment) = paid_order();
        let twice = [payment.clone(), payment.clone()];
        let other = [PaymentAudit {
            amount: money(499),
            ..payment.clone()
        }];
        assert_eq!(found(&order, Some(&held), &[]), 1, "paid without money");
        assert_eq!(found(&order, Some(&held), &twice), 1, "charged twice");
        assert_eq!(
            found(&order, Some(&held), &other),
            1,
            "charged another amount"
        );
        let disagreeing = PaymentAudit {
            provider_net_minor: Some(0),
            ..payment
        };
        assert!(
            super::payment(&disagreeing, LATER).is_some(),
            "the provider says otherwise"
        );
    }

    #[test]
    fn stock_that_does_not_fit_its_order_is_found() {
        let (order, held, payment) = paid_order();
        let paid = [payment];
        assert_eq!(found(&order, None, &paid), 1, "no stock was ever held");
        let open = ReservationAudit {
            state: ReservationState::Open,
            ..held.clone()
        };
        assert_eq!(
            found(&order, Some(&open), &paid),
            1,
            "paid, and its stock not sold"
        );
        let fewer = ReservationAudit {
            units: 1,
            value_minor: 250,
            ..held.clone()
        };
        assert_eq!(
            found(&order, Some(&fewer), &paid),
            2,
            "less stock than ordered"
        );
        let cancelled = OrderAudit {
            status: OrderStatus::Cancelled,
            ..order
        };
        assert_eq!(
            found(&cancelled, Some(&held), &paid),
            2,
            "cancelled, with stock and money kept"
        );
    }

    #[test]
    fn an_order_that_does_not_fit_itself_is_found() {
        let (order, held, payment) = paid_order();
        let paid = [payment];
        let total = OrderAudit {
            parts_total_minor: -1,
            ..order.clone()
        };
        assert_eq!(
            found(&total, Some(&held), &paid),
            1,
            "a total that is not its lines' and parts'"
        );
        let lines = OrderAudit {
            lines_total_minor: 501,
            parts_total_minor: -1,
            ..order.clone()
        };
        assert_eq!(
            found(&lines, Some(&held), &paid),
            1,
            "lines at other prices than were reserved"
        );
        let taxes = OrderAudit {
            taxes_add_up: false,
            ..order.clone()
        };
        assert_eq!(found(&taxes, Some(&held), &paid), 1, "taxes");
        let illegal = OrderAudit {
            timeline_is_legal: false,
            ..order
        };
        assert_eq!(
            found(&illegal, Some(&held), &paid),
            1,
            "a timeline off the table"
        );
    }

    #[test]
    fn stock_that_drifted_is_found() {
        let row = StockAudit {
            variant_id: VariantId::generate(),
            sku: "A".to_owned(),
            on_hand: 5,
            reserved: 1,
            ledger_on_hand: 5,
            ledger_reserved: 1,
            sold: 3,
        };
        assert_eq!(stock(&row), None);
        assert!(
            stock(&StockAudit {
                on_hand: 6,
                ..row.clone()
            })
            .is_some()
        );
        assert!(
            stock(&StockAudit {
                ledger_reserved: 0,
                ..row.clone()
            })
            .is_some()
        );
        assert!(
            stock(&StockAudit {
                reserved: 6,
                ledger_reserved: 6,
                ..row
            })
            .is_some()
        );
    }

    #[test]
    fn a_reservation_outlives_its_hold_by_minutes_at_most() {
        let (_, held, _) = paid_order();
        let open = ReservationAudit {
            state: ReservationState::Open,
            ..held.clone()
        };
        assert_eq!(orphan(&open, LATER), None);
        assert!(orphan(&open, open.hold_until.plus_seconds(301)).is_some());
        assert!(orphan(&held, LATER).is_some(), "sold to nobody");
    }
}
