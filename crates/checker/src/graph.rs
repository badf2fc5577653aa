//! The table of an order's moves, written a second time: the shop's own table is what is being checked.

use contracts::orders::OrderStatus::{
    self, Cancelled, Delivered, Paid, Pending, Refunded, Shipped,
};

/// Whether an order may go from one status to the other in one step.
const fn is_move(from: OrderStatus, to: OrderStatus) -> bool {
    matches!(
        (from, to),
        (Pending, Paid | Cancelled)
            | (Paid, Shipped | Cancelled | Refunded)
            | (Shipped, Delivered | Refunded)
            | (Delivered, Refunded)
    )
}

/// Whether these statuses follow one another along the table, from `Pending` on. One that moves nothing repeats
/// the one before.
pub(crate) fn is_path(statuses: &[OrderStatus]) -> bool {
    statuses.first() == Some(&Pending)
        && statuses.windows(2).all(|pair| match pair {
            [from, to] => from == to || is_move(*from, *to),
            _ => true,
        })
}

/// Whether an order that stood here may stand there later.
pub(crate) const fn may_lead(from: OrderStatus, to: OrderStatus) -> bool {
    match from {
        Pending => true,
        Paid => !matches!(to, Pending),
        Shipped => matches!(to, Shipped | Delivered | Refunded),
        Delivered => matches!(to, Delivered | Refunded),
        Cancelled => matches!(to, Cancelled),
        Refunded => matches!(to, Refunded),
    }
}
