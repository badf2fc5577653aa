//! PostgreSQL, for a shop of several nodes: a bounded pool of connections a service, and writes that are either
//! there or not, whatever happened to the connection. Each service has a schema of its own. No statement of
//! any service lives here, and nothing waits without a bound.
//!
//! How a store uses it:
//!
//! ```
//! use platform::db::{Abort, StoreError, postgres::{Bytes, Connection, Database}};
//!
//! enum Refusal {
//!     NameTaken,
//! }
//!
//! struct Store {
//!     database: Database,
//! }
//!
//! impl Store {
//!     /// One write: all of it, or nothing. It is a plain function of its connection and its input, because it
//!     /// may be made twice: after a deadlock, or after a COMMIT whose answer was lost. Nothing else may be in it.
//!     async fn add_all(&self, things: Vec<([u8; 16], String)>) -> Result<u64, Abort<Refusal>> {
//!         self.database
//!             .write(things, |c, things| Box::pin(insert(c, things)))
//!             .await
//!             .map_err(|abort| abort.or_constraint("things_name_unique", || Refusal::NameTaken))
//!     }
//!
//!     /// One statement needs no transaction.
//!     async fn name(&self, id: [u8; 16]) -> Result<Option<String>, StoreError> {
//!         let connection = self.database.read().await?;
//!         let sql = "SELECT name FROM things WHERE thing_id = $1";
//!         let found = connection.query_opt(sql, &[&Bytes(id)]).await?;
//!         Ok(found.map(|row| row.try_get(0)).transpose()?)
//!     }
//!
//!     /// Several statements that must see one state of the database.
//!     async fn count_twice(&self) -> Result<(i64, i64), StoreError> {
//!         let snapshot = self.database.snapshot().await?;
//!         let sql = "SELECT COUNT(*) FROM things";
//!         let once = snapshot.query_one(sql, &[]).await?.try_get(0)?;
//!         let again = snapshot.query_one(sql, &[]).await?.try_get(0)?;
//!         Ok((once, again))
//!     }
//! }
//!
//! /// Many rows in one statement: a list for each column, unnested side by side.
//! async fn insert(c: &Connection, things: &[([u8; 16], String)]) -> Result<u64, Abort<Refusal>> {
//!     let ids: Vec<Bytes<16>> = things.iter().map(|(id, _)| Bytes(*id)).collect();
//!     let names: Vec<&str> = things.iter().map(|(_, name)| name.as_str()).collect();
//!     let sql = "INSERT INTO things (thing_id, name) SELECT * FROM UNNEST($1::uuid[], $2::text[])";
//!     Ok(c.execute(sql, &[&ids, &names]).await?)
//! }
//! ```
//!
//! Ids are columns of type `uuid`, hashes `bytea`, both read and written as [`Bytes`]; numbers and times `bigint`.
//! Statements are prepared once a connection and kept, so their texts must come from a closed set.

mod connect;
mod connection;
mod failure;
pub mod keys;
mod look;
mod marks;
mod migrate;
mod nodes;
mod once;
mod values;
mod write;

pub use connection::{Connection, Snapshot};
pub use look::Looked;
pub use migrate::BASE;
pub use nodes::Node;
pub use tokio_postgres::{
    Row,
    types::{FromSql, ToSql},
};
pub use values::{Bytes, parsed};

use super::{StoreError, migrate::Migration};
use crate::{deadline, metrics, tasks::Tasks};
use deadpool_postgres::Pool;
use secrecy::SecretString;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// Bounds of a database: the section `[postgres]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Connections at a time, per service and node.
    pub connections_max: u32,
    /// How long somebody waits for a free connection.
    pub connection_wait_ms: u32,
    /// How long each host has to take up a connection.
    pub connect_timeout_ms: u32,
    /// How long the server works on one statement.
    pub statement_timeout_ms: u32,
    /// How long a statement waits for a lock.
    pub lock_timeout_ms: u32,
    /// How long the server keeps a transaction whose client says nothing.
    pub idle_in_transaction_timeout_ms: u32,
    /// How long a write may take in all, its COMMIT included, before its connection is thrown away.
    pub write_timeout_ms: u32,
    /// How long the outcome of a COMMIT whose answer was lost is looked for.
    pub outcome_wait_ms: u32,
    /// How long a start waits for the database.
    pub start_wait_ms: u32,
    /// Whether a start brings the schema up to date; otherwise it only looks.
    pub migrate: bool,
    /// How long a start waits while another node brings the schema up to date.
    pub migrate_wait_ms: u32,
}

