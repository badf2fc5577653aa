//! The writer of a database: a thread that takes what waits, runs each write in a savepoint of one
//! transaction, commits once, and only then answers. A write that fails undoes itself alone.

use super::Options;
use crate::{
    db::{Abort, StoreError},
    fault,
};
use rusqlite::{Connection, ffi};
use std::panic::{AssertUnwindSafe, catch_unwind};
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

#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        options: Options,
        committing: watch::Sender<u64>,
    ) -> std::io::Result<Self> {
        let capacity = usize::try_from(options.write_queue_max.max(1)).unwrap_or(usize::MAX);
        let (queue, mut waiting) = mpsc::channel::<Job>(capacity);
        let group_max = usize::try_from(options.group_max.max(1)).unwrap_or(usize::MAX);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                while let Some(first) = waiting.blocking_recv() {
                    let next = || waiting.try_recv().ok();
                    commit_group(&connection, first, next, group_max);
                    committing.send_modify(|count| *count = count.wrapping_add(1));
                }
            })?;
        Ok(Self { queue })
    }

    pub(super) async fn write<T, R, J>(&self, job: J) -> Result<T, Abort<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, Abort<R>> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if answer.is_closed() {
                // The client has gone and nothing was begun for it.
                return Ran {
                    keep: false,
                    tell: Box::new(|_| ()),
                };
            }
            let result = match connection {
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
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Abort::Failed(StoreError::Overloaded),
            mpsc::error::TrySendError::Closed(_) => Abort::Failed(lost("the writer has stopped")),
        })?;
        wait.await
            .map_err(|_| Abort::Failed(lost("the writer has stopped")))?
    }
}

fn lost(why: &str) -> StoreError {
    StoreError::Lost(why.to_owned())
}

fn commit_group(
    connection: &Connection,
    first: Job,
    mut next: impl FnMut() -> Option<Job>,
    group_max: usize,
) {
    if let Err(error) = run(connection, "BEGIN IMMEDIATE") {
        refuse_group(first, next, group_max, &error.into());
        return;
    }
    let mut told = Vec::new();
    let mut job = Some(first);
    while let Some(current) = job {
        let (tell, ended) = run_one(connection, current);
        told.push(tell);
        if let Some(error) = ended {
            if !connection.is_autocommit() {
                drop(run(connection, "ROLLBACK"));
            }
            tell_all(told, || Err(error.again()));
            return;
        }
        job = if told.len() < group_max { next() } else { None };
    }
    fault::point("commit.before");
    match run(connection, "COMMIT") {
        Ok(()) => {
            fault::point("commit.after");
            tell_all(told, || Ok(()));
        }
        Err(error) => {
            stop_if_unsure(&error);
            if !connection.is_autocommit() {
                drop(run(connection, "ROLLBACK"));
            }
            let error = StoreError::from(error);
            tell_all(told, || Err(error.again()));
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

/// Runs a write in its savepoint. The error means that the whole group is lost: SQLite ended the transaction
/// (a full disk, an I/O error), or the savepoint could not be undone.
fn run_one(connection: &Connection, job: Job) -> (Tell, Option<StoreError>) {
    if let Err(error) = run(connection, "SAVEPOINT one") {
        let error = StoreError::from(error);
        return (job(Err(error.again())).tell, Some(error));
    }
    let ran = job(Ok(connection));
    if connection.is_autocommit() {
        return (ran.tell, Some(StoreError::Full));
    }
    let undone = if ran.keep {
        Ok(())
    } else {
        run(connection, "ROLLBACK TO one")
    };
    let ended = undone.and_then(|()| run(connection, "RELEASE one")).err();
    (ran.tell, ended.map(StoreError::from))
}

fn tell_all(told: Vec<Tell>, outcome: impl Fn() -> Result<(), StoreError>) {
    for tell in told {
        tell(outcome());
    }
}

fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

/// After a failed fsync nobody knows what the disk holds, and asking again is told a lie (Rebello et al.,
/// "Can Applications Recover from fsync Failures?", ATC 2020): only a restart, which reads the log, helps.
fn stop_if_unsure(error: &rusqlite::Error) {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return;
    };
    if [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC].contains(&failure.extended_code) {
        tracing::error!(error = %error, "the disk did not confirm a write: stopping, as only a restart helps");
        std::process::abort();
    }
}
