//! What those who look after products ask of the catalog: over the simulated way, or not at all.

use crate::ports::FarCatalog;
use async_trait::async_trait;
use contracts::{
    access::Principal,
    catalog::{CatalogDesk, EditError, InventoryCounts, ListError, ProductCounts, ProductEdit},
    values::ProductId,
};

#[async_trait]
impl CatalogDesk for FarCatalog {
    async fn product_counts(
        &self,
        who: &Principal,
        q: Option<String>,
    ) -> Result<ProductCounts, ListError> {
        self.inner.product_counts(who, q).await
    }

    async fn inventory_counts(&self, who: &Principal) -> Result<InventoryCounts, ListError> {
        self.inner.inventory_counts(who).await
    }

    async fn product_edits(
        &self,
        who: &Principal,
        id: ProductId,
    ) -> Result<Vec<ProductEdit>, EditError> {
        self.inner.product_edits(who, id).await
    }
}
