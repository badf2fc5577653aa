//! Migrations on PostgreSQL: as on SQLite, each in one transaction, under a lock that all nodes share: one node
//! migrates, the others wait and then find it done. A schema that is newer than this program is fine, because a
//! release must run on the schema of the next one.

use super::{Connection, Database};
use crate::{
    db::{StoreError, migrate::Migration},
    digest,
};
use std::collections::HashMap;

/// The tables that every service has, before its own: outbox, idempotency keys, marks of writes.
pub const BASE: Migration = Migration {
    number: 0,
    name: "base",
    sql: include_str!("base.sql"),
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number        BIGINT NOT NULL,
    name          TEXT NOT NULL,
    checksum      BYTEA NOT NULL,
    applied_at_ms BIGINT NOT NULL,
    CONSTRAINT schema_migrations_pk PRIMARY KEY (number)
)";

const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('souk migrates ' || $1, 0))";

/// Numbers and checksums of what was applied.
type Applied = HashMap<i64, Vec<u8>>;

impl Database {
    /// Brings the schema up to the last migration, which must not be edited once it was applied; gives what was made.
    ///
    /// # Errors
    /// When a statement fails, another node does not come to an end in time, or an applied migration was edited.
    pub async fn migrate(
        &self,
        migrations: &[Migration],
        now_ms: i64,
    ) -> Result<Vec<Migration>, StoreError> {
        let mut made = Vec::new();
        if let Ok(applied) = self.applied().await
            && self.missing(migrations, &applied)?.is_empty()
        {
            return Ok(made);
        }
        // A connection of its own: its time-outs are other ones, and go with its transaction.
        let connection = self.read().await?;
        self.begin_migrating(&connection).await?;
        let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", self.schema());
        if !self.has_schema(&connection).await? {
            connection.execute_batch(&sql).await?;
        }
        connection.execute_batch(TABLE).await?;
        commit(&connection).await?;
        for migration in migrations {
            self.begin_migrating(&connection).await?;
            let applied = read_applied(&connection).await?;
            if self.missing(&[*migration], &applied)?.is_empty() {
                commit(&connection).await?;
                continue;
            }
            connection.execute_batch(migration.sql).await?;
            let (number, name) = (i64::from(migration.number), migration.name);
            let checksum = checksum(migration);
            let sql = "INSERT INTO schema_migrations (number, name, checksum, applied_at_ms)
                       VALUES ($1, $2, $3, $4)";
            connection
                .execute(sql, &[&number, &name, &checksum, &now_ms])
                .await?;
            commit(&connection).await?;
            tracing::info!(schema = self.schema(), number, name, "migrated");
            made.push(*migration);
        }
        Ok(made)
    }

    /// What the schema lacks, oldest first.
    ///
    /// # Errors
    /// When it cannot be read, or an applied migration was edited.
    pub async fn missing_migrations(
        &self,
        migrations: &[Migration],
    ) -> Result<Vec<Migration>, StoreError> {
        self.missing(migrations, &self.applied().await?)
    }

    /// Looks whether the schema has all that this program needs.
    ///
    /// # Errors
    /// A plain message if it has not.
    pub async fn check_schema(&self, migrations: &[Migration]) -> Result<(), StoreError> {
        match self.missing_migrations(migrations).await?.first() {
            None => Ok(()),
            Some(first) => {
                let (schema, number, name) = (self.schema(), first.number, first.name);
                let why = format!(
                    "schema {schema} lacks migration {number} ({name}): run `souk migrate up`"
                );
                Err(StoreError::Other(why.into()))
            }
        }
    }

    async fn applied(&self) -> Result<Applied, StoreError> {
        let connection = self.read().await?;
        let sql = "SELECT to_regclass($1 || '.schema_migrations') IS NOT NULL";
        let schema = self.schema();
        let is_there: bool = connection.query_one(sql, &[&schema]).await?.try_get(0)?;
        if is_there {
            read_applied(&connection).await
        } else {
            Ok(Applied::default())
        }
    }

    fn missing(
        &self,
        migrations: &[Migration],
        applied: &Applied,
    ) -> Result<Vec<Migration>, StoreError> {
        let mut missing = Vec::new();
        for migration in migrations {
            let (number, name) = (migration.number, migration.name);
            match applied.get(&i64::from(number)) {
                None => missing.push(*migration),
                Some(before) if *before == checksum(migration) => {}
                Some(_) => {
                    let schema = self.schema();
                    let why = format!(
                        "migration {number} ({name}) of {schema} was edited after it was applied"
                    );
                    return Err(StoreError::Other(why.into()));
                }
            }
        }
        Ok(missing)
    }

    /// Begins a transaction that holds the lock of all who migrate this schema.
    async fn begin_migrating(&self, connection: &Connection) -> Result<(), StoreError> {
        let wait = self.shared.options.migrate_wait_ms;
        let begin =
            format!("BEGIN; SET LOCAL lock_timeout = {wait}; SET LOCAL statement_timeout = 0");
        connection.begin(&begin).await?;
        let schema = self.schema();
        let locked = connection.query(LOCK, &[&schema]).await;
        if let Err(StoreError::Overloaded) = locked {
            let why = format!("another node still migrates {schema} after {wait} ms");
            return Err(StoreError::Other(why.into()));
        }
        locked.map(drop)
    }

    async fn has_schema(&self, connection: &Connection) -> Result<bool, StoreError> {
        let schema = self.schema();
        let sql = "SELECT to_regnamespace($1) IS NOT NULL";
        Ok(connection.query_one(sql, &[&schema]).await?.try_get(0)?)
    }
}

fn checksum(migration: &Migration) -> Vec<u8> {
    digest::sha256(&[migration.sql.as_bytes()]).to_vec()
}

async fn read_applied(connection: &Connection) -> Result<Applied, StoreError> {
    let rows = connection
        .query("SELECT number, checksum FROM schema_migrations", &[])
        .await?;
    let pairs = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    pairs.collect()
}

/// A migration whose COMMIT was not answered is found, or made again, by the next start.
async fn commit(connection: &Connection) -> Result<(), StoreError> {
    connection
        .commit()
        .await?
        .map_err(|error| StoreError::Unknown(error.to_string()))
}
