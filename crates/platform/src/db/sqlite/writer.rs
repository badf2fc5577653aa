//! The writer of a database: a thread that takes what waits, runs each write in a savepoint of one
//! transaction, commits once, and only then answers. A write that fails undoes itself alone. While nobody else
//! writes and the disk is quick, whoever comes commits where it stands (ADR 32).

use super::{Options, log::Log, rows::Rows};
use crate::{
    db::{Abort, Durability, StoreError},
    deadline, fault, metrics, outbox, trace,
};
use rusqlite::{Connection, ffi};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{mpsc, oneshot, watch},
};

/// A thread of the runtime may be kept from its other work for so long, in microseconds.
const QUICK_MICROS: u64 = 500;

/// How the writer's thread is preferred to others, as `nice` counts: lower goes first.
const NICENESS: i32 = -10;

/// What a slow group is remembered as, in microseconds: some twenty quick ones make it forgotten.
const SLOW_MICROS: u64 = 8 * QUICK_MICROS;

/// Whoever commits on a thread of the runtime holds this. There is one for the whole process, so that all other
/// threads of the runtime go on.
static SEAT: Mutex<()> = Mutex::new(());

/// What a write leaves behind: whether to keep it, and how to tell its caller once the commit is known.
struct Ran {
    keep: bool,
    tell: Tell,
}

/// Tells a write's caller what became of it.
type Tell = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A write, and what its commit must outlive.
struct Job {
    durability: Durability,
    run: Run,
}

/// Given an error instead of a connection it does nothing and passes the error on.
type Run = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Ran + Send>;

/// What the writer's thread works with.
pub(super) struct Writing {
    // Before the connection, so that the copying thread has ended when the file is closed.
    pub(super) log: Log,
    pub(super) connection: Connection,
    /// What the connection's commits outlive just now.
    pub(super) durability: Durability,
    pub(super) committing: watch::Sender<u64>,
    /// What is watched, if anything.
    pub(super) rows: Option<Rows>,
    pub(super) metrics: metrics::Sqlite,
}

pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    writing: Arc<Mutex<Writing>>,
    /// How long groups take of late, in microseconds.
    pub(super) usual: Arc<AtomicU64>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    pub(super) fn start(writing: Writing, options: Options) -> Result<Self, StoreError> {
        let capacity = usize::try_from(options.write_queue_max.max(1)).unwrap_or(usize::MAX);
        let (queue, mut waiting) = mpsc::channel::<Job>(capacity);
        let group_max = usize::try_from(options.group_max.max(1)).unwrap_or(usize::MAX);
        let usual = Arc::new(AtomicU64::new(SLOW_MICROS));
        let writing = Arc::new(Mutex::new(writing));
        let (shared, learnt) = (Arc::clone(&writing), Arc::clone(&usual));
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                go_first();
                // One that came while a group of the other kind gathered: it begins the next.
                let mut held = None;
                while let Some(first) = held.take().or_else(|| waiting.blocking_recv()) {
                    // No write unwinds while this is held; a thread that did would have lost its place in the log.
                    let Ok(mut writing) = shared.lock() else {
                        return;
                    };
                    let kind = first.durability;
                    let next = || {
                        let job = waiting.try_recv().ok()?;
                        if job.durability == kind {
                            return Some(job);
                        }
                        held = Some(job);
                        None
                    };
                    let took = writing.commit(first, next, group_max);
                    learn(&learnt, kind, took);
                    let Writing {
                        log, connection, ..
                    } = &mut *writing;
                    log.tend(connection);
                }
            })
            .map_err(|error| StoreError::Other(error.into()))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            writing,
            usual,
        })
    }

    pub(super) async fn write<T, R, J>(&self, durability: Durability, job: J) -> Result<T, Abort<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, Abort<R>> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let deadline = deadline::current();
        let trace = trace::told();
        let run: Run = Box::new(move |connection| {
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
                Ok(connection) => catch_unwind(AssertUnwindSafe(|| {
                    outbox::in_trace(connection, trace, job)
                }))
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
        self.give(Job { durability, run })?;
        wait.await
            .map_err(|_| Abort::Failed(lost("the writer has stopped")))?
    }

    pub(super) fn watch(&self, tables: &'static [&'static str]) -> Result<Rows, StoreError> {
        let writing = self.writing.lock();
        let mut writing = writing.map_err(|_| lost("the writer has stopped"))?;
        // There is one hook: the rows of an earlier watch would seem to change no more.
        if writing.rows.is_some() {
            return Err(StoreError::Other("it is watched already".into()));
        }
        let rows = Rows::of(&mut writing.connection, tables)?;
        writing.rows = Some(rows.clone());
        Ok(rows)
    }

    /// Has a write made: here and now if that is quick, or by the thread.
    fn give(&self, job: Job) -> Result<(), StoreError> {
        let stopped = || lost("the writer has stopped");
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        if let Some((_seat, mut writing)) = self.free(queue) {
            let kind = job.durability;
            learn(&self.usual, kind, writing.commit(job, || None, 1));
            return Ok(());
        }
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })
    }

    /// The database, if nobody writes or waits to, groups were quick of late, the log need not be copied, and other
    /// threads of the runtime stay free. Two wake-ups of threads take longer than what a lone write does.
    fn free(&self, queue: &mpsc::Sender<Job>) -> Option<Free<'_>> {
        if self.usual.load(Ordering::Relaxed) > QUICK_MICROS
            || queue.capacity() < queue.max_capacity()
        {
            return None;
        }
        let runtime = Handle::try_current().ok()?;
        let others = runtime.runtime_flavor() == RuntimeFlavor::MultiThread
            && runtime.metrics().num_workers() > 1;
        if !others {
            return None;
        }
        let seat = SEAT.try_lock().ok()?;
        let writing = self.writing.try_lock().ok()?;
        (!writing.log.is_due()).then_some((seat, writing))
    }
}

