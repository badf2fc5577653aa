//! The way between clients and shop: requests and answers take their time, get lost either way, and find nobody while
//! the process is down. Whole messages only: nothing here knows of packets.

use crate::{client::Way, random::Random};
use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Messages that wait for a process; more are lost.
pub(crate) const INBOX_MAX: usize = 1_024;

/// A request on its way.
pub(crate) struct Parcel {
    pub(crate) request: Request<Body>,
    pub(crate) delay: Duration,
    pub(crate) answer: oneshot::Sender<Response<Bytes>>,
}

/// The way to the shop. Clones are the same way.
#[derive(Debug, Clone)]
pub(crate) struct Net {
    inbox: Arc<Mutex<Option<mpsc::Sender<Parcel>>>>,
    open: Arc<Mutex<Vec<oneshot::Sender<()>>>>,
    cut: Arc<AtomicBool>,
    lossy: Arc<AtomicBool>,
    loss_per_mille: u32,
    delay_ms_max: u64,
}

impl Net {
    pub(crate) fn new(loss_per_mille: u32, delay_ms_max: u64) -> Self {
        Self {
            inbox: Arc::default(),
            open: Arc::default(),
            cut: Arc::default(),
            lossy: Arc::new(AtomicBool::new(true)),
            loss_per_mille,
            delay_ms_max,
        }
    }

    /// From now on messages go there.
    pub(crate) fn lead_to(&self, inbox: mpsc::Sender<Parcel>) {
        *self.inbox.lock().expect("the inbox") = Some(inbox);
    }

    /// Nobody is there any more. Open connections are reset one after the other, in the order of their requests: a
    /// runtime that is dropped lets go of its tasks in an order that nobody can tell.
    pub(crate) fn lead_nowhere(&self) {
        *self.inbox.lock().expect("the inbox") = None;
        for one in self.open.lock().expect("the connections").drain(..) {
            drop(one);
        }
    }

    /// A connection, as its client holds it; ends with an error when it is reset.
    fn connect(&self) -> oneshot::Receiver<()> {
        let (connection, reset) = oneshot::channel();
        let mut open = self.open.lock().expect("the connections");
        open.retain(|one| !one.is_closed());
        open.push(connection);
        reset
    }

    /// Whether nothing gets through.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    /// Loses nothing any more.
    pub(crate) fn heal(&self) {
        self.cut(false);
        self.lossy.store(false, Ordering::Relaxed);
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    fn loses(&self, random: &mut Random) -> bool {
        // Drawn in any case, so that what comes after does not depend on whether it matters.
        random.chance(self.loss_per_mille) && self.lossy.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Way for Net {
    async fn send(&self, request: Request<Bytes>, mut random: Random) -> Option<Response<Bytes>> {
        let mut way = || Duration::from_millis(random.below(self.delay_ms_max.saturating_add(1)));
        let (there, back) = (way(), way());
        let (lost_there, lost_back) = (self.loses(&mut random), self.loses(&mut random));
        let (answer, wait) = oneshot::channel();
        let parcel = Parcel {
            request: request.map(Body::from),
            delay: there,
            answer,
        };
        if lost_there || self.is_cut() {
            return std::future::pending().await;
        }
        let inbox = self.inbox.lock().expect("the inbox").clone()?;
        inbox.try_send(parcel).ok()?;
        let reset = self.connect();
        let response = tokio::select! {
            biased;
            response = wait => response.ok()?,
            _ = reset => return None,
        };
        tokio::time::sleep(back).await;
        if lost_back || self.is_cut() {
            return std::future::pending().await;
        }
        Some(response)
    }
}
