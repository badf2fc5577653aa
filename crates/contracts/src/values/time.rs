//! A moment: milliseconds since 1970 in UTC; RFC 3339 with `Z` outside.

use super::{ValueError, schema::plain_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment from its stored milliseconds.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// The milliseconds that storage keeps.
    #[must_use]
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// This many seconds later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = i128::from(self.0).saturating_mul(1_000_000);
        let text = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok())
            .ok_or(fmt::Error)?;
        f.write_str(&text)
    }
}

impl TryFrom<Cow<'_, str>> for Timestamp {
    type Error = ValueError;
    fn try_from(text: Cow<'_, str>) -> Result<Self, ValueError> {
        let moment = OffsetDateTime::parse(&text, &Rfc3339)
            .map_err(|_| ValueError::new("must be a time as in 2026-01-31T12:00:00Z"))?
            .to_offset(UtcOffset::UTC);
        let ms = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(ms)
            .map(Self)
            .map_err(|_| ValueError::new("is out of range"))
    }
}

impl From<Timestamp> for String {
    fn from(moment: Timestamp) -> String {
        moment.to_string()
    }
}

plain_schema!(Timestamp, String, examples(["2026-01-31T12:00:00Z"]));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc_and_read_in_any_offset() {
        let moment = Timestamp::from_ms(1_766_330_096_007);
        assert_eq!(moment.to_string(), "2025-12-21T15:14:56.007Z");
        assert_eq!(
            Timestamp::try_from(Cow::from("2025-12-21T17:14:56.007+02:00")),
            Ok(moment)
        );
        assert!(Timestamp::try_from(Cow::from("yesterday")).is_err());
    }
}
