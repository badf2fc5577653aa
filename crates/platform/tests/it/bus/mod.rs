//! What every bus promises, tried on each of its forms; and what only a broker can be asked.

mod memory;
mod nats;
mod recovery;
mod suite;

use async_trait::async_trait;
use contracts::{
    BoxError,
    event::Envelope,
    values::{EventId, Timestamp},
};
use platform::bus::{Bus, Consumer, Listener};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Longer than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An event about a subject.
pub(crate) fn event(subject: &str, number: u32) -> Envelope {
    named("test.happened.v1", subject, number)
}

pub(crate) fn named(name: &str, subject: &str, number: u32) -> Envelope {
    Envelope {
        id: EventId::generate(),
        name: name.to_owned(),
        subject: subject.to_owned(),
        at: Timestamp::from_ms(0),
        payload: number.into(),
        trace: None,
    }
}

/// Consumes and notes; fails for some subjects, and takes its time for others.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) name: Option<&'static str>,
    seen: Mutex<Vec<(String, u32)>>,
    /// How often each subject fails yet.
    failures: Mutex<HashMap<String, u32>>,
    pub(crate) slow: Option<Duration>,
}

impl Notes {
    pub(crate) fn of(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name: Some(name),
            ..Self::default()
        })
    }

    pub(crate) fn slow(name: &'static str, each: Duration) -> Arc<Self> {
        Arc::new(Self {
            name: Some(name),
            slow: Some(each),
            ..Self::default()
        })
    }

    pub(crate) fn fail(&self, subject: &str, times: u32) {
        self.failures
            .lock()
            .unwrap()
            .insert(subject.to_owned(), times);
    }

    pub(crate) fn seen(&self) -> Vec<(String, u32)> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn of_subject(&self, subject: &str) -> Vec<u32> {
        let seen = self.seen();
        seen.into_iter()
            .filter(|(one, _)| one == subject)
            .map(|(_, number)| number)
            .collect()
    }

    fn note(&self, envelope: &Envelope) {
        // The bus's own tests send bare numbers, those of the outbox an event that holds one.
        let number = envelope.payload.get("number").unwrap_or(&envelope.payload);
        let number = u32::try_from(number.as_u64().unwrap()).unwrap();
        self.seen
            .lock()
            .unwrap()
            .push((envelope.subject.clone(), number));
    }
}

#[async_trait]
impl Consumer for Notes {
    fn name(&self) -> &'static str {
        self.name.unwrap_or("notes")
    }

    fn wants(&self) -> &'static [&'static str] {
        &["test.happened.v1"]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        if let Some(each) = self.slow {
            tokio::time::sleep(each).await;
        }
        if let Some(left) = self.failures.lock().unwrap().get_mut(&envelope.subject)
            && *left > 0
        {
            *left = left.saturating_sub(1);
            return Err("not now".into());
        }
        self.note(envelope);
        Ok(())
    }
}

/// Hears and notes.
#[derive(Default)]
pub(crate) struct Ear {
    heard: Mutex<Vec<u32>>,
    pub(crate) missed: AtomicU64,
}

impl Ear {
    pub(crate) fn heard(&self) -> Vec<u32> {
        self.heard.lock().unwrap().clone()
    }
}

#[async_trait]
impl Listener for Ear {
    fn name(&self) -> &'static str {
        "ear"
    }

    fn wants(&self) -> &'static [&'static str] {
        &["test.happened.v1"]
    }

    async fn hear(&self, envelope: &Envelope) {
        let number = u32::try_from(envelope.payload.as_u64().unwrap()).unwrap();
        self.heard.lock().unwrap().push(number);
    }

    async fn missed(&self) {
        self.missed.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
        "in time: {what}"
    );
}

/// Gives events to the bus as the outbox's relay does: what was refused comes again, in order for each subject.
pub(crate) async fn give(bus: &dyn Bus, mut events: Vec<Envelope>) {
    let giving = async {
        while !events.is_empty() {
            let answers = bus.publish_all(&events).await;
            assert_eq!(answers.len(), events.len());
            let refused = events
                .drain(..)
                .zip(answers)
                .filter(|(_, answer)| answer.is_err());
            events = refused.map(|(event, _)| event).collect();
            if !events.is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, giving).await.is_ok(),
        "the bus takes all events in time"
    );
}
