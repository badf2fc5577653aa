//! A write: a transaction that runs to its end even if its caller leaves, is made once more after a deadlock, and
//! whose outcome is found out when the answer to its COMMIT was lost. Each write leaves a mark in its own commit;
//! a write that finds its mark is there already.

use super::{Connection, Database, failure::Kind, marks::Mark};
use crate::{
    db::{Abort, StoreError},
    deadline::{self, Deadline},
    fault,
    outbox::postgres as outbox,
    trace,
};
use futures_util::future::BoxFuture;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Between two looks for a database that has gone.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Begun by the write or given up by its caller: whoever comes first decides.
#[derive(Debug, Clone, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// Gives a write up that was not begun when its caller leaves.
struct Waiting(Claim);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.take();
    }
}

/// What became of one try.
enum Try<T, R> {
    /// This, for certain.
    Done(Result<T, Abort<R>>),
    /// The write's mark was there: it had been made before.
    Made,
    /// Nothing of it was tried: neither its mark was left nor found.
    NotBegun(StoreError),
    /// Rolled back because of others.
    Deadlock(StoreError),
    /// It may be kept or not.
    Unknown(T, String),
}

impl Database {
    /// Makes one write: all of it or nothing. `job` gets a connection inside a transaction, and the input; it
    /// may be run twice, so it does nothing but run statements. The answer comes after the COMMIT. A caller who
    /// leaves before the write began finds nothing done; later, it goes on without them.
    ///
    /// # Errors
    /// The job's own refusal, or [`Abort::Failed`]: nothing is kept, except that nobody knows whether a write is
    /// that ended as [`StoreError::Unknown`].
    pub async fn write<I, T, R, J>(&self, input: I, job: J) -> Result<T, Abort<R>>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        R: Send + 'static,
        J: for<'a> Fn(&'a Connection, &'a I) -> BoxFuture<'a, Result<T, Abort<R>>>
            + Send
            + Sync
            + 'static,
    {
        let work = move |database: Self, claim: Claim| async move {
            database.run(input, job, &claim).await
        };
        self.to_its_end(work).await
    }

