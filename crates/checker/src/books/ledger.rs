//! The ledger beside itself, beside the payments, and beside the provider's own books.

use crate::violation::{Found, Invariant, Violation};
use contracts::{
    payments::{ChargeAudit, LedgerAudit},
    values::{Currency, Money},
};

/// Transactions sum to zero, accounts are the sum of their entries, cash is never below zero, entries are numbered
/// without gaps and chained, and what was sold and given back is what the payments say.
#[must_use]
pub fn ledger(row: &LedgerAudit) -> Vec<Violation> {
    let mut found = Found::default();
    found.unless(row.unbalanced == 0, Invariant::Ledger, || {
        format!("ledger: {} transactions do not sum to zero", row.unbalanced)
    });
    found.unless(row.gap_free, Invariant::Ledger, || {
        "ledger: entries are missing".to_owned()
    });
    found.unless(row.broken_at.is_none(), Invariant::Ledger, || {
        let entry = row.broken_at.unwrap_or_default();
        format!("ledger: entry {entry} was changed after it was written, or one before it")
    });
    for one in &row.balances {
        let (account, currency) = (&one.account, one.currency.code());
        let (kept, summed) = (one.kept_minor, one.summed_minor);
        found.unless(kept == summed, Invariant::Ledger, || {
            format!(
                "ledger: {account} is kept with {kept} {currency}, its entries add up to {summed}"
            )
        });
        let possible = summed >= 0 || !account.starts_with("cash:");
        found.unless(possible, Invariant::Ledger, || {
            format!("ledger: {account} is below zero: {summed} {currency}")
        });
    }
    let mut all = found.all();
    all.extend(row.captured.iter().filter_map(|taken| {
        let booked = balance(row, "sales", taken.currency).saturating_neg();
        differs("payments took", *taken, "sales", booked)
    }));
    all.extend(row.refunded.iter().filter_map(|given_back| {
        let booked = balance(row, "refunds", given_back.currency);
        differs("payments gave back", *given_back, "refunds", booked)
    }));
    all
}

/// What the provider holds for us is what the ledger says; both as sums over everything, by currency. Of what is under
/// way nobody knows yet whether the provider has done it: it may hold as much more, or less.
#[must_use]
pub fn provider(row: &LedgerAudit, held: &[Money]) -> Vec<Violation> {
    let currencies = row
        .balances
        .iter()
        .map(|one| one.currency)
        .chain(held.iter().map(|one| one.currency));
    let mut currencies: Vec<Currency> = currencies.collect();
    currencies.sort_unstable_by(|one, other| one.code().cmp(other.code()));
    currencies.dedup();
    let wrong = currencies.into_iter().filter_map(|currency| {
        let held = of(held, currency);
        let cash = row
            .balances
            .iter()
            .filter(|one| one.currency == currency && one.account.starts_with("cash:"))
            .fold(0_i64, |sum, one| sum.saturating_add(one.summed_minor));
        let most = cash.saturating_add(of(&row.taking, currency));
        let least = cash.saturating_sub(of(&row.giving_back, currency));
        let held = Money::new(held, currency);
        differs("the provider holds", held, "cash", cash)
            .filter(|_| !(least..=most).contains(&held.minor))
    });
    wrong.collect()
}

/// The provider charges nobody whom we do not know.
#[must_use]
pub fn charge(row: &ChargeAudit) -> Option<Violation> {
    let net = row.captured_minor.saturating_sub(row.refunded_minor);
    (!row.known && net != 0).then(|| {
        let (key, number, currency) = (&row.key, row.number, row.amount.currency);
        let net = Money::new(net, currency);
        let what = format!(
            "the provider's charge {number} took {net} for {key}, which is no payment of ours"
        );
        Violation::new(Invariant::Money, what)
    })
}

fn of(all: &[Money], currency: Currency) -> i64 {
    let found = all.iter().find(|one| one.currency == currency);
    found.map_or(0, |one| one.minor)
}

