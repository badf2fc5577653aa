//! Publishing: many events in flight, those of one subject one after the other. An event counts as taken only
//! when the broker has acknowledged it, and its id lets the broker recognise it when it comes again.

use super::link::Link;
use crate::{bus::BEHIND, metrics};
use async_nats::jetstream::{context::PublishErrorKind, message::PublishMessage};
use contracts::{BoxError, event::Envelope, trace::TRACEPARENT};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;

/// Publishes one event.
pub(super) async fn one(link: &Link, envelope: &Envelope) -> Result<(), BoxError> {
    if let Some(reason) = link.why_away() {
        return Err(format!("the broker is away: {reason}").into());
    }
    let id = envelope.id.to_string();
    let message = PublishMessage::build()
        .payload(serde_json::to_vec(envelope)?.into())
        .expected_stream(link.subjects.events_stream())
        .message_id(&id);
    // For others that listen at the broker: ours read it in the event.
    let message = match envelope.trace {
        Some(trace) => message.header(TRACEPARENT, trace.to_string()),
        None => message,
    };
    let sent = async {
        link.context
            .send_publish(link.subjects.event(envelope), message)
            .await?
            .await
    };
    match sent.await {
        Ok(acknowledgement) => {
            if !acknowledgement.duplicate {
                link.acknowledged(acknowledgement.sequence, id);
            }
            metrics::bus().published.inc();
            Ok(())
        }
        Err(error) => {
            metrics::bus().refused.inc();
            let concerns_all = [
                PublishErrorKind::StreamNotFound,
                PublishErrorKind::TimedOut,
                PublishErrorKind::BrokenPipe,
            ];
            if concerns_all.contains(&error.kind()) {
                link.suspect(&error.to_string());
            }
            Err(error.into())
        }
    }
}

/// Tells whoever listens now; nobody acknowledges it.
pub(super) async fn news(link: &Link, envelope: &Envelope) -> Result<(), BoxError> {
    if let Some(reason) = link.why_away() {
        return Err(format!("the broker is away: {reason}").into());
    }
    let payload = serde_json::to_vec(envelope)?;
    let subject = link.subjects.news(&envelope.name);
    let client = link.context.client();
    Ok(client.publish(subject, payload.into()).await?)
}

/// Publishes many, each subject's in order: behind a refused one nothing of its subject is tried.
pub(super) async fn all(link: &Link, envelopes: &[Envelope]) -> Vec<Result<(), BoxError>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut subjects: Vec<Vec<(usize, &Envelope)>> = Vec::new();
    for (index, envelope) in envelopes.iter().enumerate() {
        let place = *places.entry(&envelope.subject).or_insert(subjects.len());
        match subjects.get_mut(place) {
            Some(subject) => subject.push((index, envelope)),
            None => subjects.push(vec![(index, envelope)]),
        }
    }
    let tries: Vec<_> = subjects
        .into_iter()
        .map(|subject| in_order(link, subject))
        .collect();
    let mut answers: Vec<(usize, Result<(), BoxError>)> = stream::iter(tries)
        .buffer_unordered(usize::from(link.config.in_flight_max))
        .concat()
        .await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

async fn in_order(
    link: &Link,
    subject: Vec<(usize, &Envelope)>,
) -> Vec<(usize, Result<(), BoxError>)> {
    let mut answers = Vec::with_capacity(subject.len());
    let mut refused = false;
    for (index, envelope) in subject {
        let answer = if refused {
            Err(BEHIND.into())
        } else {
            one(link, envelope).await
        };
        refused |= answer.is_err();
        answers.push((index, answer));
    }
    answers
}
