//! Finds products: one, or a page of them. What is not on sale is seen only by those who may change it.

use super::Service;
use crate::domain::scope::Scope;
use contracts::{
    access::Principal,
    catalog::{EditError, ListError, ProductQuery, ProductRef, ProductStatus, ProductView},
    values::Page,
};

impl Service {
    pub(super) async fn find(
        &self,
        viewer: Option<&Principal>,
        which: ProductRef,
    ) -> Result<ProductView, EditError> {
        let found = self.store.product(which, Scope::All).await;
        let product = found
            .map_err(|error| EditError::Internal(Box::new(error)))?
            .ok_or(EditError::NotFound)?;
        if Scope::of(viewer).sees(product.owner_id, product.status) {
            return Ok(product);
        }
        match product.status {
            ProductStatus::Archived => Err(EditError::Archived { name: product.name }),
            ProductStatus::Draft | ProductStatus::Active => Err(EditError::NotFound),
        }
    }

    pub(super) async fn list(
        &self,
        viewer: Option<&Principal>,
        query: ProductQuery,
    ) -> Result<Page<ProductView>, ListError> {
        self.store.products(query, Scope::of(viewer)).await
    }
}
