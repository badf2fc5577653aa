//! A provider's callbacks: checked, kept, answered; then worked off. What they say is a hint only: the provider is
//! asked how the charge stands, so that repetition, disorder and lies change nothing.

use super::{Core, take_up};
use crate::{
    domain::{later, retry_delay_ms},
    store::{KeptCallback, Review},
};
use contracts::{BoxError, payments::CallbackError};
use platform::{db::StoreError, deadline, fault};
use std::sync::Arc;

/// How long a callback about an unknown charge or payment is tried again.
const UNKNOWN_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long the process that took a callback in is left alone with it.
const HEAD_START_MS: i64 = 2_000;

pub(super) async fn take_in(
    core: &Arc<Core>,
    provider: &str,
    signature: &str,
    body: &[u8],
) -> Result<(), CallbackError> {
    if provider != core.provider.name() {
        return Err(CallbackError::UnknownProvider);
    }
    let now = core.clock.now();
    let Some(read) = core.provider.read_callback(signature, body, now)? else {
        return Ok(());
    };
    let callback = KeptCallback {
        event_id: read.event_id,
        key: read.key,
        tries: 0,
        received_at: now,
    };
    let text = String::from_utf8(body.to_vec()).map_err(|_| CallbackError::Malformed)?;
    let kept = core
        .store
        .keep_callback(callback.clone(), text, later(now, HEAD_START_MS))
        .await;
    let fresh = kept.map_err(|error| match error {
        StoreError::Overloaded | StoreError::Late | StoreError::Away(_) => {
            CallbackError::Overloaded
        }
        StoreError::Constraint(_)
        | StoreError::Full
        | StoreError::Lost(_)
        | StoreError::Unknown(_)
        | StoreError::Other(_) => CallbackError::Internal(Box::new(error)),
    })?;
    fault::point("callback.stored");
    if fresh {
        let core = Arc::clone(core);
        let tasks = core.tasks.clone();
        // It is kept: if this does not end, the sweeper takes it up.
        let work = async move { work_off(&core, callback).await };
        drop(tasks.finish(deadline::within(None, work)));
    }
    Ok(())
}

/// Works one callback off, or puts it off.
pub(super) async fn work_off(core: &Arc<Core>, callback: KeptCallback) {
    let now = core.clock.now();
    let next_try_at = match look(core, &callback).await {
        Ok(true) => None,
        Ok(false) if now.as_ms() > callback.received_at.as_ms().saturating_add(UNKNOWN_MS) => {
            let review = Review {
                kind: "unknown_callback",
                subject: callback.key.clone(),
                detail: format!("event {} is about nothing we know", callback.event_id),
            };
            match core.store.review(review, now).await {
                Ok(()) => None,
                Err(_) => Some(later(now, retry_delay_ms(callback.tries))),
            }
        }
        Ok(false) => Some(later(now, retry_delay_ms(callback.tries))),
        Err(error) => {
            tracing::warn!(event.id = callback.event_id, error = %error, "a callback waits");
            Some(later(now, retry_delay_ms(callback.tries)))
        }
    };
    let ended = core
        .store
        .end_callback(callback.event_id, next_try_at, now)
        .await;
    if let Err(error) = ended {
        // It comes again, which changes nothing.
        tracing::warn!(error = %error, "a callback was not marked as worked off");
    }
}

/// False if provider or shop do not know what it is about (yet).
async fn look(core: &Arc<Core>, callback: &KeptCallback) -> Result<bool, BoxError> {
    let Ok(id) = callback.key.parse() else {
        return Ok(false);
    };
    let Some(payment) = core.store.payment(id).await? else {
        return Ok(false);
    };
    if !payment.told {
        // Whoever works at it asks the provider themselves.
        take_up(core, payment).await?;
        return Ok(true);
    }
    if !payment.state.ended_without_money() {
        return Ok(true);
    }
    let found = core.provider.find(vec![payment.asked()]);
    let found = core.within_deadline(found).await?;
    match found.into_iter().next().flatten() {
        Some(charge) => core.compare(charge).await.map(|()| true),
        None => Ok(false),
    }
}
