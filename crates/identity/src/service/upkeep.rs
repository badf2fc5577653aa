//! The work between requests: hearing of what other processes on this database ended and which keys they made, and
//! forgetting what is long over. A failure waits for the next round; nothing here answers anybody.

use super::{Service, endings::KEEP_SECONDS, security, signing};
use contracts::values::Timestamp;
use platform::{db::StoreError, tasks::Tasks};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// A revocation reaches every process within 5 s: well before that it is looked for.
const LISTEN_EVERY: Duration = Duration::from_secs(2);
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Commits become visible after the time they carry, all the more if they wait for a standby, and the clocks of nodes
/// differ.
const OVERLAP_SECONDS: i64 = 60;
/// Rounds of one sweep, some hundred rows each.
const SWEEP_ROUNDS_MAX: u32 = 100;

/// Marks what ended within the life of an access token.
pub(super) async fn recall_endings(service: &Service) -> Result<(), StoreError> {
    let since = service
        .clock
        .now()
        .plus_seconds(KEEP_SECONDS.saturating_neg());
    mark_since(service, since).await
}

async fn mark_since(service: &Service, since: Timestamp) -> Result<(), StoreError> {
    let asked_at = Instant::now();
    let endings = service.store.endings_since(since).await?;
    for (id, at) in endings.sessions {
        service.endings.end_session(id, at);
    }
    for (id, epoch, at) in endings.users {
        service.endings.end_user_before(id, epoch, at);
    }
    service.endings.heard(asked_at);
    Ok(())
}

pub(super) fn start(service: &Arc<Service>, tasks: &Tasks) {
    let listener = Arc::clone(service);
    tasks.start("identity-endings", |stop| async move {
        let mut heard_until = listener.clock.now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LISTEN_EVERY) => {}
            }
            if let Err(error) = signing::learn(&listener).await {
                tracing::warn!(error = %error, "the keys that sign tokens could not be read");
            }
            let round_began = listener.clock.now();
            // The earlier of the two: the clock may have been set back.
            let since = heard_until.min(round_began);
            let since = since.plus_seconds(OVERLAP_SECONDS.saturating_neg());
            match mark_since(&listener, since).await {
                Ok(()) => heard_until = round_began,
                Err(error) => {
                    tracing::warn!(error = %error, "revocations of other processes could not be read");
                }
            }
        }
    });
    let sweeper = Arc::clone(service);
    tasks.start("identity-sweep", |stop| async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(SWEEP_EVERY) => sweep(&sweeper).await,
            }
        }
    });
}

async fn sweep(service: &Service) {
    for _ in 0..SWEEP_ROUNDS_MAX {
        match service.store.sweep(service.clock.now()).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                tracing::warn!(error = %error, "old sessions could not be swept");
                break;
            }
        }
    }
    if let Err(error) = security::sweep(service).await {
        tracing::warn!(error = %error, "old security events could not be swept");
    }
}
