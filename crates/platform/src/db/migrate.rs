//! Migrations: numbered, forward only, each in one transaction, never edited once released.

use super::StoreError;
use crate::digest;
use rusqlite::{Connection, OptionalExtension, params};

/// One step of a schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3...
    pub number: u32,
    /// As the file is called.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// The tables that every service has, before its own: outbox and idempotency keys.
pub const BASE: Migration = Migration {
    number: 0,
    name: "base",
    sql: include_str!("base.sql"),
};

/// Brings a database up to the last migration, and gives those that were made. Foreign keys are not watched meanwhile,
/// because SQLite gives up a constraint of a table only with the whole table; they are looked at before a migration is
/// committed.
///
/// # Errors
/// When a statement fails, when the database is newer than this program, when an applied migration was edited
/// afterwards, or when one leaves a row that refers to nothing.
pub fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
    now_ms: i64,
) -> Result<Vec<Migration>, StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
            number        INTEGER PRIMARY KEY,
            name          TEXT NOT NULL,
            checksum      BLOB NOT NULL,
            applied_at_ms INTEGER NOT NULL
         ) STRICT",
    )?;
    refuse_newer(connection, migrations)?;
    // SQLite does not hear this inside a transaction.
    connection.pragma_update(None, "foreign_keys", false)?;
    let applied = apply_all(connection, migrations, now_ms);
    connection.pragma_update(None, "foreign_keys", true)?;
    applied
}

/// Those that a database lacks, oldest first. It writes nothing.
///
/// # Errors
/// As for [`migrate`].
pub fn missing(
    connection: &Connection,
    migrations: &[Migration],
) -> Result<Vec<Migration>, StoreError> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'";
    if !connection.prepare(sql)?.exists([])? {
        return Ok(migrations.to_vec());
    }
    refuse_newer(connection, migrations)?;
    let mut missing = Vec::new();
    for migration in migrations {
        if !is_applied(connection, migration)? {
            missing.push(*migration);
        }
    }
    Ok(missing)
}

fn refuse_newer(connection: &Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let sql = "SELECT MAX(number) FROM schema_migrations";
    let newest: Option<u32> = connection.query_row(sql, [], |row| row.get(0))?;
    let known = migrations.iter().map(|migration| migration.number).max();
    if newest <= known {
        return Ok(());
    }
    let (newest, known) = (newest.unwrap_or_default(), known.unwrap_or_default());
    let why = format!(
        "the database is at migration {newest}, this program knows up to {known}: use a newer souk"
    );
    Err(StoreError::Other(why.into()))
}

fn apply_all(
    connection: &mut Connection,
    migrations: &[Migration],
    now_ms: i64,
) -> Result<Vec<Migration>, StoreError> {
    let mut applied = Vec::new();
    for migration in migrations {
        if apply(connection, migration, now_ms)? {
            applied.push(*migration);
        }
    }
    Ok(applied)
}

/// Whether it was applied; an error if it is another one by now.
fn is_applied(connection: &Connection, migration: &Migration) -> Result<bool, StoreError> {
    let sql = "SELECT checksum FROM schema_migrations WHERE number = ?1";
    let before: Option<Vec<u8>> = connection
        .query_row(sql, [migration.number], |row| row.get(0))
        .optional()?;
    match before {
        Some(before) if before == checksum(migration) => Ok(true),
        Some(_) => {
            let (number, name) = (migration.number, migration.name);
            let why = format!("migration {number} ({name}) was edited after it was applied");
            Err(StoreError::Other(why.into()))
        }
        None => Ok(false),
    }
}

fn checksum(migration: &Migration) -> [u8; 32] {
    digest::sha256(&[migration.sql.as_bytes()])
}

/// Whether it had to be made.
fn apply(
    connection: &mut Connection,
    migration: &Migration,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if is_applied(&transaction, migration)? {
        return Ok(false);
    }
    transaction.execute_batch(migration.sql)?;
    if transaction
        .prepare("PRAGMA foreign_key_check")?
        .exists([])?
    {
        let message = format!(
            "migration {} ({}) leaves rows that refer to nothing",
            migration.number, migration.name
        );
        return Err(StoreError::Other(message.into()));
    }
    transaction.execute(
        "INSERT INTO schema_migrations (number, name, checksum, applied_at_ms) VALUES (?1, ?2, ?3, ?4)",
        params![migration.number, migration.name, checksum(migration), now_ms],
    )?;
    transaction.commit()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration {
        number: 1,
        name: "one",
        sql: "CREATE TABLE one (id INTEGER) STRICT",
    };

    #[test]
    fn migrations_run_once_and_edits_are_found_out() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(missing(&connection, &[FIRST]).unwrap().len(), 1);
        assert_eq!(migrate(&mut connection, &[FIRST], 1).unwrap().len(), 1);
        assert_eq!(migrate(&mut connection, &[FIRST], 2).unwrap().len(), 0);
        assert_eq!(missing(&connection, &[FIRST]).unwrap().len(), 0);
        let edited = Migration {
            sql: "CREATE TABLE two (id INTEGER) STRICT",
            ..FIRST
        };
        assert!(migrate(&mut connection, &[edited], 3).is_err());
        assert!(missing(&connection, &[edited]).is_err());
    }

    #[test]
    fn a_database_from_the_future_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST], 1).unwrap();
        assert!(migrate(&mut connection, &[], 2).is_err());
        assert!(missing(&connection, &[]).is_err());
    }

    #[test]
    fn a_table_that_others_refer_to_can_be_made_anew_and_is_watched_again() {
        let mut connection = Connection::open_in_memory().unwrap();
        let parents = Migration {
            sql: "CREATE TABLE parents (id INTEGER PRIMARY KEY, word TEXT UNIQUE) STRICT;
                  CREATE TABLE children (parent INTEGER REFERENCES parents (id)) STRICT;
                  INSERT INTO parents VALUES (1, 'one');
                  INSERT INTO children VALUES (1);",
            ..FIRST
        };
        let anew = Migration {
            number: 2,
            name: "anew",
            sql: "CREATE TABLE parents_anew (id INTEGER PRIMARY KEY, word TEXT) STRICT;
                  INSERT INTO parents_anew SELECT * FROM parents;
                  DROP TABLE parents;
                  ALTER TABLE parents_anew RENAME TO parents;",
        };
        migrate(&mut connection, &[parents, anew], 1).unwrap();
        assert!(
            connection
                .execute("INSERT INTO children VALUES (2)", [])
                .is_err()
        );
        connection
            .execute("INSERT INTO parents VALUES (2, 'one')", [])
            .unwrap();
        connection
            .execute("INSERT INTO children VALUES (2)", [])
            .unwrap();
    }

    #[test]
    fn a_migration_that_leaves_an_orphan_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let orphan = Migration {
            sql: "CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT;
                  CREATE TABLE children (parent INTEGER REFERENCES parents (id)) STRICT;
                  INSERT INTO children VALUES (1);",
            ..FIRST
        };
        assert!(migrate(&mut connection, &[orphan], 1).is_err());
        assert!(connection.prepare("SELECT 1 FROM children").is_err());
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = Migration {
            number: 1,
            name: "broken",
            sql: "CREATE TABLE one (id INTEGER) STRICT; nonsense",
        };
        assert!(migrate(&mut connection, &[broken], 1).is_err());
        assert!(connection.prepare("SELECT 1 FROM one").is_err());
    }
}
