//! Takes what was committed to the outboxes into the feed, in pages, at a pace of its own. However much the shop sells,
//! this writes a bounded number of times a second, and no order waits for it.

use super::Service;
use crate::{Source, domain::public, metrics::METRICS, store::Gathered};
use contracts::{BoxError, event::Envelope, values::Timestamp};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Pages of one outbox between two rests. A page is a write.
const PAGES_AT_A_LOOK: u32 = 16;
/// How long a node rests after another one was quicker.
const SIT_OUT: Duration = Duration::from_secs(5);
/// Looks between two times that old rows are let go of.
const PRUNE_EVERY: u32 = 60;

/// How an outbox was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gathering {
    /// All of what there was, or as much as is read at a time.
    Done,
    /// Another node reads it.
    Elsewhere,
}

pub(super) async fn run(
    service: Arc<Service>,
    sources: Vec<Source>,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let mut looks: u32 = 0;
    loop {
        let mut rest = service.config.look_every();
        for source in &sources {
            match service.gather(source).await {
                Ok(Gathering::Done) => {}
                Ok(Gathering::Elsewhere) => rest = rest.max(SIT_OUT),
                Err(error) => {
                    tracing::warn!(source = source.0, error = %error, "events are not in the feed yet");
                }
            }
        }
        looks = looks.wrapping_add(1).checked_rem(PRUNE_EVERY).unwrap_or(0);
        if looks == 0
            && let Err(error) = service.prune().await
        {
            tracing::warn!(error = %error, "what is old in the feed stays a little longer");
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = sleep(rest) => {}
        }
    }
}

impl Service {
    async fn gather(&self, (name, desk): &Source) -> Result<Gathering, BoxError> {
        for _ in 0..PAGES_AT_A_LOOK {
            let places = self.store.places().await?;
            let from = places.get(*name).copied().unwrap_or(0);
            let page = desk.since(u64::try_from(from)?).await?;
            let Some((last, _)) = page.last() else {
                break;
            };
            let to = i64::try_from(*last)?;
            let events: Vec<_> = page
                .iter()
                .filter_map(|(_, envelope)| told(envelope))
                .collect();
            let count = u64::try_from(events.len()).unwrap_or_default();
            let gathered = Gathered {
                source: name,
                from,
                to,
                events,
            };
            if !self.store.gather(gathered).await? {
                return Ok(Gathering::Elsewhere);
            }
            METRICS.events.inc_by(count);
        }
        Ok(Gathering::Done)
    }

    async fn prune(&self) -> Result<(), BoxError> {
        let before = self.now().as_ms().saturating_sub(self.config.keep_ms());
        let before = Timestamp::from_ms(before);
        Ok(self.store.prune(before, self.config.log_max).await?)
    }
}

/// One that cannot be read is passed over: it would be the same the next time, and all others wait behind it.
fn told(envelope: &Envelope) -> Option<public::Told> {
    match public::told(envelope) {
        Ok(told) => told,
        Err(error) => {
            let (id, name) = (envelope.id, &envelope.name);
            tracing::error!(event.id = %id, event.name = name, error = %error, "an event cannot be told to others");
            None
        }
    }
}
