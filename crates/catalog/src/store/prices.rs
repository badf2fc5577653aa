//! Whether a line of a reservation has a price that its product had. Pure: reads no table.

use crate::domain::price_list::PriceList;
use contracts::{catalog::ReservationAudit, values::Currency};

/// A change of price is noted when it is asked for, and so is a reservation; each then waits its turn to be
/// written. So much apart may be what happened together, in milliseconds.
const TOGETHER_MS: i64 = 60_000;

/// A version of a product, for as long as it was the newest.
#[derive(Debug, Clone)]
pub(super) struct Priced {
    pub(super) version: i64,
    pub(super) price_minor: i64,
    pub(super) currency: String,
    pub(super) prices: PriceList,
    pub(super) on_sale: bool,
    pub(super) from_ms: i64,
    pub(super) until_ms: Option<i64>,
}

/// Takes note of what a line of a reservation is in: all of one have one currency, or a price is none that it can have.
pub(super) fn note_currency(audit: &mut ReservationAudit, code: &str) {
    let known = audit.currency.as_ref().map(Currency::code);
    match known {
        None => audit.currency = code.parse().ok(),
        Some(known) => audit.prices_known &= known == code,
    }
}

/// Each version lasts until the next begins.
pub(super) fn in_a_row(mut versions: Vec<Priced>) -> Vec<Priced> {
    let ends: Vec<i64> = versions.iter().skip(1).map(|next| next.from_ms).collect();
    for (one, until) in versions.iter_mut().zip(ends) {
        one.until_ms = Some(until);
    }
    versions
}

/// Whether the variant had this price, on sale, at about this moment. Of times before what is known, nothing is said.
pub(super) fn had(versions: &[Priced], (minor, currency): (i64, &str), at_ms: i64) -> bool {
    let (earliest, latest) = (
        at_ms.saturating_sub(TOGETHER_MS),
        at_ms.saturating_add(TOGETHER_MS),
    );
    let unknown = versions
        .first()
        .is_some_and(|first| first.version > 1 && first.from_ms > earliest);
    let fits = |one: &Priced| {
        let own = one.price_minor == minor && one.currency == currency;
        (own || one.prices.has(minor, currency))
            && one.on_sale
            && (one.version == 1 || one.from_ms <= latest)
            && one.until_ms.is_none_or(|until| until >= earliest)
    };
    unknown || versions.iter().any(fits)
}
