//! The sandbox's books in a schema of their own, for several nodes. A charge is locked before it is moved. Numbers of
//! charges appear in their order, so that whoever reads on from a number misses none.

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
        postgres::{BASE, Bytes, Connection, Database, Place, Row, ToSql},
    },
    digest,
};
use std::collections::HashMap;

pub(crate) const MIGRATIONS: [Migration; 2] = [
    BASE,
    Migration {
        number: 1,
        name: "charges",
        sql: include_str!("../../../migrations/postgres_sandbox/0001_charges.sql"),
    },
];

/// The number is drawn under a lock that is held until the end, so none appears behind a later one.
const INSERT: &str = "WITH drawn AS (
         UPDATE charge_numbers SET last_number = last_number + 1 RETURNING last_number
     )
     INSERT INTO charges (charge_number, key, method, amount_minor, asked_minor, currency, state, proof, made_at_ms)
     SELECT last_number, $1, $2, $3, $4, $5, $6, $7, $8
       FROM drawn
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

const BY_KEY: &str = charges!("WHERE key = $1");
const BY_KEYS: &str = charges!("WHERE key = ANY($1)");
const BY_NUMBER: &str = charges!("WHERE charge_number = $1 FOR UPDATE");
const BY_PROOF: &str = charges!("WHERE proof = $1");
const AFTER: &str = charges!("WHERE charge_number > $1 ORDER BY charge_number LIMIT $2");

const MOVE: &str = "UPDATE charges
        SET state = $2::text,
            captured_minor = CASE WHEN $2::text = 'captured' THEN $3 ELSE captured_minor END
      WHERE charge_number = $1";

const REFUND: &str = "UPDATE charges
        SET refunded_minor = refunded_minor + $2
      WHERE charge_number = $1
        AND state = 'captured'
        AND refunded_minor + $2 <= captured_minor";

const ENTER: &str = "INSERT INTO entries (charge_number, state, key, amount_minor, at_ms)
     VALUES ($1, $2, $3, $4, $5)";

const ENTERED: &str =
    "SELECT amount_minor FROM entries WHERE charge_number = $1 AND state = $2 AND key = $3";

const CALL_BACK: &str = "INSERT INTO callbacks (event_id, key, kind, next_try_at_ms, at_ms)
     VALUES ($1, $2, $3, $4, $4)";

const TAKE_CALLBACKS: &str = "UPDATE callbacks
        SET next_try_at_ms = $2
      WHERE callback_number = ANY(ARRAY(SELECT callback_number
                                  FROM callbacks
                                 WHERE next_try_at_ms <= $1
                                 ORDER BY callback_number
                                 LIMIT $3
                                   FOR UPDATE SKIP LOCKED))
     RETURNING callback_number, event_id, key, kind, tries, at_ms";

/// The books of all nodes.
#[derive(Debug, Clone)]
pub(crate) struct PostgresBook {
    database: Database,
}

impl PostgresBook {
    pub(crate) async fn open(place: Place, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::open(place, &MIGRATIONS, now.as_ms()).await?;
        Ok(Self { database })
    }
}

#[async_trait]
impl SandboxBook for PostgresBook {
    async fn open_charge(&self, opening: Opening) -> Result<(Charge, bool), Abort<BookRefusal>> {
        self.database
            .write(opening, |c, opening| Box::pin(open_charge(c, opening)))
            .await
    }

    async fn enter(&self, reference: &str, entry: Entry) -> Result<Charge, Abort<BookRefusal>> {
        let number = number_of(reference)?;
        self.database
            .write(entry, move |c, entry| Box::pin(move_on(c, number, entry)))
            .await
    }

    async fn refund(
        &self,
        reference: &str,
        key: String,
        amount: Money,
        at: Timestamp,
    ) -> Result<(), Abort<BookRefusal>> {
        let number = number_of(reference)?;
        self.database
            .write(key, move |c, key| {
                Box::pin(give_back(c, (number, key), amount, at))
            })
            .await
    }

    async fn of_proof(&self, proof: String) -> Result<Option<Charge>, StoreError> {
        let connection = self.database.read().await?;
        let found = one(&connection, BY_PROOF, &[&proof]).await?;
        Ok(found.map(|(charge, _)| charge))
    }

