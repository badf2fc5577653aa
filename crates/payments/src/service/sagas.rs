//! What is under way, for people: listed with its next step and why it waits, and taken up again when they say so.

use super::{Core, store_of_saga, take_up};
use crate::domain::{Payment, Progress, Refund};
use contracts::{
    payments::{SagaError, SagaId, SagaKind, SagaQuery, SagaState, SagaView},
    values::{Cursor, Page},
};
use std::sync::Arc;

impl Core {
    /// Payments first, then refunds, each by id.
    pub(super) async fn sagas(&self, query: SagaQuery) -> Result<Page<SagaView>, SagaError> {
        let after: Option<SagaId> = match &query.cursor {
            None => None,
            Some(cursor) => Some(cursor.as_str().parse().map_err(|_| SagaError::BadCursor)?),
        };
        let wanted = query.limit.get().saturating_add(1);
        let mut found = Vec::new();
        let (payment, refund) = match after {
            None => (Some(None), None),
            Some(SagaId::Payment(id)) => (Some(Some(id)), None),
            Some(SagaId::Refund(id)) => (None, Some(id)),
        };
        if let Some(after) = payment {
            let payments = self.store.open_payments(query.state, after, wanted).await;
            found.extend(payments.map_err(store_of_saga)?.iter().map(of_payment));
        }
        let room = wanted.saturating_sub(u32::try_from(found.len()).unwrap_or(wanted));
        let refunds = self.store.open_refunds(query.state, refund, room).await;
        found.extend(refunds.map_err(store_of_saga)?.iter().map(of_refund));
        let limit = usize::try_from(query.limit.get()).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found
            .last()
            .filter(|_| more)
            .and_then(|last| Cursor::parse(&last.id.to_string()).ok());
        Ok(Page {
            data: found,
            next_cursor,
        })
    }
}

/// Takes a saga up again at once, and waits how far it comes.
pub(super) async fn retry(core: &Arc<Core>, id: SagaId) -> Result<SagaView, SagaError> {
    let now = core.clock.now();
    match id {
        SagaId::Payment(payment_id) => {
            core.store
                .unpark(payment_id, now)
                .await
                .map_err(store_of_saga)?;
            let found = core
                .store
                .payment(payment_id)
                .await
                .map_err(store_of_saga)?;
            let payment = found.ok_or(SagaError::NotFound(id))?;
            if payment.told {
                return Err(SagaError::Ended);
            }
            // How it went shows in the row.
            drop(take_up(core, payment).await);
            let found = core
                .store
                .payment(payment_id)
                .await
                .map_err(store_of_saga)?;
            Ok(of_payment(&found.ok_or(SagaError::NotFound(id))?))
        }
        SagaId::Refund(refund_id) => {
            core.store
                .unpark_refund(refund_id, now)
                .await
                .map_err(store_of_saga)?;
            let found = core.store.refund(refund_id).await.map_err(store_of_saga)?;
            let refund = found.ok_or(SagaError::NotFound(id))?;
            if refund.stage == crate::domain::Stage::Noted {
                return Err(SagaError::Ended);
            }
            let driven = core.claim_and_drive_refund(refund_id).await;
            Ok(of_refund(&driven.map_err(store_of_saga)?))
        }
    }
}

const fn state(progress: &Progress) -> SagaState {
    if progress.parked {
        SagaState::Parked
    } else {
        SagaState::Open
    }
}

fn of_payment(payment: &Payment) -> SagaView {
    let progress = &payment.progress;
    SagaView {
        id: SagaId::Payment(payment.id),
        kind: SagaKind::Payment,
        order_id: payment.order_id,
        state: state(progress),
        step: payment.next_step().as_str().to_owned(),
        tries: progress.tries,
        reason: progress.reason.clone(),
        owner: progress.owner.clone(),
        fence: progress.fence,
        next_try_at: progress.next_try_at,
        created_at: payment.created_at,
        updated_at: payment.updated_at,
    }
}

fn of_refund(refund: &Refund) -> SagaView {
    let progress = &refund.progress;
    SagaView {
        id: SagaId::Refund(refund.id),
        kind: SagaKind::Refund,
        order_id: refund.order_id,
        state: state(progress),
        step: refund.stage.next_step().to_owned(),
        tries: progress.tries,
        reason: progress.reason.clone(),
        owner: progress.owner.clone(),
        fence: progress.fence,
        next_try_at: progress.next_try_at,
        created_at: refund.created_at,
        updated_at: refund.updated_at,
    }
}
