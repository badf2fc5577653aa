//! The embedded store: one writer thread a file that commits in groups, and a bounded pool of readers.
//! WAL with `synchronous=FULL`: an acknowledged write survives power loss, unless its caller asked for less. Nothing
//! else opens these files for writing in this process.

pub mod backup;
pub mod by_order;
pub mod inline;
mod log;
mod readers;
mod recent;
mod rows;
mod statements;
mod writer;

use super::{
    Abort, Durability, StoreError,
    migrate::{Migration, migrate, missing},
};
use crate::metrics;
use log::Log;
use readers::Readers;
pub use recent::Recent;
pub use rows::{Begun, Row, Rows};
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::watch;
use writer::{Writer, Writing};

/// How long a connection waits for a lock that another process holds.
const BUSY: Duration = Duration::from_secs(5);

/// What neither owner nor group are, in a file's rights.
#[cfg(unix)]
const EVERYBODY: u32 = 0o007;

/// Bounds and sizes of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Reads at a time.
    pub readers: u32,
    /// Writes that may wait; one more is refused.
    pub write_queue_max: u32,
    /// Writes in one commit.
    pub group_max: u32,
    /// Pages of WAL before they are copied back.
    pub wal_checkpoint_pages: u32,
    /// Kilobytes of page cache of the writer and of each reader.
    pub cache_kilobytes: u32,
    /// Megabytes of a file that readers see where the kernel keeps it, uncopied. A disk that fails, or a file cut short
    /// by somebody else, then ends the process: for whoever reads very much and keeps nothing.
    pub mapped_megabytes: u32,
}

/// A database file. Clones share it.
#[derive(Debug, Clone)]
pub struct Database {
    room: Room,
    committed: watch::Receiver<u64>,
}

/// Where a database's work is done.
#[derive(Debug, Clone)]
enum Room {
    /// On threads of its own.
    Threads {
        writer: Arc<Writer>,
        readers: Arc<Readers>,
    },
    /// On the thread that calls: simulations only.
    Inline(Arc<inline::Room>),
}

/// The library's version, as `3.50.2`.
#[must_use]
pub fn version() -> &'static str {
    rusqlite::version()
}

impl Database {
    /// Opens (or makes) a file, brings its schema up to date and starts its writer.
    ///
    /// # Errors
    /// When the file cannot be used or a migration fails.
    pub fn open(
        path: &Path,
        options: Options,
        migrations: &[Migration],
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        if let Some(pace) = inline::pace() {
            let (room, committed) = inline::Room::open(path, options, migrations, now_ms, pace)?;
            let room = Room::Inline(Arc::new(room));
            return Ok(Self { room, committed });
        }
        keep_private(path)?;
        let mut connection = connect(path, options, false)?;
        migrate(&mut connection, migrations, now_ms)?;
        copy_log_back(&connection)?;
        let readers = Readers::open(path.to_owned(), options)?;
        let (committing, committed) = watch::channel(0);
        let second = connect(path, options, true)?;
        let metrics = metrics::Sqlite::of(&name_of(path));
        let pages = options.wal_checkpoint_pages;
        let log = Log::keep(&mut connection, second, pages, metrics.clone())?;
        let writing = Writing {
            connection,
            log,
            durability: Durability::PowerLoss,
            committing,
            rows: None,
            metrics,
        };
        let writer = Writer::start(writing, options)?;
        Ok(Self {
            room: Room::Threads {
                writer: Arc::new(writer),
                readers: Arc::new(readers),
            },
            committed,
        })
    }

    /// Makes one write. It shares its commit with its neighbours, but not their fate: an error undoes just
    /// this one. The answer comes after the commit is on the disk.
    ///
    /// # Errors
    /// The job's own refusal, or [`Abort::Failed`].
    pub async fn write<T, R, J>(&self, job: J) -> Result<T, Abort<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, Abort<R>> + Send + 'static,
    {
        self.write_to_outlive(Durability::PowerLoss, job).await
    }

    /// The same, and the answer comes when the write outlives what it must.
    ///
    /// # Errors
    /// The job's own refusal, or [`Abort::Failed`].
    pub async fn write_to_outlive<T, R, J>(
        &self,
        durability: Durability,
        job: J,
    ) -> Result<T, Abort<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, Abort<R>> + Send + 'static,
    {
        match &self.room {
            Room::Threads { writer, .. } => writer.write(durability, job).await,
            Room::Inline(room) => room.write(job).await,
        }
    }

