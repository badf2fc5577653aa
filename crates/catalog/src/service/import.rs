//! Imports a batch of products by SKU. Who may import is the caller's to know.

use super::Service;
use crate::store::Import;
use contracts::{
    BoxError,
    catalog::{ImportOutcome, ImportProduct},
    values::UserId,
};

impl Service {
    pub(super) async fn import(
        &self,
        owner: UserId,
        batch: Vec<ImportProduct>,
        commit: bool,
    ) -> Result<Vec<Result<ImportOutcome, String>>, BoxError> {
        let import = Import {
            owner_id: owner,
            lines: batch,
            commit,
            at: self.clock.now(),
        };
        let imported = self.store.import(import).await;
        if commit {
            self.window.all_changed();
        }
        Ok(imported?)
    }
}
