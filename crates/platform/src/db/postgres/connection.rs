//! A connection out of the pool, with its statements. It remembers what went wrong, so that nothing is committed
//! behind a failed statement, and a connection that was left in the middle of something is never used again.

use super::failure::{self, Kind};
use crate::db::{Durability, StoreError};
use deadpool_postgres::Object;
use futures_util::FutureExt;
use std::{
    fmt,
    future::Future,
    ops::Deref,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tokio_postgres::{Error, Row, types::ToSql};

/// Runs statements; prepares each text once. Statements that are awaited together go out together.
pub struct Connection {
    // Taken out only when the connection is dropped.
    object: Option<Object>,
    patience: Duration,
    state: Mutex<State>,
}

/// What a connection is in the middle of.
#[derive(Debug, Default)]
struct State {
    /// Statements without an answer so far.
    unanswered: u32,
    /// When the last statement went out.
    asked_at: Option<Instant>,
    /// A transaction that must be undone if nobody ends it.
    is_open: bool,
    /// What the first failed statement said.
    failed: Option<Kind>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({:?})", self.state())
    }
}

impl Connection {
    pub(super) fn new(object: Object, patience: Duration) -> Self {
        Self {
            object: Some(object),
            patience,
            state: Mutex::default(),
        }
    }

    /// Prepares these texts. Statements that are awaited together go out in the order in which they stand only if
    /// none of them has to be prepared first.
    ///
    /// # Errors
    /// When one of them cannot be prepared.
    pub async fn prepare(&self, texts: &[&str]) -> Result<(), StoreError> {
        let client = self.client()?;
        for sql in texts {
            let prepared = async { client.prepare_cached(sql).await.map(drop) };
            self.answered(prepared).await?;
        }
        Ok(())
    }

    /// All rows.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let client = self.client()?;
        let rows = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, parameters).await
        };
        self.answered(rows).await
    }

    /// The row, if there is one.
    ///
    /// # Errors
    /// When the statement fails, or gives more than one row.
    pub async fn query_opt(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, StoreError> {
        let client = self.client()?;
        let row = async {
            let statement = client.prepare_cached(sql).await?;
            client.query_opt(&statement, parameters).await
        };
        self.answered(row).await
    }

    /// The row.
    ///
    /// # Errors
    /// When the statement fails, or does not give exactly one row.
    pub async fn query_one(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, StoreError> {
        let client = self.client()?;
        let row = async {
            let statement = client.prepare_cached(sql).await?;
            client.query_one(&statement, parameters).await
        };
        self.answered(row).await
    }

    /// How many rows were changed.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn execute(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        let client = self.client()?;
        let count = async {
            let statement = client.prepare_cached(sql).await?;
            client.execute(&statement, parameters).await
        };
        self.answered(count).await
    }

    /// Statements without parameters, one after the other: migrations and tests.
    ///
    /// # Errors
    /// When one of them fails.
    pub async fn execute_batch(&self, sql: &str) -> Result<(), StoreError> {
        let client = self.client()?;
        self.answered(client.batch_execute(sql)).await
    }

    /// Says what the commit of the transaction under way must outlive.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn outlive(&self, durability: Durability) -> Result<(), StoreError> {
        match durability {
            Durability::PowerLoss => Ok(()),
            // "Asynchronous commit": no corruption, and what was lost was of the last second (PostgreSQL, 28.4).
            Durability::Kill => {
                self.execute_batch("SET LOCAL synchronous_commit = off")
                    .await
            }
        }
    }

    pub(super) async fn begin(&self, how: &str) -> Result<(), StoreError> {
        self.state().is_open = true;
        self.execute_batch(how).await
    }

    /// Commits. The outer error is storage's and certain; the inner one leaves it open what was kept.
    pub(super) async fn commit(&self) -> Result<Result<(), Error>, StoreError> {
        if self.failed().is_some() {
            let why = "a write went on behind a statement that had failed";
            return Err(StoreError::Other(why.into()));
        }
        let client = self.client()?;
        self.asked();
        let committed = client.batch_execute("COMMIT").await;
        let mut state = self.state();
        match committed {
            Err(error) if !failure::is_certain_rollback(&error) => Ok(Err(error)),
            certain => {
                state.unanswered = state.unanswered.saturating_sub(1);
                state.is_open = false;
                Ok(Ok(certain?))
            }
        }
    }

    /// What the first failed statement said.
    pub(super) fn failed(&self) -> Option<Kind> {
        self.state().failed
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.object
            .as_ref()
            .ok_or_else(|| StoreError::Lost("the connection was given back".to_owned()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) {
        let mut state = self.state();
        state.unanswered = state.unanswered.saturating_add(1);
        state.asked_at = Some(Instant::now());
    }

    /// Counts a statement until its answer is there. One that nobody waits for any more stays counted.
    async fn answered<T>(
        &self,
        statement: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        self.asked();
        let answer = statement.await;
        let mut state = self.state();
        state.unanswered = state.unanswered.saturating_sub(1);
        answer.map_err(|error| {
            state.failed.get_or_insert_with(|| failure::kind(&error));
            error.into()
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        let patience = self.patience;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.unanswered > 0 {
            let silent = state
                .asked_at
                .is_some_and(|asked| asked.elapsed() >= patience);
            // Its neighbours lead to the same server, which says nothing any more.
            if let (true, Some(pool)) = (silent, Object::pool(&object)) {
                drop(pool.retain(|_, _| false));
            }
            // Its server may go on with what it was told; whoever came next would wait for that.
            drop(Object::take(object));
            return;
        }
        if state.failed == Some(Kind::Gone) {
            drop(Object::take(object));
            return;
        }
        if state.is_open {
            // One look sends it; whoever uses the connection next comes behind it.
            drop(object.batch_execute("ROLLBACK").now_or_never());
        }
    }
}

/// A connection whose statements all see one state of the database, and change nothing.
#[derive(Debug)]
pub struct Snapshot(Connection);

impl Snapshot {
    pub(super) async fn begin(connection: Connection) -> Result<Self, StoreError> {
        connection
            .begin("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .await?;
        Ok(Self(connection))
    }
}

impl Deref for Snapshot {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}
