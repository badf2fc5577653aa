//! Shared work: of all nodes, one takes each event. Each consumer has a few lanes, and in a lane one event is at
//! work at a time, so that those of one subject keep their order across nodes. What fails, or takes long, or
//! stands behind what failed, leaves its lane for the waiting room; nothing stands still in a lane.

use super::{
    dead,
    link::Link,
    subjects::{LANES, key_of},
    waiting,
};
use crate::bus::{BEHIND, Consumer, hand};
use async_nats::jetstream::{
    Message,
    consumer::{AckPolicy, PullConsumer, pull},
    message::PublishMessage,
    stream::LastRawMessageErrorKind,
};
use contracts::{BoxError, event::Envelope};
use futures_util::{StreamExt, future::try_join_all};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How many tries an event had before it came to the waiting room.
pub(super) const TRIES: &str = "Souk-Tries";
/// Why it did not go through the last time.
pub(super) const REASON: &str = "Souk-Reason";
/// How long a request for an event stands at the broker.
const PULL: Duration = Duration::from_secs(10);
/// How often the broker says that it still knows of it.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// The wait after trouble with the broker.
const AGAIN: Duration = Duration::from_millis(250);

/// A consumer and the broker it is served by.
pub(super) struct Worker {
    pub(super) link: Arc<Link>,
    pub(super) consumer: Arc<dyn Consumer>,
    pub(super) stop: CancellationToken,
}

