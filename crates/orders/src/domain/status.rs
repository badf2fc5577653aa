//! The table of legal moves. There is no other way from one status to another.

use contracts::orders::{OrderError, OrderStatus};

/// Where people may move an order from here.
pub const fn allowed(from: OrderStatus) -> &'static [OrderStatus] {
    use OrderStatus::{Cancelled, Delivered, Paid, Pending, Refunded, Shipped};
    match from {
        Pending => &[Paid, Cancelled],
        Paid => &[Shipped, Cancelled],
        Shipped => &[Delivered],
        Delivered | Cancelled | Refunded => &[],
    }
}

/// Whether an order gets from here to there: by a move, or because all of its money was given back.
pub fn leads_to(from: OrderStatus, to: OrderStatus) -> bool {
    use OrderStatus::{Delivered, Paid, Refunded, Shipped};
    allowed(from).contains(&to) || (to == Refunded && matches!(from, Paid | Shipped | Delivered))
}

/// Checks a move.
pub fn check(from: OrderStatus, to: OrderStatus) -> Result<(), OrderError> {
    if allowed(from).contains(&to) {
        return Ok(());
    }
    Err(OrderError::IllegalTransition {
        from,
        to,
        allowed: allowed(from).to_vec(),
    })
}

/// Whether these statuses, in the order in which they were reached, are a path of the table from `Pending`.
/// An event that moves nothing repeats the status it found.
pub fn is_path(statuses: &[OrderStatus]) -> bool {
    statuses.first() == Some(&OrderStatus::Pending)
        && statuses.windows(2).all(|pair| match pair {
            [from, to] => from == to || leads_to(*from, *to),
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_status_is_reached_and_nothing_becomes_unpaid_again() {
        let mut reached = HashSet::from([OrderStatus::Pending]);
        let mut open = vec![OrderStatus::Pending];
        while let Some(from) = open.pop() {
            for to in OrderStatus::ALL
                .into_iter()
                .filter(|to| leads_to(from, *to))
            {
                assert_ne!(to, OrderStatus::Pending, "nothing becomes unpaid again");
                if reached.insert(to) {
                    open.push(to);
                }
            }
        }
        assert_eq!(reached.len(), OrderStatus::ALL.len());
    }

    #[test]
    fn only_what_was_paid_is_refunded_and_that_is_no_move_of_people() {
        use OrderStatus::{Delivered, Paid, Refunded, Shipped};
        for from in OrderStatus::ALL {
            let paid = [Paid, Shipped, Delivered].contains(&from);
            assert_eq!(leads_to(from, Refunded), paid, "{from:?}");
            assert!(check(from, Refunded).is_err(), "{from:?}");
        }
    }

    #[test]
    fn the_whole_table_is_as_written() {
        use OrderStatus::{Cancelled, Delivered, Paid, Pending, Shipped};
        let legal = [
            (Pending, Paid),
            (Pending, Cancelled),
            (Paid, Shipped),
            (Paid, Cancelled),
            (Shipped, Delivered),
        ];
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL {
                assert_eq!(
                    check(from, to).is_ok(),
                    legal.contains(&(from, to)),
                    "{from:?} to {to:?}"
                );
            }
        }
    }

    #[test]
    fn a_path_starts_pending_and_follows_the_table() {
        use OrderStatus::{Cancelled, Paid, Pending, Shipped};
        assert!(is_path(&[Pending, Pending, Paid, Shipped]));
        assert!(!is_path(&[Pending, Shipped]) && !is_path(&[Paid]) && !is_path(&[]));
        assert!(!is_path(&[Pending, Cancelled, Paid]));
    }
}
