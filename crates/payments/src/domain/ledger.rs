//! The ledger's postings, in double entry: what is taken from one account is given to another. Pure.

use contracts::values::{Money, PaymentId, RefundId};

/// What we sold.
pub const SALES: &str = "sales";
/// What we gave back of it.
pub const REFUNDS: &str = "refunds";

/// A posting to an account: money that comes is positive, money that goes negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    pub account: String,
    pub amount_minor: i64,
}

/// Postings that sum to zero, made once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The payment or refund it tells of.
    pub id: [u8; 16],
    pub postings: [Posting; 2],
    pub money: Money,
}

/// What lies with a provider.
pub fn cash(provider: &str) -> String {
    format!("cash:{provider}")
}

/// The money of a payment was taken.
pub fn captured(provider: &str, id: PaymentId, amount: Money) -> Transaction {
    moved(*id.as_bytes(), (SALES.to_owned(), cash(provider)), amount)
}

/// The money of a refund was given back.
pub fn refunded(provider: &str, id: RefundId, amount: Money) -> Transaction {
    moved(*id.as_bytes(), (cash(provider), REFUNDS.to_owned()), amount)
}

fn moved(id: [u8; 16], (from, to): (String, String), money: Money) -> Transaction {
    let posting = |account, amount_minor| Posting {
        account,
        amount_minor,
    };
    Transaction {
        id,
        postings: [
            posting(from, money.minor.saturating_neg()),
            posting(to, money.minor),
        ],
        money,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_transaction_sums_to_zero(minor in 0..i64::MAX, capture: bool) {
            let money = Money::new(minor, "USD".parse().unwrap());
            let transaction = if capture {
                captured("sandbox", PaymentId::from_bytes([1; 16]), money)
            } else {
                refunded("sandbox", RefundId::from_bytes([1; 16]), money)
            };
            let [one, other] = transaction.postings;
            prop_assert_eq!(one.amount_minor.checked_add(other.amount_minor), Some(0));
            prop_assert_ne!(one.account, other.account);
        }
    }
}
