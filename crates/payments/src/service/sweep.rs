//! The sweeper: takes up what nobody moves any more. A bounded page each second, never beside a request
//! that is still at it.

use super::{Core, Service, flight::Answer, pay::fly, store_failed};
use crate::domain::Payment;
use contracts::{BoxError, payments::PayError, request::Answered};
use platform::tasks::Tasks;
use std::{sync::Arc, time::Duration};

const PAUSE: Duration = Duration::from_secs(1);

/// Starts the sweeper.
pub(crate) fn start(service: Arc<Service>, tasks: &Tasks) {
    tasks.start("payments-sweeper", |stop| async move {
        loop {
            if let Err(error) = service.sweep().await {
                tracing::warn!(error = %error, "unfinished payments wait: they could not be read");
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    });
}

pub(super) async fn sweep(core: &Arc<Core>) -> Result<usize, BoxError> {
    let due = core
        .store
        .due(core.clock.now(), core.config.sweep_rows_max)
        .await?;
    let count = due.len();
    let mut moving = Vec::with_capacity(count);
    for payment in due {
        let (id, fingerprint) = (payment.id, payment.fingerprint);
        let work = {
            let core = Arc::clone(core);
            async move { take_up(&core, payment).await }
        };
        match fly(core, id, fingerprint, work) {
            Ok(wait) => moving.push(wait),
            // As many as may are at work: the rest has time until the next round.
            Err(_) => break,
        }
    }
    for wait in moving {
        // Refusals and failures were logged where they arose; whatever is left unfinished comes again.
        drop(wait.answer().await);
    }
    Ok(count)
}

/// Reads the payment again: a request may have moved it since the page was read.
async fn take_up(core: &Core, payment: Payment) -> Answer {
    let found = core.store.payment(payment.id).await.map_err(store_failed)?;
    let payment = found.ok_or(PayError::NotFound)?;
    Ok(Answered::fresh(core.drive(payment).await?.view()))
}
