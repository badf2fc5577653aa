//! A charge as the provider's own books have it. Says nothing about our payment of the same key.

use contracts::values::{Money, Timestamp, ValueError};

/// Where a charge stands in the provider's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeState {
    /// The buyer has to prove something first.
    Challenged,
    Authorised,
    /// The money was taken; some of it may have been given back since.
    Captured,
    Voided,
    Declined,
}

impl ChargeState {
    const ALL: [Self; 5] = [
        Self::Challenged,
        Self::Authorised,
        Self::Captured,
        Self::Voided,
        Self::Declined,
    ];

    /// The word used in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Challenged => "challenged",
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Declined => "declined",
        }
    }

    /// The table of moves.
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (
                Self::Challenged,
                Self::Authorised | Self::Declined | Self::Voided
            ) | (Self::Authorised, Self::Captured | Self::Voided)
        )
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
    /// The provider's number: later charges have higher ones.
    pub number: u64,
    /// The key it was made under.
    pub key: String,
    /// The provider's name for it.
    pub reference: String,
    pub state: ChargeState,
    /// What was asked for.
    pub amount: Money,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    /// What the provider was asked to charge.
    pub method: String,
    /// Where the buyer proves what is wanted.
    pub action_url: Option<String>,
    /// Why it was declined, as the buyer may know it.
    pub decline_code: Option<String>,
}

/// Which charge is meant: by our key, and by the provider's own name for it once that is known. With it goes what the
/// charge was made of, which is the same for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub key: String,
    pub reference: Option<String>,
    pub amount: Money,
    pub method: String,
    /// Not later than anything was asked for under the key. A provider that forgets keys after a while has to know.
    pub since: Timestamp,
}

impl Charge {
    /// How it is asked for again. It has its name, so that its age does not matter.
    pub fn asked(&self) -> Asked {
        Asked {
            key: self.key.clone(),
            reference: Some(self.reference.clone()),
            amount: self.amount,
            method: self.method.clone(),
            since: Timestamp::from_ms(0),
        }
    }

    /// Captured less refunded, in minor units.
    pub const fn net_minor(&self) -> i64 {
        self.captured_minor.saturating_sub(self.refunded_minor)
    }
}
