//! What nobody paid or finished in time: unpaid orders are cancelled, and stock that was held for an order
//! that never came is given back, after its id was refused for good.

use super::Service;
use crate::{domain::order::Happening, metrics::METRICS};
use contracts::{
    BoxError,
    access::Actor,
    catalog::{Overdue, ReservationState},
    orders::{OrderError, OrderStatus},
    values::Timestamp,
};
use platform::fault;

/// Looked at in one round.
const PAGE: u32 = 256;
/// Pages of what is open past its time, in one round.
const ORPHAN_PAGES: usize = 16;

impl Service {
    /// One round; says how many orders, reservations and carts ended.
    pub(crate) async fn sweep(&self) -> Result<usize, BoxError> {
        let ended = self
            .expire_due()
            .await?
            .saturating_add(self.release_orphans().await?)
            .saturating_add(self.store.sweep_carts(self.clock.now(), PAGE).await?);
        // Last: whoever cannot be erased must not keep the others' stock.
        self.erase_again().await?;
        Ok(ended)
    }

    /// What was written of a customer after the erasure, by a token that outlived the account, goes as well.
    async fn erase_again(&self) -> Result<(), BoxError> {
        for id in self.store.half_erased(self.clock.now(), PAGE).await? {
            if let Err(error) = self.store.forget_customer(id, None).await {
                tracing::warn!(user.id = %id, error = %error, "a customer will be erased once more later");
            }
        }
        Ok(())
    }

    async fn expire_due(&self) -> Result<usize, BoxError> {
        let due = self.store.due(self.clock.now(), PAGE).await?;
        let mut expired = Vec::new();
        for id in due {
            fault::point("expire.due");
            match self.happen(id, Happening::Expired, &Actor::System).await {
                Ok((before, after)) if before.status != after.status => {
                    fault::point("expire.ordered");
                    expired.push(id);
                }
                Ok(_) | Err(OrderError::NotFound) => {}
                // What is left comes up again in the next round.
                Err(OrderError::Overloaded) => break,
                // One order that cannot be used must not keep the others' stock.
                Err(error) => {
                    tracing::warn!(order.id = %id, error = %error, "an unpaid order could not be ended");
                }
            }
        }
        debug_assert!(
            expired.len() <= usize::try_from(PAGE).unwrap_or(usize::MAX),
            "a round is bounded"
        );
        count(expired.len());
        if !expired.is_empty() {
            self.give_stock_back(&expired, ReservationState::Expired, &Actor::System)
                .await;
            fault::point("expire.stock_back");
            tracing::info!(
                orders.expired = expired.len(),
                status = OrderStatus::Cancelled.as_str(),
                "unpaid orders ended"
            );
        }
        Ok(expired.len())
    }

    /// Looks further each round, so that many orders whose payment is undecided never hide what is behind them.
    async fn release_orphans(&self) -> Result<usize, BoxError> {
        let now = self.clock.now();
        let before = now.plus_seconds(i64::from(self.config.orphan_grace_seconds).saturating_neg());
        let mut ended = 0_usize;
        for _ in 0..ORPHAN_PAGES {
            let after = self.looked_at.lock().ok().and_then(|seen| *seen);
            let overdue = self.catalog.overdue(before, after, PAGE).await?;
            let more = overdue.len() == usize::try_from(PAGE)?;
            if let Ok(mut seen) = self.looked_at.lock() {
                *seen = overdue.last().copied().filter(|_| more);
            }
            ended = ended.saturating_add(self.release(overdue, now).await?);
            if !more {
                break;
            }
        }
        Ok(ended)
    }

    async fn release(&self, overdue: Vec<Overdue>, now: Timestamp) -> Result<usize, BoxError> {
        if overdue.is_empty() {
            return Ok(0);
        }
        fault::point("orphan.overdue");
        let ids = overdue.iter().map(|one| one.order_id).collect();
        let given_up = self.store.give_up(ids, now).await?;
        fault::point("orphan.given_up");
        count(given_up.len());
        self.give_stock_back(&given_up, ReservationState::Expired, &Actor::System)
            .await;
        fault::point("orphan.stock_back");
        Ok(given_up.len())
    }
}

fn count(reservations: usize) {
    let count = u64::try_from(reservations).unwrap_or(u64::MAX);
    METRICS.expired.inc_by(count);
}
