//! A database on the calling thread, for simulations: no threads, one transaction a write, and before and behind each
//! a wait that follows from a seed, so that the same seed is the same run. A process that is dropped in the first
//! wait loses its write, one dropped in the second loses only the answer. Its file is not synced: it outlives a
//! simulated process, never a real one.

use super::{Abort, Connection, Migration, OpenFlags, Options, StoreError, migrate};
use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

thread_local! {
    static PACE: RefCell<Option<Pace>> = const { RefCell::new(None) };
}

/// How the inline databases of a thread go.
#[derive(Debug, Clone)]
pub struct Pace {
    /// What waits and troubles follow from.
    pub seed: u64,
    /// The longest wait before and behind each read and write, in milliseconds.
    pub wait_ms_max: u32,
    /// Of a thousand writes, how many are refused, or undone after they ran.
    pub troubles_per_mille: Arc<AtomicU32>,
}

/// From now on databases that this thread opens are inline ones, or (`None`) real ones again. A simulation says so for
/// its own thread; nothing else may.
pub fn on_this_thread(pace: Option<Pace>) {
    PACE.with_borrow_mut(|kept| *kept = pace);
}

/// What this thread said last.
pub(super) fn pace() -> Option<Pace> {
    PACE.with_borrow(Clone::clone)
}

#[derive(Debug)]
pub(super) struct Room {
    connection: Mutex<Connection>,
    committing: watch::Sender<u64>,
    pace: Pace,
    name: u64,
    opened: Instant,
}

impl Room {
    pub(super) fn open(
        path: &Path,
        options: Options,
        migrations: &[Migration],
        now_ms: i64,
        pace: Pace,
    ) -> Result<(Self, watch::Receiver<u64>), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.set_prepared_statement_cache_capacity(128);
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = MEMORY;
             PRAGMA synchronous = OFF;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -{};",
            options.cache_kilobytes,
        ))?;
        migrate(&mut connection, migrations, now_ms)?;
        let name = path.file_name().map_or(0, |name| {
            name.as_encoded_bytes()
                .iter()
                .fold(pace.seed, |sum, byte| mix(sum ^ u64::from(*byte)))
        });
        let (committing, committed) = watch::channel(0);
        let room = Self {
            connection: Mutex::new(connection),
            committing,
            pace,
            name,
            opened: Instant::now(),
        };
        Ok((room, committed))
    }

    pub(super) async fn write<T, R, J>(&self, job: J) -> Result<T, Abort<R>>
    where
        J: FnOnce(&Connection) -> Result<T, Abort<R>>,
    {
        self.wait(1).await;
        let lot = self.draw(2) % 1_000;
        let troubles = u64::from(self.pace.troubles_per_mille.load(Ordering::Relaxed));
        let result = if lot < troubles / 2 {
            Err(Abort::Failed(StoreError::Overloaded))
        } else {
            self.transaction(job, lot >= troubles)
        };
        self.wait(3).await;
        result
    }

    pub(super) async fn read<T, J>(&self, job: J) -> Result<T, StoreError>
    where
        J: FnOnce(&Connection) -> Result<T, StoreError>,
    {
        self.wait(4).await;
        let result = self.snapshot(job);
        self.wait(5).await;
        result
    }

    fn transaction<T, R>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Abort<R>>,
        keep: bool,
    ) -> Result<T, Abort<R>> {
        let connection = self
            .connection
            .lock()
            .map_err(|_| lost("the room fell over"))?;
        // What is not committed when this is dropped is rolled back.
        let transaction = connection.unchecked_transaction()?;
        let done = catch_unwind(AssertUnwindSafe(|| job(&transaction)))
            .unwrap_or_else(|_| Err(lost("the write panicked").into()))?;
        if !keep {
            return Err(lost("the disk did not take the write").into());
        }
        transaction.commit()?;
        self.committing
            .send_modify(|count| *count = count.wrapping_add(1));
        Ok(done)
    }

    fn snapshot<T>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self
            .connection
            .lock()
            .map_err(|_| lost("the room fell over"))?;
        let transaction = connection.unchecked_transaction()?;
        catch_unwind(AssertUnwindSafe(|| job(&transaction)))
            .unwrap_or_else(|_| Err(lost("the read panicked")))
    }

    async fn wait(&self, place: u64) {
        let longest = u64::from(self.pace.wait_ms_max).saturating_add(1);
        let ms = self.draw(place).checked_rem(longest).unwrap_or(0);
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }

    /// A number that follows from seed, file, place and moment alone, not from how often was drawn before: whoever
    /// comes at the same moment, in whatever order, gets the same.
    fn draw(&self, place: u64) -> u64 {
        let moment = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        mix(mix(self.name ^ place) ^ moment)
    }
}

