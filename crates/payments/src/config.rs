//! The part of the settings that is payments' own. Reads nothing by itself.

use crate::provider::stripe;
use platform::outward;
use serde::{Deserialize, Serialize};

/// Every key with its documented default.
pub const DEFAULTS: &str = include_str!("config.toml");
/// The page of the shop that whoever comes back from their bank is led on by.
const BACK: &str = "/paid/{payment}";

/// Who moves the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// Nobody: the built-in provider plays.
    Sandbox,
    /// Stripe.
    Stripe,
}

/// Settings of payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who moves the money.
    pub provider: ProviderName,
    /// How long the provider may take to answer, in milliseconds.
    pub provider_timeout_ms: u64,
    /// How long the sandbox takes to answer for `tok_slow`, in milliseconds.
    pub sandbox_slow_ms: u64,
    /// Payments at work at a time.
    pub in_flight_max: u32,
    /// Payments that cross to orders or catalog, or are booked on PostgreSQL, in one batch.
    pub settle_batch_max: u32,
    /// Unfinished payments and refunds that the sweeper takes up in one round.
    pub sweep_rows_max: u32,
    /// How often the sweeper looks, in milliseconds.
    pub sweep_every_ms: u32,
    /// How long a buyer has to prove what the provider wants, in seconds.
    pub challenge_seconds: u32,
    /// How often the provider's books are compared with ours, in seconds.
    pub reconcile_every_seconds: u32,
    /// How Stripe is used.
    pub stripe: stripe::Settings,
}

impl Config {
    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self, outward: &outward::Options) -> Result<(), String> {
        match self.provider {
            ProviderName::Sandbox => Ok(()),
            ProviderName::Stripe => {
                let checked = self.stripe.check(outward);
                checked.map_err(|error| format!("payments.stripe.{error}"))
            }
        }
    }

    /// Refuses what the shop's pages cannot take cards with.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check_pages(&self, public_url: &str) -> Result<(), String> {
        match self.card_key() {
            None => Ok(()),
            Some(_) => self.stripe.check_pages(public_url),
        }
    }

    /// Who this shop is at Stripe, as everybody may know, where its pages take cards.
    #[must_use]
    pub fn card_key(&self) -> Option<&str> {
        match self.provider {
            ProviderName::Sandbox => None,
            ProviderName::Stripe => {
                Some(self.stripe.publishable_key.as_str()).filter(|key| !key.is_empty())
            }
        }
    }

    /// Has buyers come back from their bank to the shop's pages, where these take cards and nothing else is said.
    pub fn lead_back_to(&mut self, public_url: &str) {
        if self.card_key().is_some() && self.stripe.return_url.is_empty() {
            self.stripe.return_url = format!("{public_url}{BACK}");
        }
    }

    /// How long a buyer has to prove what the provider wants, in milliseconds.
    pub(crate) fn challenge_ms(&self) -> i64 {
        i64::from(self.challenge_seconds).saturating_mul(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::config::{Sources, load};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shop {
        payments: Config,
    }

    #[test]
    fn the_defaults_have_every_key_and_no_other() {
        let sources = Sources {
            defaults: DEFAULTS,
            file: None,
            environment: false,
        };
        let shop: Shop = load(&sources, serde_json::json!({})).unwrap();
        assert_eq!(shop.payments.provider_timeout_ms, 5_000);
    }
}
