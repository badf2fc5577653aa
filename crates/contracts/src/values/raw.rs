//! Ids as databases write them into events: the digits of their 16 bytes. What kind of id it is, its field says.

use super::ValueError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The bytes of an id, as 32 hexadecimal digits in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "Cow<'_, str>")]
pub struct RawId(pub [u8; 16]);

impl From<RawId> for String {
    fn from(id: RawId) -> Self {
        format!("{:032x}", u128::from_be_bytes(id.0))
    }
}

impl TryFrom<Cow<'_, str>> for RawId {
    type Error = ValueError;

    fn try_from(text: Cow<'_, str>) -> Result<Self, ValueError> {
        let are_digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(&text, 16).ok().filter(|_| are_digits);
        let number = number.ok_or_else(|| ValueError::new("an id has 32 hexadecimal digits"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_whoever_wrote_them_and_nothing_else_is() {
        let id = RawId([0xab; 16]);
        let lower = serde_json::to_string(&id).unwrap();
        for text in [lower.clone(), lower.to_uppercase()] {
            assert_eq!(serde_json::from_str::<RawId>(&text).unwrap(), id);
        }
        for text in ["", "ab", &format!("+{}", "a".repeat(31)), &"g".repeat(32)] {
            assert!(RawId::try_from(Cow::Borrowed(text)).is_err(), "{text}");
        }
    }
}