    /// Runs the work of a write to its end, whoever leaves. Who does not wait any more finds it not begun, or unknown.
    pub(super) async fn to_its_end<T, R, F>(
        &self,
        work: impl FnOnce(Self, Claim) -> F,
    ) -> Result<T, Abort<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: Future<Output = Result<T, Abort<R>>> + Send + 'static,
    {
        let deadline = deadline::current();
        let waiting = Waiting(Claim::default());
        let work = work(self.clone(), waiting.0.clone());
        let answer = self.shared.tasks.finish(work);
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or_else(|| {
                Err(StoreError::Lost("the write fell over".to_owned()).into())
            }),
            () = passed(deadline) => Err(if waiting.0.take() {
                StoreError::Late
            } else {
                StoreError::Unknown("the time was over before the write had ended".to_owned())
            }.into()),
        }
    }

    /// A connection for a write that somebody still waits for; from here on it is brought to its end.
    pub(super) async fn begin_for(&self, claim: &Claim) -> Result<Connection, StoreError> {
        let connection = self.read().await.map_err(late_or)?;
        if deadline::has_passed() || !claim.take() {
            return Err(StoreError::Late);
        }
        Ok(connection)
    }

    /// A connection to look for an outcome with, as soon as there is one.
    pub(super) async fn found_again(&self, why: &str) -> Result<Connection, StoreError> {
        let began = Instant::now();
        let wait = Duration::from_millis(self.shared.options.outcome_wait_ms.into());
        loop {
            match self.read().await {
                Ok(connection) => return Ok(connection),
                Err(_) if began.elapsed() >= wait => {
                    return Err(StoreError::Unknown(why.to_owned()));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn run<I, T, R, J>(&self, input: I, job: J, claim: &Claim) -> Result<T, Abort<R>>
    where
        I: Sync,
        T: Send,
        J: for<'a> Fn(&'a Connection, &'a I) -> BoxFuture<'a, Result<T, Abort<R>>> + Sync,
        R: Send,
    {
        let connection = self.begin_for(claim).await?;
        let mark = Mark::new();
        deadline::within(None, async {
            let mut tried = self.attempt(connection, mark, &input, &job).await;
            if let Try::Deadlock(_) = tried {
                self.shared.metrics.deadlocks.inc();
                // So that those who were in the way have gone on by then.
                sleep(mark.pause()).await;
                tried = self.attempt(self.read().await?, mark, &input, &job).await;
            }
            match tried {
                Try::Done(answer) => answer,
                Try::NotBegun(error) | Try::Deadlock(error) => Err(error.into()),
                Try::Unknown(value, why) => self.resolve(value, why, mark, (&input, &job)).await,
                Try::Made => {
                    Err(StoreError::Other("a write was there before it was made".into()).into())
                }
            }
        })
        .await
    }

    /// Makes the write again where its mark is not there, and so finds out. The mark of a COMMIT that is still
    /// under way is waited for, by PostgreSQL itself: two of one name cannot be.
    async fn resolve<I, T, R, J>(
        &self,
        value: T,
        why: String,
        mark: Mark,
        (input, job): (&I, &J),
    ) -> Result<T, Abort<R>>
    where
        I: Sync,
        T: Send,
        J: for<'a> Fn(&'a Connection, &'a I) -> BoxFuture<'a, Result<T, Abort<R>>> + Sync,
        R: Send,
    {
        let unknown = |why: String| Err(StoreError::Unknown(why).into());
        self.shared.metrics.lost_answers.inc();
        tracing::warn!(
            schema = self.schema(),
            why,
            "the answer to a COMMIT was lost: looking for its outcome"
        );
        let connection = self.found_again(&why).await?;
        match self.attempt(connection, mark, input, job).await {
            Try::Made => {
                self.note_commit();
                Ok(value)
            }
            Try::NotBegun(error) => unknown(format!("{why}; {error}")),
            // The mark was not there: the first try is undone for ever.
            Try::Done(answer) => answer,
            Try::Deadlock(error) => Err(error.into()),
            Try::Unknown(_, why) => unknown(why),
        }
    }

    async fn attempt<I, T, R, J>(
        &self,
        connection: Connection,
        mark: Mark,
        input: &I,
        job: &J,
    ) -> Try<T, R>
    where
        J: for<'a> Fn(&'a Connection, &'a I) -> BoxFuture<'a, Result<T, Abort<R>>>,
    {
        let limit = Duration::from_millis(self.shared.options.write_timeout_ms.into());
        let now = Instant::now();
        let until = now.checked_add(limit).unwrap_or(now);
        // Sent together: a write costs no more round trips for its mark.
        let beginning = async {
            let begin = connection.begin("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE");
            let (begun, marked) = tokio::join!(begin, mark.leave(&connection));
            begun?;
            marked
        };
        let silent = || StoreError::Lost("the database did not answer in time".to_owned());
        match timeout_at(until, beginning).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Try::Made,
            Ok(Err(error)) => return Try::NotBegun(error),
            Err(_) => return Try::NotBegun(silent()),
        }
        let work = async {
            let Some(trace) = trace::told() else {
                return job(&connection, input).await;
            };
            let last = outbox::last_number(&connection).await?;
            let value = job(&connection, input).await?;
            outbox::lay_trace_beside(&connection, last, trace).await?;
            Ok(value)
        };
        let value = match timeout_at(until, work).await {
            Ok(Ok(value)) => value,
            Ok(Err(Abort::Failed(error))) if connection.failed() == Some(Kind::Deadlock) => {
                return Try::Deadlock(error);
            }
            Ok(Err(abort)) => return Try::Done(Err(abort)),
            Err(_) => return Try::Done(Err(silent().into())),
        };
        fault::point("commit.before");
        match timeout_at(until, connection.commit()).await {
            Ok(Ok(Ok(()))) => {
                fault::point("commit.after");
                let took = now.elapsed().as_secs_f64();
                self.shared.metrics.commit_seconds.observe(took);
                self.note_commit();
                Try::Done(Ok(value))
            }
            Ok(Err(error)) => Try::Done(Err(error.into())),
            Ok(Ok(Err(error))) => Try::Unknown(value, error.to_string()),
            Err(_) => Try::Unknown(value, "COMMIT was not answered in time".to_owned()),
        }
    }

    pub(super) fn note_commit(&self) {
        self.shared
            .committing
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Whoever waited for a connection until their time was over is late.
fn late_or(error: StoreError) -> StoreError {
    if deadline::has_passed() {
        StoreError::Late
    } else {
        error
    }
}

async fn passed(deadline: Option<Deadline>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.moment()).await,
        None => std::future::pending().await,
    }
}
