//! Reads stock and what moved it, each seller their own.

use super::Service;
use crate::domain::scope::Scope;
use contracts::{
    BoxError,
    access::Principal,
    catalog::{
        AdjustError, InventoryCounts, InventoryQuery, InventoryView, ListError, MovementView,
    },
    values::{Counted, Cursor, Page, PageSize, VariantId},
};

impl Service {
    pub(super) async fn stock_page(
        &self,
        who: &Principal,
        query: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError> {
        self.store.inventory(query, Scope::of(Some(who))).await
    }

    pub(super) async fn stock_counts(&self, who: &Principal) -> Result<InventoryCounts, ListError> {
        let found = self.store.inventory_counts(Scope::of(Some(who))).await;
        let [all, low] = found.map_err(|error| ListError::Internal(Box::new(error)))?;
        Ok(InventoryCounts {
            all: Counted::of(all),
            low: Counted::of(low),
        })
    }

    pub(super) async fn stock_of(
        &self,
        who: &Principal,
        id: VariantId,
    ) -> Result<InventoryView, AdjustError> {
        let found = self.store.inventory_of(id, Scope::of(Some(who))).await;
        found
            .map_err(|error| internal(error.into()))?
            .ok_or(AdjustError::NotFound { index: 0 })
    }

    pub(super) async fn movements_of(
        &self,
        who: &Principal,
        id: VariantId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<MovementView>, AdjustError> {
        self.stock_of(who, id).await?;
        let page = self.store.movements(id, limit, cursor).await;
        page.map_err(|error| match error {
            ListError::InvalidParameter { name, reason } => AdjustError::Invalid {
                field: name.into_owned(),
                reason,
            },
            ListError::Internal(error) => internal(error),
        })
    }
}

fn internal(error: BoxError) -> AdjustError {
    AdjustError::Internal(error)
}
