//! Payments, refunds and charges as verification reads them, ours beside what the provider's own books say of them.
//! Changes nothing.

use super::Core;
use crate::domain::{Charge, Payment, Stage};
use contracts::{
    BoxError,
    payments::{ChargeAudit, PaymentAudit, RefundAudit},
    values::{OrderId, PaymentId, RefundId},
};

impl Core {
    pub(super) async fn audit(
        &self,
        after: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<PaymentAudit>, BoxError> {
        let payments = self.store.after(after, limit).await?;
        let ids = payments.iter().map(|payment| payment.id).collect();
        let refunds = self.store.refund_sums(ids).await?;
        let nets = self.nets(&payments).await;
        let audits = payments
            .iter()
            .zip(nets)
            .zip(refunds)
            .map(|((payment, net), refunds)| PaymentAudit {
                id: payment.id,
                order_id: payment.order_id,
                status: payment.state.status(),
                amount: payment.amount,
                refunded_minor: payment.refunded_minor,
                refunding_minor: payment.refunding_minor,
                provider_net_minor: net,
                refunds: refunds.sums,
                each: Some(refunds.each),
                parked: payment.progress.parked,
                updated_at: payment.updated_at,
            });
        Ok(audits.collect())
    }

    /// What the provider's own books say that it took and did not give back; `None` where it was not asked or did not
    /// answer.
    async fn nets(&self, payments: &[Payment]) -> Vec<Option<i64>> {
        let since = self.provider.verified_since(self.clock.now());
        let mut nets = vec![None; payments.len()];
        let mut wanted: Vec<_> = nets
            .iter_mut()
            .zip(payments)
            .filter(|(_, payment)| payment.updated_at >= since)
            .collect();
        for some in wanted.chunks_mut(self.provider.finds_max().max(1)) {
            let asked = some.iter().map(|(_, payment)| payment.asked()).collect();
            match self.within_deadline(self.provider.find(asked)).await {
                Ok(charges) => {
                    for ((net, _), charge) in some.iter_mut().zip(&charges) {
                        **net = Some(charge.as_ref().map_or(0, Charge::net_minor));
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "the provider's books cannot be read");
                    break;
                }
            }
        }
        nets
    }

    pub(super) async fn audit_refunds(
        &self,
        after: Option<(PaymentId, RefundId)>,
        limit: u32,
    ) -> Result<Vec<RefundAudit>, BoxError> {
        let refunds = self.store.refunds_after(after, limit).await?;
        let audits = refunds.iter().map(|refund| RefundAudit {
            id: refund.id,
            payment_id: refund.payment_id,
            order_id: refund.order_id,
            status: refund.view().status,
            amount: refund.amount,
            units: refund.items.iter().fold(0_i64, |sum, item| {
                sum.saturating_add(i64::from(item.quantity.get()))
            }),
            told: refund.stage == Stage::Noted,
            updated_at: refund.updated_at,
        });
        Ok(audits.collect())
    }

    pub(super) async fn audit_charges(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ChargeAudit>, BoxError> {
        if !self.provider.lists_all() {
            return Ok(Vec::new());
        }
        let charges = match self.within_deadline(self.provider.list(after, limit)).await {
            Ok(charges) => charges,
            Err(error) => {
                tracing::warn!(error = %error, "the provider's books cannot be read");
                return Ok(Vec::new());
            }
        };
        let ids: Vec<Option<PaymentId>> = charges
            .iter()
            .map(|charge| charge.key.parse().ok())
            .collect();
        let asked = ids.iter().copied().flatten().collect();
        let mut known = self.store.are_known(asked).await?.into_iter();
        let known = ids
            .iter()
            .map(|id| id.is_some() && known.next().unwrap_or(false));
        let audits = charges
            .into_iter()
            .zip(known)
            .map(|(charge, known)| ChargeAudit {
                number: charge.number,
                key: charge.key,
                state: charge.state.as_str().to_owned(),
                amount: charge.amount,
                captured_minor: charge.captured_minor,
                refunded_minor: charge.refunded_minor,
                known,
            });
        Ok(audits.collect())
    }
}
