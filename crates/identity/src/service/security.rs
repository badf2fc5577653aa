//! The audit log: what happened to accounts, who did it, from where. It keeps no password, token, code or name.
//!
//! Whoever tells of something begins with [`Service::event`], says on which account and by whom, and then, one of two:
//!
//! - a change: hand the event to the store together with the change (`security::insert` there writes it in the same
//!   commit), and when that is done call [`told`], for the log;
//! - a refusal, or what else changes nothing: [`Service::note`]. It writes nothing at once and never waits.

use super::Service;
use crate::{
    config::Config,
    domain::security::{Counted, Rules, SecurityEvent, Tally},
    store::{EventWish, Store},
};
use contracts::{
    BoxError,
    access::Principal,
    identity::{
        OwnSecurityEventQuery, SecurityEventError, SecurityEventKind, SecurityEventQuery,
        SecurityEventView,
    },
    values::{Cursor, Page, SecurityEventId, Timestamp, UserId},
};
use platform::{clock::Clock, db::StoreError, digest, tasks::Tasks, trail};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Rows of refusals that are written at a time.
const WRITE_MAX: usize = 256;
/// Rounds of one sweep, some hundred rows each.
const SWEEP_ROUNDS_MAX: u32 = 100;
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// Behind every event.
const END: (Timestamp, SecurityEventId) = (
    Timestamp::from_ms(i64::MAX),
    SecurityEventId::from_bytes([u8::MAX; 16]),
);

impl Service {
    /// Something that happens now, for whoever this work is done for. By nobody and on no account, until said.
    pub(super) fn event(&self, kind: SecurityEventKind) -> SecurityEvent {
        event(kind, &self.clock)
    }

    /// Tells of a refusal, or of what else changed nothing: counted at once, written within a second, in one row with
    /// its like on the same account from the same place.
    pub(super) fn note(&self, event: SecurityEvent) {
        self.recorder.note(event);
    }
}

/// The same for whoever has only the clock.
pub(super) fn event(kind: SecurityEventKind, clock: &Clock) -> SecurityEvent {
    SecurityEvent {
        client: trail::client(),
        request: trail::current(),
        ..SecurityEvent::new(kind, clock.now())
    }
}

/// One line in the log for an event that was written. Where it was done from stays in the audit log.
pub(super) fn told(event: &SecurityEvent) {
    let kind = event.kind.as_str();
    tracing::info!(
        security.event = kind,
        security.detail = event.detail.map(|detail| detail.as_str()),
        security.actor = event.actor.kind().as_str(),
        security.id = %event.id,
        user.id = event.account.map(tracing::field::display),
        actor.id = event.actor.user().map(tracing::field::display),
        session.id = event.session.map(tracing::field::display),
        request.id = event.request.as_deref(),
        "security: {kind}"
    );
}

/// Counts refusals. Clones share the count.
#[derive(Clone)]
pub(super) struct Recorder {
    tally: Arc<Mutex<Tally>>,
}

impl Recorder {
    pub(super) fn new(config: &Config) -> Result<Self, BoxError> {
        let rules = Rules {
            window_seconds: config.refusals_window_seconds,
            places_max: usize::try_from(config.refusals_places_max)?,
        };
        Ok(Self {
            tally: Arc::new(Mutex::new(Tally::new(rules))),
        })
    }

    pub(super) fn note(&self, event: SecurityEvent) {
        let first = match self.tally.lock() {
            Ok(mut tally) => tally.note(event.clone()),
            // Whoever held it fell over: the log has it at least.
            Err(_) => true,
        };
        if first {
            told(&event);
        }
    }

    /// Writes what was counted.
    async fn write(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let rows = match self.tally.lock() {
                Ok(mut tally) => tally.take(now, WRITE_MAX),
                Err(_) => return Ok(()),
            };
            if rows.is_empty() {
                return Ok(());
            }
            if let Err(error) = store.write_events(rows.clone()).await {
                if let Ok(mut tally) = self.tally.lock() {
                    tally.restore(rows);
                }
                return Err(error);
            }
        }
    }
}

/// Writes what was counted every so often, and once more at the end.
pub(super) fn start(service: &Arc<Service>, tasks: &Tasks) {
    let service = Arc::clone(service);
    tasks.start("identity-refusals", |stop| async move {
        let pause = Duration::from_millis(service.config.refusals_write_ms);
        loop {
            let stops = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(pause) => false,
            };
            let now = service.clock.now();
            if let Err(error) = service.recorder.write(&*service.store, now).await {
                tracing::warn!(error = %error, "security events wait: they could not be written");
            }
            if stops {
                return Ok(());
            }
        }
    });
}

