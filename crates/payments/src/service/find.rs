//! Show a payment to whoever may see its order; to anybody else there is none.

use super::{Core, store_failed};
use contracts::{
    orders::Reader,
    payments::{PayError, PaymentView, RefundView},
    values::PaymentId,
};

impl Core {
    pub(super) async fn payment(
        &self,
        who: &Reader,
        id: PaymentId,
    ) -> Result<PaymentView, PayError> {
        let found = self.store.payment(id).await.map_err(store_failed)?;
        let payment = found.ok_or(PayError::NotFound)?;
        self.order(who, payment.order_id).await?;
        Ok(payment.view())
    }

    pub(super) async fn refunds_of(
        &self,
        who: &Reader,
        id: PaymentId,
    ) -> Result<Vec<RefundView>, PayError> {
        self.payment(who, id).await?;
        let refunds = self.store.refunds_of(id).await.map_err(store_failed)?;
        Ok(refunds.iter().map(crate::domain::Refund::view).collect())
    }
}
