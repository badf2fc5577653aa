//! Holds stock for a batch of orders in one transaction. The caller gathers the batch.

use super::Service;
use contracts::catalog::{Reserve, ReserveError, Reserved};

impl Service {
    pub(super) async fn reserve(&self, batch: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        let wishes = batch.len();
        match self.store.reserve_all(batch, self.clock.now()).await {
            Ok(answers) => {
                let held = answers.iter().flatten().flat_map(|held| &held.lines);
                self.window.stock_moved(held.map(|line| line.product_id));
                answers
            }
            Err(error) => {
                tracing::error!(error = ?error, wishes, "a batch of reservations failed");
                self.window.all_changed();
                (0..wishes)
                    .map(|_| Err(ReserveError::Internal(error.share())))
                    .collect()
            }
        }
    }
}