fn balance(row: &LedgerAudit, account: &str, currency: Currency) -> i64 {
    let found = row
        .balances
        .iter()
        .find(|one| one.account == account && one.currency == currency);
    found.map_or(0, |one| one.summed_minor)
}

fn differs(who: &str, money: Money, account: &str, booked: i64) -> Option<Violation> {
    let (minor, currency) = (money.minor, money.currency.code());
    (minor != booked).then(|| {
        let what = format!("ledger: {who} {minor} {currency}, {account} has {booked}");
        Violation::new(Invariant::Ledger, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::payments::LedgerBalance;

    fn money(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap())
    }

    fn account(name: &str, minor: i64) -> LedgerBalance {
        LedgerBalance {
            account: name.to_owned(),
            currency: money(0).currency,
            kept_minor: minor,
            summed_minor: minor,
        }
    }

    /// 500 taken, 200 of it given back.
    fn good() -> LedgerAudit {
        LedgerAudit {
            entries: 4,
            unbalanced: 0,
            gap_free: true,
            broken_at: None,
            balances: vec![
                account("cash:sandbox", 300),
                account("refunds", 200),
                account("sales", -500),
            ],
            captured: vec![money(500)],
            refunded: vec![money(200)],
            taking: vec![],
            giving_back: vec![],
        }
    }

    #[test]
    fn a_ledger_that_balances_with_payments_and_provider_is_fine() {
        assert_eq!(ledger(&good()), Vec::<Violation>::new());
        assert_eq!(provider(&good(), &[money(300)]), Vec::<Violation>::new());
        assert_eq!(
            provider(&LedgerAudit::default(), &[]),
            Vec::<Violation>::new()
        );
    }

    #[test]
    fn each_way_to_break_a_ledger_is_found() {
        let kept = LedgerBalance {
            kept_minor: 1,
            ..account("sales", -500)
        };
        let broken = [
            LedgerAudit {
                unbalanced: 1,
                ..good()
            },
            LedgerAudit {
                gap_free: false,
                ..good()
            },
            LedgerAudit {
                broken_at: Some(3),
                ..good()
            },
            LedgerAudit {
                captured: vec![money(501)],
                ..good()
            },
            LedgerAudit {
                refunded: vec![money(0)],
                ..good()
            },
            LedgerAudit {
                balances: vec![kept, account("refunds", 200)],
                ..good()
            },
            LedgerAudit {
                balances: vec![account("cash:sandbox", -1)],
                captured: vec![],
                refunded: vec![],
                ..good()
            },
        ];
        for row in broken {
            assert_eq!(ledger(&row).len(), 1, "{row:?}");
        }
    }

    #[test]
    fn a_provider_who_holds_something_else_is_found_also_in_another_currency() {
        assert_eq!(provider(&good(), &[money(299)]).len(), 1);
        let euro = Money::new(1, "EUR".parse().unwrap());
        assert_eq!(provider(&good(), &[money(300), euro]).len(), 1);
        assert_eq!(provider(&good(), &[]).len(), 1);
    }

    #[test]
    fn what_is_under_way_may_have_been_done_by_the_provider() {
        let row = LedgerAudit {
            taking: vec![money(70)],
            giving_back: vec![money(40)],
            ..good()
        };
        for (held, wrong) in [(259, 1), (260, 0), (300, 0), (370, 0), (371, 1)] {
            assert_eq!(provider(&row, &[money(held)]).len(), wrong, "{held}");
        }
    }

    #[test]
    fn a_charge_of_nobody_is_found_unless_it_took_nothing() {
        let row = ChargeAudit {
            number: 1,
            key: "pay_x".to_owned(),
            state: "captured".to_owned(),
            amount: money(5),
            captured_minor: 5,
            refunded_minor: 0,
            known: false,
        };
        assert!(charge(&row).is_some());
        assert_eq!(
            charge(&ChargeAudit {
                known: true,
                ..row.clone()
            }),
            None
        );
        assert_eq!(
            charge(&ChargeAudit {
                refunded_minor: 5,
                ..row
            }),
            None
        );
    }
}
