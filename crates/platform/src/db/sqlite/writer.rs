//! The writer of a database: a thread that takes what waits, runs each write in a savepoint of one
//! transaction, commits once, and only then answers. A write that fails undoes itself alone.

use super::{Options, log::Log};
use crate::{
    db::{Abort, StoreError},
    deadline, fault, metrics,
};
use rusqlite::{Connection, ffi};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::JoinHandle,
    time::Instant,
};
use tokio::sync::{mpsc, oneshot, watch};

/// What a write leaves behind: whether to keep it, and how to tell its caller once the commit is known.
struct Ran {
    keep: bool,
    tell: Tell,
}

/// Tells a write's caller what became of it.
type Tell = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A write; given an error instead of a connection it does nothing and passes the error on.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Ran + Send>;

/// What the writer's thread works with.
pub(super) struct Writing {
    // Before the connection, so that the copying thread has ended when the file is closed.
    pub(super) log: Log,
    pub(super) connection: Connection,
    pub(super) committing: watch::Sender<u64>,
    pub(super) metrics: metrics::Sqlite,
}

#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(mut writing: Writing, options: Options) -> Result<Self, StoreError> {
        let capacity = usize::try_from(options.write_queue_max.max(1)).unwrap_or(usize::MAX);
        let (queue, mut waiting) = mpsc::channel::<Job>(capacity);
        let group_max = usize::try_from(options.group_max.max(1)).unwrap_or(usize::MAX);
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                while let Some(first) = waiting.blocking_recv() {
                    writing.commit(first, || waiting.try_recv().ok(), group_max);
                }
            })
            .map_err(|error| StoreError::Other(error.into()))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    pub(super) async fn write<T, R, J>(&self, job: J) -> Result<T, Abort<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, Abort<R>> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let deadline = deadline::current();
        let job: Job = Box::new(move |connection| {
            if answer.is_closed() {
                // The client has gone and nothing was begun for it.
                return Ran {
                    keep: false,
                    tell: Box::new(|_| ()),
                };
            }
            let is_late = deadline.is_some_and(|deadline| deadline.has_passed());
            let result = match connection {
                Ok(_) if is_late => Err(Abort::Failed(StoreError::Late)),
                Ok(connection) => catch_unwind(AssertUnwindSafe(|| job(connection)))
                    .unwrap_or_else(|_| Err(Abort::Failed(lost("the write panicked")))),
                Err(error) => Err(Abort::Failed(error)),
            };
            Ran {
                keep: result.is_ok(),
                tell: Box::new(move |committed| {
                    let told = match (committed, result) {
                        (Err(error), Ok(_)) => Err(Abort::Failed(error)),
                        (_, result) => result,
                    };
                    drop(answer.send(told));
                }),
            }
        });
        let stopped = || Abort::Failed(lost("the writer has stopped"));
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Abort::Failed(StoreError::Overloaded),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        wait.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// What waits is still written; then the thread ends, and the file is closed when this returns.
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else {
            return;
        };
        // The last write may hold the last handle of its own database: a thread cannot wait for itself.
        if thread.thread().id() != std::thread::current().id() {
            drop(thread.join());
        }
    }
}

fn lost(why: &str) -> StoreError {
    StoreError::Lost(why.to_owned())
}

impl Writing {
    fn commit(&mut self, first: Job, next: impl FnMut() -> Option<Job>, group_max: usize) {
        let began = Instant::now();
        let size = commit_group(&self.connection, first, next, group_max);
        let seconds = began.elapsed().as_secs_f64();
        self.metrics.commit_seconds.observe(seconds);
        self.metrics.group_size.observe(metrics::count(size));
        self.committing
            .send_modify(|count| *count = count.wrapping_add(1));
        self.log.tend(&self.connection);
    }
}