/// A service's part of a PostgreSQL server, not opened yet.
#[derive(Debug, Clone)]
pub struct Place {
    /// `postgres://user:password@host,host/database?sslmode=require`. `{service}` in it stands for the schema.
    pub url: SecretString,
    /// The schema's name: small letters, digits and underscores.
    pub schema: &'static str,
    /// Its bounds.
    pub options: Options,
    /// Where writes run to their end.
    pub tasks: Tasks,
    /// What the server is told of the node that connects: its release, its port, what it runs. Empty where none does.
    pub node: String,
}

/// A schema of a database. Clones share its connections.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    schema: &'static str,
    options: Options,
    tasks: Tasks,
    committing: watch::Sender<u64>,
    metrics: metrics::Postgres,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({})", self.shared.schema)
    }
}

impl Database {
    /// A database that connects when it is needed: the server may be away.
    ///
    /// # Errors
    /// When the address or the schema's name cannot be read.
    pub fn new(place: Place) -> Result<Self, StoreError> {
        let pool = connect::pool(&place)?;
        let Place {
            schema,
            options,
            tasks,
            ..
        } = place;
        let (committing, _) = watch::channel(0);
        let shared = Arc::new(Shared {
            schema,
            options,
            tasks,
            committing,
            metrics: metrics::Postgres::of(schema),
        });
        Ok(Self { pool, shared })
    }

    /// A database whose schema is as this program needs it: waits for the server, then brings the schema up to
    /// date, or only looks if that is what the options say.
    ///
    /// # Errors
    /// When the server stays away, a migration fails, or the schema is not up to date.
    pub async fn open(
        place: Place,
        migrations: &[Migration],
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let database = Self::reachable(place).await?;
        if database.shared.options.migrate {
            database.migrate(migrations, now_ms).await?;
        } else {
            database.check_schema(migrations).await?;
        }
        marks::start_reaper(&database);
        Ok(database)
    }

    /// A database whose server answers, whatever its schema is like.
    ///
    /// # Errors
    /// When the server stays away.
    pub(in crate::db) async fn reachable(place: Place) -> Result<Self, StoreError> {
        let database = Self::new(place)?;
        database.wait_until_reachable().await?;
        Ok(database)
    }

    /// A connection for statements that need no common transaction: each sees what is committed when it begins.
    ///
    /// # Errors
    /// When there is no connection in time.
    pub async fn read(&self) -> Result<Connection, StoreError> {
        let wait = Duration::from_millis(self.shared.options.connection_wait_ms.into());
        let longest = Instant::now().checked_add(wait);
        let until = match (longest, deadline::current()) {
            (Some(longest), Some(deadline)) => longest.min(deadline.moment()),
            (None, Some(deadline)) => deadline.moment(),
            (Some(longest), None) => longest,
            (None, None) => Instant::now(),
        };
        let asked = Instant::now();
        let got = timeout_at(until, self.pool.get()).await;
        let waited = asked.elapsed().as_secs_f64();
        self.shared.metrics.wait_seconds.observe(waited);
        match got {
            Ok(Ok(object)) => Ok(Connection::new(object, self.patience())),
            Ok(Err(error)) => Err(failure::of_pool(error)),
            Err(_) => Err(StoreError::Overloaded),
        }
    }

    /// One state of the database, for statements that belong together. It ends when it is dropped.
    ///
    /// # Errors
    /// When there is no connection in time.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Snapshot::begin(self.read().await?).await
    }

    /// Whether the database answers and can be written to, for readiness.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn reach(&self) -> Result<(), StoreError> {
        self.read().await?.query_one("SELECT 1", &[]).await?;
        Ok(())
    }

    /// Changes whenever something was committed by this node.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.shared.committing.subscribe()
    }

    /// The schema's name.
    #[must_use]
    pub fn schema(&self) -> &'static str {
        self.shared.schema
    }

    /// After this long a server that was given a statement does not keep its own time-outs: it is not there.
    fn patience(&self) -> Duration {
        let statement = Duration::from_millis(self.shared.options.statement_timeout_ms.into());
        statement.saturating_add(Duration::from_secs(1))
    }

    async fn wait_until_reachable(&self) -> Result<(), StoreError> {
        let wait = Duration::from_millis(self.shared.options.start_wait_ms.into());
        let began = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            let Err(error) = self.reach().await else {
                return Ok(());
            };
            if began.elapsed() >= wait {
                return Err(error);
            }
            tracing::warn!(schema = self.schema(), error = %error, "the database is not there yet");
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(Duration::from_secs(1));
        }
    }
}
