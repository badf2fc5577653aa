//! Verification on request, and by the clock: one run at a time however many ask, and a fresh report for all of them.

use super::{Books, check_at, pace::Pace};
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

/// A run, since when, and how fast it goes.
#[derive(Clone)]
struct Run {
    since: Timestamp,
    outcome: watch::Receiver<Outcome>,
    pace: Arc<Pace>,
}

/// What is known of the last run.
#[derive(Default)]
struct Known {
    running: Option<Run>,
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

    /// Begins a run, unless one is under way or a report is fresh: nobody waits for it, and it stands in nobody's way.
    pub(crate) fn audit_by_the_clock(&self) {
        drop(self.report_or_run(Pace::easy()));
    }

    /// A report that is fresh, or the run that is under way: one that is begun now, if there was none.
    fn report_or_run(&self, pace: Pace) -> Result<AuditReport, Run> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, report)) = &known.last
            && made.elapsed() < FRESH
        {
            return Ok(report.clone());
        }
        if let Some(run) = &known.running {
            // A run that fell over has let go of its end.
            if run.outcome.has_changed().is_ok() || run.outcome.borrow().is_some() {
                if !pace.is_easy() {
                    run.pace.hurry();
                }
                return Err(run.clone());
            }
        }
        let (done, outcome) = watch::channel(None);
        let run = Run {
            since: crate::shop::now(),
            outcome,
            pace: Arc::new(pace),
        };
        known.running = Some(run.clone());
        let (this, pace) = (self.clone(), Arc::clone(&run.pace));
        // It goes on when whoever asked has gone: the next one finds it.
        drop(
            self.tasks
                .finish(async move { this.run(&pace, done).await }),
        );
        Err(run)
    }

    /// A shop that closes does not wait for it.
    async fn run(self, pace: &Pace, done: watch::Sender<Outcome>) {
        let stop = self.tasks.stopping();
        let outcome = tokio::select! {
            outcome = check_at(pace, &self.books, true) => outcome.map_err(|error| error.to_string()),
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
        let Run {
            since, mut outcome, ..
        } = match self.report_or_run(Pace::quick()) {
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
