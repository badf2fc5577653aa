//! The sweeper: takes up what nobody moves any more. A bounded page each second, never beside a request
//! that is still at it.

use super::{Core, Service, callback::work_off, flight::Answer, pay::fly, store_failed};
use crate::domain::{Payment, Refund};
use contracts::{BoxError, payments::PayError, request::Answered, values::Timestamp};
use platform::{clock::Clock, db::StoreError, tasks::Tasks};
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
    let payments = due_payments(core, now, most).await?;
    let refunds = due_refunds(core, now, most).await?;
    let callbacks = core.store.due_callbacks(now, most).await?;
    let count = payments
        .len()
        .saturating_add(refunds.len())
        .saturating_add(callbacks.len());
    let mut moving = Vec::with_capacity(payments.len());
    for mine in payments {
        let (id, fingerprint, own) = (mine.id, mine.fingerprint, Arc::clone(core));
        let driving = async move { Ok(Answered::fresh(own.drive(mine).await?.view())) };
        // Where somebody boarded just now, they have raised the fence once more. Where there is no seat any more, the
        // lease ends by itself.
        if let Ok(wait) = fly(core, id, fingerprint, driving) {
            moving.push(wait);
        }
    }
    // Each in a task of its own: what the provider keeps waiting delays none of the others.
    let mut refunding = Vec::with_capacity(refunds.len());
    for mine in refunds {
        let own = Arc::clone(core);
        refunding.push(
            core.tasks
                .finish(async move { drive_in_turn(&own, mine).await }),
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

/// The due, taken over. A look comes first: in most rounds there is nothing to write. What this process is at already
/// is left to it, even past its lease.
async fn due_payments(core: &Core, now: Timestamp, most: u32) -> Result<Vec<Payment>, StoreError> {
    let (under_way, room) = core.flights.load();
    let most = most.min(u32::try_from(room).unwrap_or(u32::MAX));
    if most == 0 || core.store.due(now, 1).await?.is_empty() {
        return Ok(Vec::new());
    }
    let lease = core.lease(now);
    core.store.take_due(lease, now, most, under_way).await
}

async fn due_refunds(core: &Core, now: Timestamp, most: u32) -> Result<Vec<Refund>, StoreError> {
    if core.store.due_refunds(now, 1).await?.is_empty() {
        return Ok(Vec::new());
    }
    let (lease, under_way) = (core.lease(now), core.turns.held());
    core.store
        .take_due_refunds(lease, now, most, under_way)
        .await
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

async fn drive_in_turn(core: &Core, mine: Refund) {
    let turn = core.turns.of(mine.id);
    // Whoever took the turn just now raises the fence once more and brings it further.
    let Ok(_turn) = turn.try_lock() else { return };
    core.drive_refund(mine).await;
}
