//! Verification on request, and by the clock: one run at a time however many ask, and one report for all of them.

use super::{Books, Order, check_in};
use async_trait::async_trait;
use contracts::{
    BoxError,
    audit::{AuditAnswer, AuditReport, Auditor},
    values::Timestamp,
};
use platform::tasks::Tasks;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// How long a report is as good as a new one.
const FRESH: Duration = Duration::from_secs(5);
/// How long somebody waits for a run; it must be less than the time a request may take.
const WAIT: Duration = Duration::from_secs(3);

type Outcome = Option<Result<AuditReport, String>>;

/// What is known of the last run.
#[derive(Default)]
struct Known {
    running: Option<(Timestamp, watch::Receiver<Outcome>)>,
    last: Option<(Instant, AuditReport)>,
}

/// Keeps the last report, and makes the next one when somebody asks.
#[derive(Clone)]
pub(crate) struct Keeper {
    books: Books,
    tasks: Tasks,
    known: Arc<Mutex<Known>>,
}

impl Keeper {
    pub(crate) fn new(books: Books, tasks: Tasks) -> Self {
        Self {
            books,
            tasks,
            known: Arc::default(),
        }
    }

    /// Begins a run that nobody waits for, unless one is under way or a report is fresh.
    pub(crate) fn audit_by_the_clock(&self) {
        drop(self.report_or_run(Order::OneAfterAnother));
    }

    /// A report that is fresh, or the run that is under way: one that is begun now, if there was none.
    fn report_or_run(
        &self,
        order: Order,
    ) -> Result<AuditReport, (Timestamp, watch::Receiver<Outcome>)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, report)) = &known.last
            && made.elapsed() < FRESH
        {
            return Ok(report.clone());
        }
        if let Some((since, outcome)) = &known.running {
            // A run that fell over has let go of its end.
            if outcome.has_changed().is_ok() || outcome.borrow().is_some() {
                return Err((*since, outcome.clone()));
            }
        }
        let (done, outcome) = watch::channel(None);
        let since = crate::shop::now();
        known.running = Some((since, outcome.clone()));
        let this = self.clone();
        // It goes on when whoever asked has gone: the next one finds it.
        drop(
            self.tasks
                .finish(async move { this.run(order, done).await }),
        );
        Err((since, outcome))
    }

    /// A shop that closes does not wait for it.
    async fn run(self, order: Order, done: watch::Sender<Outcome>) {
        let stop = self.tasks.stopping();
        let outcome = tokio::select! {
            outcome = check_in(order, &self.books, true) => outcome.map_err(|error| error.to_string()),
            () = stop.cancelled() => Err("the shop closes".to_owned()),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.running = None;
        match &outcome {
            Ok(report) => {
                if !report.balanced {
                    tracing::error!(
                        audit.violations = report.violations_total,
                        "the books do not balance"
                    );
                }
                known.last = Some((Instant::now(), report.clone()));
            }
            Err(error) => tracing::error!(error = %error, "the books could not be read"),
        }
        done.send_replace(Some(outcome));
    }
}

#[async_trait]
impl Auditor for Keeper {
    async fn audit(&self) -> Result<AuditAnswer, BoxError> {
        let (since, mut outcome) = match self.report_or_run(Order::AtOnce) {
            Ok(report) => return Ok(AuditAnswer::Done(report)),
            Err(run) => run,
        };
        let Ok(ended) = tokio::time::timeout(WAIT, outcome.wait_for(Option::is_some)).await else {
            return Ok(AuditAnswer::Running(since));
        };
        let ended = ended.map(|outcome| outcome.clone());
        match ended {
            Ok(Some(Ok(report))) => Ok(AuditAnswer::Done(report)),
            Ok(Some(Err(error))) => Err(error.into()),
            Ok(None) | Err(_) => Err("the verification fell over".into()),
        }
    }
}
