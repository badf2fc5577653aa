//! News: every node hears what any node publishes, straight from the wire. Nothing is kept for a listener; when
//! something may have passed it, it is told so.

use super::link::Link;
use crate::bus::Listener;
use contracts::{BoxError, event::Envelope};
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Hears until it is told to stop.
pub(super) async fn run(
    link: Arc<Link>,
    listener: Arc<dyn Listener>,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let mut gaps = link.gaps.subscribe();
    let client = link.context.client();
    let mut all = Vec::new();
    for name in listener.wants() {
        // Stands by itself again after every reconnection.
        all.push(client.subscribe(link.subjects.named(name)).await?);
        all.push(client.subscribe(link.subjects.news(name)).await?);
    }
    let mut news = stream::select_all(all);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // The sender lives as long as the link.
            _ = gaps.changed() => listener.missed().await,
            message = news.next() => {
                let Some(message) = message else {
                    // There is nothing to hear any more, or never was.
                    stop.cancelled().await;
                    return Ok(());
                };
                match serde_json::from_slice::<Envelope>(&message.payload) {
                    Ok(envelope) => listener.hear(&envelope).await,
                    Err(error) => {
                        tracing::warn!(listener = listener.name(), error = %error, "news that cannot be read");
                        listener.missed().await;
                    }
                }
            }
        }
    }
}
