//! A charge as the provider's own books have it. Says nothing about our payment of the same key.

use contracts::values::{Money, ValueError};

/// Where a charge stands in the provider's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeState {
    Authorised,
    Captured,
    Voided,
    Refunded,
    Declined,
}

impl ChargeState {
    const ALL: [Self; 5] = [
        Self::Authorised,
        Self::Captured,
        Self::Voided,
        Self::Refunded,
        Self::Declined,
    ];

    /// The word used in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
        }
    }

    /// The one state from which this one is reached; none for those a charge begins in.
    pub const fn comes_from(self) -> Option<Self> {
        match self {
            Self::Captured | Self::Voided => Some(Self::Authorised),
            Self::Refunded => Some(Self::Captured),
            Self::Authorised | Self::Declined => None,
        }
    }
}

impl std::str::FromStr for ChargeState {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| ValueError::new("is no state of a charge"))
    }
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The provider's name for it.
    pub reference: String,
    pub state: ChargeState,
    pub amount: Money,
    /// What the provider was asked to charge.
    pub method: String,
}

impl Charge {
    /// Captured less refunded, in minor units.
    pub const fn net_minor(&self) -> i64 {
        match self.state {
            ChargeState::Captured => self.amount.minor,
            ChargeState::Authorised
            | ChargeState::Voided
            | ChargeState::Refunded
            | ChargeState::Declined => 0,
        }
    }
}
