//! Tells webhooks of events. Each has at most one node that works for it, a few exchanges at a time, and none waits for
//! another. An exchange that was made and not written down is made again: whoever is told knows the event by its id.

use super::Service;
use crate::{
    domain::{
        endpoint::{Endpoint, Outcome},
        signature,
    },
    metrics::METRICS,
    store::{Delivery, Turn, Work},
};
use contracts::{BoxError, values::WebhookId, webhooks::WebhookStatus};
use futures_util::{
    future::{BoxFuture, join_all},
    stream::{FuturesUnordered, StreamExt},
};
use platform::outward::{
    Address, Question,
    header::{HeaderName, HeaderValue},
};
use platform::trace::{self, Kind};
use std::{collections::HashSet, sync::Arc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) async fn run(service: Arc<Service>, stop: CancellationToken) -> Result<(), BoxError> {
    let mut working: FuturesUnordered<BoxFuture<'static, WebhookId>> = FuturesUnordered::new();
    let mut names = HashSet::new();
    loop {
        match service.busy().await {
            Ok(busy) => {
                for id in busy.into_iter().filter(|id| names.insert(*id)) {
                    let service = Arc::clone(&service);
                    working.push(Box::pin(async move {
                        service.work_for(id).await;
                        id
                    }));
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "nobody knows whom to tell: looked for again");
            }
        }
        let mut rest = std::pin::pin!(sleep(service.config.look_every()));
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    drop(working);
                    return service.let_go().await;
                }
                Some(id) = working.next(), if !working.is_empty() => {
                    names.remove(&id);
                }
                () = &mut rest => break,
            }
        }
    }
}

impl Service {
    async fn busy(&self) -> Result<Vec<WebhookId>, BoxError> {
        let busy = self.store.busy(self.now(), self.config.waiting_max).await;
        Ok(busy?)
    }

    /// Another node need not wait until this one's time is over.
    async fn let_go(&self) -> Result<(), BoxError> {
        if let Err(error) = self.store.let_go(self.owner).await {
            tracing::warn!(error = %error, "another node tells webhooks a little later");
        }
        Ok(())
    }

    /// Tells a webhook all that is due.
    async fn work_for(&self, id: WebhookId) {
        let mut ended = Vec::new();
        loop {
            let work = match self.turn(id, ended).await {
                Ok(Some(work)) if work.more => work,
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(webhook.id = %id, error = %error, "what was delivered may be delivered once more");
                    return;
                }
            };
            let endpoint = &work.endpoint;
            let exchanges = work.due.into_iter().map(|delivery| async move {
                let outcome = self.tell_in_trace(endpoint, &delivery).await;
                METRICS.count(&outcome);
                (delivery, outcome)
            });
            ended = join_all(exchanges).await;
        }
    }

    async fn turn(
        &self,
        id: WebhookId,
        ended: Vec<(Delivery, Outcome)>,
    ) -> Result<Option<Work>, BoxError> {
        let now = self.now();
        let lease = self.config.lease_ms().checked_div(1_000).unwrap_or(1);
        let failed = ended.iter().any(|(_, outcome)| !outcome.is_taken());
        let work = self.store.turn(Turn {
            id,
            owner: self.owner,
            owned_until: now.plus_seconds(lease),
            ended,
            now,
            at_once: self.config.in_flight_per_webhook_max.into(),
            waiting_max: self.config.waiting_max,
            give_up_after_ms: self.config.give_up_after_ms(),
        });
        let work = work.await?;
        if work.is_none() && failed {
            self.tell_of_the_end(id).await?;
        }
        Ok(work)
    }

    /// Says plainly that a webhook hears no more, if it was the shop that ended it.
    async fn tell_of_the_end(&self, id: WebhookId) -> Result<(), BoxError> {
        if let Some(endpoint) = self.store.find(id).await?
            && endpoint.status == WebhookStatus::Disabled
            && let Some(reason) = &endpoint.disabled_reason
        {
            METRICS.disabled.inc();
            tracing::error!(webhook.id = %id, reason, "a webhook was disabled");
        }
        Ok(())
    }

    /// Tells it in the trace that the event came about in, however long ago that was.
    async fn tell_in_trace(&self, endpoint: &Endpoint, delivery: &Delivery) -> Outcome {
        let event = &delivery.event;
        let name = || format!("webhook {}", event.kind.as_str()).into();
        let telling = async {
            let outcome = self.tell(endpoint, delivery).await;
            if outcome.is_taken() {
                Ok(outcome)
            } else {
                Err(outcome)
            }
        };
        let told = trace::resumed(event.trace, Kind::Internal, name, telling).await;
        told.unwrap_or_else(|refused| refused)
    }

    async fn tell(&self, endpoint: &Endpoint, delivery: &Delivery) -> Outcome {
        let question = match self.question(endpoint, delivery) {
            Ok(question) => question,
            Err(error) => return Outcome::Refused(None, error.to_string()),
        };
        let way = match self.way() {
            Ok(way) => way,
            Err(error) => return Outcome::Refused(None, format!("there is no way out: {error}")),
        };
        match way.ask(question).await {
            Ok(answer) if answer.status.is_success() => Outcome::Taken(answer.status.as_u16()),
            Ok(answer) => {
                let status = answer.status.as_u16();
                let more = if answer.status.is_redirection() {
                    "; no redirect is followed"
                } else {
                    ""
                };
                Outcome::Refused(Some(status), format!("it answered {status}{more}"))
            }
            Err(error) => Outcome::Refused(None, error.to_string()),
        }
    }

    fn question(&self, endpoint: &Endpoint, delivery: &Delivery) -> Result<Question, BoxError> {
        let now = self.now();
        let seconds = now.as_ms().div_euclid(1_000);
        let (id, body) = (delivery.event.id, signature::body(&delivery.event)?);
        let signed = signature::header(endpoint, id, seconds, &body, now);
        let question = Question::post(Address::parse(&endpoint.url)?, JSON, body)
            .with(ID, HeaderValue::from_str(&id.to_string())?)
            .with(TIMESTAMP, HeaderValue::from(seconds))
            .with(SIGNATURE, HeaderValue::from_str(&signed)?);
        Ok(question)
    }
}
