//! What the catalog hears of: orders that were called off give back what they held or bought, and who deletes an
//! account takes their reviews along.
//! And what its nodes tell each other: which products changed, so that none shows for long what is old.

use crate::{Service, Window};
use async_trait::async_trait;
use contracts::{
    BoxError,
    catalog::{Catalog, ProductsChanged, ReservationState, Resolve, ResolveError},
    event::{Envelope, Event},
    identity::UserDeleted,
    orders::OrderCancelled,
    values::{EventId, OrderId},
};
use platform::{
    bus::{Bus, Consumer, Listener},
    clock::Clock,
    tasks::Tasks,
};
use std::{sync::Arc, time::Duration};

/// Changes within this time are told together.
const TELL_EVERY: Duration = Duration::from_millis(100);

struct Cancelled {
    service: Arc<Service>,
}

/// The catalog's ear on the bus.
#[must_use]
pub fn consumer(service: Arc<Service>) -> Arc<dyn Consumer> {
    Arc::new(Cancelled { service })
}

/// Tells the other nodes what this one changes, and hears what they change, until the tasks stop.
pub fn start_news(service: &Arc<Service>, tasks: &Tasks, bus: &Arc<dyn Bus>, clock: Clock) {
    let window = service.window();
    bus.listen(Arc::new(Others {
        window: window.clone(),
    }));
    let bus = Arc::clone(bus);
    let warmed = Arc::clone(service);
    tasks.start("catalog-news", |stop| async move {
        if let Err(error) = warmed.warm().await {
            tracing::warn!(error = %error, "the search could not be filled; whoever searches first waits for it");
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(TELL_EVERY) => {}
            }
            if bus.is_away() {
                continue;
            }
            let Some(changed) = window.news.take() else {
                continue;
            };
            let envelope = changed.envelope(EventId::generate(), clock.now())?;
            if let Err(error) = bus.tell(&envelope).await {
                tracing::debug!(error = %error, "news of products waits");
                window.news.put_back(changed);
            }
        }
    });
}

/// The other nodes' news.
struct Others {
    window: Window,
}

#[async_trait]
impl Listener for Others {
    fn name(&self) -> &'static str {
        "catalog-window"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[ProductsChanged::NAME]
    }

    async fn hear(&self, envelope: &Envelope) {
        if let Err(error) = self.window.hear(envelope) {
            tracing::warn!(error = %error, "news of products could not be read");
            self.window.missed();
        }
    }

    async fn missed(&self) {
        self.window.missed();
    }
}

#[async_trait]
impl Consumer for Cancelled {
    fn name(&self) -> &'static str {
        "catalog"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[OrderCancelled::NAME, UserDeleted::NAME]
    }

    /// Safe to repeat without a list of seen events: a reservation that has ended stays as it is, and so does what is
    /// gone.
    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        if let Some(gone) = UserDeleted::open(envelope).transpose()? {
            return self.service.forget_reviewer(gone.user_id).await;
        }
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
