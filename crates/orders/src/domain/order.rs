//! An order and what may happen to it. Every function is pure: it says what changes, the store makes it so.

use super::{pricing::Use, status};
use contracts::{
    catalog::PricedLine,
    orders::{Address, OrderError, OrderMove, OrderPartView, OrderStatus, PaymentEnd, RefundNote},
    trace::TraceParent,
    values::{CartId, Email, Money, OrderId, PaymentId, Timestamp, UserId, Version},
};

/// An order to be written.
#[derive(Debug, Clone)]
pub struct NewOrder {
    pub id: OrderId,
    pub customer_id: Option<UserId>,
    pub guest_email: Option<Email>,
    /// Where it goes.
    pub address: Option<Address>,
    pub fingerprint: [u8; 32],
    pub lines: Vec<PricedLine>,
    pub total: Money,
    pub payment_due_at: Timestamp,
    pub created_at: Timestamp,
    /// The cart that becomes it, as it was read.
    pub cart: Option<(CartId, Version)>,
    /// What it costs beside its lines.
    pub parts: Vec<OrderPartView>,
    /// The discounts that are in the parts, to be counted.
    pub uses: Vec<Use>,
    /// What it costs where the limits of those have no room: the first of these that has.
    pub otherwise: Vec<Otherwise>,
    /// Where it belongs to, if its trace is told of.
    pub trace: Option<TraceParent>,
    /// The id of the request that places it.
    pub request: Option<String>,
}

/// What an order costs with other discounts.
#[derive(Debug, Clone)]
pub struct Otherwise {
    pub parts: Vec<OrderPartView>,
    pub total: Money,
    pub uses: Vec<Use>,
}

impl NewOrder {
    /// Whether nothing is written with it but itself.
    pub fn is_plain(&self) -> bool {
        let costs_itself = self.parts.is_empty() && self.uses.is_empty();
        self.cart.is_none() && self.address.is_none() && costs_itself
    }

    /// Turns to what it costs otherwise; whether there was anything left to turn to.
    pub fn turn(&mut self) -> bool {
        if self.otherwise.is_empty() {
            return false;
        }
        let Otherwise { parts, total, uses } = self.otherwise.remove(0);
        (self.parts, self.total, self.uses) = (parts, total, uses);
        true
    }

    /// All that it may use of what has a limit.
    pub fn limited(&self) -> impl Iterator<Item = &Use> {
        let others = self.otherwise.iter().flat_map(|other| &other.uses);
        self.uses
            .iter()
            .chain(others)
            .filter(|used| used.is_limited())
    }
}

/// An order as it stands, without its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub number: i64,
    pub id: OrderId,
    pub customer_id: Option<UserId>,
    pub status: OrderStatus,
    pub version: Version,
    pub total: Money,
    pub tracking: Option<String>,
    pub payment_id: Option<PaymentId>,
    pub payment_due_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What happens to an order.
#[derive(Debug, Clone)]
pub enum Happening {
    /// People move it on.
    Moved(OrderMove),
    /// Its time is over.
    Expired,
    /// A payment begins.
    PaymentBegan(PaymentId),
    /// That payment ended.
    PaymentEnded(PaymentId, PaymentEnd),
    /// Money was given back. The store lets each refund happen once.
    Refunded(RefundNote),
}

/// A change to be written: the order as it will be, and the entry of its timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub after: Order,
    pub kind: &'static str,
    pub note: Option<String>,
}

/// What a happening makes of an order; `None` when it had happened before.
pub fn apply(
    before: &Order,
    happening: &Happening,
    now: Timestamp,
) -> Result<Option<Change>, OrderError> {
    match happening {
        Happening::Moved(step) => move_on(before, step, now).map(Some),
        Happening::Expired => expire(before, now),
        Happening::PaymentBegan(payment) => begin_payment(before, *payment),
        Happening::PaymentEnded(payment, end) => end_payment(before, *payment, *end, now),
        Happening::Refunded(note) => Ok(Some(give_back(before, note, now))),
    }
}

fn at_status(before: &Order, to: OrderStatus, now: Timestamp) -> Order {
    Order {
        status: to,
        version: before.version.next(),
        updated_at: now,
        ..before.clone()
    }
}

