//! Copies of several databases as they all were at one moment, while others write to them. Such a moment is one at
//! which the process could have been killed: whatever a shop recovers from then, it recovers from here.

use super::{keep_private, name_of};
use crate::db::StoreError;
use rusqlite::{Connection, OpenFlags, backup::Backup};
use std::{
    fs::File,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How often a lock is asked for that a writer holds between two of its commits.
const AGAIN: Duration = Duration::from_micros(200);
/// How often at most: ten seconds. Writers wait for as long, since the locks that were had are kept meanwhile.
const TRIES_MAX: i32 = 50_000;

/// A file, and where its copy goes.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The file.
    pub from: PathBuf,
    /// Its copy, which is not there yet.
    pub to: PathBuf,
}

/// Copies files as they are at one moment, and reads each copy once more; gives how long writers had to wait.
///
/// All writers are held for that moment, so that no file is ahead of another; what is read afterwards is the snapshots
/// of it, beside whoever goes on writing.
///
/// # Errors
/// When a file cannot be read or written, a writer does not come to an end, or a copy is not what SQLite calls sound.
pub fn copy_together(files: &[Copy]) -> Result<Duration, StoreError> {
    let begun = Instant::now();
    let held = files.iter().map(hold).collect::<Result<Vec<_>, _>>()?;
    let snapshots = files.iter().map(snapshot).collect::<Result<Vec<_>, _>>()?;
    drop(held);
    let waited = begun.elapsed();
    for (copy, snapshot) in files.iter().zip(&snapshots) {
        write(snapshot, &copy.to)?;
    }
    Ok(waited)
}

/// Puts everything of a file into the file itself, so that it can be moved without what lies beside it.
///
/// # Errors
/// When the file cannot be written.
pub fn settle(path: &Path) -> Result<(), StoreError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?.query_row(
        "PRAGMA wal_checkpoint(TRUNCATE)",
        [],
        |_| Ok(()),
    )?;
    sync(path)
}

/// Holds a file's writer, until it is dropped.
fn hold(copy: &Copy) -> Result<Connection, StoreError> {
    let mut connection = open(&copy.from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_handler(Some(|tries| {
        // Nobody wakes this thread: it is a pause that a scheduler may end early.
        thread::park_timeout(AGAIN);
        tries < TRIES_MAX
    }))?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    Ok(connection)
}

/// What a file holds now, for as long as the connection lives.
fn snapshot(copy: &Copy) -> Result<Connection, StoreError> {
    let connection = open(&copy.from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch("PRAGMA query_only = ON; BEGIN")?;
    connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn write(snapshot: &Connection, to: &Path) -> Result<(), StoreError> {
    keep_private(to)?;
    let mut copy = open(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Backup::new(snapshot, &mut copy)?.step(-1)?;
    let said: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        let line = format!("the copy of {} is not sound: {said}", name_of(to));
        return Err(StoreError::Other(line.into()));
    }
    drop(copy);
    sync(to)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| StoreError::Other(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Two files to which a number is written, first to the one and then to the other, again and again.
    #[test]
    fn no_file_is_ahead_of_another_that_is_written_before_it() {
        let folder = std::env::temp_dir().join(format!("souk-backup-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        let files = ["first", "second"].map(|name| folder.join(format!("{name}.sqlite")));
        let writers = files.clone().map(|file| {
            let connection = Connection::open(file).unwrap();
            let sql = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE numbers (n INTEGER)";
            connection.execute_batch(sql).unwrap();
            connection.busy_timeout(Duration::from_secs(10)).unwrap();
            connection
        });
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let writers = writers;
                let mut number = 0_i64;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    for writer in &writers {
                        writer
                            .execute("INSERT INTO numbers VALUES (?1)", [number])
                            .unwrap();
                    }
                }
            });
            for round in 0..20 {
                let copies = files.clone().map(|from| Copy {
                    to: from.with_extension(format!("copy{round}")),
                    from,
                });
                copy_together(&copies).unwrap();
                let last = copies.map(|copy| {
                    let copy = Connection::open(copy.to).unwrap();
                    let sql = "SELECT COALESCE(MAX(n), 0), COUNT(*) FROM numbers";
                    let (last, count): (i64, i64) = copy
                        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
                        .unwrap();
                    assert_eq!(last, count, "nothing is missing");
                    last
                });
                assert!([last[1], last[1] + 1].contains(&last[0]), "{last:?}");
            }
            stop.store(true, Ordering::Relaxed);
        });
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
