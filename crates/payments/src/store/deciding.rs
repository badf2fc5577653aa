//! What bounds a refund: judged by every store, under its own lock, from what it has just read.

use super::RefundRefusal;
use crate::domain::{Payment, RefundIntent, State};
use contracts::values::{Money, VariantId};
use std::collections::HashMap;

/// The charge that money goes back to, and how much of it.
pub(super) fn money<'a>(
    payment: &'a Payment,
    intent: &RefundIntent,
) -> Result<(&'a str, i64), RefundRefusal> {
    let reference = match &payment.state {
        State::Captured { reference } | State::Refunded { reference } => reference,
        State::Pending
        | State::Challenged { .. }
        | State::Authorised { .. }
        | State::Declined { .. }
        | State::Voided { .. } => return Err(RefundRefusal::NotCaptured),
    };
    // An order that heard of the refund before it heard of the money would take the payment's end for money that is
    // still there, and be sent.
    if !payment.told && !intent.before_told {
        return Err(RefundRefusal::NotCaptured);
    }
    let left = payment.left_minor();
    let amount = intent.amount_minor.unwrap_or(left);
    // Nothing can be given back only of what was free.
    let empty = amount == 0 && intent.items.is_empty() && payment.amount.minor != 0;
    let over = matches!(payment.state, State::Refunded { .. }) && intent.items.is_empty();
    if amount > left || empty || over {
        let left = Money::new(left, payment.amount.currency);
        return Err(RefundRefusal::TooMuch { left });
    }
    Ok((reference, amount))
}

/// No more units come back than were bought, over all refunds of the payment: those of `before` did. Counts the items,
/// and on from there what is lost.
pub(super) fn units(
    intent: &RefundIntent,
    mut before: HashMap<VariantId, i64>,
) -> Result<(), RefundRefusal> {
    for (index, (item, bought)) in intent.items.iter().chain(&intent.lost).enumerate() {
        let before = before.entry(item.variant_id).or_default();
        let left = bought.saturating_sub(*before);
        let units = i64::from(item.quantity.get());
        if units > left {
            return Err(RefundRefusal::TooManyUnits { index, left });
        }
        *before = before.saturating_add(units);
    }
    Ok(())
}

/// A refund without money (of free things) may come after the payment was given back whole; it books nothing.
pub(super) fn books_money(payment: &Payment, amount_minor: i64) -> bool {
    amount_minor != 0
        || (payment.amount.minor == 0 && !matches!(payment.state, State::Refunded { .. }))
}
