//! What payments listens to: called-off orders and things that came back, whose money goes back. It publishes nothing.

use crate::Service;
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::{Envelope, Event},
    orders::{OrderCancelled, ReturnReceived},
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

/// The subscription to what came back: by a name of its own, so that none of an order's other events comes along.
pub fn returns_consumer(service: Arc<Service>) -> Arc<dyn Consumer> {
    Arc::new(Returns { service })
}

struct Returns {
    service: Arc<Service>,
}

#[async_trait]
impl Consumer for Returns {
    fn name(&self) -> &'static str {
        "payments-returns"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[ReturnReceived::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        match ReturnReceived::open(envelope).transpose()? {
            Some(event) => self.service.refund_return(event).await,
            None => Ok(()),
        }
    }
}
