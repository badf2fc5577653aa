//! The sweeper: takes up what nobody moves any more. A bounded page each second, never beside a request
//! that is still at it.

use super::{Core, Service, callback::work_off, flight::Answer, pay::fly, store_failed};
use crate::domain::Payment;
use contracts::{BoxError, payments::PayError, request::Answered, values::RefundId};
use platform::{clock::Clock, tasks::Tasks};
use std::{sync::Arc, time::Duration};

/// Starts the sweeper.
pub(crate) fn start(service: Arc<Service>, tasks: &Tasks) {
    tasks.start("payments-sweeper", |stop| async move {
        service.recover().await?;
        let (config, clock) = (&service.core.config, &service.core.clock);
        let pause = Duration::from_millis(u64::from(config.sweep_every_ms.max(10)));
        let every_ms = i64::from(config.reconcile_every_seconds).saturating_mul(1_000);
        let mut reconciled = ms(clock);
        loop {
            if let Err(error) = service.sweep().await {
                tracing::warn!(error = %error, "unfinished payments wait: they could not be read");
            }
            // A clock that was put back makes it look at once.
            if ms(clock).saturating_sub(reconciled).unsigned_abs() >= every_ms.unsigned_abs() {
                reconciled = ms(clock);
                if let Err(error) = service.reconcile().await {
                    tracing::warn!(error = %error, "the provider's books will be compared later");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
}

fn ms(clock: &Clock) -> i64 {
    clock.now().as_ms()
}

pub(super) async fn sweep(core: &Arc<Core>) -> Result<usize, BoxError> {
    let (now, most) = (core.clock.now(), core.config.sweep_rows_max);
    let payments = core.store.due(now, most).await?;
    let refunds = core.store.due_refunds(now, most).await?;
    let callbacks = core.store.due_callbacks(now, most).await?;
    let count = payments
        .len()
        .saturating_add(refunds.len())
        .saturating_add(callbacks.len());
    let mut moving = Vec::new();
    for id in payments {
        let Some(payment) = core.store.payment(id).await? else {
            continue;
        };
        match start_take_up(core, &payment) {
            Ok(wait) => moving.push(wait),
            // As many as may are at work: the rest has time until the next round.
            Err(_) => break,
        }
    }
    for id in refunds {
        take_refund_up(core, id).await?;
    }
    for callback in callbacks {
        work_off(core, callback).await;
    }
    for wait in moving {
        // Refusals and failures were logged where they arose; whatever is left unfinished comes again.
        drop(wait.answer().await);
    }
    Ok(count)
}

/// Takes a payment up in a task of its own; whoever is at it already is waited for.
fn start_take_up(core: &Arc<Core>, payment: &Payment) -> Result<super::flight::Wait, PayError> {
    let (id, fingerprint) = (payment.id, payment.fingerprint);
    let own = Arc::clone(core);
    fly(core, id, fingerprint, async move {
        claim_and_drive(&own, id).await
    })
}

/// Takes a payment up, unless another process works at it, and waits how far it comes.
pub(super) async fn take_up(core: &Arc<Core>, payment: Payment) -> Answer {
    start_take_up(core, &payment)?.answer().await
}

/// Raises the payment's fence first: whoever held it before changes nothing any more.
async fn claim_and_drive(core: &Core, id: contracts::values::PaymentId) -> Answer {
    let now = core.clock.now();
    let claimed = core.store.claim(id, core.lease(now), now).await;
    match claimed.map_err(store_failed)? {
        Some(mine) => Ok(Answered::fresh(core.drive(mine).await?.view())),
        None => {
            let found = core.store.payment(id).await.map_err(store_failed)?;
            Ok(Answered::fresh(found.ok_or(PayError::NotFound)?.view()))
        }
    }
}

async fn take_refund_up(core: &Arc<Core>, id: RefundId) -> Result<(), BoxError> {
    let turn = core.turns.of(id);
    // Somebody in this process is at it.
    let Ok(_turn) = turn.try_lock() else {
        return Ok(());
    };
    let now = core.clock.now();
    if let Some(mine) = core.store.claim_refund(id, core.lease(now), now).await? {
        core.drive_refund(mine).await;
    }
    Ok(())
}
