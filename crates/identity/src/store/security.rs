//! The audit log of security events, as the store keeps it. Events of changes are written with those changes; here is
//! what is written by itself, read, and forgotten.

use crate::domain::security::Counted;
use async_trait::async_trait;
use contracts::{
    identity::SecurityEventKind,
    values::{SecurityEventId, Timestamp, UserId},
};
use platform::db::StoreError;

/// Which events, the newest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventWish {
    pub(crate) account: Option<UserId>,
    pub(crate) kind: Option<SecurityEventKind>,
    /// At or after this moment...
    pub(crate) since: Timestamp,
    /// ...and before this place of the list.
    pub(crate) before: (Timestamp, SecurityEventId),
    pub(crate) limit: u32,
}

/// The audit log.
#[async_trait]
pub(crate) trait SecurityLog: Send + Sync {
    /// Writes events by themselves: new rows, and more of those that are there.
    async fn write_events(&self, rows: Vec<Counted>) -> Result<(), StoreError>;
    /// Events, the newest first.
    async fn security_events(&self, wish: EventWish) -> Result<Vec<Counted>, StoreError>;
    /// How many events of each of these kinds there are, in their order: counted as far as
    /// [`contracts::values::Counted::LOOKED_FOR`].
    async fn count_events(&self, kinds: Vec<SecurityEventKind>) -> Result<Vec<i64>, StoreError>;
    /// The moment of the newest event that so many of its sort are newer than: refusals, or all others.
    async fn first_surplus(
        &self,
        refusals: bool,
        kept_max: u32,
    ) -> Result<Option<Timestamp>, StoreError>;
    /// Forgets some events of a sort that are of this moment or older; whether there may be more.
    async fn sweep_events(&self, refusals: bool, until: Timestamp) -> Result<bool, StoreError>;
    /// Forgets from where things were done on or by accounts that were deleted since this moment: what was written
    /// beside the deletion.
    async fn sweep_places(&self, deleted_since: Timestamp) -> Result<(), StoreError>;
}
