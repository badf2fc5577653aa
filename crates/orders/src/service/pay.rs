//! What payments may do to orders, many at once: fence them while a payment is under way, tell how it ended, and that
//! money was given back.

use super::Service;
use crate::{domain::order::Happening, store::Acting};
use contracts::{
    access::Actor,
    orders::{BeginPayment, OrderError, Payable, RefundNote, Settlement},
    values::OrderId,
};

impl Service {
    pub(super) async fn begin_order_payments(
        &self,
        batch: Vec<BeginPayment>,
    ) -> Vec<Result<Payable, OrderError>> {
        let happenings = batch
            .iter()
            .map(|begin| {
                let began = Happening::PaymentBegan(begin.payment_id);
                (begin.order_id, began, begin.request_id.clone())
            })
            .collect();
        let answers = self.happen_all(happenings).await;
        answers
            .into_iter()
            .map(|answer| {
                answer.map(|order| Payable {
                    total: order.total,
                    customer_id: order.customer_id,
                })
            })
            .collect()
    }

    pub(super) async fn settle_orders(
        &self,
        batch: Vec<Settlement>,
    ) -> Vec<Result<(), OrderError>> {
        let happenings = batch
            .iter()
            .map(|one| {
                let ended = Happening::PaymentEnded(one.payment_id, one.end);
                (one.order_id, ended, one.request_id.clone())
            })
            .collect();
        let answers = self.happen_all(happenings).await;
        answers.into_iter().map(|answer| answer.map(drop)).collect()
    }

    pub(super) async fn note_order_refund(&self, note: RefundNote) -> Result<(), OrderError> {
        let (id, by) = (note.order_id, Acting::here(note.actor.clone()));
        let happened = self
            .store
            .happen(id, Happening::Refunded(note), by, self.clock.now())
            .await;
        happened
            .map(drop)
            .map_err(|abort| abort.into_refusal(|| OrderError::Overloaded, OrderError::Internal))
    }

    async fn happen_all(
        &self,
        batch: Vec<(OrderId, Happening, Option<String>)>,
    ) -> Vec<Result<crate::domain::order::Order, OrderError>> {
        let count = batch.len();
        // The shop settles, but each for the request that pays.
        let by_system = |(id, happening, request)| {
            let actor = Actor::System.label();
            (id, happening, Acting { actor, request })
        };
        let batch = batch.into_iter().map(by_system).collect();
        match self.store.happen_all(batch, self.clock.now()).await {
            Ok(answers) => answers
                .into_iter()
                .map(|answer| answer.map(|(_, after)| after))
                .collect(),
            Err(error) => (0..count)
                .map(|_| Err(OrderError::Internal(error.share())))
                .collect(),
        }
    }
}
