//! Dead letters: events that a consumer could not take in all its tries. They stay until somebody sends them on;
//! the broker refuses new ones rather than forget one.

use super::{
    link::Link,
    subjects::{consumer_of, key_of},
    working::{REASON, TRIES, acknowledge, one_line},
};
use crate::{bus::DeadLetter, metrics};
use async_nats::jetstream::{
    Message,
    message::{PublishMessage, StreamMessage},
    stream::LastRawMessageErrorKind,
};
use contracts::{BoxError, values::Timestamp};

/// Takes an event out of its consumer's way.
pub(super) async fn bury(
    link: &Link,
    consumer: &str,
    message: &Message,
    reason: &str,
) -> Result<(), BoxError> {
    let letter = PublishMessage::build()
        .payload(message.payload.clone())
        .header(REASON, one_line(reason))
        .expected_stream(link.subjects.dead_stream());
    let subject = link.subjects.dead(consumer, key_of(&message.subject));
    link.context.send_publish(subject, letter).await?.await?;
    metrics::bus().buried.inc();
    acknowledge(message).await
}

/// Those after this number, the oldest first.
pub(super) async fn list(link: &Link, after: u64, limit: u16) -> Result<Vec<DeadLetter>, BoxError> {
    let dead = link
        .context
        .get_stream_no_info(link.subjects.dead_stream())
        .await?;
    let (mut next, mut letters) = (after.saturating_add(1), Vec::new());
    while letters.len() < usize::from(limit) {
        match dead
            .get_first_raw_message_by_subject(link.subjects.all_dead(), next)
            .await
        {
            Ok(message) => {
                next = message.sequence.saturating_add(1);
                letters.push(letter(&message));
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(letters)
}

/// Sends one on to its consumer, with all tries before it; false if there is none of this number.
pub(super) async fn redrive(link: &Link, number: u64) -> Result<bool, BoxError> {
    let dead = link
        .context
        .get_stream_no_info(link.subjects.dead_stream())
        .await?;
    let message = match dead.get_raw_message(number).await {
        Ok(message) => message,
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let again = PublishMessage::build()
        .payload(message.payload.clone())
        .header(TRIES, "0")
        .expected_stream(link.subjects.waiting_stream());
    let subject = link
        .subjects
        .waiting(consumer_of(&message.subject), key_of(&message.subject));
    link.context.send_publish(subject, again).await?.await?;
    // In this order: at worst it is tried and is still in the list.
    dead.delete_message(number).await?;
    Ok(true)
}

fn letter(message: &StreamMessage) -> DeadLetter {
    let reason = message
        .headers
        .get(REASON)
        .map(|reason| reason.as_str().to_owned());
    let died_ms = message.time.unix_timestamp_nanos().checked_div(1_000_000);
    DeadLetter {
        number: message.sequence,
        consumer: consumer_of(&message.subject).to_owned(),
        event: serde_json::from_slice(&message.payload).ok(),
        reason: reason.unwrap_or_default(),
        at: Timestamp::from_ms(
            died_ms
                .and_then(|ms| i64::try_from(ms).ok())
                .unwrap_or_default(),
        ),
    }
}