fn move_on(before: &Order, step: &OrderMove, now: Timestamp) -> Result<Change, OrderError> {
    status::check(before.status, step.to())?;
    let mut after = at_status(before, step.to(), now);
    let (kind, note) = match step {
        OrderMove::Cancel
            if before.status == OrderStatus::Pending && before.payment_id.is_some() =>
        {
            return Err(OrderError::PaymentInProgress);
        }
        OrderMove::Cancel => ("cancelled", None),
        OrderMove::Ship { tracking } => {
            after.tracking.clone_from(tracking);
            (
                "shipped",
                tracking.as_ref().map(|number| format!("tracking {number}")),
            )
        }
        OrderMove::Deliver => ("delivered", None),
    };
    Ok(Change { after, kind, note })
}

/// Only what is still pending, without a payment under way, and really over, expires.
fn expire(before: &Order, now: Timestamp) -> Result<Option<Change>, OrderError> {
    if before.status != OrderStatus::Pending
        || before.payment_id.is_some()
        || now < before.payment_due_at
    {
        return Ok(None);
    }
    let after = at_status(before, OrderStatus::Cancelled, now);
    Ok(Some(Change {
        after,
        kind: "cancelled",
        note: Some("not paid in time".to_owned()),
    }))
}

fn begin_payment(before: &Order, payment: PaymentId) -> Result<Option<Change>, OrderError> {
    match before.payment_id {
        Some(known) if known == payment && before.status != OrderStatus::Cancelled => Ok(None),
        Some(_) if before.status == OrderStatus::Pending => Err(OrderError::PaymentInProgress),
        Some(_) | None => {
            status::check(before.status, OrderStatus::Paid)?;
            let after = Order {
                payment_id: Some(payment),
                ..before.clone()
            };
            Ok(Some(Change {
                after,
                kind: "payment_started",
                note: Some(payment.to_string()),
            }))
        }
    }
}

fn end_payment(
    before: &Order,
    payment: PaymentId,
    end: PaymentEnd,
    now: Timestamp,
) -> Result<Option<Change>, OrderError> {
    let its_own = before.payment_id == Some(payment);
    match end {
        PaymentEnd::Paid if its_own && before.status != OrderStatus::Pending => Ok(None),
        PaymentEnd::Paid if its_own => {
            let after = at_status(before, OrderStatus::Paid, now);
            Ok(Some(Change {
                after,
                kind: "paid",
                note: Some(payment.to_string()),
            }))
        }
        // Money that no order waits for: the payment gives it back.
        PaymentEnd::Paid => Err(OrderError::IllegalTransition {
            from: before.status,
            to: OrderStatus::Paid,
            allowed: status::allowed(before.status).to_vec(),
        }),
        PaymentEnd::Failed if its_own && before.status == OrderStatus::Pending => {
            let after = Order {
                payment_id: None,
                ..before.clone()
            };
            Ok(Some(Change {
                after,
                kind: "payment_failed",
                note: Some(payment.to_string()),
            }))
        }
        PaymentEnd::Failed => Ok(None),
    }
}

/// What the timeline says of a refund: unique, since each happens once.
pub fn refund_entry(note: &RefundNote) -> String {
    format!("{} {}", note.refund_id, note.amount)
}

