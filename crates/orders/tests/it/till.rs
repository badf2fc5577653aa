//! Stands in for payments: a till that does as its token says. It begins and ends payments as the real ones
//! do, and answers a key once; it moves no money.

use crate::fakes::FakeCatalog;
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::{Catalog, ReservationState, Resolve},
    orders::{BeginPayment, OrderError, Orders, PaymentEnd, Reader, Settlement},
    payments::{
        CallbackError, ChargeAudit, LedgerAudit, PayError, PayOrder, PaymentAudit, PaymentCount,
        PaymentListError, PaymentPage, PaymentQuery, PaymentRecord, PaymentStatus, PaymentView,
        Payments, RefundAudit, RefundError, RefundOf, RefundOrder, RefundView, ReviewView,
        SagaError, SagaId, SagaQuery, SagaView,
    },
    request::{Answered, IdempotencyKey},
    values::{Money, OrderId, Page, PaymentId, RefundId, Version},
};
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// A till: `tok_ok` is captured, `tok_declined` refused, `tok_slow` stays unknown until it is settled,
/// `tok_held` is authorised and no more, `tok_untold` is captured without a word to the order. No other token
/// is known.
pub(crate) struct FakePayments {
    catalog: Arc<FakeCatalog>,
    orders: OnceLock<Arc<dyn Orders>>,
    by_key: tokio::sync::Mutex<HashMap<String, PaymentView>>,
}

