//! The books of stock and reservations, for whoever checks that they balance.

use super::Service;
use contracts::{
    BoxError,
    catalog::{ProductAudit, ReservationAudit, StockAudit},
    values::{OrderId, VariantId},
};

impl Service {
    pub(super) async fn stock_books(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<StockAudit>, BoxError> {
        Ok(self.store.audit_stock(after, limit).await?)
    }

    pub(super) async fn product_books(
        &self,
        after: Option<VariantId>,
        limit: u32,
    ) -> Result<Vec<ProductAudit>, BoxError> {
        Ok(self.store.audit_products(after, limit).await?)
    }

    pub(super) async fn reservation_books(
        &self,
        after: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ReservationAudit>, BoxError> {
        Ok(self.store.audit_reservations(after, limit).await?)
    }
}
