//! Spans on their way to the collector: a bounded queue, from which one task sends batches. What does not fit is
//! dropped and counted; nobody waits. The address comes from whoever runs the shop, so it may be anywhere.

use super::{
    Ended, Options, counted,
    few::{Few, Purpose},
    otlp,
    sampling::Sampler,
};
use crate::{
    clock::Clock,
    outward::{self, Network, Outward, Question, header::HeaderValue},
    tasks::Tasks,
};
use contracts::BoxError;
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The waits between tries of one batch, in seconds; meanwhile the queue takes what it can.
const AGAIN: [u64; 3] = [1, 2, 4];
/// What is left when the shop closes is tried once, for so long.
const LAST_TRY: Duration = Duration::from_secs(2);
/// The largest answer that is read: a collector says little.
const ANSWER_BYTES_MAX: u32 = 65_536;
/// So far the clock may have been put before spans follow it, in nanoseconds.
const CLOCK_SKEW_NS: u64 = 20_000_000;

static EXPORTER: OnceLock<Exporter> = OnceLock::new();

/// Where spans go, if they go anywhere.
pub(super) fn exporter() -> Option<&'static Exporter> {
    EXPORTER.get()
}

/// Where spans go.
pub(super) struct Exporter {
    queue: mpsc::Sender<Ended>,
    pub(super) sampler: Sampler,
    /// Where nobody chose a sampler.
    few: Option<Few>,
    began: Instant,
    /// What the clock said when this began, in nanoseconds since 1970.
    offset_ns: AtomicU64,
}

impl Exporter {
    /// The present moment, finer than the clock and never backwards between two looks at it.
    pub(super) fn now_ns(&self) -> u64 {
        self.offset_ns
            .load(Ordering::Relaxed)
            .saturating_add(nanoseconds(self.began.elapsed()))
    }

    /// Whether one more trace may begin.
    pub(super) fn begins(&self, purpose: Purpose) -> bool {
        let takes = |few: &Few| few.takes(purpose, self.began.elapsed().as_secs());
        self.few.as_ref().is_none_or(takes)
    }

