//! A service's schema in both its forms, for whoever asks what is missing or brings it up to date without opening the
//! service. Nothing here reads or writes a row of the service.

use super::{Place, StoreError, migrate::Migration, postgres, sqlite};
use contracts::BoxError;

/// All migrations of a service, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// For a file.
    pub sqlite: &'static [Migration],
    /// For a schema on a server.
    pub postgres: &'static [Migration],
}

impl Schema {
    /// What a place lacks, oldest first. Nothing is made.
    ///
    /// # Errors
    /// When it cannot be read, or what was applied there was edited since.
    pub async fn missing(&self, place: Place) -> Result<Vec<Migration>, StoreError> {
        match place {
            Place::Sqlite(path, _) => {
                let migrations = self.sqlite;
                blocking(move || sqlite::missing_in(&path, migrations)).await
            }
            Place::Postgres(place) => {
                let database = postgres::Database::reachable(place).await?;
                database.missing_migrations(self.postgres).await
            }
        }
    }

    /// Brings a place up to date, whatever its options say of that; gives what was made. Safe on several nodes at once.
    ///
    /// # Errors
    /// When a migration fails, or another node that migrates does not come to an end in time.
    pub async fn bring_up(&self, place: Place, now_ms: i64) -> Result<Vec<Migration>, StoreError> {
        match place {
            Place::Sqlite(path, options) => {
                let migrations = self.sqlite;
                blocking(move || sqlite::bring_up(&path, options, migrations, now_ms)).await
            }
            Place::Postgres(place) => {
                let database = postgres::Database::reachable(place).await?;
                database.migrate(self.postgres, now_ms).await
            }
        }
    }
}

async fn blocking<T, W>(work: W) -> Result<T, StoreError>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, StoreError> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Other(BoxError::from(error)))?
}
