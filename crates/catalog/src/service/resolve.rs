//! Ends a batch of reservations in one transaction, and says which are overdue.

use super::Service;
use contracts::{
    BoxError,
    catalog::{Resolve, ResolveError},
    values::{OrderId, Timestamp},
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

    pub(super) async fn overdue_orders(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<OrderId>, BoxError> {
        Ok(self.store.overdue(before, limit).await?)
    }
}