/// Answers how many writes the group had.
fn commit_group(
    connection: &Connection,
    first: Job,
    mut next: impl FnMut() -> Option<Job>,
    group_max: usize,
) -> usize {
    if let Err(error) = run(connection, "BEGIN IMMEDIATE") {
        refuse_group(first, next, group_max, &error.into());
        return 0;
    }
    let mut told = Vec::new();
    let mut is_first = true;
    let mut job = Some(first);
    while let Some(current) = job {
        let (tell, ended) = run_one(connection, current, is_first);
        is_first = false;
        told.push(tell);
        if let Some(error) = ended {
            if !connection.is_autocommit() {
                drop(run(connection, "ROLLBACK"));
            }
            return tell_all(told, || Err(error.again()));
        }
        job = if told.len() < group_max { next() } else { None };
    }
    fault::point("commit.before");
    match run(connection, "COMMIT") {
        Ok(()) => {
            fault::point("commit.after");
            tell_all(told, || Ok(()))
        }
        Err(error) => {
            stop_if_unsure(&error);
            if !connection.is_autocommit() {
                drop(run(connection, "ROLLBACK"));
            }
            let error = StoreError::from(error);
            tell_all(told, || Err(error.again()))
        }
    }
}

/// Tells everybody who waits that nothing can be written now: one wait for a lock is enough for all.
fn refuse_group(
    first: Job,
    mut next: impl FnMut() -> Option<Job>,
    group_max: usize,
    error: &StoreError,
) {
    tracing::warn!(error = %error, "no write could begin");
    let mut job = Some(first);
    for _ in 0..group_max {
        let Some(current) = job.take() else { return };
        (current(Err(error.again())).tell)(Ok(()));
        job = next();
    }
    if let Some(last) = job {
        (last(Err(error.again())).tell)(Ok(()));
    }
}

/// Runs a write so that it can be undone alone. The error means that the whole group is lost: SQLite ended the
/// transaction (a full disk, an I/O error), or the write could not be undone.
fn run_one(connection: &Connection, job: Job, is_first: bool) -> (Tell, Option<StoreError>) {
    let (begin, keep, undo) = if is_first { FIRST } else { OTHERS };
    if let Err(error) = run_all(connection, begin) {
        let error = StoreError::from(error);
        return (job(Err(error.again())).tell, Some(error));
    }
    let ran = job(Ok(connection));
    if connection.is_autocommit() {
        return (ran.tell, Some(StoreError::Full));
    }
    let statements = if ran.keep { keep } else { undo };
    let ended = run_all(connection, statements).err();
    (ran.tell, ended.map(StoreError::from))
}

/// Statements before a write, after one that is kept, and after one that is undone.
type Brackets = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

/// Before the first write of a group there is nothing to keep, so the transaction itself is its savepoint: SQLite
/// then copies no page aside. Large writes (a batch of orders) are mostly the first.
const FIRST: Brackets = (&[], &[], &["ROLLBACK", "BEGIN IMMEDIATE"]);
const OTHERS: Brackets = (
    &["SAVEPOINT one"],
    &["RELEASE one"],
    &["ROLLBACK TO one", "RELEASE one"],
);

fn run_all(connection: &Connection, statements: &[&str]) -> rusqlite::Result<()> {
    statements
        .iter()
        .try_for_each(|statement| run(connection, statement))
}

fn tell_all(told: Vec<Tell>, outcome: impl Fn() -> Result<(), StoreError>) -> usize {
    let count = told.len();
    for tell in told {
        tell(outcome());
    }
    count
}

fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

/// After a failed fsync nobody knows what the disk holds, and asking again is told a lie (Rebello et al.,
/// "Can Applications Recover from fsync Failures?", ATC 2020): only a restart, which reads the log, helps.
pub(super) fn stop_if_unsure(error: &rusqlite::Error) {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return;
    };
    if [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC].contains(&failure.extended_code) {
        tracing::error!(error = %error, "the disk did not confirm a write: stopping, as only a restart helps");
        std::process::abort();
    }
}
