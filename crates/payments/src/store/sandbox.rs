//! The books of the sandbox provider, in a file of their own: charges by key, and every state each reached.
//! Knows nothing of our payments, as a real provider's books would not.

use crate::domain::{Charge, ChargeState};
use contracts::values::{Currency, Money, Timestamp, ValueError};
use platform::db::{
    Abort, StoreError,
    migrate::Migration,
    sqlite::{Database, Options},
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;

const MIGRATIONS: [Migration; 1] = [Migration {
    number: 1,
    name: "charges",
    sql: include_str!("../../migrations/sandbox/0001_charges.sql"),
}];

const INSERT: &str = "INSERT INTO charges (key, method, amount_minor, currency, state, made_at_ms)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT (key) DO NOTHING";

const BY_KEY: &str = "SELECT charge_number, state, amount_minor, currency, method
       FROM charges
      WHERE key = ?1";

const BY_NUMBER: &str = "SELECT charge_number, state, amount_minor, currency, method
       FROM charges
      WHERE charge_number = ?1";

const MOVE: &str = "UPDATE charges
        SET state = ?3
      WHERE charge_number = ?1
        AND state = ?2";

const ENTER: &str = "INSERT INTO entries (charge_number, state, key, at_ms)
     VALUES (?1, ?2, ?3, ?4)";

const ENTERED: &str = "SELECT key
       FROM entries
      WHERE charge_number = ?1
        AND state = ?2";

/// Why the books do not take an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BookRefusal {
    /// The key came before with another amount or method.
    #[error("the key came before with another charge")]
    Differs,
    /// No such charge.
    #[error("there is no such charge")]
    Unknown,
    /// The charge is not where the entry begins.
    #[error("a {} charge cannot be {}", from.as_str(), to.as_str())]
    Illegal { from: ChargeState, to: ChargeState },
}

/// What an entry says.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Makes it safe to repeat.
    pub(crate) key: String,
    pub(crate) to: ChargeState,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
}

/// The books.
#[derive(Debug, Clone)]
pub(crate) struct SandboxBook {
    database: Database,
}

impl SandboxBook {
    pub(crate) fn open(path: &Path, options: Options, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::open(path, options, &MIGRATIONS, now.as_ms())?;
        Ok(Self { database })
    }

    /// Makes a charge in its first state; or, if the key made one before, answers where that one stands
    /// and `false`.
    pub(crate) async fn open_charge(
        &self,
        first: Entry,
        method: &str,
    ) -> Result<(Charge, bool), Abort<BookRefusal>> {
        let method = method.to_owned();
        let write = move |connection: &Connection| {
            let values = params![
                first.key,
                method,
                first.amount.minor,
                first.amount.currency.code(),
                first.to.as_str(),
                first.at.as_ms(),
            ];
            let fresh = connection.prepare_cached(INSERT)?.execute(values)? == 1;
            let (number, charge) = find_one(connection, BY_KEY, &first.key)?
                .ok_or(Abort::Refused(BookRefusal::Unknown))?;
            if charge.amount != first.amount || charge.method != method {
                return Err(Abort::Refused(BookRefusal::Differs));
            }
            if fresh {
                enter(connection, number, &first)?;
            }
            Ok((charge, fresh))
        };
        self.database.write(write).await
    }

    /// Moves a charge on, all of its amount. The same entry again is fine.
    pub(crate) async fn enter(
        &self,
        reference: &str,
        entry: Entry,
    ) -> Result<(), Abort<BookRefusal>> {
        let number = number_of(reference).ok_or(Abort::Refused(BookRefusal::Unknown))?;
        let write = move |connection: &Connection| {
            let (_, charge) = find_one(connection, BY_NUMBER, number)?
                .ok_or(Abort::Refused(BookRefusal::Unknown))?;
            if charge.amount != entry.amount {
                return Err(Abort::Refused(BookRefusal::Differs));
            }
            let from = entry.to.comes_from().map(ChargeState::as_str);
            let values = params![number, from, entry.to.as_str()];
            if connection.prepare_cached(MOVE)?.execute(values)? == 1 {
                return Ok(enter(connection, number, &entry)?);
            }
            if entered(connection, number, &entry)? {
                return Ok(());
            }
            Err(Abort::Refused(BookRefusal::Illegal {
                from: charge.state,
                to: entry.to,
            }))
        };
        self.database.write(write).await
    }

    /// The charges of these keys, in their order.
    pub(crate) async fn find(&self, keys: Vec<String>) -> Result<Vec<Option<Charge>>, StoreError> {
        let read = move |connection: &Connection| {
            let find = |key: &String| {
                let found = find_one(connection, BY_KEY, key)?;
                Ok(found.map(|(_, charge)| charge))
            };
            keys.iter().map(find).collect()
        };
        self.database.read(read).await
    }
}

fn enter(connection: &Connection, number: i64, entry: &Entry) -> Result<(), StoreError> {
    let values = params![number, entry.to.as_str(), entry.key, entry.at.as_ms()];
    connection.prepare_cached(ENTER)?.execute(values)?;
    Ok(())
}

/// Whether this very entry was made before.
fn entered(connection: &Connection, number: i64, entry: &Entry) -> Result<bool, StoreError> {
    let key: Option<String> = connection
        .prepare_cached(ENTERED)?
        .query_row(params![number, entry.to.as_str()], |row| row.get(0))
        .optional()?;
    Ok(key.is_some_and(|key| key == entry.key))
}

fn find_one(
    connection: &Connection,
    sql: &'static str,
    by: impl rusqlite::ToSql,
) -> Result<Option<(i64, Charge)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![by])?;
    rows.next()?.map(charge_of).transpose()
}

fn charge_of(row: &Row<'_>) -> Result<(i64, Charge), StoreError> {
    let unreadable = |error: ValueError| StoreError::Other(Box::new(error));
    let number: i64 = row.get(0)?;
    let currency: Currency = row.get::<_, String>(3)?.parse().map_err(unreadable)?;
    let charge = Charge {
        reference: format!("ch_{number}"),
        state: row.get::<_, String>(1)?.parse().map_err(unreadable)?,
        amount: Money::new(row.get(2)?, currency),
        method: row.get(4)?,
    };
    Ok((number, charge))
}

fn number_of(reference: &str) -> Option<i64> {
    reference.strip_prefix("ch_")?.parse().ok()
}
