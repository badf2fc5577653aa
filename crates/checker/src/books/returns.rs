//! Returns beside the refunds that pay them back, and refunds beside what the catalog put onto the shelf for them.

use super::SETTLING_SECONDS;
use crate::violation::{Found, Invariant, Violation};
use contracts::{
    catalog::{BackAudit, ReservationAudit, ReservationState},
    orders::{OrderAudit, ReturnAudit, ReturnStatus},
    payments::{PaymentAudit, RefundPart},
    values::{RefundId, ReturnId, Timestamp},
};

/// A return that came, and whose refund is not there: wrong, unless the event that asks for it waits to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The return.
    pub return_id: ReturnId,
    /// What is wrong then.
    pub wrong: Violation,
}

/// What came back was sent; each return that came has one refund, of its own name, that puts on sale no more than it
/// has; and it knows when that is done. What refunds that are not there are owed for is told apart.
#[must_use]
pub fn returns(
    order: &OrderAudit,
    payments: &[PaymentAudit],
    now: Timestamp,
) -> (Vec<Violation>, Vec<Owed>) {
    let mut found = Found::default();
    found.unless(order.returns_were_sent, Invariant::Stock, || {
        said(order, "more of it comes back than was sent")
    });
    let mut owed = Vec::new();
    if let Some(refunds) = each(payments) {
        for one in &order.returns {
            if let Some(refund_id) = one.refund_id {
                owed.extend(paid_back(
                    (order, payments, &refunds),
                    (one, refund_id),
                    now,
                    &mut found,
                ));
            }
        }
    }
    (found.all(), owed)
}

/// All refunds of an order's payments; none where an earlier release did not tell.
fn each(payments: &[PaymentAudit]) -> Option<Vec<RefundPart>> {
    let mut all = Vec::new();
    for payment in payments {
        all.extend(payment.each.as_ref()?);
    }
    Some(all)
}

fn said(order: &OrderAudit, what: &str) -> String {
    format!("order {} ({}): {what}", order.id, order.status.as_str())
}

fn paid_back(
    (order, payments, refunds): (&OrderAudit, &[PaymentAudit], &[RefundPart]),
    (one, refund_id): (&ReturnAudit, RefundId),
    now: Timestamp,
    found: &mut Found,
) -> Option<Owed> {
    let id = one.id;
    found.unless(one.is_named, Invariant::Money, || {
        said(
            order,
            &format!("return {id} names {refund_id}, which is not the refund of its name"),
        )
    });
    let mut its_own = refunds.iter().filter(|refund| refund.id == refund_id);
    let Some(refund) = its_own.next() else {
        return unpaid(order, payments, one, now, found);
    };
    found.unless(its_own.next().is_none(), Invariant::Money, || {
        said(
            order,
            &format!("return {id} is paid back by several payments"),
        )
    });
    let (units, most) = (refund.units, one.on_sale);
    let fits = units < most || (units == most && refund.contents == one.contents);
    found.unless(fits, Invariant::Stock, || {
        said(
            order,
            &format!(
                "of return {id} {most} units go on sale, its refund puts {units} there, or others"
            ),
        )
    });
    let knows = one.status == ReturnStatus::Refunded || !refund.told;
    found.unless(knows, Invariant::Money, || {
        said(
            order,
            &format!("return {id} was paid back, and does not know of it"),
        )
    });
    None
}

/// A return may end without a refund where all of the money had gone back, or all units had come back without it, or
/// none of them goes on sale and no money was to go back.
fn unpaid(
    order: &OrderAudit,
    payments: &[PaymentAudit],
    one: &ReturnAudit,
    now: Timestamp,
    found: &mut Found,
) -> Option<Owed> {
    let id = one.id;
    if one.status == ReturnStatus::Refunded {
        let is_over = |paid: &PaymentAudit| {
            paid.refunding_minor == paid.amount.minor || paid.refunds.units >= one.on_sale
        };
        let is_fine = one.on_sale == 0 || payments.iter().any(is_over);
        found.unless(is_fine, Invariant::Money, || {
            said(
                order,
                &format!("return {id} is at its end, and its refund is not there"),
            )
        });
        return None;
    }
    let is_late = now > one.updated_at.plus_seconds(SETTLING_SECONDS);
    is_late.then(|| {
        let what = said(order, &format!("return {id} came, and nobody pays it back"));
        Owed {
            return_id: id,
            wrong: Violation::new(Invariant::Liveness, what),
        }
    })
}

