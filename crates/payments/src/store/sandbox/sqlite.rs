//! The sandbox's books in a file of their own.

use super::{
    BookRefusal, Courier, Entry, Opening, Read, SandboxBook, judge, judge_refund, number_of, plain,
};
use crate::domain::Charge;
use async_trait::async_trait;
use contracts::values::{EventId, Money, Timestamp};
use platform::{
    db::{
        Abort, StoreError,
        migrate::Migration,
        sqlite::{Database, Options},
    },
    digest,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;

pub(crate) const MIGRATIONS: [Migration; 2] = [
    Migration {
        number: 1,
        name: "charges",
        sql: include_str!("../../../migrations/sandbox/0001_charges.sql"),
    },
    Migration {
        number: 2,
        name: "parts_and_proofs",
        sql: include_str!("../../../migrations/sandbox/0002_parts_and_proofs.sql"),
    },
];

const INSERT: &str = "INSERT INTO charges (key, method, amount_minor, asked_minor, currency, state, proof, made_at_ms)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT (key) DO NOTHING";

macro_rules! charges {
    ($where:literal) => {
        concat!(
            "SELECT charge_number, key, state, amount_minor, currency, captured_minor, refunded_minor, method, proof,
                    asked_minor
               FROM charges ",
            $where
        )
    };
}

const BY_KEY: &str = charges!("WHERE key = ?1");
const BY_NUMBER: &str = charges!("WHERE charge_number = ?1");
const BY_PROOF: &str = charges!("WHERE proof = ?1");
const AFTER: &str = charges!("WHERE charge_number > ?1 ORDER BY charge_number LIMIT ?2");

const MOVE: &str = "UPDATE charges
        SET state = ?2,
            captured_minor = iif(?2 = 'captured', ?3, captured_minor)
      WHERE charge_number = ?1";

const REFUND: &str = "UPDATE charges
        SET refunded_minor = refunded_minor + ?2
      WHERE charge_number = ?1
        AND state = 'captured'
        AND refunded_minor + ?2 <= captured_minor";

const ENTER: &str = "INSERT INTO entries (charge_number, state, key, amount_minor, at_ms)
     VALUES (?1, ?2, ?3, ?4, ?5)";

const ENTERED: &str =
    "SELECT amount_minor FROM entries WHERE charge_number = ?1 AND state = ?2 AND key = ?3";

const CALL_BACK: &str = "INSERT INTO callbacks (event_id, key, kind, next_try_at_ms, at_ms)
     VALUES (?1, ?2, ?3, ?4, ?4)";

/// The books of one process.
#[derive(Debug, Clone)]
pub(crate) struct SqliteBook {
    database: Database,
}

impl SqliteBook {
    pub(crate) fn open(path: &Path, options: Options, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::open(path, options, &MIGRATIONS, now.as_ms())?;
        Ok(Self { database })
    }
}

#[async_trait]
impl SandboxBook for SqliteBook {
    async fn open_charge(&self, opening: Opening) -> Result<(Charge, bool), Abort<BookRefusal>> {
        let write = move |connection: &Connection| {
            let first = &opening.first;
            let values = params![
                first.key,
                opening.method,
                first.amount.minor,
                opening.asked.minor,
                first.amount.currency.code(),
                first.to.as_str(),
                opening.proof,
                first.at.as_ms(),
            ];
            let fresh = connection.prepare_cached(INSERT)?.execute(values)? == 1;
            let (charge, asked_minor) =
                one(connection, BY_KEY, &first.key)?.ok_or(Abort::Refused(BookRefusal::Unknown))?;
            if fresh {
                enter(connection, &charge, first)?;
                return Ok((charge, true));
            }
            Ok((opening.same_as(charge, asked_minor)?, false))
        };
        self.database.write(write).await
    }

    async fn enter(&self, reference: &str, entry: Entry) -> Result<Charge, Abort<BookRefusal>> {
        let number = number_of(reference)?;
        let write = move |connection: &Connection| {
            let charge = by_number(connection, number)?;
            if !judge(&charge, &entry)? {
                return Ok(charge);
            }
            let values = params![number, entry.to.as_str(), entry.amount.minor];
            connection.prepare_cached(MOVE)?.execute(values)?;
            enter(connection, &charge, &entry)?;
            by_number(connection, number)
        };
        self.database.write(write).await
    }

    async fn refund(
        &self,
        reference: &str,
        key: String,
        amount: Money,
        at: Timestamp,
    ) -> Result<(), Abort<BookRefusal>> {
        let number = number_of(reference)?;
        let write = move |connection: &Connection| {
            let charge = by_number(connection, number)?;
            let before: Option<i64> = connection
                .prepare_cached(ENTERED)?
                .query_row(params![number, "refunded", key], |row| row.get(0))
                .optional()?;
            if !judge_refund(&charge, before, amount)? {
                return Ok(());
            }
            let given = connection
                .prepare_cached(REFUND)?
                .execute([number, amount.minor])?;
            if given != 1 {
                return Err(Abort::Refused(BookRefusal::TooMuch));
            }
            let values = params![number, "refunded", key, amount.minor, at.as_ms()];
            connection.prepare_cached(ENTER)?.execute(values)?;
            Ok(())
        };
        self.database.write(write).await
    }

    async fn of_proof(&self, proof: String) -> Result<Option<Charge>, StoreError> {
        let read = move |c: &Connection| Ok(one(c, BY_PROOF, &proof)?.map(|(charge, _)| charge));
        self.database.read(read).await
    }

    async fn find(&self, keys: Vec<String>) -> Result<Vec<Option<Charge>>, StoreError> {
        let read = move |c: &Connection| {
            keys.iter()
                .map(|key| Ok(one(c, BY_KEY, key)?.map(|(charge, _)| charge)))
                .collect()
        };
        self.database.read(read).await
    }

    async fn list(&self, after: u64, limit: u32) -> Result<Vec<Charge>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let read = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(AFTER)?;
            let mut rows = statement.query(params![after, limit])?;
            let mut charges = Vec::new();
            while let Some(row) = rows.next()? {
                charges.push(charge_of(row)?);
            }
            Ok(charges)
        };
        self.database.read(read).await
    }

    /// There is no other node.
    async fn take_callbacks(
        &self,
        now: Timestamp,
        _: Timestamp,
        limit: u32,
    ) -> Result<Vec<Courier>, StoreError> {
        let read = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT callback_number, event_id, key, kind, tries, at_ms
                   FROM callbacks
                  WHERE next_try_at_ms <= ?1
                  ORDER BY callback_number
                  LIMIT ?2",
            )?;
            let rows = statement.query_map(params![now.as_ms(), limit], |row| {
                Ok(Courier {
                    number: row.get(0)?,
                    event_id: row.get(1)?,
                    key: row.get(2)?,
                    kind: row.get(3)?,
                    tries: row.get(4)?,
                    at: Timestamp::from_ms(row.get(5)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.database.read(read).await
    }

    async fn end_callback(
        &self,
        number: i64,
        next_try_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let write = move |connection: &Connection| {
            match next_try_at {
                None => connection
                    .prepare_cached("DELETE FROM callbacks WHERE callback_number = ?1")?
                    .execute([number])?,
                Some(at) => connection
                    .prepare_cached(
                        "UPDATE callbacks
                            SET tries = tries + 1, next_try_at_ms = ?2
                          WHERE callback_number = ?1",
                    )?
                    .execute([number, at.as_ms()])?,
            };
            Ok(())
        };
        plain(self.database.write(write).await)
    }

    async fn callback_secret(&self) -> Result<[u8; 32], StoreError> {
        let fresh = digest::random::<32>().map_err(StoreError::Other)?;
        let write = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO secrets (name, value) VALUES ('callbacks', ?1) ON CONFLICT DO NOTHING",
                )?
                .execute([fresh])?;
            Ok(connection
                .prepare_cached("SELECT value FROM secrets WHERE name = 'callbacks'")?
                .query_row([], |row| row.get(0))?)
        };
        plain(self.database.write(write).await)
    }
}

fn enter(connection: &Connection, charge: &Charge, entry: &Entry) -> Result<(), StoreError> {
    let number = i64::try_from(charge.number).unwrap_or(i64::MAX);
    let values = params![
        number,
        entry.to.as_str(),
        entry.key,
        entry.amount.minor,
        entry.at.as_ms()
    ];
    connection.prepare_cached(ENTER)?.execute(values)?;
    if entry.call_back {
        call_back(connection, &charge.key, entry.to.as_str(), entry.at)?;
    }
    Ok(())
}

fn call_back(
    connection: &Connection,
    key: &str,
    kind: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let event_id = EventId::generate().to_string();
    connection
        .prepare_cached(CALL_BACK)?
        .execute(params![event_id, key, kind, at.as_ms()])?;
    Ok(())
}

/// A charge, and what was asked for.
fn one(
    connection: &Connection,
    sql: &'static str,
    by: impl rusqlite::ToSql,
) -> Result<Option<(Charge, i64)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![by])?;
    let found = rows.next()?;
    found
        .map(|row| Ok((charge_of(row)?, row.get(9)?)))
        .transpose()
}

fn by_number(connection: &Connection, number: i64) -> Result<Charge, Abort<BookRefusal>> {
    let found = one(connection, BY_NUMBER, number)?;
    found
        .map(|(charge, _)| charge)
        .ok_or(Abort::Refused(BookRefusal::Unknown))
}

fn charge_of(row: &Row<'_>) -> Result<Charge, StoreError> {
    let read = Read {
        number: row.get(0)?,
        key: row.get(1)?,
        state: row.get(2)?,
        amount_minor: row.get(3)?,
        currency: row.get(4)?,
        captured_minor: row.get(5)?,
        refunded_minor: row.get(6)?,
        method: row.get(7)?,
        proof: row.get(8)?,
    };
    read.charge()
}