    pub(super) fn offer(&self, span: Ended) {
        match self.queue.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => counted("dropped", 1),
        }
    }

    /// Follows a clock that was put.
    fn follow(&self, clock: &Clock) {
        let now = nanoseconds(Duration::from_millis(clock.now().as_ms().unsigned_abs()));
        let ours = self.now_ns();
        if now.abs_diff(ours) > CLOCK_SKEW_NS {
            let offset = now.saturating_sub(nanoseconds(self.began.elapsed()));
            self.offset_ns.store(offset, Ordering::Relaxed);
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Random enough to tell traces apart; never zero, which the standard keeps for none.
pub(super) fn random() -> [u64; 2] {
    let mut bytes = [0; 16];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bytes = *uuid::Uuid::now_v7().as_bytes();
    }
    let [high, low] = [u128::from_be_bytes(bytes) >> 64, u128::from_be_bytes(bytes)];
    let half = |number: u128| {
        u64::try_from(number & u128::from(u64::MAX))
            .unwrap_or(1)
            .max(1)
    };
    [half(high), half(low)]
}

/// Tells the collector from now on of what the process does. A second start in one process changes nothing.
///
/// # Errors
/// When there is no way out.
pub fn start(options: Options, clock: Clock, tasks: &Tasks) -> Result<(), BoxError> {
    let way = way(&options)?;
    let (queue, waiting) = mpsc::channel(options.queue_max);
    let exporter = Exporter {
        queue,
        sampler: options.sampler.unwrap_or(Sampler::DEFAULT),
        few: options.sampler.is_none().then(Few::default),
        began: Instant::now(),
        offset_ns: AtomicU64::new(0),
    };
    exporter.follow(&clock);
    if EXPORTER.set(exporter).is_err() {
        return Ok(());
    }
    tracing::info!(collector = %options.address, "spans are told of");
    let sending = Sending {
        options,
        way,
        is_well: true,
    };
    tasks.start("spans", move |stop| sending.run(waiting, clock, stop));
    Ok(())
}

/// The one way out, to wherever the operator says.
fn way(options: &Options) -> Result<Outward, BoxError> {
    let anywhere = ["0.0.0.0/0", "::/0"].map(|all| Network::try_from(all.to_owned()));
    let ms = u32::try_from(options.timeout.as_millis()).unwrap_or(u32::MAX);
    Outward::new(outward::Options {
        allow: anywhere.into_iter().collect::<Result<_, _>>()?,
        ports: Vec::new(),
        http: true,
        roots: options.roots.clone(),
        connect_timeout_ms: ms,
        head_timeout_ms: ms,
        timeout_ms: ms,
        head_bytes_max: 8_192,
        headers_max: 64,
        body_bytes_max: ANSWER_BYTES_MAX,
        in_flight_max: 1,
    })
}

/// What came of a try.
enum Sent {
    Taken,
    /// It will be the same the next time.
    Refused(String),
    Later(String),
}

struct Sending {
    options: Options,
    way: Outward,
    is_well: bool,
}

impl Sending {
    async fn run(
        mut self,
        mut waiting: mpsc::Receiver<Ended>,
        clock: Clock,
        stop: CancellationToken,
    ) -> Result<(), BoxError> {
        let mut batch = Vec::new();
        while !stop.is_cancelled() {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep(self.options.pause) => {}
                () = fill(&mut waiting, &mut batch, self.options.batch_max) => {}
            }
            drain(&mut waiting, &mut batch, self.options.batch_max);
            if let Some(exporter) = exporter() {
                exporter.follow(&clock);
            }
            if !batch.is_empty() {
                self.send(&batch, &stop).await;
                batch.clear();
            }
        }
        let last = async {
            loop {
                drain(&mut waiting, &mut batch, self.options.batch_max);
                if batch.is_empty() {
                    return;
                }
                self.send(&batch, &stop).await;
                batch.clear();
            }
        };
        if timeout(LAST_TRY, last).await.is_err() {
            tracing::warn!("the collector did not take the last spans in time");
        }
        Ok(())
    }

    /// Sends a batch, some times over if that may help.
    async fn send(&mut self, batch: &[Ended], stop: &CancellationToken) {
        let body = otlp::request(&self.options.resource, batch).to_string();
        let mut waits = AGAIN.into_iter();
        loop {
            match self.attempt(&body).await {
                Sent::Taken => return self.note(Ok(()), "sent", batch.len()),
                Sent::Refused(why) => return self.note(Err(why), "refused", batch.len()),
                Sent::Later(why) => match waits.next().filter(|_| !stop.is_cancelled()) {
                    Some(seconds) => tokio::select! {
                        () = sleep(Duration::from_secs(seconds)) => {}
                        () = stop.cancelled() => {}
                    },
                    None => return self.note(Err(why), "lost", batch.len()),
                },
            }
        }
    }

    async fn attempt(&self, body: &str) -> Sent {
        let kind = HeaderValue::from_static("application/json");
        let question = Question::post(self.options.address.clone(), kind, body.to_owned());
        let headers = self.options.headers.iter().cloned();
        let question = headers.fold(question, |question, (name, value)| {
            question.with(name, value)
        });
        match self.way.ask(question).await {
            Ok(answer) if answer.status.is_success() => Sent::Taken,
            // As the protocol lists them.
            Ok(answer) if matches!(answer.status.as_u16(), 429 | 502 | 503 | 504) => {
                Sent::Later(format!("it answered {}", answer.status))
            }
            Ok(answer) => Sent::Refused(format!("it answered {}", answer.status)),
            Err(error) => Sent::Later(error.to_string()),
        }
    }

    /// Counts, and says once that it went ill, and once that it is well again.
    fn note(&mut self, ended: Result<(), String>, outcome: &'static str, spans: usize) {
        counted(outcome, spans);
        match ended {
            Ok(()) if !self.is_well => tracing::info!("the collector takes spans again"),
            Err(why) if self.is_well => {
                tracing::warn!(collector = %self.options.address, why, "spans are lost and counted: nothing waits");
            }
            _ => {}
        }
        self.is_well = outcome == "sent";
    }
}

/// Ends when a batch is full.
async fn fill(waiting: &mut mpsc::Receiver<Ended>, batch: &mut Vec<Ended>, most: usize) {
    while batch.len() < most {
        match waiting.recv().await {
            Some(span) => batch.push(span),
            None => std::future::pending().await,
        }
    }
}

fn drain(waiting: &mut mpsc::Receiver<Ended>, batch: &mut Vec<Ended>, most: usize) {
    while batch.len() < most {
        match waiting.try_recv() {
            Ok(span) => batch.push(span),
            Err(_) => return,
        }
    }
}
