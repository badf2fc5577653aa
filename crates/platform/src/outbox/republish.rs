//! Publishing again what a broker has lost, from the rows that stay for a week. Whoever took an event before
//! recognises it, and the broker one that it still has; so this is safe at any time, on any number of nodes.

use super::{KEEP_MS, TRIES_WORRYING, shelf};
use crate::{bus::Bus, clock::Clock, db::Database, tasks::Tasks};
use contracts::{BoxError, event::Envelope, values::Timestamp};
use std::{sync::Arc, time::Duration};

/// The wait between two tries.
const AGAIN: Duration = Duration::from_secs(1);

/// Publishes once more, whenever the bus has lost what it had taken.
pub(super) fn start(
    tasks: &Tasks,
    name: &'static str,
    database: Database,
    bus: &Arc<dyn Bus>,
    clock: &Clock,
) {
    let (bus, clock) = (Arc::clone(bus), clock.clone());
    let mut losses = bus.losses();
    // One that was noticed before this began counts too.
    if *losses.borrow() > 0 {
        losses.mark_changed();
    }
    tasks.start(name, move |stop| async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                // Without a sender nothing can be lost.
                changed = losses.changed() => if changed.is_err() { return Ok(()) },
            }
            let since = Timestamp::from_ms(clock.now().as_ms().saturating_sub(KEEP_MS));
            let published = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                published = republish(database.clone(), &*bus, since) => published,
            };
            match published {
                Ok(published) => {
                    tracing::info!(task = name, published, "events of the last days were published again");
                }
                Err(error) => {
                    tracing::warn!(task = name, error = %error, "the outbox could not be read: again soon");
                    losses.mark_changed();
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    });
}

/// Publishes all events since then again, in order for each subject, but for those that the relay holds back.
/// Waits while the bus is away. Gives how many were taken.
///
/// # Errors
/// When the outbox cannot be read.
pub async fn republish(
    database: impl Into<Database>,
    bus: &dyn Bus,
    since: Timestamp,
) -> Result<u64, BoxError> {
    let shelf = shelf(database.into());
    let (mut after, mut published) = (0, 0_u64);
    loop {
        let rows = shelf.again(after, since).await?;
        let Some(last) = rows.last() else {
            return Ok(published);
        };
        after = last.number;
        // What cannot be read stays where it is: the relay has said so.
        let wanted = rows.iter().filter(|row| bus.is_wanted(&row.name));
        let envelopes: Vec<Envelope> = wanted.filter_map(|row| row.envelope().ok()).collect();
        published = published.saturating_add(publish(bus, envelopes).await);
    }
}

/// Gives how many were taken.
async fn publish(bus: &dyn Bus, mut left: Vec<Envelope>) -> u64 {
    let before = left.len();
    for _ in 0..TRIES_WORRYING {
        while bus.is_away() {
            tokio::time::sleep(AGAIN).await;
        }
        let answers = bus.publish_all(&left).await;
        let refused = left
            .into_iter()
            .zip(answers)
            .filter(|(_, answer)| answer.is_err());
        left = refused.map(|(envelope, _)| envelope).collect();
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(AGAIN).await;
    }
    if !left.is_empty() {
        tracing::error!(events = left.len(), "events could not be published again");
    }
    u64::try_from(before.saturating_sub(left.len())).unwrap_or_default()
}
