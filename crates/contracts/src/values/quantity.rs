//! How many units of one thing. Never zero.

use super::{ValueError, schema::plain_schema};
use serde::{Deserialize, Serialize};

/// 1 to 1,000,000 units (real wholesale orders carry 80,995 units in a single line).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(u32);

impl Quantity {
    /// The most units one line may carry.
    pub const MAX: u32 = 1_000_000;
    /// One unit.
    pub const ONE: Self = Self(1);

    /// The number of units.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Both together, if that is still a quantity.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0
            .checked_add(other.0)
            .and_then(|sum| Self::try_from(sum).ok())
    }
}

impl TryFrom<u32> for Quantity {
    type Error = ValueError;
    fn try_from(units: u32) -> Result<Self, ValueError> {
        if (1..=Self::MAX).contains(&units) {
            Ok(Self(units))
        } else {
            Err(ValueError::new("must be a whole number from 1 to 1000000"))
        }
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> u32 {
        quantity.0
    }
}

plain_schema!(
    Quantity,
    Integer,
    minimum(Some(1)),
    maximum(Some(1_000_000))
);
