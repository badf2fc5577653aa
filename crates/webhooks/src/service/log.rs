//! What was told and will be: the feed, the log of deliveries, and telling again.

use super::{Service, failure};
use crate::store::Delivery;
use contracts::{
    values::{Cursor, DeliveryId, Page, WebhookId},
    webhooks::{
        DeliveryQuery, DeliveryView, FeedPage, FeedQuery, ReplayWebhook, Replayed, WebhookError,
    },
};

impl Service {
    /// Events in the order of their numbers.
    pub(crate) async fn feed(&self, query: FeedQuery) -> Result<FeedPage, WebhookError> {
        let after = i64::try_from(query.after).unwrap_or(i64::MAX);
        let events = self.store.feed(after, query.limit.get()).await;
        let data = events.map_err(failure)?;
        let next_after = data.last().map_or(after, |event| event.sequence);
        Ok(FeedPage { data, next_after })
    }

    /// A webhook's deliveries, newest first.
    pub(crate) async fn deliveries(
        &self,
        id: WebhookId,
        query: DeliveryQuery,
    ) -> Result<Page<DeliveryView>, WebhookError> {
        self.found(id).await?;
        let before = query.cursor.as_ref().map(|cursor| cursor.as_str().parse());
        let before: Option<DeliveryId> = before.transpose().map_err(|_| WebhookError::BadCursor)?;
        let limit = query.limit.get();
        let found = self
            .store
            .deliveries(id, before, query.status, limit.saturating_add(1))
            .await;
        let mut data: Vec<DeliveryView> = found
            .map_err(failure)?
            .into_iter()
            .map(Delivery::view)
            .collect();
        // One more tells whether there is another page.
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = data.len() > most;
        data.truncate(most);
        let last = data.last().filter(|_| more);
        let next_cursor = last.and_then(|last| Cursor::parse(&last.id.to_string()).ok());
        Ok(Page { data, next_cursor })
    }

    /// Asks a webhook whether it hears.
    pub(crate) async fn ping(&self, id: WebhookId) -> Result<DeliveryView, WebhookError> {
        self.hears(id).await?;
        self.send(Delivery::ping(id, self.now())).await
    }

    /// Delivers once more what was delivered, or not, before: the same event under the same id.
    pub(crate) async fn again(&self, id: DeliveryId) -> Result<DeliveryView, WebhookError> {
        let found = self.store.delivery(id).await.map_err(failure)?;
        let found = found.ok_or(WebhookError::NotFound)?;
        self.hears(found.webhook_id).await?;
        self.send(Delivery::of(found.webhook_id, found.event, self.now()))
            .await
    }

    /// Has all events since a moment told once more.
    pub(crate) async fn replay(
        &self,
        id: WebhookId,
        wish: ReplayWebhook,
    ) -> Result<Replayed, WebhookError> {
        self.hears(id).await?;
        let next = self.store.rewind(id, wish.since).await.map_err(failure)?;
        let next_sequence = next.ok_or(WebhookError::NotFound)?;
        Ok(Replayed { next_sequence })
    }

    async fn send(&self, delivery: Delivery) -> Result<DeliveryView, WebhookError> {
        let sent = self.store.insert(delivery.clone()).await;
        sent.map_err(failure)?;
        Ok(delivery.view())
    }

    async fn hears(&self, id: WebhookId) -> Result<(), WebhookError> {
        if self.found(id).await?.hears() {
            return Ok(());
        }
        Err(WebhookError::Invalid {
            field: "/status".into(),
            reason: "is disabled; enable the webhook first".to_owned(),
        })
    }
}