/// Forgets what is too old, or more than is kept.
pub(super) async fn sweep(service: &Service) -> Result<(), StoreError> {
    let (config, store) = (&service.config, &service.store);
    let now = service.clock.now();
    for (refusals, days, kept_max) in [
        (true, config.refusals_days, config.refusals_max),
        (
            false,
            config.security_events_days,
            config.security_events_max,
        ),
    ] {
        let age = i64::from(days).saturating_mul(DAY_SECONDS);
        let too_old = now.plus_seconds(age.saturating_neg());
        let surplus = store.first_surplus(refusals, kept_max).await?;
        let until = surplus.map_or(too_old, |surplus| surplus.max(too_old));
        for _ in 0..SWEEP_ROUNDS_MAX {
            if !store.sweep_events(refusals, until).await? {
                break;
            }
        }
    }
    let yesterday = now.plus_seconds(DAY_SECONDS.saturating_neg());
    store.sweep_places(yesterday).await
}

/// How many of each of these kinds there are.
pub(super) async fn counts(
    service: &Service,
    kinds: Vec<SecurityEventKind>,
) -> Result<Vec<contracts::values::Counted>, SecurityEventError> {
    let found = service.store.count_events(kinds).await;
    let found = found.map_err(|error| SecurityEventError::Internal(error.into()))?;
    Ok(found
        .into_iter()
        .map(contracts::values::Counted::of)
        .collect())
}

pub(super) async fn list(
    service: &Service,
    query: SecurityEventQuery,
) -> Result<Page<SecurityEventView>, SecurityEventError> {
    let until = query.created_before.map_or(END.0, |until| until);
    let wish = EventWish {
        account: query.user_id,
        kind: query.kind,
        since: query.created_after.unwrap_or(Timestamp::from_ms(i64::MIN)),
        // The least id there is: nothing of that moment itself.
        before: (until, SecurityEventId::from_bytes([0; 16])),
        limit: query.limit.get(),
    };
    page(service, wish, query.cursor).await
}

pub(super) async fn list_own(
    service: &Service,
    who: &Principal,
    query: OwnSecurityEventQuery,
) -> Result<Page<SecurityEventView>, SecurityEventError> {
    let wish = EventWish {
        account: Some(who.user_id),
        kind: None,
        since: Timestamp::from_ms(i64::MIN),
        before: END,
        limit: query.limit.get(),
    };
    let page = page(service, wish, query.cursor).await?;
    Ok(page.map(|view| shown_to(who.user_id, view)))
}

/// Another user who did it is a person as well: an admin at their desk.
fn shown_to(owner: UserId, view: SecurityEventView) -> SecurityEventView {
    if view.actor_id.is_none_or(|actor| actor == owner) {
        return view;
    }
    SecurityEventView {
        actor_id: None,
        session_id: None,
        client_address: None,
        request_id: None,
        ..view
    }
}

async fn page(
    service: &Service,
    wish: EventWish,
    cursor: Option<Cursor>,
) -> Result<Page<SecurityEventView>, SecurityEventError> {
    let behind = cursor.as_ref().map(position).transpose()?;
    let wish = EventWish {
        before: behind.map_or(wish.before, |behind| behind.min(wish.before)),
        // One more, to see whether there is another page.
        limit: wish.limit.saturating_add(1),
        ..wish
    };
    let found = service.store.security_events(wish).await;
    let mut found = found.map_err(|error| SecurityEventError::Internal(error.into()))?;
    let limit = usize::try_from(wish.limit.saturating_sub(1)).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    Ok(Page {
        next_cursor: last.and_then(|last| mark(last.event.at, last.event.id)),
        data: found.into_iter().map(view).collect(),
    })
}

fn view(row: Counted) -> SecurityEventView {
    let event = row.event;
    SecurityEventView {
        id: event.id,
        at: event.at,
        kind: event.kind,
        detail: event.detail,
        user_id: event.account,
        actor: event.actor.kind(),
        actor_id: event.actor.user(),
        session_id: event.session,
        client_address: event.client,
        request_id: event.request.as_deref().map(str::to_owned),
        count: row.count,
        last_at: row.last_at,
    }
}

/// A place in the list: the moment and the id of the last event that was seen.
fn mark(at: Timestamp, id: SecurityEventId) -> Option<Cursor> {
    let mut bytes = at.as_ms().to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    Cursor::parse(&digest::base64url(&bytes)).ok()
}

fn position(cursor: &Cursor) -> Result<(Timestamp, SecurityEventId), SecurityEventError> {
    let bytes = digest::from_base64url(cursor.as_str()).ok_or(SecurityEventError::BadCursor)?;
    let (at, id) = bytes
        .split_first_chunk::<8>()
        .ok_or(SecurityEventError::BadCursor)?;
    let id = id.try_into().map_err(|_| SecurityEventError::BadCursor)?;
    let at = Timestamp::from_ms(i64::from_be_bytes(*at));
    Ok((at, SecurityEventId::from_bytes(id)))
}
