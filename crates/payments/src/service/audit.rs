//! Payments beside what the provider's own books say of them. Changes nothing.

use super::Core;
use crate::domain::{Charge, Payment};
use contracts::{
    BoxError,
    payments::PaymentAudit,
    values::{OrderId, PaymentId},
};

impl Core {
    pub(super) async fn audit(
        &self,
        after: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<PaymentAudit>, BoxError> {
        let payments = self.store.after(after, limit).await?;
        let keys = payments.iter().map(Payment::provider_key).collect();
        let nets: Vec<Option<i64>> = match self.provider.find(keys).await {
            Ok(charges) => charges
                .iter()
                .map(|charge| Some(charge.as_ref().map_or(0, Charge::net_minor)))
                .collect(),
            Err(error) => {
                tracing::warn!(error = %error, "the provider's books cannot be read");
                Vec::new()
            }
        };
        let nets = nets.into_iter().chain(std::iter::repeat(None));
        let audits = payments
            .iter()
            .zip(nets)
            .map(|(payment, net)| PaymentAudit {
                id: payment.id,
                order_id: payment.order_id,
                status: payment.state.status(),
                amount: payment.amount,
                provider_net_minor: net,
                updated_at: payment.view().updated_at,
            });
        Ok(audits.collect())
    }
}