    /// Reads from a snapshot that holds every write acknowledged before.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn read<T, J>(&self, job: J) -> Result<T, StoreError>
    where
        T: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        match &self.room {
            Room::Threads { readers, .. } => Readers::read(readers, job).await,
            Room::Inline(room) => room.read(job).await,
        }
    }

    /// Watches the rows of these tables, whose ids are one kind of number, from now on. Nothing where there is no
    /// writer's thread (simulations).
    ///
    /// # Errors
    /// When the database cannot be watched, or is already.
    pub fn watch(&self, tables: &'static [&'static str]) -> Result<Option<Rows>, StoreError> {
        match &self.room {
            Room::Threads { writer, .. } => writer.watch(tables).map(Some),
            Room::Inline(_) => Ok(None),
        }
    }

    /// Changes whenever something was committed, or could not be, before whoever wrote hears of it.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.committed.clone()
    }
}

/// The migrations that a file lacks, oldest first. One that is not there lacks all of them, and is not made.
///
/// # Errors
/// When the file cannot be read, is newer than this program, or holds what was edited since.
pub(super) fn missing_in(
    path: &Path,
    migrations: &[Migration],
) -> Result<Vec<Migration>, StoreError> {
    if !path.is_file() {
        return Ok(migrations.to_vec());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    missing(&connection, migrations)
}

/// Brings a file up to date without opening it as a store; gives the migrations that were made.
///
/// # Errors
/// When the file cannot be used, or a migration fails.
pub(super) fn bring_up(
    path: &Path,
    options: Options,
    migrations: &[Migration],
    now_ms: i64,
) -> Result<Vec<Migration>, StoreError> {
    keep_private(path)?;
    migrate(&mut connect(path, options, false)?, migrations, now_ms)
}

/// Makes the file, if it is not there, so that only its owner may read it, and closes one to everybody that was made by
/// an earlier release or copied carelessly, if it is ours to close. SQLite gives the files beside it (WAL, shared
/// memory) the same rights.
fn keep_private(path: &Path) -> Result<(), StoreError> {
    let other = |error: std::io::Error| StoreError::Other(error.into());
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(other)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut rights = file.metadata().map_err(other)?.permissions();
        if rights.mode() & EVERYBODY != 0 {
            rights.set_mode(rights.mode() & !EVERYBODY);
            let file_name = path.display();
            match file.set_permissions(rights) {
                Ok(()) => {
                    tracing::info!(file = %file_name, "a database is not open to everybody any more")
                }
                // Whoever may write it need not own it.
                Err(error) => {
                    tracing::warn!(file = %file_name, error = %error, "a database stays open to everybody");
                }
            }
        }
    }
    Ok(())
}

/// `orders` of `orders.sqlite`.
fn name_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// After a failed fsync the log may look whole only because the machine still has its pages in memory. Nothing may
/// be built on that: what the log holds is copied into the file and synced there, and the next write begins
/// the log anew. Where somebody else is at work on the file, whatever can be copied is.
fn copy_log_back(connection: &Connection) -> Result<(), StoreError> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(())
}

/// A new file's pages; one that is there keeps its own. Half of SQLite's usual size: an order writes whole pages for a
/// few bytes in indices by a hash, twice (ADR 22).
const PAGE_BYTES: u32 = 2_048;

fn connect(path: &Path, options: Options, read_only: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Who only reads comes when the file is there: one that has gone is not made anew.
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, !read_only);
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Plans do not depend on values: otherwise SQLite compiles some statements again for every value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_BYTES};
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -{};
         PRAGMA query_only = {};",
        options.cache_kilobytes,
        if read_only { "ON" } else { "OFF" },
    ))?;
    if read_only {
        let bytes = u64::from(options.mapped_megabytes).saturating_mul(1 << 20);
        connection.execute_batch(&format!("PRAGMA mmap_size = {bytes}"))?;
    }
    statements::watch(&mut connection)?;
    Ok(connection)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return Self::Other(Box::new(error));
        };
        if failure.code == ErrorCode::ConstraintViolation {
            let message = message.as_deref().unwrap_or_default();
            let name = message
                .split_once("failed: ")
                .map_or(message, |(_, name)| name);
            return Self::Constraint(name.to_owned());
        }
        if failure.code == ErrorCode::DiskFull {
            return Self::Full;
        }
        // Another process (a backup, an import) holds the file: waiting helps.
        if [ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked].contains(&failure.code) {
            return Self::Overloaded;
        }
        Self::Other(Box::new(error))
    }
}

#[cfg(test)]
mod tests;