impl FakePayments {
    pub(crate) fn new(catalog: Arc<FakeCatalog>) -> Self {
        Self {
            catalog,
            orders: OnceLock::new(),
            by_key: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn serve(&self, orders: Arc<dyn Orders>) {
        drop(self.orders.set(orders));
    }

    /// What was unknown turns out well.
    pub(crate) async fn settle(&self) {
        for view in self.by_key.lock().await.values_mut() {
            if matches!(
                view.status,
                PaymentStatus::Pending | PaymentStatus::Authorised | PaymentStatus::Captured
            ) {
                view.status = PaymentStatus::Captured;
                self.capture(view).await.unwrap();
            }
        }
    }

    /// Payments that were begun.
    pub(crate) async fn begun(&self) -> usize {
        self.by_key.lock().await.len()
    }

    fn orders(&self) -> &Arc<dyn Orders> {
        self.orders.get().unwrap()
    }

    async fn capture(&self, view: &PaymentView) -> Result<(), OrderError> {
        let sold = Resolve {
            order_id: view.order_id,
            to: ReservationState::Committed,
            actor: "system".to_owned(),
        };
        for sold in self.catalog.resolve_all(vec![sold]).await {
            sold.unwrap();
        }
        let orders = self.orders();
        end(orders, view.order_id, view.id, PaymentEnd::Paid).await
    }
}

async fn end(
    orders: &Arc<dyn Orders>,
    order_id: OrderId,
    payment_id: PaymentId,
    end: PaymentEnd,
) -> Result<(), OrderError> {
    let wish = Settlement {
        order_id,
        payment_id,
        end,
        request_id: None,
    };
    orders.settle_all(vec![wish]).await.remove(0)
}

fn refused(error: OrderError) -> PayError {
    match error {
        OrderError::NotFound => PayError::NotFound,
        OrderError::PaymentInProgress => PayError::InProgress,
        OrderError::IllegalTransition { from, .. } => PayError::NotPayable(from),
        error @ (OrderError::Forbidden
        | OrderError::Invalid { .. }
        | OrderError::Overloaded
        | OrderError::Internal(_)) => PayError::Internal(Box::new(error)),
    }
}

fn answer(view: &PaymentView, replayed: bool) -> Result<Answered<PaymentView>, PayError> {
    if view.status == PaymentStatus::Declined {
        return Err(PayError::Declined {
            payment_id: view.id,
            order_id: view.order_id,
            decline_code: "card_declined".to_owned(),
        });
    }
    let value = view.clone();
    Ok(Answered { value, replayed })
}

#[async_trait]
impl Payments for FakePayments {
    async fn accepts(&self, method: &str) -> Result<bool, BoxError> {
        Ok(method != "tok_of_nobody")
    }

    async fn pay(
        &self,
        who: &Reader,
        key: IdempotencyKey,
        wish: PayOrder,
    ) -> Result<Answered<PaymentView>, PayError> {
        let mut by_key = self.by_key.lock().await;
        if let Some(known) = by_key.get(key.as_str()) {
            return answer(known, true);
        }
        let status = match wish.method.as_str() {
            "tok_ok" | "tok_untold" => PaymentStatus::Captured,
            "tok_declined" => PaymentStatus::Declined,
            "tok_slow" => PaymentStatus::Pending,
            "tok_held" => PaymentStatus::Authorised,
            _ => return Err(PayError::UnknownMethod),
        };
        let (orders, id) = (self.orders(), PaymentId::generate());
        let order = orders.order(who, wish.order_id).await.map_err(refused)?;
        let begin = BeginPayment {
            order_id: order.id,
            payment_id: id,
            request_id: None,
        };
        let begun = orders.begin_payments(vec![begin]).await.remove(0);
        let payable = begun.map_err(refused)?;
        let view = PaymentView {
            id,
            order_id: order.id,
            version: Version::FIRST,
            status,
            amount: payable.total,
            refunded: Money::zero(payable.total.currency),
            decline_code: None,
            next_action: None,
            created_at: order.created_at,
            updated_at: order.created_at,
        };
        match status {
            PaymentStatus::Captured if wish.method == "tok_untold" => {}
            PaymentStatus::Captured => self.capture(&view).await.map_err(refused)?,
            PaymentStatus::Declined => {
                let failed = end(orders, order.id, id, PaymentEnd::Failed);
                failed.await.map_err(refused)?;
            }
            PaymentStatus::Pending
            | PaymentStatus::RequiresAction
            | PaymentStatus::Authorised
            | PaymentStatus::Voided
            | PaymentStatus::Refunded => {}
        }
        by_key.insert(key.as_str().to_owned(), view.clone());
        answer(&view, false)
    }

    async fn payment(&self, _: &Reader, _: PaymentId) -> Result<PaymentView, PayError> {
        Err(PayError::NotFound)
    }

    async fn audit(
        &self,
        _: Option<(OrderId, PaymentId)>,
        _: u32,
    ) -> Result<Vec<PaymentAudit>, BoxError> {
        Err(no_books())
    }

    async fn void(&self, _: &Reader, _: PaymentId) -> Result<PaymentView, PayError> {
        Err(PayError::NotFound)
    }

    async fn refund(
        &self,
        _: &Principal,
        _: IdempotencyKey,
        _: RefundOf,
        _: RefundOrder,
    ) -> Result<Answered<RefundView>, RefundError> {
        Err(RefundError::NotFound)
    }

    async fn refunds(&self, _: &Reader, _: PaymentId) -> Result<Vec<RefundView>, PayError> {
        Err(PayError::NotFound)
    }

    async fn callback(&self, _: &str, _: &str, _: &[u8]) -> Result<(), CallbackError> {
        Err(CallbackError::UnknownProvider)
    }

    async fn list(&self, _: PaymentQuery) -> Result<PaymentPage, PaymentListError> {
        Err(PaymentListError::Internal(no_books()))
    }

    async fn counts(&self) -> Result<Vec<PaymentCount>, PaymentListError> {
        Err(PaymentListError::Internal(no_books()))
    }

    async fn record(&self, _: PaymentId) -> Result<Option<PaymentRecord>, PaymentListError> {
        Err(PaymentListError::Internal(no_books()))
    }

    async fn sagas(&self, _: SagaQuery) -> Result<Page<SagaView>, SagaError> {
        Err(SagaError::Internal(no_books()))
    }

    async fn retry_saga(&self, id: SagaId) -> Result<SagaView, SagaError> {
        Err(SagaError::NotFound(id))
    }

    async fn reviews(&self, _: u32) -> Result<Vec<ReviewView>, BoxError> {
        Err(no_books())
    }

    async fn audit_refunds(
        &self,
        _: Option<(PaymentId, RefundId)>,
        _: u32,
    ) -> Result<Vec<RefundAudit>, BoxError> {
        Err(no_books())
    }

    async fn audit_ledger(&self) -> Result<LedgerAudit, BoxError> {
        Err(no_books())
    }

    async fn audit_charges(&self, _: u64, _: u32) -> Result<Vec<ChargeAudit>, BoxError> {
        Err(no_books())
    }
}

fn no_books() -> BoxError {
    "this till keeps no books".into()
}
