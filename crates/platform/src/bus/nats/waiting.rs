//! The waiting room: events that failed, and those of the same subject that came after. Of each subject only the
//! earliest is tried, a few times, further and further apart; then it is a dead letter and the next one goes on.

use super::{
    dead,
    subjects::consumer_of,
    working::{TRIES, Worker, acknowledge, pull},
};
use async_nats::jetstream::{
    AckKind, Message,
    consumer::{AckPolicy, PullConsumer, pull as pulling},
    stream::{LastRawMessageErrorKind, Stream},
};
use contracts::{BoxError, event::Envelope};
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Whose turn it is.
enum Turn {
    Mine,
    Earlier,
    Gone,
}

/// Tries what waits until it is told to stop.
pub(super) async fn room(worker: &Worker) -> Result<(), BoxError> {
    let link = &worker.link;
    let room = link
        .context
        .get_stream_no_info(link.subjects.waiting_stream())
        .await?;
    let mut messages = pull(&source(worker, &room).await?, 1).await?;
    let permits = Semaphore::new(usize::from(link.config.tries_at_once));
    let mut running = FuturesUnordered::new();
    loop {
        let is_full = running.len() >= usize::from(link.config.waiting_max);
        tokio::select! {
            biased;
            // Whatever is being tried comes again elsewhere.
            () = worker.stop.cancelled() => return Ok(()),
            Some(outcome) = running.next() => {
                let outcome: Result<(), BoxError> = outcome;
                outcome?;
            }
            message = messages.next(), if !is_full => {
                running.push(later_try(worker, &room, &permits, message.ok_or("the waiting ended")??));
            }
        }
    }
}

async fn source(worker: &Worker, room: &Stream<()>) -> Result<PullConsumer, BoxError> {
    let (link, name) = (&worker.link, worker.consumer.name());
    let config = pulling::Config {
        durable_name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: link.config.ack_wait(),
        max_deliver: -1,
        max_ack_pending: i64::from(link.config.waiting_max),
        filter_subject: link.subjects.waiting(name, "*"),
        ..pulling::Config::default()
    };
    Ok(room.create_consumer(config).await?)
}

async fn later_try(
    worker: &Worker,
    room: &Stream<()>,
    permits: &Semaphore,
    message: Message,
) -> Result<(), BoxError> {
    debug_assert_eq!(consumer_of(&message.subject), worker.consumer.name());
    // How often it was tried: the try in the lane stands for its first time here.
    let deliveries = usize::try_from(message.info()?.delivered)
        .unwrap_or(1)
        .max(1);
    if deliveries == 1 && was_tried(&message) {
        return put_off(worker, &message, deliveries).await;
    }
    loop {
        match turn(room, &message).await? {
            Turn::Mine => break,
            Turn::Gone => return acknowledge(&message).await,
            Turn::Earlier => {
                keep(&message).await?;
                tokio::time::sleep(Duration::from_millis(worker.link.config.behind_wait_ms)).await;
            }
        }
    }
    let Some(envelope) = worker.read(&message).await? else {
        return Ok(());
    };
    match attempt(worker, permits, &message, &envelope).await? {
        Ok(()) => message.double_ack().await,
        Err(reason) => fail(worker, &message, &envelope, (deliveries, &reason)).await,
    }
}

fn was_tried(message: &Message) -> bool {
    let tries = message
        .headers
        .as_ref()
        .and_then(|headers| headers.get(TRIES));
    tries.is_some_and(|tries| tries.as_str() != "0")
}

/// The earliest of the subject in the room goes first.
async fn turn(room: &Stream<()>, message: &Message) -> Result<Turn, BoxError> {
    let own = message.info()?.stream_sequence;
    match room
        .get_first_raw_message_by_subject(&message.subject, 1)
        .await
    {
        Ok(first) if first.sequence == own => Ok(Turn::Mine),
        Ok(first) if first.sequence < own => Ok(Turn::Earlier),
        Ok(_) => Ok(Turn::Gone),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(Turn::Gone),
        Err(error) => Err(error.into()),
    }
}

/// A try, during which the broker is told that somebody is at it.
async fn attempt(
    worker: &Worker,
    permits: &Semaphore,
    message: &Message,
    envelope: &Envelope,
) -> Result<Result<(), String>, BoxError> {
    let longest = Duration::from_millis(worker.link.config.later_try_ms);
    let trying = async {
        let _permit = permits.acquire().await;
        worker.attempt(envelope, longest).await
    };
    tokio::pin!(trying);
    let often = worker
        .link
        .config
        .ack_wait()
        .checked_div(2)
        .unwrap_or(longest);
    loop {
        tokio::select! {
            outcome = &mut trying => return Ok(outcome),
            () = tokio::time::sleep(often) => keep(message).await?,
        }
    }
}

async fn fail(
    worker: &Worker,
    message: &Message,
    envelope: &Envelope,
    (tries, reason): (usize, &str),
) -> Result<(), BoxError> {
    let (id, name, consumer) = (envelope.id, &envelope.name, worker.consumer.name());
    if tries > worker.link.config.retry_wait_ms.len() {
        tracing::error!(event.id = %id, event.name = name, consumer, tries, reason, "an event is a dead letter");
        return dead::bury(&worker.link, consumer, message, reason).await;
    }
    tracing::warn!(event.id = %id, event.name = name, consumer, tries, reason, "an event will come again");
    put_off(worker, message, tries).await
}

/// Until the next try, after this many.
async fn put_off(worker: &Worker, message: &Message, tries: usize) -> Result<(), BoxError> {
    let waits = &worker.link.config.retry_wait_ms;
    let wait = waits
        .get(tries.saturating_sub(1))
        .or_else(|| waits.last())
        .copied()
        .unwrap_or_default();
    let later = AckKind::Nak(Some(Duration::from_millis(wait)));
    message.ack_with(later).await
}

async fn keep(message: &Message) -> Result<(), BoxError> {
    message.ack_with(AckKind::Progress).await
}
