//! Ends a batch of reservations in one transaction, takes sold units back, and says which are overdue.

use super::Service;
use crate::store::Moved;
use contracts::{
    BoxError,
    catalog::{GiveBack, GiveBackError, Overdue, Resolve, ResolveError},
    values::Timestamp,
};

impl Service {
    pub(super) async fn resolve(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        let wishes = batch.len();
        match self.store.resolve_all(batch, self.clock.now()).await {
            Ok(Moved { answers, products }) => {
                self.window.stock_moved(products);
                answers
            }
            Err(error) => {
                tracing::error!(error = ?error, wishes, "a batch of resolutions failed");
                self.window.all_changed();
                (0..wishes)
                    .map(|_| Err(ResolveError::Internal(error.share())))
                    .collect()
            }
        }
    }

    pub(super) async fn give_back(&self, batch: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>> {
        let wishes = batch.len();
        match self.store.give_back_all(batch, self.clock.now()).await {
            Ok(Moved { answers, products }) => {
                self.window.stock_moved(products);
                answers
            }
            Err(error) => {
                tracing::error!(error = ?error, wishes, "a batch of returns failed");
                self.window.all_changed();
                (0..wishes)
                    .map(|_| Err(GiveBackError::Internal(error.share())))
                    .collect()
            }
        }
    }

    pub(super) async fn overdue_orders(
        &self,
        before: Timestamp,
        after: Option<Overdue>,
        limit: u32,
    ) -> Result<Vec<Overdue>, BoxError> {
        Ok(self.store.overdue(before, after, limit).await?)
    }
}
