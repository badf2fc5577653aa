//! Amounts as Stripe counts them: in minor units, but for some currencies with other decimals than ISO 4217 has. No
//! amount is rounded: one that cannot be said is none.

use contracts::values::{Currency, Money};

/// Currencies that Stripe counts in whole units.
const NO_DECIMALS: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
/// Currencies with three decimals, of which Stripe wants the last to be zero.
const THREE_DECIMALS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];

fn decimals(currency: Currency) -> u32 {
    let is_in = |list: &[&str]| list.contains(&currency.code());
    if is_in(NO_DECIMALS) {
        0
    } else if is_in(THREE_DECIMALS) {
        3
    } else {
        // Also ISK and UGX, which have none: Stripe counts them in hundredths, for old times' sake.
        2
    }
}

/// The amount in Stripe's units.
pub(super) fn to_stripe(amount: Money) -> Option<i64> {
    let (ours, theirs) = (amount.currency.exponent(), decimals(amount.currency));
    let said = scaled(amount.minor, ours, theirs)?;
    (theirs != 3 || said.checked_rem(10) == Some(0)).then_some(said)
}

/// An amount in Stripe's units, as we count.
pub(super) fn from_stripe(said: i64, currency: Currency) -> Option<i64> {
    scaled(said, decimals(currency), currency.exponent())
}

/// The same amount with other decimals, if it can be said with them.
fn scaled(amount: i64, from: u32, to: u32) -> Option<i64> {
    if to >= from {
        return amount.checked_mul(10_i64.checked_pow(to.saturating_sub(from))?);
    }
    let step = 10_i64.checked_pow(from.saturating_sub(to))?;
    (amount.checked_rem(step)? == 0).then(|| amount.checked_div(step))?
}

/// A currency as Stripe writes it.
pub(super) fn currency(said: &str) -> Option<Currency> {
    said.to_ascii_uppercase().parse().ok()
}
