//! Readers of texts that need no shop: what is read is written back as something that reads the same.

use contracts::{
    request::IdempotencyKey,
    values::{
        Currency, Cursor, Email, Money, MoneyInput, OrderId, PageSize, ProductId, Quantity,
        Timestamp, Username, Version,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Ids, cursors, dates, keys and names, as JSON and as the text of a JSON string.
pub fn values(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        read_and_write(text);
        read_and_write(&serde_json::Value::from(text).to_string());
    }
}

/// Every value of the contracts that reads this JSON.
///
/// # Panics
/// When one reads it, and does not read what it writes of it.
pub fn read_and_write(json: &str) {
    back_and_forth::<OrderId>(json);
    back_and_forth::<ProductId>(json);
    back_and_forth::<Cursor>(json);
    back_and_forth::<Currency>(json);
    back_and_forth::<Money>(json);
    back_and_forth::<MoneyInput>(json);
    back_and_forth::<Email>(json);
    back_and_forth::<Username>(json);
    back_and_forth::<IdempotencyKey>(json);
    back_and_forth::<Quantity>(json);
    back_and_forth::<PageSize>(json);
    back_and_forth::<Version>(json);
    back_and_forth::<Timestamp>(json);
}

fn back_and_forth<T>(json: &str)
where
    T: DeserializeOwned + Serialize + PartialEq + Debug,
{
    let Ok(value) = serde_json::from_str::<T>(json) else {
        return;
    };
    let written = serde_json::to_string(&value).expect("what was read can be written");
    match serde_json::from_str::<T>(&written) {
        Ok(again) => assert_eq!(again, value, "{json} was written as {written}"),
        Err(error) => panic!("{json} was written as {written}, which does not read: {error}"),
    }
}

/// Amounts: the first three letters are the currency, the rest the decimal number.
///
/// # Panics
/// When an amount is read as something else than it says.
pub fn money(bytes: &[u8]) {
    let Some((currency, amount)) = bytes.split_at_checked(3) else {
        return;
    };
    let (Ok(currency), Ok(amount)) = (std::str::from_utf8(currency), std::str::from_utf8(amount))
    else {
        return;
    };
    let Ok(currency) = currency.parse::<Currency>() else {
        return;
    };
    let Ok(money) = Money::parse_decimal(amount, currency) else {
        return;
    };
    let written = money.decimal();
    let again = Money::parse_decimal(&written, currency);
    assert_eq!(again.ok(), Some(money), "{amount} was written as {written}");
    assert_eq!(plain(amount), plain(&written), "{amount} is not {written}");
}

/// Whether a decimal number is below zero, and its digits without zeros that say nothing.
fn plain(number: &str) -> (bool, String) {
    let (is_negative, digits) = number
        .strip_prefix('-')
        .map_or((false, number), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let is_zero = whole.is_empty() && part.is_empty();
    (is_negative && !is_zero, format!("{whole}.{part}"))
}