/// Works until it is told to stop.
pub(super) async fn run(
    link: Arc<Link>,
    consumer: Arc<dyn Consumer>,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let worker = Worker {
        link,
        consumer,
        stop,
    };
    loop {
        tokio::select! {
            () = worker.stop.cancelled() => return Ok(()),
            () = worker.link.opened() => {}
        }
        match worker.serve().await {
            Ok(()) => return Ok(()),
            Err(error) => {
                let name = worker.consumer.name();
                tracing::info!(consumer = name, error = %error, "a consumer begins again at the broker");
                // A stream may be gone: somebody should look, and make it again.
                worker.link.look_soon();
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// What a consumer has before it: events that nobody took yet, and those that wait.
pub(super) async fn backlog(link: &Link, consumer: &str) -> Result<(u64, u64), BoxError> {
    let left = |info: &async_nats::jetstream::consumer::Info| {
        info.num_pending
            .saturating_add(u64::try_from(info.num_ack_pending).unwrap_or(u64::MAX))
    };
    let events = link
        .context
        .get_stream_no_info(link.subjects.events_stream())
        .await?;
    let mut lag = 0_u64;
    for lane in 0..LANES {
        lag = lag.saturating_add(left(&events.consumer_info(durable(consumer, lane)).await?));
    }
    let room = link
        .context
        .get_stream_no_info(link.subjects.waiting_stream())
        .await?;
    Ok((lag, left(&room.consumer_info(consumer).await?)))
}

fn durable(consumer: &str, lane: u64) -> String {
    format!("{consumer}-{lane}")
}

impl Worker {
    async fn serve(&self) -> Result<(), BoxError> {
        let lanes = try_join_all((0..LANES).map(|lane| self.lane(lane)));
        tokio::try_join!(lanes, waiting::room(self))?;
        Ok(())
    }

    async fn lane(&self, lane: u64) -> Result<(), BoxError> {
        let source = self.lane_source(lane).await?;
        let mut messages = pull(&source, 1).await?;
        loop {
            let message = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                message = messages.next() => message.ok_or("the events ended")??,
            };
            self.first_try(&message).await?;
        }
    }

    async fn lane_source(&self, lane: u64) -> Result<PullConsumer, BoxError> {
        let (link, wants) = (&self.link, self.consumer.wants());
        let mut config = pull::Config {
            durable_name: Some(durable(self.consumer.name(), lane)),
            ack_policy: AckPolicy::Explicit,
            ack_wait: link.config.ack_wait(),
            max_deliver: -1,
            max_ack_pending: 1,
            ..pull::Config::default()
        };
        match wants {
            [name] => config.filter_subject = link.subjects.in_lane(lane, name),
            // Brokers before 2.10 take one filter only; what comes along and is not wanted is let go unseen.
            _ if !link.context.client().is_server_compatible(2, 10, 0) => {
                config.filter_subject = link.subjects.lane(lane);
            }
            names => {
                config.filter_subjects = names
                    .iter()
                    .map(|name| link.subjects.in_lane(lane, name))
                    .collect();
            }
        }
        let events = link
            .context
            .get_stream_no_info(link.subjects.events_stream())
            .await?;
        Ok(events.create_consumer(config).await?)
    }

    /// One short try. An event that does not go through at once goes to the waiting room, before its lane goes on.
    async fn first_try(&self, message: &Message) -> Result<(), BoxError> {
        let Some(envelope) = self.read(message).await? else {
            return Ok(());
        };
        if !self.consumer.wants().contains(&envelope.name.as_str()) {
            return acknowledge(message).await;
        }
        if self.has_earlier(key_of(&message.subject)).await? {
            return self.to_waiting_room(message, 0, BEHIND).await;
        }
        let longest = Duration::from_millis(self.link.config.first_try_ms);
        match self.attempt(&envelope, longest).await {
            Ok(()) => acknowledge(message).await,
            Err(reason) => {
                let (id, name, consumer) = (envelope.id, &envelope.name, self.consumer.name());
                tracing::warn!(event.id = %id, event.name = name, consumer, reason, "an event will come again");
                self.to_waiting_room(message, 1, &reason).await
            }
        }
    }

    /// The event in a message. What cannot be read will not get better: it is a dead letter at once.
    pub(super) async fn read(&self, message: &Message) -> Result<Option<Envelope>, BoxError> {
        match serde_json::from_slice(&message.payload) {
            Ok(envelope) => Ok(Some(envelope)),
            Err(error) => {
                dead::bury(
                    &self.link,
                    self.consumer.name(),
                    message,
                    &error.to_string(),
                )
                .await?;
                Ok(None)
            }
        }
    }

    pub(super) async fn attempt(
        &self,
        envelope: &Envelope,
        longest: Duration,
    ) -> Result<(), String> {
        match tokio::time::timeout(longest, hand(&*self.consumer, envelope)).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err(format!("took longer than {} ms", longest.as_millis())),
        }
    }

    /// Whether an earlier event of the same subject waits. Only a lane adds to its subjects' waiting, and the
    /// stream's leader is asked, so that the answer is true for as long as this event is out.
    async fn has_earlier(&self, key: &str) -> Result<bool, BoxError> {
        let link = &self.link;
        let room = link
            .context
            .get_stream_no_info(link.subjects.waiting_stream())
            .await?;
        let subject = link.subjects.waiting(self.consumer.name(), key);
        match room.get_last_raw_message_by_subject(&subject).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn to_waiting_room(
        &self,
        message: &Message,
        tries: u8,
        reason: &str,
    ) -> Result<(), BoxError> {
        let link = &self.link;
        let waiting = PublishMessage::build()
            .payload(message.payload.clone())
            .header(TRIES, tries.to_string())
            .header(REASON, one_line(reason))
            .expected_stream(link.subjects.waiting_stream());
        let subject = link
            .subjects
            .waiting(self.consumer.name(), key_of(&message.subject));
        link.context.send_publish(subject, waiting).await?.await?;
        acknowledge(message).await
    }
}

/// Events as they come, this many asked for at a time.
pub(super) async fn pull(
    source: &PullConsumer,
    at_a_time: usize,
) -> Result<pull::Stream, BoxError> {
    let asked = source.stream().max_messages_per_batch(at_a_time);
    Ok(asked.expires(PULL).heartbeat(HEARTBEAT).messages().await?)
}

pub(super) async fn acknowledge(message: &Message) -> Result<(), BoxError> {
    // Lost on the way, the event comes again, which harms nobody.
    message.ack().await
}

/// A text as a header takes it.
pub(super) fn one_line(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii() && !c.is_ascii_control() {
            c
        } else {
            ' '
        }
    };
    text.chars().take(500).map(plain).collect()
}
