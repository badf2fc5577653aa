//! What the catalog hears of: orders that were called off give back what they held or bought.
//! It publishes nothing; whoever wants to know asks.

use crate::Service;
use async_trait::async_trait;
use contracts::{
    BoxError,
    catalog::{Catalog, ReservationState, Resolve, ResolveError},
    event::{Envelope, Event},
    orders::OrderCancelled,
    values::OrderId,
};
use platform::bus::Consumer;
use std::sync::Arc;

struct Cancelled {
    service: Arc<Service>,
}

/// The catalog's ear on the bus.
#[must_use]
pub fn consumer(service: Arc<Service>) -> Arc<dyn Consumer> {
    Arc::new(Cancelled { service })
}

#[async_trait]
impl Consumer for Cancelled {
    fn name(&self) -> &'static str {
        "catalog"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[OrderCancelled::NAME]
    }

    /// Safe to repeat without a list of seen events: a reservation that has ended stays as it is.
    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let Some(event) = OrderCancelled::open(envelope).transpose()? else {
            return Ok(());
        };
        match self
            .resolve(event.order_id, ReservationState::Released)
            .await
        {
            Err(ResolveError::Resolved(ReservationState::Committed)) => settle(
                self.resolve(event.order_id, ReservationState::Returned)
                    .await,
            ),
            outcome => settle(outcome),
        }
    }
}

impl Cancelled {
    async fn resolve(&self, order_id: OrderId, to: ReservationState) -> Result<(), ResolveError> {
        let wish = Resolve {
            order_id,
            to,
            actor: "system".to_owned(),
        };
        let mut answers = self.service.resolve_all(vec![wish]).await;
        answers.pop().unwrap_or(Err(ResolveError::Unknown))
    }
}

/// Whatever ended already, or never was, has nothing left to give back.
fn settle(outcome: Result<(), ResolveError>) -> Result<(), BoxError> {
    match outcome {
        Ok(()) | Err(ResolveError::Unknown | ResolveError::Resolved(_)) => Ok(()),
        Err(error @ ResolveError::Internal(_)) => Err(Box::new(error)),
    }
}
