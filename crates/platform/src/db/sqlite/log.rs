//! The write-ahead log is copied back by a thread of its own, beside the writer: no commit waits for it. Only the
//! short rest that came meanwhile is copied by the writer, between two groups, so that the log begins anew and
//! its file stays bounded although there is always somebody who writes or reads.

use super::writer::stop_if_unsure;
use crate::{db::StoreError, metrics};
use rusqlite::{Connection, hooks::Wal};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// The log may grow to this many times the pages at which copying begins, before the writer waits for readers.
pub(super) const HARD: u32 = 4;
/// The part of those pages that is a short rest, and that is waited for between two tries.
const PART: u32 = 4;
/// Rounds of the copying thread, each over what came during the one before.
const ROUNDS_MAX: u32 = 8;
/// How long the writer waits for readers to let go of the log: while there is room, and when there is none.
const PATIENCE: Duration = Duration::from_millis(10);
const PATIENCE_WHEN_FULL: Duration = Duration::from_millis(100);

/// The writer's view of its log.
#[derive(Debug)]
pub(super) struct Log {
    pages: Arc<AtomicU32>,
    begin_at: u32,
    next_at: u32,
    copying: bool,
    copier: Option<Copier>,
    metrics: metrics::Sqlite,
}

impl Log {
    /// Looks after the log of the writer's connection; `second` is a connection of its own for copying.
    pub(super) fn keep(
        writer: &mut Connection,
        second: Connection,
        begin_at: u32,
        metrics: metrics::Sqlite,
    ) -> Result<Self, StoreError> {
        let pages = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&pages);
        writer.wal_hook(Some(move |_: &mut Wal, count| {
            seen.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let begin_at = begin_at.max(1);
        let seconds = metrics.checkpoint_seconds.clone();
        Ok(Self {
            pages,
            begin_at,
            next_at: begin_at,
            copying: false,
            copier: Some(Copier::start(second, begin_at / PART, seconds)?),
            metrics,
        })
    }

    /// Whether the log has grown so far that somebody should look after it.
    pub(super) fn is_due(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= self.next_at
    }

    /// After each commit, before the next group.
    pub(super) fn tend(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        self.metrics.log_pages.set(i64::from(pages));
        if pages < self.begin_at {
            // It began anew.
            self.next_at = self.begin_at;
        }
        if pages < self.next_at {
            return;
        }
        let full = pages >= self.begin_at.saturating_mul(HARD);
        let patience = if full { PATIENCE_WHEN_FULL } else { PATIENCE };
        let Some(copier) = &self.copier else { return };
        if !self.copying {
            self.copying = copier.begin();
        }
        if !full && self.copying && !copier.has_ended(Duration::ZERO) {
            return;
        }
        if full && self.copying && !copier.has_ended(patience) {
            tracing::warn!(
                pages,
                "the write-ahead log grows: it is not copied as fast as it is written"
            );
            return;
        }
        self.copying = false;
        self.finish(writer, patience);
        // Whatever stood in the way is given time; a log that did begin anew resets this.
        self.next_at = pages.saturating_add(self.begin_at.div_ceil(PART));
    }

    /// Copies the rest; unless a reader stays on the log, the next group begins it anew.
    fn finish(&self, writer: &Connection, patience: Duration) {
        let began = Instant::now();
        let result = writer
            .busy_timeout(patience)
            .and_then(|()| checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)"));
        drop(writer.busy_timeout(super::BUSY));
        let seconds = &self.metrics.checkpoint_seconds;
        seconds.observe(began.elapsed().as_secs_f64());
        if let Err(error) = result {
            tracing::warn!(error = %error, "the write-ahead log grows: it could not be copied back");
        }
    }
}

/// The thread that copies; it ends with the log that it belongs to.
#[derive(Debug)]
struct Copier {
    wake: Option<SyncSender<()>>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Copier {
    fn start(
        connection: Connection,
        short: u32,
        seconds: metrics::Histogram,
    ) -> Result<Self, StoreError> {
        let (wake, woken) = sync_channel(1);
        let (end, ended) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || {
                while woken.recv().is_ok() {
                    copy(&connection, short, &seconds);
                    if end.send(()).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| StoreError::Other(error.into()))?;
        Ok(Self {
            wake: Some(wake),
            ended,
            thread: Some(thread),
        })
    }

    /// Whether copying began.
    fn begin(&self) -> bool {
        let wake = self.wake.as_ref();
        wake.is_some_and(|wake| wake.try_send(()).is_ok())
    }

    /// Whether copying has ended, or does so within this time.
    fn has_ended(&self, patience: Duration) -> bool {
        self.ended.recv_timeout(patience).is_ok()
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Some rounds, each over what came during the one before, until the rest is short.
fn copy(connection: &Connection, short: u32, seconds: &metrics::Histogram) {
    let mut left = u32::MAX;
    for _ in 0..ROUNDS_MAX {
        let began = Instant::now();
        let result = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)");
        seconds.observe(began.elapsed().as_secs_f64());
        match result {
            Ok(now_left) if now_left > short && now_left < left => left = now_left,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(error = %error, "the write-ahead log was not copied back");
                return;
            }
        }
    }
}

/// Copies what may be copied; answers how many pages are left.
fn checkpoint(connection: &Connection, statement: &str) -> rusqlite::Result<u32> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let done = connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.query_row([], read));
    match done {
        Ok((pages, copied)) => Ok(u32::try_from(pages.saturating_sub(copied)).unwrap_or(0)),
        Err(error) => {
            stop_if_unsure(&error);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::sqlite::tests::Folder;

    const BEGIN_AT: u32 = 64;

    struct Place {
        log: Log,
        writer: Connection,
        folder: Folder,
    }

    fn place(begin_at: u32) -> Place {
        let folder = Folder::new();
        drop(folder.open());
        let open = || super::super::connect(&folder.file(), super::super::tests::OPTIONS, false);
        let (mut writer, second) = (open().unwrap(), open().unwrap());
        let metrics = metrics::Sqlite::of("test");
        let log = Log::keep(&mut writer, second, begin_at, metrics).unwrap();
        Place {
            log,
            writer,
            folder,
        }
    }

    impl Place {
        /// Some pages in one commit.
        fn commit(&mut self) {
            let sql = "INSERT INTO things VALUES (hex(randomblob(16)), length(zeroblob(1))),
                                                 (hex(randomblob(6000)), 1)";
            self.writer.execute(sql, []).unwrap();
            self.log.tend(&self.writer);
        }

        /// Pages that the log's file has room for; it never shrinks.
        fn pages(&self) -> u64 {
            let file = self.folder.file().with_extension("sqlite-wal");
            let bytes = std::fs::metadata(file).unwrap().len();
            bytes.checked_div(super::super::PAGE_BYTES.into()).unwrap()
        }
    }

    #[test]
    fn the_log_stays_bounded_while_somebody_always_writes() {
        let mut place = place(BEGIN_AT);
        for _ in 0..1_000 {
            place.commit();
        }
        let most = u64::from(BEGIN_AT * HARD + BEGIN_AT);
        assert!(place.pages() <= most, "{} pages", place.pages());
    }

    #[test]
    fn the_log_stays_bounded_while_somebody_always_reads() {
        let mut place = place(BEGIN_AT);
        let file = place.folder.file();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (file, stop) = (file.clone(), Arc::clone(&stop));
                std::thread::spawn(move || {
                    let reader = Connection::open(file).unwrap();
                    let mut reads = 0_u32;
                    while !stop.load(Ordering::Relaxed) {
                        let count: i64 = reader
                            .query_row("SELECT COUNT(*) FROM things", [], |row| row.get(0))
                            .unwrap();
                        assert_eq!(count % 2, 0, "a half commit is never seen");
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        for _ in 0..1_000 {
            place.commit();
        }
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
        let most = u64::from(BEGIN_AT * HARD + BEGIN_AT);
        assert!(place.pages() <= most, "{} pages", place.pages());
    }

    #[test]
    fn a_reader_that_stays_stops_nobody_and_the_log_begins_anew_when_it_has_gone() {
        let mut place = place(BEGIN_AT);
        place.commit();
        let reader = Connection::open(place.folder.file()).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM things").unwrap();
        for _ in 0..60 {
            place.commit();
        }
        let grown = place.pages();
        drop(reader);
        for _ in 0..200 {
            place.commit();
        }
        let most = grown + u64::from(BEGIN_AT);
        assert!(place.pages() <= most, "{} pages", place.pages());
    }

    #[test]
    fn commits_go_on_while_the_log_is_copied() {
        let mut place = place(4_096);
        let during = (0..20_000).find(|_| {
            let before = place.log.copying;
            place.commit();
            // Still the same round: had it ended, this commit would have finished it.
            before && place.log.copying
        });
        assert!(during.is_some());
    }
}
