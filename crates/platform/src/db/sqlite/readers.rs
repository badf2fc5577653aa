//! The readers of a database: a bounded pool of read-only connections, used off the async threads. All but the first
//! are opened when they are needed: a start does not wait for them, and a shop that few people ask has few.

use super::{Options, connect};
use crate::db::StoreError;
use rusqlite::Connection;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tokio::sync::Semaphore;

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    options: Options,
    free: Mutex<Vec<Connection>>,
    /// One for each that there may be.
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: PathBuf, options: Options) -> Result<Self, StoreError> {
        let first = connect(&path, options, true)?;
        let most = usize::try_from(options.readers.max(1)).unwrap_or(usize::MAX);
        Ok(Self {
            path,
            options,
            free: Mutex::new(vec![first]),
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
        })
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
            let free = readers.free.lock().ok().and_then(|mut free| free.pop());
            let connection = match free {
                Some(connection) => connection,
                None => connect(&readers.path, readers.options, true)?,
            };
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
