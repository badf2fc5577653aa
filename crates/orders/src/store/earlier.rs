//! Where records of earlier orders are kept: beside orders and no part of them. They are written once, and only their
//! customer is ever forgotten.

use super::places;
use crate::domain::earlier::EarlierOrder;
use async_trait::async_trait;
use contracts::{
    orders::{EarlierOrderView, EarlierTotals, OrderError},
    values::{Cursor, EarlierOrderId, Page, Timestamp, UserId},
};
use platform::db::StoreError;

/// A record with whose it is, as far as that is certain.
#[derive(Debug, Clone)]
pub(crate) struct NewEarlier {
    pub(crate) order: EarlierOrder,
    pub(crate) customer: Option<UserId>,
}

/// Which records, those that were placed last first.
#[derive(Debug, Clone)]
pub(crate) struct EarlierWish {
    pub(crate) customer: Option<UserId>,
    pub(crate) source: Option<String>,
    /// Before this one.
    pub(crate) before: Place,
    pub(crate) limit: u32,
}

/// Where a record stands in the list: when it was placed, and its number here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) placed_at_ms: i64,
    pub(crate) number: i64,
}

#[async_trait]
pub(crate) trait EarlierStore: Send + Sync {
    /// Keeps records, all in one commit, or only looks; for each, whether it is new. What is there stays as it is.
    async fn import_earlier(
        &self,
        orders: Vec<NewEarlier>,
        at: Timestamp,
        commit: bool,
    ) -> Result<Vec<bool>, StoreError>;
    /// One record.
    async fn earlier_order(
        &self,
        id: EarlierOrderId,
    ) -> Result<Option<EarlierOrderView>, StoreError>;
    /// A page of records.
    async fn earlier_orders(&self, wish: EarlierWish)
    -> Result<Page<EarlierOrderView>, StoreError>;
    /// What they add up to, by shop and currency; of one shop if it is named.
    async fn earlier_totals(
        &self,
        source: Option<String>,
    ) -> Result<Vec<EarlierTotals>, StoreError>;
}

impl Place {
    /// Reads where a page begins.
    pub(crate) fn read(cursor: Option<&Cursor>) -> Result<Self, OrderError> {
        let [placed_at_ms, number] = places::read(cursor)?;
        Ok(Self {
            placed_at_ms,
            number,
        })
    }

    fn cursor(self) -> Option<Cursor> {
        places::cursor(&[self.placed_at_ms, self.number])
    }
}

/// A page of rows of which one more was read than it may have.
pub(super) fn page(mut rows: Vec<(Place, EarlierOrderView)>, limit: u32) -> Page<EarlierOrderView> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    Page {
        next_cursor: last.and_then(|(place, _)| place.cursor()),
        data: rows.into_iter().map(|(_, view)| view).collect(),
    }
}
