//! Payments, far: the same contract, asked of another node. Nothing is kept and nothing is decided here.

use crate::calls;
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    orders::Reader,
    payments::{
        CallbackError, ChargeAudit, LedgerAudit, PayError, PayOrder, PaymentAudit, PaymentCount,
        PaymentListError, PaymentPage, PaymentQuery, PaymentRecord, PaymentView, Payments,
        RefundAudit, RefundError, RefundOf, RefundOrder, RefundView, ReviewView, SagaError, SagaId,
        SagaQuery, SagaView,
    },
    request::{Answered, IdempotencyKey},
    values::{OrderId, Page, PaymentId, RefundId},
};
use platform::call::Peer;

/// The payments of other nodes.
#[derive(Clone)]
pub struct Client {
    peer: Peer,
}

impl Client {
    /// The payments that these instances keep.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self { peer }
    }
}

#[async_trait]
impl Payments for Client {
    async fn accepts(&self, method: &str) -> Result<bool, BoxError> {
        let method = method.to_owned();
        Ok(self.peer.ask(calls::ACCEPTS, &method).await?)
    }

    async fn pay(
        &self,
        who: &Reader,
        key: IdempotencyKey,
        wish: PayOrder,
    ) -> Result<Answered<PaymentView>, PayError> {
        self.peer.ask(calls::PAY, &(who.into(), key, wish)).await
    }

    async fn payment(&self, who: &Reader, id: PaymentId) -> Result<PaymentView, PayError> {
        self.peer.ask(calls::PAYMENT, &(who.into(), id)).await
    }

    async fn void(&self, who: &Reader, id: PaymentId) -> Result<PaymentView, PayError> {
        self.peer.ask(calls::VOID, &(who.into(), id)).await
    }

    async fn refund(
        &self,
        who: &Principal,
        key: IdempotencyKey,
        of: RefundOf,
        wish: RefundOrder,
    ) -> Result<Answered<RefundView>, RefundError> {
        let arguments = (who.into(), key, of, wish);
        self.peer.ask(calls::REFUND, &arguments).await
    }

    async fn refunds(&self, who: &Reader, id: PaymentId) -> Result<Vec<RefundView>, PayError> {
        self.peer.ask(calls::REFUNDS, &(who.into(), id)).await
    }

    async fn callback(
        &self,
        provider: &str,
        signature: &str,
        body: &[u8],
    ) -> Result<(), CallbackError> {
        let arguments = (provider.to_owned(), signature.to_owned(), body.to_vec());
        self.peer.ask(calls::CALLBACK, &arguments).await
    }

    async fn list(&self, query: PaymentQuery) -> Result<PaymentPage, PaymentListError> {
        self.peer.ask(calls::LIST, &query).await
    }

    async fn counts(&self) -> Result<Vec<PaymentCount>, PaymentListError> {
        self.peer.ask(calls::COUNTS, &()).await
    }

    async fn record(&self, id: PaymentId) -> Result<Option<PaymentRecord>, PaymentListError> {
        self.peer.ask(calls::RECORD, &id).await
    }

    async fn sagas(&self, query: SagaQuery) -> Result<Page<SagaView>, SagaError> {
        self.peer.ask(calls::SAGAS, &query).await
    }

    async fn retry_saga(&self, id: SagaId) -> Result<SagaView, SagaError> {
        self.peer.ask(calls::RETRY_SAGA, &id).await
    }

    async fn reviews(&self, limit: u32) -> Result<Vec<ReviewView>, BoxError> {
        Ok(self.peer.ask(calls::REVIEWS, &limit).await?)
    }

    async fn audit(
        &self,
        after: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<PaymentAudit>, BoxError> {
        Ok(self.peer.ask(calls::AUDIT, &(after, limit)).await?)
    }

    async fn audit_refunds(
        &self,
        after: Option<(PaymentId, RefundId)>,
        limit: u32,
    ) -> Result<Vec<RefundAudit>, BoxError> {
        Ok(self.peer.ask(calls::AUDIT_REFUNDS, &(after, limit)).await?)
    }

    async fn audit_ledger(&self) -> Result<LedgerAudit, BoxError> {
        Ok(self.peer.ask(calls::AUDIT_LEDGER, &()).await?)
    }

    async fn audit_charges(&self, after: u64, limit: u32) -> Result<Vec<ChargeAudit>, BoxError> {
        Ok(self.peer.ask(calls::AUDIT_CHARGES, &(after, limit)).await?)
    }
}