    async fn find(&self, keys: Vec<String>) -> Result<Vec<Option<Charge>>, StoreError> {
        let connection = self.database.read().await?;
        let rows = connection.query(BY_KEYS, &[&keys]).await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let charge = charge_of(row)?;
            found.insert(charge.key.clone(), charge);
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn list(&self, after: u64, limit: u32) -> Result<Vec<Charge>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let connection = self.database.read().await?;
        let rows = connection
            .query(AFTER, &[&after, &i64::from(limit)])
            .await?;
        rows.iter().map(charge_of).collect()
    }

    /// Looks first: in most rounds nothing is due, and a look writes nothing.
    async fn take_callbacks(
        &self,
        now: Timestamp,
        again_at: Timestamp,
        limit: u32,
    ) -> Result<Vec<Courier>, StoreError> {
        let sql = "SELECT 1 FROM callbacks WHERE next_try_at_ms <= $1 LIMIT 1";
        let connection = self.database.read().await?;
        let due = connection.query_opt(sql, &[&now.as_ms()]).await?;
        drop(connection);
        if due.is_none() {
            return Ok(Vec::new());
        }
        let taken = self.database.write((), move |c, ()| {
            Box::pin(async move {
                let values: [&(dyn ToSql + Sync); 3] =
                    [&now.as_ms(), &again_at.as_ms(), &i64::from(limit)];
                let rows = c.query(TAKE_CALLBACKS, &values).await?;
                let taken = rows.iter().map(callback_of).collect::<Result<Vec<_>, _>>();
                Ok(taken?)
            })
        });
        let mut taken = plain(taken.await)?;
        taken.sort_unstable_by_key(|callback| callback.number);
        Ok(taken)
    }

    async fn end_callback(
        &self,
        number: i64,
        next_try_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let ended = self.database.write((), move |c, ()| {
            Box::pin(async move {
                match next_try_at {
                    None => {
                        let sql = "DELETE FROM callbacks WHERE callback_number = $1";
                        c.execute(sql, &[&number]).await?
                    }
                    Some(at) => {
                        let sql = "UPDATE callbacks
                                      SET tries = tries + 1, next_try_at_ms = $2
                                    WHERE callback_number = $1";
                        c.execute(sql, &[&number, &at.as_ms()]).await?
                    }
                };
                Ok(())
            })
        });
        plain(ended.await)
    }

    /// Of several nodes that start at once, one is first.
    async fn callback_secret(&self) -> Result<[u8; 32], StoreError> {
        let fresh = digest::random::<32>().map_err(StoreError::Other)?;
        let kept = self.database.write(fresh, |c, fresh| {
            Box::pin(async move {
                let sql =
                    "INSERT INTO secrets (name, value) VALUES ('callbacks', $1) ON CONFLICT DO NOTHING";
                c.execute(sql, &[&Bytes(*fresh)]).await?;
                let sql = "SELECT value FROM secrets WHERE name = 'callbacks'";
                let row = c.query_one(sql, &[]).await?;
                let Bytes(secret): Bytes<32> = row.try_get(0).map_err(StoreError::from)?;
                Ok(secret)
            })
        });
        plain(kept.await)
    }
}

async fn open_charge(
    connection: &Connection,
    opening: &Opening,
) -> Result<(Charge, bool), Abort<BookRefusal>> {
    let first = &opening.first;
    // A repetition draws no number and waits for nobody.
    if let Some((known, asked_minor)) = one(connection, BY_KEY, &[&first.key]).await? {
        return Ok((opening.same_as(known, asked_minor)?, false));
    }
    let values: [&(dyn ToSql + Sync); 8] = [
        &first.key,
        &opening.method,
        &first.amount.minor,
        &opening.asked.minor,
        &first.amount.currency.code(),
        &first.to.as_str(),
        &opening.proof,
        &first.at.as_ms(),
    ];
    let fresh = connection.execute(INSERT, &values).await? == 1;
    let found = one(connection, BY_KEY, &[&first.key]).await?;
    let (charge, asked_minor) = found.ok_or(Abort::Refused(BookRefusal::Unknown))?;
    if fresh {
        enter(connection, &charge, first).await?;
        return Ok((charge, true));
    }
    Ok((opening.same_as(charge, asked_minor)?, false))
}