fn lost(why: &str) -> StoreError {
    StoreError::Lost(why.to_owned())
}

/// The finaliser of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::sqlite::Database;
    use contracts::values::EventId;
    use std::{convert::Infallible, path::PathBuf, time::Duration};

    const MIGRATIONS: [Migration; 1] = [Migration {
        number: 1,
        name: "numbers",
        sql: "CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT",
    }];

    const OPTIONS: Options = Options {
        readers: 1,
        write_queue_max: 8,
        group_max: 8,
        wal_checkpoint_pages: 1_000,
        cache_kilobytes: 100,
        mapped_megabytes: 0,
    };

    struct Disk(PathBuf);

    impl Disk {
        fn new() -> Self {
            let name = format!("souk-inline-{}.sqlite", EventId::generate());
            Self(std::env::temp_dir().join(name))
        }

        fn open(&self, troubles: u32) -> Database {
            on_this_thread(Some(Pace {
                seed: 7,
                wait_ms_max: 50,
                troubles_per_mille: Arc::new(AtomicU32::new(troubles)),
            }));
            let database = Database::open(&self.0, OPTIONS, &MIGRATIONS, 0).unwrap();
            on_this_thread(None);
            database
        }
    }

    impl Drop for Disk {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.0));
        }
    }

    async fn insert(database: &Database, number: i64) -> Result<(), Abort<Infallible>> {
        let write = database.write(move |c| {
            c.execute("INSERT INTO numbers (number) VALUES (?1)", [number])?;
            Ok(())
        });
        write.await
    }

    async fn numbers(database: &Database) -> i64 {
        let count = database
            .read(|c| Ok(c.query_row("SELECT COUNT(*) FROM numbers", [], |row| row.get(0))?));
        count.await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_dropped_loses_the_write_or_only_its_answer() {
        let disk = Disk::new();
        let mut kept = 0;
        for number in 0..40 {
            let database = disk.open(0);
            let patience = Duration::from_millis(u64::try_from(number).unwrap() * 2);
            let answered = tokio::time::timeout(patience, insert(&database, number)).await;
            let there = numbers(&database).await;
            assert!(
                answered.is_err() || there == kept + 1,
                "what was answered is there"
            );
            assert!(
                (kept..=kept + 1).contains(&there),
                "all of a write or nothing"
            );
            kept = there;
        }
        assert!(
            (1..40).contains(&kept),
            "some were lost, some were not: {kept}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_goes_wrong_leaves_nothing() {
        let disk = Disk::new();
        let database = disk.open(1_000);
        for number in 0..10 {
            assert!(insert(&database, number).await.is_err());
        }
        assert_eq!(numbers(&database).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_is_told_to_whoever_waits_for_one() {
        let disk = Disk::new();
        let database = disk.open(0);
        let mut commits = database.commits();
        insert(&database, 1).await.unwrap();
        assert!(commits.has_changed().unwrap());
        commits.mark_unchanged();
        assert!(matches!(insert(&database, 1).await, Err(Abort::Failed(_))));
        assert!(
            !commits.has_changed().unwrap(),
            "a refused write commits nothing"
        );
    }
}