/// What the catalog took back, it took back for a refund that is there, as much as that says and the same things; and
/// for each refund that says so, it did.
#[must_use]
pub fn back_on_shelf(payments: &[PaymentAudit], held: &ReservationAudit) -> Vec<Violation> {
    let (Some(refunds), Some(back)) = (each(payments), held.back.as_ref()) else {
        return Vec::new();
    };
    let mut found = Found::default();
    let order = held.order_id;
    for refund in refunds.iter().filter(|refund| refund.units > 0) {
        let row = back.iter().find(|row| row.refund_id == refund.id);
        // Of an order that came back whole, what a refund would have brought back later came with the rest.
        let must = refund.restocked && held.state == ReservationState::Committed;
        let same = |row: &BackAudit| (row.units, row.contents) == (refund.units, refund.contents);
        found.unless(row.map_or(!must, same), Invariant::Stock, || {
            let (id, units) = (refund.id, refund.units);
            let came = row.map_or(0, |row| row.units);
            format!("order {order}: {units} units come back with {id}, the catalog took {came} for it, or others")
        });
    }
    for row in back {
        let known = refunds.iter().any(|refund| refund.id == row.refund_id);
        found.unless(known, Invariant::Stock, || {
            let (id, units) = (row.refund_id, row.units);
            format!("order {order}: {units} units came back with {id}, which is no refund of it")
        });
    }
    found.all()
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{money, order_given_back_in_part},
        *,
    };

    const LATER: Timestamp = Timestamp::from_ms(1_000_000);

    /// An order of which a unit came back by a return.
    fn returned() -> (OrderAudit, ReservationAudit, PaymentAudit, ReturnAudit) {
        let (mut order, held, payment) = order_given_back_in_part();
        let refund = payment.each.as_ref().unwrap()[0];
        let one = ReturnAudit {
            id: ReturnId::generate(),
            status: ReturnStatus::Refunded,
            refund_id: Some(refund.id),
            is_named: true,
            on_sale: refund.units,
            contents: refund.contents,
            updated_at: Timestamp::from_ms(0),
        };
        order.returns = vec![one];
        (order, held, payment, one)
    }

    fn wrong(order: &OrderAudit, payment: &PaymentAudit) -> (usize, usize) {
        let (wrong, owed) = returns(order, std::slice::from_ref(payment), LATER);
        (wrong.len(), owed.len())
    }

    #[test]
    fn a_return_with_its_refund_and_its_units_is_fine_and_so_is_one_before_them() {
        let (order, held, payment, one) = returned();
        assert_eq!(wrong(&order, &payment), (0, 0));
        assert_eq!(back_on_shelf(std::slice::from_ref(&payment), &held), []);
        let asked = ReturnAudit {
            status: ReturnStatus::Requested,
            refund_id: None,
            ..one
        };
        let order = OrderAudit {
            returns: vec![asked],
            ..order
        };
        assert_eq!(wrong(&order, &payment), (0, 0));
        let silent = PaymentAudit {
            each: None,
            ..payment
        };
        assert_eq!(back_on_shelf(&[silent], &held), [], "an earlier release");
    }

    #[test]
    fn each_way_in_which_a_return_does_not_fit_its_refund_is_found() {
        let (order, _, payment, one) = returned();
        let broken = [
            ReturnAudit {
                is_named: false,
                ..one
            },
            ReturnAudit { on_sale: 0, ..one },
            ReturnAudit {
                contents: one.contents.wrapping_add(1),
                ..one
            },
            ReturnAudit {
                status: ReturnStatus::Received,
                ..one
            },
        ];
        for one in broken {
            let order = OrderAudit {
                returns: vec![one],
                ..order.clone()
            };
            assert_eq!(wrong(&order, &payment), (1, 0), "{one:?}");
        }
        let unsent = OrderAudit {
            returns_were_sent: false,
            ..order.clone()
        };
        assert_eq!(wrong(&unsent, &payment), (1, 0));
        let other = [payment.clone(), payment];
        assert_eq!(returns(&order, &other, LATER).0.len(), 1, "paid back twice");
    }

    #[test]
    fn a_refund_that_is_not_there_is_owed_or_wrong_or_was_not_needed() {
        let (order, _, payment, one) = returned();
        let without = PaymentAudit {
            each: Some(Vec::new()),
            refunds: contracts::payments::RefundSums::default(),
            ..payment
        };
        assert_eq!(wrong(&order, &without), (1, 0), "at its end without one");
        let whole = PaymentAudit {
            refunding_minor: money(500).minor,
            ..without.clone()
        };
        assert_eq!(wrong(&order, &whole), (0, 0), "no money was left");
        let came = OrderAudit {
            returns: vec![ReturnAudit {
                status: ReturnStatus::Received,
                ..one
            }],
            ..order
        };
        assert_eq!(wrong(&came, &without), (0, 1));
        let soon = Timestamp::from_ms(60_000);
        assert_eq!(returns(&came, &[without], soon), (Vec::new(), Vec::new()));
    }

    #[test]
    fn units_that_came_back_twice_or_for_nobody_or_others_are_found() {
        let (_, held, payment, _) = returned();
        let row = held.back.as_ref().unwrap()[0];
        let wrong = |back: Vec<BackAudit>| {
            let held = ReservationAudit {
                back: Some(back),
                ..held.clone()
            };
            back_on_shelf(std::slice::from_ref(&payment), &held).len()
        };
        let more = BackAudit { units: 2, ..row };
        let others = BackAudit { contents: 0, ..row };
        let stranger = BackAudit {
            refund_id: RefundId::generate(),
            ..row
        };
        assert_eq!(wrong(vec![]), 1, "never");
        assert_eq!(wrong(vec![more]), 1, "twice");
        assert_eq!(wrong(vec![others]), 1, "others");
        assert_eq!(wrong(vec![row, stranger]), 1, "for nobody");
    }
}
