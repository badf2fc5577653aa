//! The bus of a simulated process: delivers twice, late, again much later, or not at all and says so. Notes what the
//! relay gave it, which outlives the process.

use crate::random::Random;
use async_trait::async_trait;
use checker::Delivery;
use contracts::{BoxError, event::Envelope};
use platform::bus::{Bus, Consumer, Listener};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Events remembered for coming again.
const REMEMBERED_MAX: usize = 64;

/// What the relays gave to the bus, over all lives of the process.
pub(crate) type Deliveries = Arc<Mutex<Vec<Delivery>>>;

/// How it misbehaves.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    pub(crate) troubles_per_mille: u32,
    pub(crate) troubled: Arc<AtomicBool>,
    pub(crate) swallows: bool,
    pub(crate) reorders: bool,
}

pub(crate) struct SimBus {
    consumers: Mutex<Vec<Arc<dyn Consumer>>>,
    listeners: Mutex<Vec<Arc<dyn Listener>>>,
    random: Mutex<Random>,
    remembered: Mutex<Vec<Envelope>>,
    held: Mutex<Option<Envelope>>,
    manners: Manners,
    deliveries: Deliveries,
}

impl SimBus {
    pub(crate) fn new(random: Random, manners: Manners, deliveries: Deliveries) -> Self {
        Self {
            consumers: Mutex::default(),
            listeners: Mutex::default(),
            random: Mutex::new(random),
            remembered: Mutex::default(),
            held: Mutex::default(),
            manners,
            deliveries,
        }
    }

    fn draws(&self) -> bool {
        let drawn = self
            .random
            .lock()
            .expect("the lots")
            .chance(self.manners.troubles_per_mille);
        drawn && self.manners.troubled.load(Ordering::Relaxed)
    }

    fn note(&self, envelope: &Envelope, taken: bool) {
        self.deliveries
            .lock()
            .expect("the deliveries")
            .push(Delivery {
                id: envelope.id,
                name: envelope.name.clone(),
                subject: envelope.subject.clone(),
                taken,
            });
    }

    async fn give(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let consumers = self.consumers.lock().expect("the consumers").clone();
        self.tell(envelope).await?;
        let mut outcome: Result<(), BoxError> = Ok(());
        for consumer in consumers
            .iter()
            .filter(|one| one.wants().contains(&envelope.name.as_str()))
        {
            let taken = consumer.consume(envelope).await;
            outcome = outcome.and(taken);
        }
        outcome
    }

    /// Something from long ago, again. Nobody may mind.
    async fn give_an_old_one(&self, newest: &Envelope) {
        let old = {
            let mut remembered = self.remembered.lock().expect("the remembered");
            if remembered.len() >= REMEMBERED_MAX {
                remembered.remove(0);
            }
            remembered.push(newest.clone());
            self.random
                .lock()
                .expect("the lots")
                .pick(&remembered)
                .cloned()
        };
        if let Some(old) = old.filter(|_| self.draws()) {
            drop(self.give(&old).await);
        }
    }

    /// On purpose: holds an event back until the next one of its subject has gone first.
    fn swapped(&self, envelope: &Envelope) -> Vec<Envelope> {
        let mut held = self.held.lock().expect("the held");
        match held.take() {
            Some(first) if first.subject == envelope.subject => vec![envelope.clone(), first],
            Some(first) => vec![first, envelope.clone()],
            None => {
                *held = Some(envelope.clone());
                Vec::new()
            }
        }
    }
}

#[async_trait]
impl Bus for SimBus {
    fn subscribe(&self, consumer: Arc<dyn Consumer>) {
        self.consumers.lock().expect("the consumers").push(consumer);
    }

    fn listen(&self, listener: Arc<dyn Listener>) {
        self.listeners.lock().expect("the listeners").push(listener);
    }

    fn is_wanted(&self, _: &str) -> bool {
        true
    }

    async fn tell(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let listeners = self.listeners.lock().expect("the listeners").clone();
        for listener in listeners
            .iter()
            .filter(|one| one.wants().contains(&envelope.name.as_str()))
        {
            listener.hear(envelope).await;
        }
        Ok(())
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BoxError> {
        if self.manners.swallows && self.draws() {
            return Ok(());
        }
        if self.manners.reorders {
            for one in self.swapped(envelope) {
                self.note(&one, self.give(&one).await.is_ok());
            }
            return Ok(());
        }
        if self.draws() {
            self.note(envelope, false);
            return Err("the bus is down".into());
        }
        if self.draws() {
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        let mut given = self.give(envelope).await;
        if self.draws() {
            given = given.and(self.give(envelope).await);
        }
        self.give_an_old_one(envelope).await;
        if self.draws() {
            given = given.and(Err("the bus lost its answer".into()));
        }
        self.note(envelope, given.is_ok());
        given
    }
}
