//! What those who look after products ask of the catalog: nothing that orders have to do with.

use crate::fakes::FakeCatalog;
use async_trait::async_trait;
use contracts::{
    access::Principal,
    catalog::{CatalogDesk, EditError, InventoryCounts, ListError, ProductCounts, ProductEdit},
    values::ProductId,
};

#[async_trait]
impl CatalogDesk for FakeCatalog {
    async fn product_counts(
        &self,
        _: &Principal,
        _: Option<String>,
    ) -> Result<ProductCounts, ListError> {
        Err(ListError::Internal("orders must not call this".into()))
    }

    async fn inventory_counts(&self, _: &Principal) -> Result<InventoryCounts, ListError> {
        Err(ListError::Internal("orders must not call this".into()))
    }

    async fn product_edits(
        &self,
        _: &Principal,
        _: ProductId,
    ) -> Result<Vec<ProductEdit>, EditError> {
        Err(EditError::Internal("orders must not call this".into()))
    }
}
