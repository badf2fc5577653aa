//! Ends a batch of reservations in one transaction, takes sold units back, and says which are overdue.

use super::Service;
use contracts::{
    BoxError,
    catalog::{GiveBack, GiveBackError, Overdue, Resolve, ResolveError},
    values::Timestamp,
};

impl Service {
    pub(super) async fn resolve(&self, batch: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        let wishes = batch.len();
        match self.store.resolve_all(batch, self.clock.now()).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::error!(error = ?error, wishes, "a batch of resolutions failed");
                (0..wishes)
                    .map(|_| Err(ResolveError::Internal(error.share())))
                    .collect()
            }
        }
    }

    pub(super) async fn give_back(&self, batch: Vec<GiveBack>) -> Vec<Result<(), GiveBackError>> {
        let wishes = batch.len();
        match self.store.give_back_all(batch, self.clock.now()).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::error!(error = ?error, wishes, "a batch of returns failed");
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
