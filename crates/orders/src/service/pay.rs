//! What payments may do to an order: fence it while one is under way, and tell how it ended.

use super::Service;
use crate::domain::order::Happening;
use contracts::{
    access::Actor,
    orders::{OrderError, OrderView, Payable, PaymentEnd},
    values::{OrderId, PaymentId},
};

impl Service {
    pub(super) async fn begin_order_payment(
        &self,
        id: OrderId,
        payment: PaymentId,
    ) -> Result<Payable, OrderError> {
        let (_, order) = self
            .happen(id, Happening::PaymentBegan(payment), &Actor::System)
            .await?;
        Ok(Payable {
            total: order.total,
            customer_id: order.customer_id,
        })
    }

    pub(super) async fn end_order_payment(
        &self,
        id: OrderId,
        payment: PaymentId,
        end: PaymentEnd,
    ) -> Result<OrderView, OrderError> {
        self.happen(id, Happening::PaymentEnded(payment, end), &Actor::System)
            .await?;
        self.view(id).await
    }
}
