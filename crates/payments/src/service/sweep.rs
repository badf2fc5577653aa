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
    // Each in a task of its own: what the provider keeps waiting delays none of the others.
    let mut refunding = Vec::with_capacity(refunds.len());
    for id in refunds {
        let own = Arc::clone(core);
        refunding.push(
            core.tasks
                .finish(async move { take_refund_up(&own, id).await }),
        );
    }
    let mut working_off = Vec::with_capacity(callbacks.len());
    for callback in callbacks {
        let own = Arc::clone(core);
        working_off.push(
            core.tasks
                .finish(async move { work_off(&own, callback).await }),
        );
    }
    for done in refunding {
        fallen(done.await);
    }
    for done in working_off {
        fallen(done.await);
    }
    for wait in moving {
        // Refusals and failures were logged where they arose; whatever is left unfinished comes again.
        drop(wait.answer().await);
    }
    Ok(count)
}

/// What fell over is due again.
fn fallen(done: Option<()>) {
    if done.is_none() {
        tracing::error!("a saga's task fell over");
    }
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

async fn take_refund_up(core: &Core, id: RefundId) {
    let turn = core.turns.of(id);
    // Whoever in this process is at it already brings it further.
    let Ok(_turn) = turn.try_lock() else { return };
    if let Err(error) = core.claim_and_drive_refund(id).await {
        tracing::warn!(refund.id = %id, error = %error, "a refund waits");
    }
}
