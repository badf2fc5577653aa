//! An outbox for others than its relay: what is parked in it, listed and tried at once when people say so; and what
//! was committed to it, in order, for whoever keeps a place of their own. Near, or asked of the node that has the
//! outbox. It delivers nothing: the relay does.

use super::{Shelf, shelf};
use crate::{
    call::{Call, Peer},
    clock::Clock,
    db::Database,
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::{Envelope, ParkedEvent},
    wire::Cause,
};
use tokio::sync::Mutex;

/// The outbox of a service, for others than its relay.
#[async_trait]
pub trait Desk: Send + Sync {
    /// Those after this number, in order.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    async fn parked(&self, after: u64, limit: u32) -> Result<Vec<ParkedEvent>, BoxError>;
    /// Has one tried at once, and those of its subject before it; false if none of this number is parked.
    ///
    /// # Errors
    /// When the outbox cannot be written.
    async fn redrive(&self, number: u64) -> Result<bool, BoxError>;
    /// A page of what was committed after this number, delivered or not, in order and without a gap that may still be
    /// filled. Events stay for seven days.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    async fn since(&self, number: u64) -> Result<Vec<(u64, Envelope)>, BoxError>;
}

/// The outbox of a service that runs here.
pub struct NearDesk {
    database: Database,
    clock: Clock,
    /// What is known of gaps; forgotten when the database could not be read, for it may be another server after that.
    reading: Mutex<Option<Box<dyn Shelf>>>,
}

impl NearDesk {
    /// The outbox in this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            reading: Mutex::default(),
        }
    }
}

#[async_trait]
impl Desk for NearDesk {
    async fn parked(&self, after: u64, limit: u32) -> Result<Vec<ParkedEvent>, BoxError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        shelf(self.database.clone()).parked(after, limit).await
    }

    async fn redrive(&self, number: u64) -> Result<bool, BoxError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let now = self.clock.now().as_ms();
        shelf(self.database.clone()).make_due(number, now).await
    }

    async fn since(&self, number: u64) -> Result<Vec<(u64, Envelope)>, BoxError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let mut reading = self.reading.lock().await;
        let mut shelf = reading
            .take()
            .unwrap_or_else(|| shelf(self.database.clone()));
        let rows = shelf.since(number).await?;
        *reading = Some(shelf);
        drop(reading);
        let numbered = |row: &super::Row| Ok((u64::try_from(row.number)?, row.envelope()?));
        rows.iter().map(numbered).collect()
    }
}

pub(crate) const PARKED: Call<(u64, u32), Result<Vec<ParkedEvent>, Cause>> =
    Call::read("parked_events");
pub(crate) const REDRIVE: Call<u64, Result<bool, Cause>> = Call::repeatable("redrive_event");
pub(crate) const SINCE: Call<u64, Result<Vec<(u64, Envelope)>, Cause>> = Call::read("events_since");

/// The outbox of a service that runs on other nodes.
pub struct FarDesk(Peer);

impl FarDesk {
    /// The outbox of the service that this peer is.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self(peer)
    }
}

#[async_trait]
impl Desk for FarDesk {
    async fn parked(&self, after: u64, limit: u32) -> Result<Vec<ParkedEvent>, BoxError> {
        Ok(self.0.ask(PARKED, &(after, limit)).await?)
    }

    async fn redrive(&self, number: u64) -> Result<bool, BoxError> {
        Ok(self.0.ask(REDRIVE, &number).await?)
    }

    async fn since(&self, number: u64) -> Result<Vec<(u64, Envelope)>, BoxError> {
        Ok(self.0.ask(SINCE, &number).await?)
    }
}
