//! What payments listens to: called-off orders, whose money goes back. It publishes nothing.

use crate::Service;
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::{Envelope, Event},
    orders::OrderCancelled,
};
use platform::bus::Consumer;
use std::sync::Arc;

/// The subscription of payments.
pub fn consumer(service: Arc<Service>) -> Arc<dyn Consumer> {
    Arc::new(Refunds { service })
}

struct Refunds {
    service: Arc<Service>,
}

#[async_trait]
impl Consumer for Refunds {
    fn name(&self) -> &'static str {
        "payments-refunds"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[OrderCancelled::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let Some(event) = OrderCancelled::open(envelope) else {
            return Ok(());
        };
        let OrderCancelled {
            order_id,
            payment_id,
        } = event?;
        match payment_id {
            Some(payment_id) => self.service.refund_rest(order_id, payment_id).await,
            None => Ok(()),
        }
    }
}
