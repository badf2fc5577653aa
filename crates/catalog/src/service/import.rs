//! Imports a batch of products by SKU. Who may import is the caller's to know.

use super::Service;
use crate::store::Import;
use contracts::{
    BoxError,
    catalog::{ImportOutcome, ImportProduct},
    values::UserId,
};

type Outcome = Result<ImportOutcome, String>;

impl Service {
    pub(super) async fn import(
        &self,
        owner: UserId,
        batch: Vec<ImportProduct>,
        commit: bool,
    ) -> Result<Vec<Outcome>, BoxError> {
        let judged: Vec<Result<(), String>> = batch.iter().map(|one| self.can_pay(one)).collect();
        let lines = batch.into_iter().zip(&judged);
        let lines = lines.filter_map(|(line, judged)| judged.is_ok().then_some(line));
        let import = Import {
            owner_id: owner,
            lines: lines.collect(),
            commit,
            at: self.clock.now(),
        };
        let imported = self.store.import(import).await;
        if commit {
            self.window.all_changed();
        }
        let mut imported = imported?.into_iter();
        let outcome = |judged: Result<(), String>| match judged {
            Ok(()) => imported
                .next()
                .ok_or_else(|| BoxError::from("a line of an import has no outcome")),
            Err(reason) => Ok(Err(reason)),
        };
        judged.into_iter().map(outcome).collect()
    }

    /// Whether the shop sells in the further currencies of a line: other prices would be noticed by nobody.
    fn can_pay(&self, line: &ImportProduct) -> Result<(), String> {
        let of_variants = line.variants.iter().flat_map(|one| &one.prices);
        let mut all = line.prices.iter().chain(of_variants);
        match all.find(|price| !self.currencies.contains(&price.currency)) {
            Some(price) => Err(format!(
                "prices: the shop does not sell in {}",
                price.currency
            )),
            None => Ok(()),
        }
    }
}
