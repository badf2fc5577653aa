//! The ledger: entries that are only added to, each carrying the hash of the one before, and accounts that are the
//! sum of their entries. Both are written in the commit of what they tell of.

use super::{audit, other, unreadable};
use crate::{
    domain::ledger::{self, Transaction},
    store::books::{Entry, Walk},
};
use contracts::{
    payments::LedgerAudit,
    values::{Currency, Money, PaymentId, RefundId, Timestamp},
};
use platform::{db::StoreError, digest};
use rusqlite::{Connection, OptionalExtension, params};

const LAST: &str =
    "SELECT entry_number, hash FROM ledger_entries ORDER BY entry_number DESC LIMIT 1";

const INSERT: &str =
    "INSERT INTO ledger_entries (entry_number, transaction_id, account, amount_minor, currency,
                                 at_ms, hash)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const BALANCE: &str = "UPDATE ledger_accounts
        SET balance_minor = balance_minor + ?3
      WHERE account = ?1
        AND currency = ?2";

/// Not an upsert: that would hold the entry itself, and not the balance, against the account's CHECK.
const OPEN_ACCOUNT: &str =
    "INSERT INTO ledger_accounts (account, currency, balance_minor) VALUES (?1, ?2, ?3)";

/// Posts a transaction, once: a second time, and an overdrawn cash account, violate a constraint.
pub(super) fn post(
    connection: &Connection,
    transaction: &Transaction,
    at: Timestamp,
) -> Result<(), StoreError> {
    let last: Option<(i64, [u8; 32])> = connection
        .prepare_cached(LAST)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (mut number, mut hash) = last.unwrap_or((0, [0; 32]));
    let currency = transaction.money.currency;
    for posting in &transaction.postings {
        number = number.saturating_add(1);
        let entry = Entry {
            number,
            transaction_id: &transaction.id,
            account: &posting.account,
            amount_minor: posting.amount_minor,
            currency: currency.code(),
            at_ms: at.as_ms(),
        };
        hash = entry.hash(&hash);
        connection.prepare_cached(INSERT)?.execute(params![
            number,
            entry.transaction_id,
            entry.account,
            entry.amount_minor,
            entry.currency,
            entry.at_ms,
            hash
        ])?;
        let values = params![entry.account, entry.currency, entry.amount_minor];
        if connection.prepare_cached(BALANCE)?.execute(values)? == 0 {
            connection.prepare_cached(OPEN_ACCOUNT)?.execute(values)?;
        }
    }
    Ok(())
}

/// Payments that were taken by a release without a ledger are booked as they stand, once.
pub(super) fn open_books(
    connection: &Connection,
    provider: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    if connection.prepare_cached(LAST)?.exists([])? {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "SELECT payment_id, amount_minor, currency, refunded_minor
           FROM payments
          WHERE status IN ('captured', 'refunded')
          ORDER BY payment_number",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let currency: Currency = row.get::<_, String>(2)?.parse().map_err(unreadable)?;
        let id: [u8; 16] = row.get(0)?;
        let amount = Money::new(row.get(1)?, currency);
        post(
            connection,
            &ledger::captured(provider, PaymentId::from_bytes(id), amount),
            at,
        )?;
        let refunded = Money::new(row.get(3)?, currency);
        if refunded.minor > 0 {
            let again =
                RefundId::from_bytes(digest::derived_id("opening refund", &format!("{id:?}")));
            post(connection, &ledger::refunded(provider, again, refunded), at)?;
        }
    }
    Ok(())
}

/// Reads every entry, in order, and sums anew.
pub(super) fn audit(connection: &Connection) -> Result<LedgerAudit, StoreError> {
    let mut walk = Walk::default();
    let mut statement = connection.prepare_cached(
        "SELECT entry_number, transaction_id, account, amount_minor, currency, at_ms, hash
           FROM ledger_entries
          ORDER BY entry_number",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let entry = Entry {
            number: row.get(0)?,
            transaction_id: row.get_ref(1)?.as_blob().map_err(other)?,
            account: row.get_ref(2)?.as_str().map_err(other)?,
            amount_minor: row.get(3)?,
            currency: row.get_ref(4)?.as_str().map_err(other)?,
            at_ms: row.get(5)?,
        };
        walk.pass(&entry, &row.get(6)?);
    }
    walk.end(accounts(connection)?, audit::totals(connection)?)
}

fn accounts(connection: &Connection) -> Result<Vec<(String, String, i64)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT account, currency, balance_minor FROM ledger_accounts ORDER BY account, currency",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
