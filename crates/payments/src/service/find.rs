//! Show a payment to whoever may see its order; to anybody else there is none.

use super::{Core, store_failed};
use contracts::{
    orders::Reader,
    payments::{PayError, PaymentView},
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
}
