//! The table of legal moves. There is no other way from one status to another.

use contracts::orders::{OrderError, OrderStatus};

/// Where an order may go from here. `Refunded` is reached with refunds, which this release does not have.
pub const fn allowed(from: OrderStatus) -> &'static [OrderStatus] {
    use OrderStatus::{Cancelled, Delivered, Paid, Pending, Refunded, Shipped};
    match from {
        Pending => &[Paid, Cancelled],
        Paid => &[Shipped, Cancelled],
        Shipped => &[Delivered],
        Delivered | Cancelled | Refunded => &[],
    }
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
            [from, to] => from == to || allowed(*from).contains(to),
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_status_but_refunded_is_reached_and_no_move_leads_back() {
        let mut reached = HashSet::from([OrderStatus::Pending]);
        let mut open = vec![OrderStatus::Pending];
        while let Some(from) = open.pop() {
            for to in allowed(from) {
                assert_ne!(*to, OrderStatus::Pending, "nothing becomes unpaid again");
                if reached.insert(*to) {
                    open.push(*to);
                }
            }
        }
        let missing: Vec<_> = OrderStatus::ALL
            .iter()
            .filter(|status| !reached.contains(status))
            .collect();
        assert_eq!(missing, [&OrderStatus::Refunded]);
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
