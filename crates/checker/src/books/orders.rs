//! An order beside what was reserved for it and what was given back of it.

use crate::violation::{Found, Invariant, Violation};
use contracts::{
    catalog::{ReservationAudit, ReservationState},
    orders::OrderAudit,
    payments::{PaymentAudit, PaymentStatus, RefundSums},
    values::Timestamp,
};

/// How long past its time a reservation may be open before the sweeper is late.
const GRACE_SECONDS: i64 = 5;
/// How late a sweeper may be that runs.
const LATE_SECONDS: i64 = 300;

/// How a reservation stands with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// It has ended, has time left, or waits for a payment's outcome.
    Fine,
    /// Its time is over, and nobody came by yet.
    Late,
    /// Somebody should have come by.
    Forgotten,
}

/// No reservation is open past its time, unless a payment of its order is unresolved.
#[must_use]
pub fn held(row: &ReservationAudit, payments: &[PaymentAudit], now: Timestamp) -> Lateness {
    let unresolved = payments.iter().any(|payment| {
        matches!(
            payment.status,
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised
        )
    });
    if row.state != ReservationState::Open
        || unresolved
        || now <= row.hold_until.plus_seconds(GRACE_SECONDS)
    {
        Lateness::Fine
    } else if now <= row.hold_until.plus_seconds(LATE_SECONDS) {
        Lateness::Late
    } else {
        Lateness::Forgotten
    }
}

/// What was ordered is what was reserved, each line at a price that its product had then; the order's version counts
/// its moves; the reservation ended once.
#[must_use]
pub fn order_s_contents(order: &OrderAudit, held: Option<&ReservationAudit>) -> Vec<Violation> {
    let mut found = Found::default();
    let said = |what: &str| format!("order {} ({}): {what}", order.id, order.status.as_str());
    found.unless(order.versions_count_moves, Invariant::Versions, || {
        said("its version is not the number of its moves")
    });
    if let Some(held) = held {
        found.unless(held.contents == order.contents, Invariant::Price, || {
            said("other things were reserved than ordered, or at other prices")
        });
        let is_same = |currency| currency == order.total.currency;
        found.unless(held.currency.is_none_or(is_same), Invariant::Price, || {
            said("it is in another currency than what was reserved")
        });
        found.unless(held.prices_known, Invariant::Price, || {
            said("a product of it never had that price then")
        });
        found.unless(held.ended_once, Invariant::Reservations, || {
            said("its reservation does not say when it ended")
        });
    }
    found.all()
}

/// Each payment's counters are the sums of its refunds, and the units that came back with them are those that the
/// catalog took back.
#[must_use]
pub fn refund_sums(payments: &[PaymentAudit], held: Option<&ReservationAudit>) -> Vec<Violation> {
    let mut found = Found::default();
    for one in payments {
        let (kept, sums) = ((one.refunding_minor, one.refunded_minor), one.refunds);
        let same = kept == (sums.wanted_minor, sums.given_minor);
        found.unless(same, Invariant::Money, || {
            format!(
                "payment {} keeps {} wanted back and {} given back, its refunds add up to {} and {}",
                one.id, kept.0, kept.1, sums.wanted_minor, sums.given_minor
            )
        });
        let bounded = sums.wanted_minor <= one.amount.minor;
        found.unless(bounded, Invariant::Money, || {
            format!(
                "payment {} of {} is to give back {}",
                one.id, one.amount, sums.wanted_minor
            )
        });
    }
    if let Some(held) = held {
        units_back(payments, held, &mut found);
    }
    found.all()
}

