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

/// Variants with few units that are counted: of each it is looked up whether its product is archived.
const LOW_MAX: i64 = 10_000;

impl Service {
    pub(super) async fn stock_page(
        &self,
        who: &Principal,
        query: InventoryQuery,
    ) -> Result<Page<InventoryView>, ListError> {
        self.store.inventory(query, Scope::of(Some(who))).await
    }

    pub(super) async fn stock_counts(&self, who: &Principal) -> Result<InventoryCounts, ListError> {
        let (scope, most) = (Scope::of(Some(who)), LOW_MAX.saturating_add(1));
        let found = self.store.inventory_counts(scope, most).await;
        let [all, low] = found.map_err(|error| ListError::Internal(Box::new(error)))?;
        Ok(InventoryCounts {
            all: Counted::of(all),
            low: Counted::up_to(LOW_MAX, low),
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
