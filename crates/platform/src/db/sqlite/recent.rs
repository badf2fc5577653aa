//! A read that costs much is made again only once something was committed: then at once, or, where it costs very much,
//! so that readers spend no more than a part of their time on it. Who was told of a commit finds it, in all but the
//! latter case; what another process commits is heard of after a moment.

use super::Database;
use crate::db::StoreError;
use rusqlite::Connection;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long it may hold: another process may have committed something.
const AGE_MAX: Duration = Duration::from_secs(2);
/// A read that takes a reader longer is not made for each commit,
const DEAR: Duration = Duration::from_millis(5);
/// but only so often that it takes one part in so many of a reader's time.
const PARTS: u32 = 10;

/// The last answer to one question, for one key. Clones are the same one.
#[derive(Debug)]
pub struct Recent<K, T>(Arc<Mutex<Option<Said<K, T>>>>);

impl<K, T> Clone for Recent<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> Default for Recent<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

#[derive(Debug)]
struct Said<K, T> {
    key: K,
    commits: u64,
    at: Instant,
    took: Duration,
    value: T,
}

impl<K: PartialEq, T: Clone + Send + 'static> Recent<K, T> {
    /// Reads, unless what was read last for this key holds. Whoever comes meanwhile waits for the same reading.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn read<J>(&self, database: &Database, key: K, job: J) -> Result<T, StoreError>
    where
        J: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let mut last = self.0.lock().await;
        let commits = *database.committed.borrow();
        let at = Instant::now();
        let holds = |said: &&Said<K, T>| said.key == key && said.holds(commits, at);
        if let Some(said) = last.as_ref().filter(holds) {
            return Ok(said.value.clone());
        }
        let timed = move |connection: &Connection| {
            let began = std::time::Instant::now();
            let value = job(connection)?;
            Ok((value, began.elapsed()))
        };
        let (value, took) = database.read(timed).await?;
        *last = Some(Said {
            key,
            commits,
            at,
            took,
            value: value.clone(),
        });
        Ok(value)
    }
}

impl<K, T> Said<K, T> {
    fn holds(&self, commits: u64, now: Instant) -> bool {
        let most = if self.commits == commits {
            AGE_MAX
        } else if self.took > DEAR {
            self.took.saturating_mul(PARTS).min(AGE_MAX)
        } else {
            Duration::ZERO
        };
        now.saturating_duration_since(self.at) < most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Abort, sqlite::tests::Folder};
    use std::convert::Infallible;

    #[tokio::test(start_paused = true)]
    async fn what_was_read_holds_until_something_is_committed_or_for_ten_times_of_what_it_took() {
        let at = Instant::now();
        for (took_ms, commits, age_ms, holds) in [
            (1, 7, 0, true),
            (1, 7, 1_999, true),
            (1, 7, 2_000, false),
            (1, 8, 0, false),
            (5, 8, 0, false),
            (6, 8, 59, true),
            (6, 8, 60, false),
            (900, 8, 1_999, true),
            (900, 8, 2_000, false),
        ] {
            let said = Said {
                key: (),
                commits: 7,
                at,
                took: Duration::from_millis(took_ms),
                value: (),
            };
            let now = at + Duration::from_millis(age_ms);
            assert_eq!(
                said.holds(commits, now),
                holds,
                "{took_ms} {commits} {age_ms}"
            );
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_wrote_reads_it_and_nobody_reads_what_did_not_change() {
        const TIMES: i64 = 100;
        let (folder, recent) = (Folder::new(), Recent::default());
        let database = folder.open();
        let mut at_once = 0;
        for number in 1..=TIMES {
            let insert = move |connection: &Connection| {
                let sql = "INSERT INTO things (name, units) VALUES (?1, 1)";
                connection.execute(sql, [number])?;
                Ok::<_, Abort<Infallible>>(())
            };
            database.write(insert).await.unwrap();
            let count = |connection: &Connection| {
                let sql = "SELECT COUNT(*) FROM things";
                Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?)
            };
            let counted = recent.read(&database, "all", count).await.unwrap();
            at_once += i64::from(counted == number);
            let again = |_: &Connection| Ok(-1);
            assert_eq!(recent.read(&database, "all", again).await.unwrap(), counted);
            assert_eq!(recent.read(&database, "others", again).await.unwrap(), -1);
            recent.read(&database, "all", count).await.unwrap();
        }
        // Where the machine had something else to do a count may have been dear.
        assert!(at_once > TIMES / 2, "{at_once} of {TIMES}");
    }
}
