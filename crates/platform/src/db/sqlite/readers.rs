//! The readers of a database: a bounded pool of read-only connections, used off the async threads.

use crate::db::StoreError;
use rusqlite::Connection;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};
use tokio::sync::Semaphore;

#[derive(Debug)]
pub(super) struct Readers {
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(connections.len())),
            free: Mutex::new(connections),
        }
    }

    /// Waits for a free connection; how long is bounded by the request's own deadline.
    pub(super) async fn read<T, J>(this: &Arc<Self>, job: J) -> Result<T, StoreError>
    where
        T: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let lost = || StoreError::Lost("a reader fell over".to_owned());
        let permit = Arc::clone(&this.permits)
            .acquire_owned()
            .await
            .map_err(|_| lost())?;
        let readers = Arc::clone(this);
        let work = tokio::task::spawn_blocking(move || {
            let connection = readers
                .free
                .lock()
                .ok()
                .and_then(|mut free| free.pop())
                .ok_or_else(lost)?;
            let result = catch_unwind(AssertUnwindSafe(|| snapshot(&connection, job)));
            if let Ok(mut free) = readers.free.lock() {
                free.push(connection);
            }
            drop(permit);
            result.unwrap_or_else(|_| Err(lost()))
        });
        work.await.map_err(|_| lost())?
    }
}

/// All statements of a job see one state of the database.
fn snapshot<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let result = job(&transaction);
    transaction.finish()?;
    result
}
