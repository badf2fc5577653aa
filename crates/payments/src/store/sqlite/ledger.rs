//! The ledger: entries that are only added to, each carrying the hash of the one before, and accounts that are the
//! sum of their entries. Both are written in the commit of what they tell of.

use super::{audit, other, unreadable};
use crate::domain::ledger::{self, Transaction};
use contracts::{
    payments::{LedgerAudit, LedgerBalance},
    values::{Currency, Money, PaymentId, RefundId, Timestamp},
};
use platform::{db::StoreError, digest};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

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

/// An entry, as its hash sees it.
struct Entry<'a> {
    number: i64,
    transaction_id: &'a [u8],
    account: &'a str,
    amount_minor: i64,
    currency: &'a str,
    at_ms: i64,
}

impl Entry<'_> {
    fn hash(&self, before: &[u8; 32]) -> [u8; 32] {
        digest::sha256(&[
            before,
            &self.number.to_be_bytes(),
            self.transaction_id,
            self.account.as_bytes(),
            &self.amount_minor.to_be_bytes(),
            self.currency.as_bytes(),
            &self.at_ms.to_be_bytes(),
        ])
    }
}

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

/// Reads every entry, in order, and sums anew. The entries of a transaction stand together, so each is weighed as it
/// passes.
pub(super) fn audit(connection: &Connection) -> Result<LedgerAudit, StoreError> {
    let mut audit = LedgerAudit {
        gap_free: true,
        ..LedgerAudit::default()
    };
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut weighed = Weighed::default();
    let mut hash = [0; 32];
    let mut statement = connection.prepare_cached(
        "SELECT entry_number, transaction_id, account, amount_minor, currency, at_ms, hash
           FROM ledger_entries
          ORDER BY entry_number",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (account, currency): (String, String) = (row.get(2)?, row.get(4)?);
        let entry = Entry {
            number: row.get(0)?,
            transaction_id: row.get_ref(1)?.as_blob().map_err(other)?,
            account: &account,
            amount_minor: row.get(3)?,
            currency: &currency,
            at_ms: row.get(5)?,
        };
        audit.entries = audit.entries.saturating_add(1);
        audit.gap_free &= entry.number == audit.entries;
        hash = entry.hash(&hash);
        let kept: [u8; 32] = row.get(6)?;
        if kept != hash && audit.broken_at.is_none() {
            audit.broken_at = Some(entry.number);
        }
        weighed.take(&entry, &mut audit);
        let amount = entry.amount_minor;
        let sum = sums.entry((account, currency)).or_default();
        *sum = sum.saturating_add(amount);
    }
    weighed.end(&mut audit);
    (audit.captured, audit.refunded) = audit::totals(connection)?;
    audit.balances = balances(connection, sums)?;
    Ok(audit)
}

/// The transaction that is passing.
#[derive(Default)]
struct Weighed {
    transaction_id: Vec<u8>,
    currency: String,
    sum: i64,
    mixed: bool,
}

impl Weighed {
    fn take(&mut self, entry: &Entry<'_>, audit: &mut LedgerAudit) {
        if self.transaction_id != entry.transaction_id {
            self.end(audit);
            self.transaction_id.clear();
            self.transaction_id.extend_from_slice(entry.transaction_id);
            entry.currency.clone_into(&mut self.currency);
            (self.sum, self.mixed) = (0, false);
        }
        self.sum = self.sum.saturating_add(entry.amount_minor);
        self.mixed |= self.currency != entry.currency;
    }

    fn end(&self, audit: &mut LedgerAudit) {
        if self.sum != 0 || self.mixed {
            audit.unbalanced = audit.unbalanced.saturating_add(1);
        }
    }
}

/// Every account that is kept or has entries.
fn balances(
    connection: &Connection,
    mut sums: BTreeMap<(String, String), i64>,
) -> Result<Vec<LedgerBalance>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT account, currency, balance_minor FROM ledger_accounts ORDER BY account, currency",
    )?;
    let mut rows = statement.query([])?;
    let mut balances = Vec::new();
    while let Some(row) = rows.next()? {
        let key: (String, String) = (row.get(0)?, row.get(1)?);
        let summed_minor = sums.remove(&key).unwrap_or_default();
        balances.push(balance(key, row.get(2)?, summed_minor)?);
    }
    for (key, summed_minor) in sums {
        balances.push(balance(key, 0, summed_minor)?);
    }
    Ok(balances)
}

fn balance(
    (account, currency): (String, String),
    kept_minor: i64,
    summed_minor: i64,
) -> Result<LedgerBalance, StoreError> {
    let currency: Currency = currency.parse().map_err(unreadable)?;
    Ok(LedgerBalance {
        account,
        currency,
        kept_minor,
        summed_minor,
    })
}
