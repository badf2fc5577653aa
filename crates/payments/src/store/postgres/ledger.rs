//! The ledger: entries that are only added to, each carrying the hash of the one before, and accounts that are the
//! sum of their entries. Both are written in the commit of what they tell of, under the lock of the last entry.

use super::{
    audit,
    rows::{bytes, other},
};
use crate::{
    domain::ledger::Transaction,
    store::books::{Entry, Walk},
};
use contracts::{payments::LedgerAudit, values::Timestamp};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};
use std::collections::BTreeMap;

/// Rows read at a time.
const PAGE: i64 = 5_000;

const HEAD: &str = "SELECT entry_number, hash FROM ledger_head WHERE head_id = 1 FOR UPDATE";

const MOVE_HEAD: &str = "UPDATE ledger_head SET entry_number = $1, hash = $2 WHERE head_id = 1";

const INSERT: &str = "INSERT INTO ledger_entries (entry_number, transaction_id, account, amount_minor, currency,
                                 at_ms, hash)
     SELECT *
       FROM UNNEST($1::bigint[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bytea[])";

const BALANCE: &str = "UPDATE ledger_accounts
        SET balance_minor = balance_minor + change.minor
       FROM UNNEST($1::text[], $2::text[], $3::bigint[]) AS change (name, unit, minor)
      WHERE account = change.name
        AND currency = change.unit";

/// Not an upsert: that would hold the entry itself, and not the balance, against the account's CHECK.
const OPEN_ACCOUNTS: &str = "INSERT INTO ledger_accounts (account, currency, balance_minor)
     SELECT name, unit, 0
       FROM UNNEST($1::text[], $2::text[]) AS missing (name, unit)
         ON CONFLICT DO NOTHING";

/// What a commit adds.
#[derive(Default)]
struct Added<'a> {
    numbers: Vec<i64>,
    transactions: Vec<Bytes<16>>,
    accounts: Vec<&'a str>,
    amounts: Vec<i64>,
    currencies: Vec<&'a str>,
    times: Vec<i64>,
    hashes: Vec<Bytes<32>>,
}

/// Posts transactions, each once: a second time, and an overdrawn cash account, violate a constraint.
pub(super) async fn post_all(
    connection: &Connection,
    transactions: &[(&Transaction, Timestamp)],
) -> Result<(), StoreError> {
    if transactions.is_empty() {
        return Ok(());
    }
    let head = connection.query_one(HEAD, &[]).await?;
    let (mut number, mut hash): (i64, [u8; 32]) = (head.try_get(0)?, bytes(&head, 1)?);
    let mut added = Added::default();
    let mut changes: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (transaction, at) in transactions {
        let currency = transaction.money.currency.code();
        for posting in &transaction.postings {
            number = number.saturating_add(1);
            let entry = Entry {
                number,
                transaction_id: &transaction.id,
                account: &posting.account,
                amount_minor: posting.amount_minor,
                currency,
                at_ms: at.as_ms(),
            };
            hash = entry.hash(&hash);
            added.push(&entry, transaction.id, hash);
            let change = changes.entry((entry.account, currency)).or_default();
            let sum = change.checked_add(posting.amount_minor);
            *change = sum.ok_or_else(|| other("an account cannot hold that much"))?;
        }
    }
    added.insert(connection).await?;
    let moved: [&(dyn ToSql + Sync); 2] = [&number, &Bytes(hash)];
    connection.execute(MOVE_HEAD, &moved).await?;
    change_balances(connection, &changes).await
}

impl<'a> Added<'a> {
    fn push(&mut self, entry: &Entry<'a>, transaction: [u8; 16], hash: [u8; 32]) {
        self.numbers.push(entry.number);
        self.transactions.push(Bytes(transaction));
        self.accounts.push(entry.account);
        self.amounts.push(entry.amount_minor);
        self.currencies.push(entry.currency);
        self.times.push(entry.at_ms);
        self.hashes.push(Bytes(hash));
    }

    async fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        let values: [&(dyn ToSql + Sync); 7] = [
            &self.numbers,
            &self.transactions,
            &self.accounts,
            &self.amounts,
            &self.currencies,
            &self.times,
            &self.hashes,
        ];
        connection.execute(INSERT, &values).await.map(drop)
    }
}

async fn change_balances(
    connection: &Connection,
    changes: &BTreeMap<(&str, &str), i64>,
) -> Result<(), StoreError> {
    let accounts: Vec<&str> = changes.keys().map(|(account, _)| *account).collect();
    let currencies: Vec<&str> = changes.keys().map(|(_, currency)| *currency).collect();
    let amounts: Vec<i64> = changes.values().copied().collect();
    connection
        .execute(OPEN_ACCOUNTS, &[&accounts, &currencies])
        .await?;
    let values: [&(dyn ToSql + Sync); 3] = [&accounts, &currencies, &amounts];
    connection.execute(BALANCE, &values).await.map(drop)
}

const ENTRIES: &str =
    "SELECT entry_number, transaction_id, account, amount_minor, currency, at_ms, hash
       FROM ledger_entries
      WHERE entry_number > $1
      ORDER BY entry_number
      LIMIT $2";

const ACCOUNTS: &str =
    "SELECT account, currency, balance_minor FROM ledger_accounts ORDER BY account, currency";

/// Reads every entry, in order and in pages, all of one snapshot.
pub(super) async fn audit(connection: &Connection) -> Result<LedgerAudit, StoreError> {
    let mut walk = Walk::default();
    let mut seen = 0_i64;
    loop {
        let rows = connection.query(ENTRIES, &[&seen, &PAGE]).await?;
        let Some(last) = rows.last() else { break };
        seen = last.try_get(0)?;
        for row in &rows {
            pass(&mut walk, row)?;
        }
    }
    let rows = connection.query(ACCOUNTS, &[]).await?;
    let accounts = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect::<Result<_, StoreError>>()?;
    walk.end(accounts, audit::totals(connection).await?)
}

fn pass(walk: &mut Walk, row: &Row) -> Result<(), StoreError> {
    let transaction: [u8; 16] = bytes(row, 1)?;
    let entry = Entry {
        number: row.try_get(0)?,
        transaction_id: &transaction,
        account: row.try_get(2)?,
        amount_minor: row.try_get(3)?,
        currency: row.try_get(4)?,
        at_ms: row.try_get(5)?,
    };
    walk.pass(&entry, &bytes(row, 6)?);
    Ok(())
}
