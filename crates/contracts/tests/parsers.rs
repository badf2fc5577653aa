//! Every reader of texts that callers write: whatever comes, it is read or refused, and what is read is written back as
//! something that reads the same. Knows no service.

use contracts::{
    request::IdempotencyKey,
    values::{
        Currency, Cursor, Email, Money, MoneyInput, OrderId, PageSize, ProductId, Quantity,
        Timestamp, Username, Version,
    },
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Reads a JSON value; what is read must come back as it went.
fn back_and_forth<T>(json: &str) -> Result<(), TestCaseError>
where
    T: DeserializeOwned + Serialize + PartialEq + Debug,
{
    let Ok(value) = serde_json::from_str::<T>(json) else {
        return Ok(());
    };
    let written = serde_json::to_string(&value);
    let written = written.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let again = serde_json::from_str::<T>(&written);
    prop_assert!(again.is_ok_and(|again| again == value), "{json} {written}");
    Ok(())
}

fn all(json: &str) -> Result<(), TestCaseError> {
    back_and_forth::<OrderId>(json)?;
    back_and_forth::<ProductId>(json)?;
    back_and_forth::<Cursor>(json)?;
    back_and_forth::<Currency>(json)?;
    back_and_forth::<Money>(json)?;
    back_and_forth::<MoneyInput>(json)?;
    back_and_forth::<Email>(json)?;
    back_and_forth::<Username>(json)?;
    back_and_forth::<IdempotencyKey>(json)?;
    back_and_forth::<Quantity>(json)?;
    back_and_forth::<PageSize>(json)?;
    back_and_forth::<Version>(json)?;
    back_and_forth::<Timestamp>(json)
}

/// Texts that look like what is read, and texts that look like nothing.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z]{3}_[0-9a-z]{24,27}",
        "-?[0-9]{0,20}\\.?[0-9]{0,4}",
        "[A-Z]{2,4}",
        "[a-z.@ -]{0,30}@[a-z.-]{0,12}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})",
        "\"?[!-~]{0,130}\"?",
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in texts()) {
        all(&serde_json::to_string(&text).unwrap_or_default())?;
        // As it is, too: a parameter is no JSON.
        drop(Cursor::parse(&text));
        drop(IdempotencyKey::parse(&text));
        drop(Email::parse(&text));
        drop(Username::parse(&text));
    }

    #[test]
    fn any_number_is_read_or_refused(number: i64, other: f64, text in "-?[0-9]{1,25}(\\.[0-9]{0,5})?(e[0-9]{1,3})?") {
        all(&number.to_string())?;
        all(&other.to_string())?;
        all(&text)?;
    }

    #[test]
    fn any_json_is_read_or_refused(
        json in "[\\[\\]{}\",:0-9a-z.e+ -]{0,60}",
        amount in any::<i64>(),
        code in "[A-Z]{3}",
    ) {
        all(&json)?;
        all(&format!("{{\"amount\":{amount},\"currency\":\"{code}\"}}"))?;
    }
}