fn units_back(payments: &[PaymentAudit], held: &ReservationAudit, found: &mut Found) {
    let all = payments
        .iter()
        .fold(RefundSums::default(), |all, one| RefundSums {
            open: all.open.saturating_add(one.refunds.open),
            units: all.units.saturating_add(one.refunds.units),
            restocked: all.restocked.saturating_add(one.refunds.restocked),
            ..all
        });
    let fits = match held.state {
        ReservationState::Committed if all.open == 0 => held.returned == all.restocked,
        // The catalog takes units back a moment before the refund says so.
        ReservationState::Committed => (all.restocked..=all.units).contains(&held.returned),
        // The order was called off: whatever had not come back before came back then.
        ReservationState::Returned => held.returned <= all.units,
        ReservationState::Open | ReservationState::Released | ReservationState::Expired => {
            held.returned == 0
        }
    };
    let possible = fits && held.returned <= held.units;
    found.unless(possible, Invariant::Stock, || {
        format!(
            "of order {} {} of {} units came back, its refunds say {}",
            held.order_id, held.returned, held.units, all.restocked
        )
    });
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn an_order_with_its_reservation_and_a_refund_in_part_is_fine() {
        let (order, held, payment) = samples::order_given_back_in_part();
        assert_eq!(
            order_s_contents(&order, Some(&held)),
            Vec::<Violation>::new()
        );
        assert_eq!(
            refund_sums(&[payment], Some(&held)),
            Vec::<Violation>::new()
        );
    }

    #[test]
    fn contents_versions_prices_and_ends_that_do_not_fit_are_found() {
        let (order, held, _) = samples::order_given_back_in_part();
        let versions = OrderAudit {
            versions_count_moves: false,
            ..order.clone()
        };
        assert_eq!(order_s_contents(&versions, Some(&held)).len(), 1);
        for held in [
            ReservationAudit {
                contents: 1,
                ..held.clone()
            },
            ReservationAudit {
                currency: "EUR".parse().ok(),
                ..held.clone()
            },
            ReservationAudit {
                prices_known: false,
                ..held.clone()
            },
            ReservationAudit {
                ended_once: false,
                ..held
            },
        ] {
            assert_eq!(order_s_contents(&order, Some(&held)).len(), 1, "{held:?}");
        }
    }

    #[test]
    fn refunds_that_were_counted_wrongly_are_found() {
        let (_, held, payment) = samples::order_given_back_in_part();
        let counted = PaymentAudit {
            refunding_minor: 251,
            ..payment.clone()
        };
        assert_eq!(
            refund_sums(&[counted], Some(&held)).len(),
            1,
            "a counter that drifted"
        );
        let sums = RefundSums {
            wanted_minor: 501,
            given_minor: 501,
            ..payment.refunds
        };
        let too_much = PaymentAudit {
            refunding_minor: 501,
            refunded_minor: 501,
            refunds: sums,
            ..payment
        };
        assert_eq!(
            refund_sums(&[too_much], Some(&held)).len(),
            1,
            "more than was taken"
        );
    }

    #[test]
    fn units_that_did_not_come_back_with_their_money_are_found_and_so_are_units_without_money() {
        let (_, held, payment) = samples::order_given_back_in_part();
        for returned in [0, 2] {
            let held = ReservationAudit {
                returned,
                ..held.clone()
            };
            assert_eq!(
                refund_sums(std::slice::from_ref(&payment), Some(&held)).len(),
                1,
                "{returned}"
            );
        }
        let sums = RefundSums {
            open: 1,
            restocked: 0,
            ..payment.refunds
        };
        let under_way = PaymentAudit {
            refunds: sums,
            ..payment
        };
        assert!(
            refund_sums(&[under_way], Some(&held)).is_empty(),
            "the catalog is a moment ahead"
        );
    }

    #[test]
    fn a_reservation_past_its_time_is_late_then_forgotten_but_never_while_a_payment_is_unresolved()
    {
        let (_, held_, payment) = samples::order_given_back_in_part();
        let open = ReservationAudit {
            state: ReservationState::Open,
            ..held_
        };
        let at = |seconds| open.hold_until.plus_seconds(seconds);
        assert_eq!(held(&open, &[], at(5)), Lateness::Fine);
        assert_eq!(held(&open, &[], at(6)), Lateness::Late);
        assert_eq!(held(&open, &[], at(301)), Lateness::Forgotten);
        let undecided = PaymentAudit {
            status: PaymentStatus::Pending,
            ..payment
        };
        assert_eq!(held(&open, &[undecided], at(301)), Lateness::Fine);
    }
}
