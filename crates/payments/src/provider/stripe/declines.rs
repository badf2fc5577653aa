//! Why a buyer was declined, in the words that they may read. Whatever could help somebody with a stolen card to do
//! better next time is called what all others are called.

use super::words::Fault;

/// What is not told further.
const DECLINED: &str = "card_declined";
/// The buyer did not prove to be the card's owner.
const NOT_PROVED: &str = "authentication_failed";
/// A proof is wanted, and there is no page where it could be given.
pub(super) const PROOF_WANTED: &str = "authentication_required";
/// The token is unknown, used up, or somebody else's.
const UNUSABLE: &str = "method_unusable";
/// Stripe does not move this amount in this currency.
pub(super) const NO_AMOUNT: &str = "amount_not_possible";

/// Reasons that buyers may read and can do something about; Stripe's own words.
const SHOWN: &[&str] = &[
    "amount_too_large",
    "amount_too_small",
    PROOF_WANTED,
    "card_not_supported",
    "card_velocity_exceeded",
    "currency_not_supported",
    "expired_card",
    "incorrect_cvc",
    "incorrect_zip",
    "insufficient_funds",
    "issuer_not_available",
    "processing_error",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
];

/// The fault of an amount that Stripe cannot be told.
pub(super) fn no_amount() -> Fault {
    Fault {
        code: Some(NO_AMOUNT.to_owned()),
        ..Fault::default()
    }
}

/// The reason, as it may be read.
pub(super) fn shown(fault: &Fault) -> String {
    let said = [&fault.decline_code, &fault.code];
    let mut said = said.into_iter().flatten().map(String::as_str);
    let known = said.find_map(|code| match code {
        "payment_intent_authentication_failure" => Some(NOT_PROVED),
        code => SHOWN.iter().find(|shown| **shown == code).copied(),
    });
    known.unwrap_or(DECLINED).to_owned()
}

/// The reason, where a request is refused because of what the buyer or their order brought; whoever runs the shop can
/// do nothing about it.
pub(super) fn of_the_buyer(status: u16, fault: &Fault) -> Option<&'static str> {
    let code = fault.code.as_deref().unwrap_or_default();
    match fault.param.as_deref() {
        _ if code == NO_AMOUNT => Some(NO_AMOUNT),
        _ if code == "amount_too_small" => Some("amount_too_small"),
        _ if code == "amount_too_large" => Some("amount_too_large"),
        Some("payment_method") => Some(UNUSABLE),
        Some("currency") => Some("currency_not_supported"),
        // Nothing else that could be missing is named when an intent is made.
        None if status == 404 => Some(UNUSABLE),
        _ if code.starts_with("payment_method_") => Some(UNUSABLE),
        _ => None,
    }
}