/// Everybody waits for the writer, so its thread goes before those that serve, where the system lets it (ADR 43).
fn go_first() {
    // "Nobody" is the calling thread: Linux keeps a niceness for each (setpriority(2), notes).
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(error = %error, "the writer goes first nowhere: see RLIMIT_NICE");
    }
}

/// The process's seat, and a database that nobody writes.
type Free<'a> = (MutexGuard<'static, ()>, MutexGuard<'a, Writing>);

/// Remembers how long groups take that wait for the disk: one that is slow counts at once, quick ones little by little.
pub(super) fn learn(usual: &AtomicU64, kind: Durability, took_micros: u64) {
    if kind != Durability::PowerLoss {
        return;
    }
    let before = usual.load(Ordering::Relaxed);
    let now = took_micros
        .min(SLOW_MICROS)
        .max(before.saturating_sub(before / 8));
    usual.store(now, Ordering::Relaxed);
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
    /// Commits a group; answers how long it took, in microseconds.
    fn commit(&mut self, first: Job, next: impl FnMut() -> Option<Job>, group_max: usize) -> u64 {
        let began = Instant::now();
        let size = match self.outlive(first.durability) {
            Ok(()) => {
                let mark = || {
                    self.rows.as_ref().map(Rows::mark);
                    self.committing
                        .send_modify(|count| *count = count.wrapping_add(1));
                };
                commit_group((&self.connection, &mark), first, next, group_max)
            }
            Err(error) => refuse_group(first, next, group_max, &error.into()),
        };
        let took = began.elapsed();
        self.metrics.commit_seconds.observe(took.as_secs_f64());
        self.metrics.group_size.observe(metrics::count(size));
        u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
    }

    /// Has the commits that follow outlive what they must; SQLite takes this between transactions only.
    fn outlive(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability == durability {
            return Ok(());
        }
        let level = match durability {
            Durability::PowerLoss => "FULL",
            Durability::Kill => "NORMAL",
        };
        self.connection.pragma_update(None, "synchronous", level)?;
        self.durability = durability;
        Ok(())
    }
}

/// Answers how many writes the group had. What changed is marked before anybody is told of it.
fn commit_group(
    (connection, mark): (&Connection, &dyn Fn()),
    first: Job,
    mut next: impl FnMut() -> Option<Job>,
    group_max: usize,
) -> usize {
    if let Err(error) = run(connection, "BEGIN IMMEDIATE") {
        return refuse_group(first, next, group_max, &error.into());
    }
    let mark_and_tell = |told, outcome: &dyn Fn() -> Result<(), StoreError>| {
        mark();
        tell_all(told, outcome)
    };
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
            return mark_and_tell(told, &|| Err(error.again()));
        }
        job = if told.len() < group_max { next() } else { None };
    }
    fault::point("commit.before");
    match run(connection, "COMMIT") {
        Ok(()) => {
            fault::point("commit.after");
            mark_and_tell(told, &|| Ok(()))
        }
        Err(error) => {
            stop_if_unsure(&error);
            if !connection.is_autocommit() {
                drop(run(connection, "ROLLBACK"));
            }
            let error = StoreError::from(error);
            mark_and_tell(told, &|| Err(error.again()))
        }
    }
}

/// Tells everybody who waits that nothing can be written now: one wait for a lock is enough for all. Whoever comes once
/// the first have been told did not wait, and is tried. Answers how many were written: none.
fn refuse_group(
    first: Job,
    next: impl FnMut() -> Option<Job>,
    group_max: usize,
    error: &StoreError,
) -> usize {
    tracing::warn!(error = %error, "no write could begin");
    let more = std::iter::from_fn(next).take(group_max.saturating_sub(1));
    let group: Vec<Job> = std::iter::once(first).chain(more).collect();
    for job in group {
        ((job.run)(Err(error.again())).tell)(Ok(()));
    }
    0
}

/// Runs a write so that it can be undone alone. The error means that the whole group is lost: SQLite ended the
/// transaction (a full disk, an I/O error), or the write could not be undone.
fn run_one(connection: &Connection, job: Job, is_first: bool) -> (Tell, Option<StoreError>) {
    let (begin, keep, undo) = if is_first { FIRST } else { OTHERS };
    if let Err(error) = run_all(connection, begin) {
        let error = StoreError::from(error);
        return ((job.run)(Err(error.again())).tell, Some(error));
    }
    let ran = (job.run)(Ok(connection));
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
