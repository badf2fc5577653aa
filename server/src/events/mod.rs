//! Events that were not taken: what is parked in the outboxes and what the broker holds as dead letters, in one list,
//! for the API and the command alike. It knows no event's meaning, and loses none.

mod http;

pub(crate) use http::routes;

use contracts::{
    BoxError, Outage,
    event::{
        DeadEventError, DeadEventId, DeadEventIdError, DeadEventQuery, DeadEventState,
        DeadEventView, Keeper, ParkedEvent,
    },
    values::{Cursor, Page},
};
use platform::{
    bus::{Bus, DeadLetter},
    outbox,
};
use std::sync::Arc;

/// All who keep events that were not taken.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) identity: Arc<dyn outbox::Desk>,
    pub(crate) orders: Arc<dyn outbox::Desk>,
    /// What the catalog's database tells others. Nobody of the shop's own takes it, so nothing of it is parked.
    pub(crate) catalog: Arc<dyn outbox::Desk>,
    /// What the database of payments tells others, likewise.
    pub(crate) payments: Arc<dyn outbox::Desk>,
    pub(crate) bus: Arc<dyn Bus>,
}

impl Desk {
    /// Identity's first, then the orders', then the broker's, the oldest of each first.
    ///
    /// # Errors
    /// [`DeadEventError`]; nothing is shown if anybody could not be asked.
    pub(crate) async fn list(
        &self,
        query: DeadEventQuery,
    ) -> Result<Page<DeadEventView>, DeadEventError> {
        let after = query.cursor.as_ref().map(|cursor| cursor.as_str().parse());
        let after: Option<DeadEventId> = after
            .transpose()
            .map_err(|DeadEventIdError| DeadEventError::BadCursor)?;
        let limit = usize::try_from(query.limit.get()).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        for keeper in Keeper::ALL {
            let from = match after {
                Some(after) if after.keeper > keeper => continue,
                Some(after) if after.keeper == keeper => after.number,
                Some(_) | None => 0,
            };
            // One more tells whether there is another page.
            let room = limit.saturating_add(1).saturating_sub(found.len());
            let room = u32::try_from(room).unwrap_or(u32::MAX);
            if room > 0 {
                found.extend(
                    self.of(keeper, from, room)
                        .await
                        .map_err(DeadEventError::Internal)?,
                );
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next_cursor = last.and_then(|last| Cursor::parse(&last.id.to_string()).ok());
        Ok(Page {
            data: found,
            next_cursor,
        })
    }

    /// Sends one on again: a parked one is tried at once, after those of its subject before it; a dead letter gets all
    /// of its tries anew.
    ///
    /// # Errors
    /// [`DeadEventError`]; it stays where it is then.
    pub(crate) async fn redrive(&self, id: DeadEventId) -> Result<(), DeadEventError> {
        let sent = match id.keeper {
            Keeper::Identity => self.identity.redrive(id.number).await,
            Keeper::Orders => self.orders.redrive(id.number).await,
            Keeper::Broker => match self.broker() {
                Ok(broker) => broker.redrive(id.number).await,
                Err(away) => Err(away),
            },
        };
        if sent.map_err(DeadEventError::Internal)? {
            tracing::info!(event.dead_id = %id, "an event that was not taken is sent on again");
            Ok(())
        } else {
            Err(DeadEventError::NotFound)
        }
    }

    async fn of(
        &self,
        keeper: Keeper,
        from: u64,
        limit: u32,
    ) -> Result<Vec<DeadEventView>, BoxError> {
        let parked = match keeper {
            Keeper::Identity => self.identity.parked(from, limit).await?,
            Keeper::Orders => self.orders.parked(from, limit).await?,
            Keeper::Broker => {
                let limit = u16::try_from(limit).unwrap_or(u16::MAX);
                let letters = self.broker()?.dead_letters(from, limit).await?;
                return Ok(letters.into_iter().map(of_letter).collect());
            }
        };
        Ok(parked
            .into_iter()
            .map(|event| of_parked(keeper, event))
            .collect())
    }

    /// The broker, if it can be asked.
    fn broker(&self) -> Result<&dyn Bus, BoxError> {
        match self.bus.why_away() {
            None => Ok(&*self.bus),
            Some(why) => {
                tracing::warn!(
                    reason = why,
                    "dead letters cannot be looked at: the broker is away"
                );
                Err(Outage::Unreachable.into())
            }
        }
    }
}

fn of_parked(keeper: Keeper, event: ParkedEvent) -> DeadEventView {
    DeadEventView {
        id: DeadEventId {
            keeper,
            number: event.number,
        },
        state: DeadEventState::Parked,
        event_id: Some(event.id),
        name: Some(event.name),
        subject: Some(event.subject),
        happened_at: Some(event.at),
        consumer: None,
        reason: event.reason,
        tries: Some(event.tries),
        next_try_at: Some(event.next_try_at),
        given_up_at: None,
    }
}

fn of_letter(letter: DeadLetter) -> DeadEventView {
    let DeadLetter {
        number,
        consumer,
        event,
        reason,
        at,
    } = letter;
    let happened_at = event.as_ref().map(|event| event.at);
    let event_id = event.as_ref().map(|event| event.id);
    let (name, subject) = event.map(|event| (event.name, event.subject)).unzip();
    DeadEventView {
        id: DeadEventId {
            keeper: Keeper::Broker,
            number,
        },
        state: DeadEventState::Dead,
        event_id,
        name,
        subject,
        happened_at,
        consumer: Some(consumer),
        reason,
        tries: None,
        next_try_at: None,
        given_up_at: Some(at),
    }
}
