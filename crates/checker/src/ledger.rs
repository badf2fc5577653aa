//! I-11: the double-entry ledger against the books it tells of.

use crate::{
    history::History,
    state::{Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::values::Currency;
use std::collections::{HashMap, HashSet};

/// All accounts together are nothing, and what lies with the provider is what the provider has for us.
pub(crate) fn balanced(_: &History, state: &State, provider: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    let ours: HashSet<String> = state
        .payments
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    let mut with_provider: HashMap<Currency, i64> = HashMap::new();
    for charge in provider
        .charges
        .iter()
        .filter(|charge| ours.contains(&charge.key))
    {
        let net = charge.captured_minor.saturating_sub(charge.refunded_minor);
        let sum = with_provider.entry(charge.amount.currency).or_insert(0);
        *sum = sum.saturating_add(net);
    }
    let mut all: HashMap<Currency, i64> = HashMap::new();
    let mut cash: HashMap<Currency, i64> = HashMap::new();
    for account in &state.ledger.balances {
        let sum = all.entry(account.currency).or_insert(0);
        *sum = sum.saturating_add(account.summed_minor);
        if account.account.starts_with("cash:") {
            let sum = cash.entry(account.currency).or_insert(0);
            *sum = sum.saturating_add(account.summed_minor);
        }
    }
    for (currency, sum) in all {
        found.unless(sum == 0, Invariant::Ledger, || {
            format!("the ledger's accounts in {currency} add up to {sum}")
        });
    }
    for (currency, net) in with_provider {
        let booked = cash.get(&currency).copied().unwrap_or(0);
        found.unless(booked == net, Invariant::Ledger, || {
            format!("the provider has {net} {currency} of ours, the ledger says {booked}")
        });
    }
    found.all()
}
