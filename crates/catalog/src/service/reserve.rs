//! Holds stock for a batch of orders in one transaction. The caller gathers the batch.

use super::Service;
use contracts::catalog::{Reserve, ReserveError, Reserved};
use platform::db::StoreError;

impl Service {
    pub(super) async fn reserve(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        let wishes = batch.len();
        match self.store.reserve_all(batch, self.clock.now()).await {
            Ok(answers) => answers,
            Err(StoreError::Overloaded) => {
                (0..wishes).map(|_| Err(ReserveError::Overloaded)).collect()
            }
            Err(error) => {
                let words = error.to_string();
                tracing::error!(error = ?error, wishes, "a batch of reservations failed");
                (0..wishes)
                    .map(|_| Err(ReserveError::Internal(words.clone().into())))
                    .collect()
            }
        }
    }
}
