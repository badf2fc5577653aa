//! The ledger's chain of hashes, and the sums that verification makes anew from rows: the same for every store. They
//! are added here and not in SQL, where an overflow would fail the whole page.

use contracts::{
    catalog::line_mark,
    payments::{LedgerAudit, LedgerBalance, RefundPart, RefundSums},
    values::{Currency, Money, RefundId, VariantId},
};
use platform::{db::StoreError, digest};
use std::collections::BTreeMap;

/// An entry of the ledger, as its hash sees it.
pub(super) struct Entry<'a> {
    pub(super) number: i64,
    pub(super) transaction_id: &'a [u8],
    pub(super) account: &'a str,
    pub(super) amount_minor: i64,
    pub(super) currency: &'a str,
    pub(super) at_ms: i64,
}

impl Entry<'_> {
    pub(super) fn hash(&self, before: &[u8; 32]) -> [u8; 32] {
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

/// Every entry, as it passes in its order. The entries of a transaction stand together, so each transaction is weighed
/// as it passes.
#[derive(Default)]
pub(super) struct Walk {
    audit: LedgerAudit,
    sums: BTreeMap<(String, String), i64>,
    hash: [u8; 32],
    gaps: bool,
    weighed: Weighed,
}

impl Walk {
    pub(super) fn pass(&mut self, entry: &Entry<'_>, kept_hash: &[u8; 32]) {
        let audit = &mut self.audit;
        audit.entries = audit.entries.saturating_add(1);
        self.gaps |= entry.number != audit.entries;
        self.hash = entry.hash(&self.hash);
        if *kept_hash != self.hash && audit.broken_at.is_none() {
            audit.broken_at = Some(entry.number);
        }
        self.weighed.take(entry, audit);
        let account = (entry.account.to_owned(), entry.currency.to_owned());
        let sum = self.sums.entry(account).or_default();
        *sum = sum.saturating_add(entry.amount_minor);
    }

    /// What came of it, beside what the accounts are kept at: name, currency, balance.
    pub(super) fn end(
        mut self,
        accounts: Vec<(String, String, i64)>,
        totals: Totals,
    ) -> Result<LedgerAudit, StoreError> {
        let mut audit = self.audit;
        self.weighed.end(&mut audit);
        audit.gap_free = !self.gaps;
        for (account, currency, kept_minor) in accounts {
            let key = (account, currency);
            let summed_minor = self.sums.remove(&key).unwrap_or_default();
            audit.balances.push(balance(key, kept_minor, summed_minor)?);
        }
        for (key, summed_minor) in self.sums {
            audit.balances.push(balance(key, 0, summed_minor)?);
        }
        audit.captured = totals.captured.end()?;
        audit.refunded = totals.refunded.end()?;
        audit.taking = totals.taking.end()?;
        audit.giving_back = totals.giving_back.end()?;
        Ok(audit)
    }
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

fn balance(
    (account, currency): (String, String),
    kept_minor: i64,
    summed_minor: i64,
) -> Result<LedgerBalance, StoreError> {
    Ok(LedgerBalance {
        account,
        currency: read(&currency)?,
        kept_minor,
        summed_minor,
    })
}

/// Sums by currency.
#[derive(Default)]
struct Sums(BTreeMap<String, i64>);

impl Sums {
    fn add(&mut self, currency: &str, minor: i64) {
        if let Some(sum) = self.0.get_mut(currency) {
            *sum = sum.saturating_add(minor);
        } else {
            self.0.insert(currency.to_owned(), minor);
        }
    }

    fn end(self) -> Result<Vec<Money>, StoreError> {
        let money = |(currency, minor): (String, i64)| Ok(Money::new(minor, read(&currency)?));
        self.0.into_iter().map(money).collect()
    }
}

/// What all payments captured, what of it was given back, and what of both is under way.
#[derive(Default)]
pub(super) struct Totals {
    captured: Sums,
    refunded: Sums,
    taking: Sums,
    giving_back: Sums,
}

impl Totals {
    pub(super) fn add(&mut self, currency: &str, captured_minor: i64, refunded_minor: i64) {
        self.captured.add(currency, captured_minor);
        self.refunded.add(currency, refunded_minor);
    }

    /// Payments that have not ended.
    pub(super) fn add_taking(&mut self, currency: &str, minor: i64) {
        self.taking.add(currency, minor);
    }

    /// Refunds of which nobody knows whether the provider has carried them out.
    pub(super) fn add_giving_back(&mut self, currency: &str, minor: i64) {
        self.giving_back.add(currency, minor);
    }
}

/// Payments that have not ended, by currency.
pub(super) const TAKING: &str = "SELECT currency, CAST(SUM(amount_minor) AS BIGINT)
   FROM payments
  WHERE status NOT IN ('captured', 'refunded', 'declined', 'voided')
  GROUP BY currency";

/// Refunds that were decided, by currency.
pub(super) const GIVING_BACK: &str = "SELECT currency, CAST(SUM(amount_minor) AS BIGINT)
   FROM refunds
  WHERE stage = 'decided'
  GROUP BY currency";

/// A payment's refunds, each and added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refunds {
    pub(crate) sums: RefundSums,
    pub(crate) each: Vec<RefundPart>,
}

impl Refunds {
    /// Counts one refund: its stage and its money. What came back with it follows.
    pub(super) fn add(&mut self, id: RefundId, stage: &str, amount_minor: i64) {
        let has = |stages: &[&str], number: i64| if stages.contains(&stage) { number } else { 0 };
        let is_open = has(&["decided", "booked", "restocked"], 1);
        let given_minor = has(&["booked", "restocked", "noted"], amount_minor);
        let sums = &mut self.sums;
        sums.count = sums.count.saturating_add(1);
        sums.open = sums.open.saturating_add(is_open);
        sums.wanted_minor = sums.wanted_minor.saturating_add(amount_minor);
        sums.given_minor = sums.given_minor.saturating_add(given_minor);
        self.each.push(RefundPart {
            id,
            amount_minor,
            units: 0,
            contents: 0,
            restocked: matches!(stage, "restocked" | "noted"),
            told: stage == "noted",
        });
    }

    /// Units that come back with the refund that was counted last.
    pub(super) fn add_units(&mut self, variant_id: VariantId, units: i64) {
        if let Some(last) = self.each.last_mut() {
            let mark = line_mark(variant_id, 0, units);
            last.units = last.units.saturating_add(units);
            last.contents = last.contents.wrapping_add(mark);
            let restocked = if last.restocked { units } else { 0 };
            self.sums.units = self.sums.units.saturating_add(units);
            self.sums.restocked = self.sums.restocked.saturating_add(restocked);
        }
    }

    /// Whether this one was counted last.
    pub(super) fn is_last(&self, id: RefundId) -> bool {
        self.each.last().is_some_and(|last| last.id == id)
    }
}

fn read(currency: &str) -> Result<Currency, StoreError> {
    currency
        .parse()
        .map_err(|error| StoreError::Other(Box::new(error)))
}
