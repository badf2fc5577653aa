//! How often a resource has changed. Starts at 1; every committed change adds one.

use super::{ValueError, schema::plain_schema};
use serde::{Deserialize, Serialize};

/// The number of committed states of a resource, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Version(i64);

impl Version {
    /// The version of a resource that was just made.
    pub const FIRST: Self = Self(1);

    /// The version after one more change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number itself, as stored.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Version {
    type Error = ValueError;
    fn try_from(number: i64) -> Result<Self, ValueError> {
        if number >= 1 {
            Ok(Self(number))
        } else {
            Err(ValueError::new("must be a whole number from 1"))
        }
    }
}

impl From<Version> for i64 {
    fn from(version: Version) -> i64 {
        version.0
    }
}

plain_schema!(
    Version,
    Integer,
    minimum(Some(1)),
    maximum(Some(isize::MAX))
);
