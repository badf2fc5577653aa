//! The books of the sandbox provider, in a file of their own: charges by key, everything each went through, and what
//! the shop is still to be called back about. Knows nothing of our payments, as a real provider's books would not.

use crate::domain::{Charge, ChargeState};
use contracts::values::{Currency, EventId, Money, Timestamp, ValueError};
use platform::{
    db::{
        Abort, StoreError,
        migrate::Migration,
        sqlite::{Database, Options},
    },
    digest,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::{convert::Infallible, path::Path};

const MIGRATIONS: [Migration; 2] = [
    Migration {
        number: 1,
        name: "charges",
        sql: include_str!("../../migrations/sandbox/0001_charges.sql"),
    },
    Migration {
        number: 2,
        name: "parts_and_proofs",
        sql: include_str!("../../migrations/sandbox/0002_parts_and_proofs.sql"),
    },
];

/// Where a buyer goes to prove what is wanted; the proof's name follows.
pub(crate) const PROOFS: &str = "/api/v1/payments/providers/sandbox/proofs/";

/// What a charge is made with that was let go before anybody asked for it.
const NO_METHOD: &str = "none";

const INSERT: &str = "INSERT INTO charges (key, method, amount_minor, asked_minor, currency, state, proof, made_at_ms)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT (key) DO NOTHING";

/// A charge that was let go before it was ever made answers to any wish.
const SAME_WISH: &str = "SELECT 1
       FROM charges
      WHERE key = ?1
        AND (method = 'none' OR (method = ?2 AND asked_minor = ?3))";

macro_rules! charges {
    ($where:literal) => {
        concat!(
            "SELECT charge_number, key, state, amount_minor, currency, captured_minor, refunded_minor, method, proof
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
    #[error("a {} charge cannot be {to}", from.as_str())]
    Illegal { from: ChargeState, to: &'static str },
    /// More than is left of what was captured.
    #[error("more than was captured would be given back")]
    TooMuch,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Makes it safe to repeat.
    pub(crate) key: String,
    pub(crate) to: ChargeState,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    /// Whether the shop is called back about it.
    pub(crate) call_back: bool,
}

/// A callback that the shop has not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Courier {
    pub(crate) number: i64,
    pub(crate) event_id: String,
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) tries: u32,
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
        asked: Money,
        method: &str,
    ) -> Result<(Charge, bool), Abort<BookRefusal>> {
        let method = method.to_owned();
        let proof = match first.to {
            ChargeState::Challenged => Some(secret_name().map_err(StoreError::Other)?),
            ChargeState::Authorised
            | ChargeState::Captured
            | ChargeState::Voided
            | ChargeState::Declined => None,
        };
        let write = move |connection: &Connection| {
            let values = params![
                first.key,
                method,
                first.amount.minor,
                asked.minor,
                first.amount.currency.code(),
                first.to.as_str(),
                proof,
                first.at.as_ms(),
            ];
            let fresh = connection.prepare_cached(INSERT)?.execute(values)? == 1;
            let charge =
                one(connection, BY_KEY, &first.key)?.ok_or(Abort::Refused(BookRefusal::Unknown))?;
            if fresh {
                enter(connection, &charge, &first)?;
                return Ok((charge, true));
            }
            let wish = params![first.key, method, asked.minor];
            if method != NO_METHOD && !connection.prepare_cached(SAME_WISH)?.exists(wish)? {
                return Err(Abort::Refused(BookRefusal::Differs));
            }
            Ok((charge, false))
        };
        self.database.write(write).await
    }

    /// Makes sure that nothing can be taken under a key any more: a charge that is not there is made, let go, so that
    /// a request that is still on its way finds it. What was captured stays captured. Answers where it stands.
    pub(crate) async fn fence(&self, entry: Entry) -> Result<Charge, Abort<BookRefusal>> {
        let (charge, _) = self
            .open_charge(entry.clone(), entry.amount, NO_METHOD)
            .await?;
        if charge.state.may_become(ChargeState::Voided) {
            return self.enter(&charge.reference, entry).await;
        }
        Ok(charge)
    }

    /// Moves a charge on, all of its amount. The same entry again is fine.
    pub(crate) async fn enter(
        &self,
        reference: &str,
        entry: Entry,
    ) -> Result<Charge, Abort<BookRefusal>> {
        let number = number_of(reference).ok_or(Abort::Refused(BookRefusal::Unknown))?;
        let write = move |connection: &Connection| {
            let charge =
                one(connection, BY_NUMBER, number)?.ok_or(Abort::Refused(BookRefusal::Unknown))?;
            if charge.state == entry.to {
                return Ok(charge);
            }
            if !charge.state.may_become(entry.to) {
                return Err(Abort::Refused(BookRefusal::Illegal {
                    from: charge.state,
                    to: entry.to.as_str(),
                }));
            }
            connection.prepare_cached(MOVE)?.execute(params![
                number,
                entry.to.as_str(),
                entry.amount.minor
            ])?;
            enter(connection, &charge, &entry)?;
            Ok(one(connection, BY_NUMBER, number)?.unwrap_or(charge))
        };
        self.database.write(write).await
    }

    /// Gives back some of what was captured, once for a key.
    pub(crate) async fn refund(
        &self,
        reference: &str,
        key: String,
        amount: Money,
        at: Timestamp,
    ) -> Result<(), Abort<BookRefusal>> {
        let number = number_of(reference).ok_or(Abort::Refused(BookRefusal::Unknown))?;
        let write = move |connection: &Connection| {
            let charge =
                one(connection, BY_NUMBER, number)?.ok_or(Abort::Refused(BookRefusal::Unknown))?;
            let before: Option<i64> = connection
                .prepare_cached(ENTERED)?
                .query_row(params![number, "refunded", key], |row| row.get(0))
                .optional()?;
            match before {
                Some(minor) if minor == amount.minor => return Ok(()),
                Some(_) => return Err(Abort::Refused(BookRefusal::Differs)),
                None if charge.state != ChargeState::Captured => {
                    return Err(Abort::Refused(BookRefusal::Illegal {
                        from: charge.state,
                        to: "refunded",
                    }));
                }
                None => {}
            }
            if connection
                .prepare_cached(REFUND)?
                .execute([number, amount.minor])?
                != 1
            {
                return Err(Abort::Refused(BookRefusal::TooMuch));
            }
            let values = params![number, "refunded", key, amount.minor, at.as_ms()];
            connection.prepare_cached(ENTER)?.execute(values)?;
            Ok(())
        };
        self.database.write(write).await
    }

    /// The buyer proved what was wanted, or did not; the shop is called back. Answers where the charge stands.
    pub(crate) async fn prove(
        &self,
        proof: String,
        to: ChargeState,
        at: Timestamp,
    ) -> Result<Charge, Abort<BookRefusal>> {
        let found = self
            .database
            .read(move |c| one(c, BY_PROOF, &proof))
            .await?
            .ok_or(Abort::Refused(BookRefusal::Unknown))?;
        let entry = Entry {
            key: "proof".to_owned(),
            to,
            amount: found.amount,
            at,
            call_back: true,
        };
        self.enter(&found.reference, entry).await
    }

    /// The charges of these keys, in their order.
    pub(crate) async fn find(&self, keys: Vec<String>) -> Result<Vec<Option<Charge>>, StoreError> {
        let read = move |c: &Connection| keys.iter().map(|key| one(c, BY_KEY, key)).collect();
        self.database.read(read).await
    }

    /// Charges after this number, in its order.
    pub(crate) async fn list(&self, after: u64, limit: u32) -> Result<Vec<Charge>, StoreError> {
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

    /// Callbacks whose next try is due, oldest first.
    pub(crate) async fn due_callbacks(
        &self,
        now: Timestamp,
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

    /// A callback was answered (no next try), or comes again.
    pub(crate) async fn end_callback(
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

    /// The secret that callbacks are signed with.
    pub(crate) async fn callback_secret(&self) -> Result<[u8; 32], StoreError> {
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

fn plain<T>(outcome: Result<T, Abort<Infallible>>) -> Result<T, StoreError> {
    outcome.map_err(|abort| match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    })
}

/// A name that nobody can guess.
fn secret_name() -> Result<String, contracts::BoxError> {
    Ok(digest::base64url(&digest::random::<18>()?))
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

fn one(
    connection: &Connection,
    sql: &'static str,
    by: impl rusqlite::ToSql,
) -> Result<Option<Charge>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![by])?;
    rows.next()?.map(charge_of).transpose()
}

fn charge_of(row: &Row<'_>) -> Result<Charge, StoreError> {
    let unreadable = |error: ValueError| StoreError::Other(Box::new(error));
    let number: i64 = row.get(0)?;
    let currency: Currency = row.get::<_, String>(4)?.parse().map_err(unreadable)?;
    let proof: Option<String> = row.get(8)?;
    Ok(Charge {
        number: u64::try_from(number).unwrap_or(0),
        key: row.get(1)?,
        reference: format!("ch_{number}"),
        state: row.get::<_, String>(2)?.parse().map_err(unreadable)?,
        amount: Money::new(row.get(3)?, currency),
        captured_minor: row.get(5)?,
        refunded_minor: row.get(6)?,
        method: row.get(7)?,
        action_url: proof.map(|proof| format!("{PROOFS}{proof}")),
    })
}

fn number_of(reference: &str) -> Option<i64> {
    reference.strip_prefix("ch_")?.parse().ok()
}
