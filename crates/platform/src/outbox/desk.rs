//! What is parked in an outbox, for people: listed, and tried at once when they say so. Near, or asked of the node that
//! has the outbox. It delivers nothing: the relay does.

use super::shelf;
use crate::{
    call::{Call, Peer},
    clock::Clock,
    db::Database,
};
use async_trait::async_trait;
use contracts::{BoxError, event::ParkedEvent, wire::Cause};

/// The parked events of a service.
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
}

/// The outbox of a service that runs here.
pub struct NearDesk {
    database: Database,
    clock: Clock,
}

impl NearDesk {
    /// The outbox in this database.
    #[must_use]
    pub const fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
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
}

pub(crate) const PARKED: Call<(u64, u32), Result<Vec<ParkedEvent>, Cause>> =
    Call::read("parked_events");
pub(crate) const REDRIVE: Call<u64, Result<bool, Cause>> = Call::repeatable("redrive_event");

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
}