async fn move_on(
    connection: &Connection,
    number: i64,
    entry: &Entry,
) -> Result<Charge, Abort<BookRefusal>> {
    let charge = locked(connection, number).await?;
    if !judge(&charge, entry)? {
        return Ok(charge);
    }
    let values: [&(dyn ToSql + Sync); 3] = [&number, &entry.to.as_str(), &entry.amount.minor];
    connection.execute(MOVE, &values).await?;
    enter(connection, &charge, entry).await?;
    locked(connection, number).await
}

async fn give_back(
    connection: &Connection,
    (number, key): (i64, &str),
    amount: Money,
    at: Timestamp,
) -> Result<(), Abort<BookRefusal>> {
    let charge = locked(connection, number).await?;
    let sought: [&(dyn ToSql + Sync); 3] = [&number, &"refunded", &key];
    let row = connection.query_opt(ENTERED, &sought).await?;
    let before = row.map(|row| row.try_get(0)).transpose();
    if !judge_refund(&charge, before.map_err(StoreError::from)?, amount)? {
        return Ok(());
    }
    if connection
        .execute(REFUND, &[&number, &amount.minor])
        .await?
        != 1
    {
        return Err(Abort::Refused(BookRefusal::TooMuch));
    }
    let values: [&(dyn ToSql + Sync); 5] = [&number, &"refunded", &key, &amount.minor, &at.as_ms()];
    connection.execute(ENTER, &values).await?;
    Ok(())
}

async fn enter(connection: &Connection, charge: &Charge, entry: &Entry) -> Result<(), StoreError> {
    let number = i64::try_from(charge.number).unwrap_or(i64::MAX);
    let (state, at) = (entry.to.as_str(), entry.at.as_ms());
    let values: [&(dyn ToSql + Sync); 5] = [&number, &state, &entry.key, &entry.amount.minor, &at];
    connection.execute(ENTER, &values).await?;
    if entry.call_back {
        let event_id = EventId::generate().to_string();
        let values: [&(dyn ToSql + Sync); 4] = [&event_id, &charge.key, &state, &at];
        connection.execute(CALL_BACK, &values).await?;
    }
    Ok(())
}

/// A charge, and what was asked for.
async fn one(
    connection: &Connection,
    sql: &'static str,
    by: &[&(dyn ToSql + Sync)],
) -> Result<Option<(Charge, i64)>, StoreError> {
    let row = connection.query_opt(sql, by).await?;
    row.map(|row| Ok((charge_of(&row)?, row.try_get(9)?)))
        .transpose()
}

/// The charge of this number, which nobody else moves until this transaction ends.
async fn locked(connection: &Connection, number: i64) -> Result<Charge, Abort<BookRefusal>> {
    let found = one(connection, BY_NUMBER, &[&number]).await?;
    found
        .map(|(charge, _)| charge)
        .ok_or(Abort::Refused(BookRefusal::Unknown))
}

fn callback_of(row: &Row) -> Result<Courier, StoreError> {
    Ok(Courier {
        number: row.try_get(0)?,
        event_id: row.try_get(1)?,
        key: row.try_get(2)?,
        kind: row.try_get(3)?,
        tries: u32::try_from(row.try_get::<_, i64>(4)?).unwrap_or(u32::MAX),
        at: Timestamp::from_ms(row.try_get(5)?),
    })
}

fn charge_of(row: &Row) -> Result<Charge, StoreError> {
    let read = Read {
        number: row.try_get(0)?,
        key: row.try_get(1)?,
        state: row.try_get(2)?,
        amount_minor: row.try_get(3)?,
        currency: row.try_get(4)?,
        captured_minor: row.try_get(5)?,
        refunded_minor: row.try_get(6)?,
        method: row.try_get(7)?,
        proof: row.try_get(8)?,
    };
    read.charge()
}
