//! Every reader of texts that callers write: whatever comes, it is read or refused, and what is read is written back as
//! something that reads the same. Knows no service.

use contracts::{
    request::IdempotencyKey,
    values::{Cursor, Email, Username},
};
use fuzz::read_and_write;
use proptest::prelude::*;

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
        read_and_write(&serde_json::Value::from(text.as_str()).to_string());
        // As it is, too: a parameter is no JSON.
        drop(Cursor::parse(&text));
        drop(IdempotencyKey::parse(&text));
        drop(Email::parse(&text));
        drop(Username::parse(&text));
    }

    #[test]
    fn any_number_is_read_or_refused(number: i64, other: f64, text in "-?[0-9]{1,25}(\\.[0-9]{0,5})?(e[0-9]{1,3})?") {
        read_and_write(&number.to_string());
        read_and_write(&other.to_string());
        read_and_write(&text);
    }

    #[test]
    fn any_json_is_read_or_refused(
        json in "[\\[\\]{}\",:0-9a-z.e+ -]{0,60}",
        amount in any::<i64>(),
        code in "[A-Z]{3}",
    ) {
        read_and_write(&json);
        read_and_write(&format!("{{\"amount\":{amount},\"currency\":\"{code}\"}}"));
    }
}
