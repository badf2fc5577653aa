//! Pays back what came back. The refund is the return's own, by name: told of twice, it is made once. What was given
//! back meanwhile by other refunds is not given back again: the return's is cut down to what is left.

use super::{Core, refund::told_of};
use crate::domain::{Refund, RefundIntent};
use contracts::{
    BoxError,
    orders::{RefundNote, ReturnReceived},
    payments::RefundError,
    values::{Money, Quantity},
};
use platform::{digest, fault};
use std::sync::Arc;

impl Core {
    /// Decides the refund of a return; the rest happens beside whoever tells of it.
    pub(super) async fn refund_return(
        self: &Arc<Self>,
        event: ReturnReceived,
    ) -> Result<(), BoxError> {
        let found = self.store.payment(event.payment_id).await?;
        let payment = found
            .filter(|payment| payment.order_id == event.order_id)
            .ok_or("the return names no payment of its order")?;
        told_of(self, payment).await?;
        fault::point("return.heard");
        if let Some(refund) = self.begin_return(&event).await? {
            let core = Arc::clone(self);
            // Its row is committed; if this does not end, the sweeper takes it up.
            drop(
                self.tasks
                    .finish(async move { core.in_turn(refund.id).await }),
            );
            return Ok(());
        }
        // All of it was given back before: the return is at its end without a refund.
        let note = RefundNote {
            order_id: event.order_id,
            refund_id: event.refund_id,
            amount: Money::zero(event.amount.currency),
            whole: false,
            items: Vec::new(),
            actor: event.actor,
        };
        Ok(self.orders.note_refund(note).await?)
    }

    /// The refund that stands, of as much as is left; none where nothing is.
    async fn begin_return(&self, event: &ReturnReceived) -> Result<Option<Refund>, BoxError> {
        let mut intent = RefundIntent {
            id: event.refund_id,
            payment_id: event.payment_id,
            fingerprint: digest::fingerprint("return", &event.return_id)?,
            amount_minor: Some(event.amount.minor),
            items: event.items.clone(),
            lost: event.lost.clone(),
            reason: Some(event.return_id.to_string()),
            actor: event.actor.clone(),
            before_told: false,
        };
        let mut shares = event.shares.clone();
        let things = event.items.len().saturating_add(event.lost.len());
        // Each further try wants less of something than the last.
        for _ in 0..things.saturating_add(3) {
            match self.begin_refund(intent.clone()).await {
                Ok((refund, _)) => return Ok(Some(refund)),
                Err(RefundError::TooMuch { left }) if intent.amount_minor > Some(left.minor) => {
                    intent.amount_minor = Some(left.minor);
                }
                Err(RefundError::TooMuch { .. }) => return Ok(None),
                Err(RefundError::TooManyUnits { index, left }) => {
                    cut(&mut intent, &mut shares, index, left);
                }
                Err(error) => return Err(Box::new(error)),
            }
        }
        Err("other refunds came in between all the time".into())
    }
}

/// Brings back no more of a thing than may still come. Whoever brought back the rest of it had the money for that.
fn cut(intent: &mut RefundIntent, shares: &mut Vec<i64>, index: usize, left: i64) {
    let count = intent.items.len();
    let (things, place) = match index.checked_sub(count) {
        Some(place) => (&mut intent.lost, place),
        None => (&mut intent.items, index),
    };
    let Some((item, _)) = things.get_mut(place) else {
        return;
    };
    let wanted = item.quantity;
    let stays = u32::try_from(left).ok().map(Quantity::try_from);
    let kept = if let Some(Ok(left)) = stays {
        item.quantity = left;
        left.get()
    } else {
        things.remove(place);
        0
    };
    let Some(share) = shares.get(index).copied() else {
        return;
    };
    let rest = part(share, kept, wanted);
    if kept == 0 {
        shares.remove(index);
    } else if let Some(share) = shares.get_mut(index) {
        *share = rest;
    }
    let gone = share.saturating_sub(rest);
    let is_over = intent.items.is_empty() && intent.lost.is_empty();
    let rest = |amount: i64| amount.saturating_sub(gone).max(0);
    intent.amount_minor = intent
        .amount_minor
        .map(rest)
        .filter(|_| !is_over)
        .or(Some(0));
}

/// Of what some units are worth, what some of them are, rounded down.
fn part(share: i64, kept: u32, of: Quantity) -> i64 {
    let exact = i128::from(share).saturating_mul(kept.into());
    let exact = exact.checked_div(of.get().into()).unwrap_or(0);
    i64::try_from(exact).unwrap_or(share)
}