/// An order that was paid and has no money left is refunded; one that was cancelled stays cancelled.
fn give_back(before: &Order, note: &RefundNote, now: Timestamp) -> Change {
    let refunded = note.whole && status::leads_to(before.status, OrderStatus::Refunded);
    let after = if refunded {
        at_status(before, OrderStatus::Refunded, now)
    } else {
        before.clone()
    };
    Change {
        after,
        kind: if note.whole {
            "refunded"
        } else {
            "refunded_in_part"
        },
        note: Some(refund_entry(note)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pending() -> Order {
        let (start, money) = (
            Timestamp::from_ms(0),
            Money::new(100, "USD".parse().unwrap()),
        );
        Order {
            number: 10_001,
            id: OrderId::generate(),
            customer_id: None,
            status: OrderStatus::Pending,
            version: Version::FIRST,
            total: money,
            tracking: None,
            payment_id: None,
            payment_due_at: start.plus_seconds(900),
            created_at: start,
            updated_at: start,
        }
    }

    fn after(order: &Order, happening: &Happening, at_seconds: i64) -> Result<Order, OrderError> {
        let now = Timestamp::from_ms(0).plus_seconds(at_seconds);
        Ok(apply(order, happening, now)?.map_or_else(|| order.clone(), |change| change.after))
    }

    #[test]
    fn an_order_with_a_payment_under_way_neither_expires_nor_is_cancelled() {
        let payment = PaymentId::generate();
        let paying = after(&pending(), &Happening::PaymentBegan(payment), 1).unwrap();
        assert_eq!(after(&paying, &Happening::Expired, 10_000).unwrap(), paying);
        let cancelled = after(&paying, &Happening::Moved(OrderMove::Cancel), 2);
        assert!(matches!(cancelled, Err(OrderError::PaymentInProgress)));
        let second = after(&paying, &Happening::PaymentBegan(PaymentId::generate()), 2);
        assert!(matches!(second, Err(OrderError::PaymentInProgress)));
    }

    #[test]
    fn an_order_expires_at_its_time_and_not_before() {
        assert_eq!(
            after(&pending(), &Happening::Expired, 899).unwrap().status,
            OrderStatus::Pending
        );
        assert_eq!(
            after(&pending(), &Happening::Expired, 900).unwrap().status,
            OrderStatus::Cancelled
        );
    }

    #[test]
    fn a_failed_payment_leaves_room_for_another() {
        let (first, second) = (PaymentId::generate(), PaymentId::generate());
        let paying = after(&pending(), &Happening::PaymentBegan(first), 1).unwrap();
        let failed = after(
            &paying,
            &Happening::PaymentEnded(first, PaymentEnd::Failed),
            2,
        )
        .unwrap();
        let again = after(&failed, &Happening::PaymentBegan(second), 3).unwrap();
        assert!(
            after(&again, &Happening::PaymentEnded(first, PaymentEnd::Paid), 4).is_err(),
            "the first is over"
        );
        let paid = after(
            &again,
            &Happening::PaymentEnded(second, PaymentEnd::Paid),
            4,
        )
        .unwrap();
        assert_eq!((paid.status, paid.version.get()), (OrderStatus::Paid, 2));
    }

    fn happenings() -> impl Strategy<Value = Vec<(u8, u8, i64)>> {
        proptest::collection::vec((0_u8..8, 0_u8..3, 0_i64..2_000), 0..40)
    }

    proptest! {
        #[test]
        fn whatever_happens_the_statuses_are_a_path_and_versions_count_moves(history in happenings()) {
            let payments: Vec<_> = (0..3).map(|_| PaymentId::generate()).collect();
            let mut order = pending();
            let mut statuses = vec![order.status];
            for (what, which, at) in history {
                let payment = payments[usize::from(which)];
                let happening = match what {
                    0 => Happening::Moved(OrderMove::Cancel),
                    1 => Happening::Moved(OrderMove::Ship { tracking: None }),
                    2 => Happening::Moved(OrderMove::Deliver),
                    3 => Happening::Expired,
                    4 | 5 => Happening::PaymentBegan(payment),
                    6 => Happening::PaymentEnded(payment, PaymentEnd::Paid),
                    _ => Happening::PaymentEnded(payment, PaymentEnd::Failed),
                };
                let before = order.clone();
                if let Ok(next) = after(&order, &happening, at) {
                    order = next;
                    let moved = i64::from(order.status != before.status);
                    prop_assert_eq!(order.version.get(), before.version.get().saturating_add(moved));
                    statuses.push(order.status);
                }
                prop_assert!(order.status == OrderStatus::Pending || order.status == OrderStatus::Cancelled
                    || order.payment_id.is_some(), "paid without a payment");
            }
            prop_assert!(status::is_path(&statuses));
        }

        #[test]
        fn telling_it_twice_changes_nothing_more(which in 0_u8..2) {
            let payment = PaymentId::generate();
            let end = if which == 0 { PaymentEnd::Paid } else { PaymentEnd::Failed };
            let began = after(&pending(), &Happening::PaymentBegan(payment), 1).unwrap();
            prop_assert_eq!(&after(&began, &Happening::PaymentBegan(payment), 2).unwrap(), &began);
            let ended = after(&began, &Happening::PaymentEnded(payment, end), 3).unwrap();
            prop_assert_eq!(&after(&ended, &Happening::PaymentEnded(payment, end), 4).unwrap(), &ended);
        }
    }
}
