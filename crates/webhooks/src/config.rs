//! The settings of webhooks. Read by `platform::config`, never from the environment here.

use platform::outward;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Every key with its default and what it is for.
pub const DEFAULTS: &str = include_str!("config.toml");

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// A lease outlasts an exchange by this much, in milliseconds.
const SPARE_MS: i64 = 10_000;

/// The section `[webhooks]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Webhooks that there may be.
    pub webhooks_max: u16,
    /// How often there is a look at what is to be done.
    pub look_every_ms: u32,
    /// Exchanges with one webhook at a time.
    pub in_flight_per_webhook_max: u16,
    /// Deliveries of one webhook that may have begun and not ended.
    pub waiting_max: u32,
    /// How long a webhook may fail at everything.
    pub give_up_after_hours: u32,
    /// How long events and deliveries are kept.
    pub keep_days: u32,
    /// Deliveries that ended and are kept of one webhook.
    pub log_max: u32,
    /// The way out.
    pub outward: outward::Options,
}

impl Config {
    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), String> {
        let needed =
            u32::from(self.webhooks_max).saturating_mul(u32::from(self.in_flight_per_webhook_max));
        let rules = [
            (
                (1..=100).contains(&self.webhooks_max),
                "webhooks_max must be 1 to 100",
            ),
            (
                (10..=60_000).contains(&self.look_every_ms),
                "look_every_ms must be 10 to 60000",
            ),
            (
                (1..=64).contains(&self.in_flight_per_webhook_max),
                "in_flight_per_webhook_max must be 1 to 64",
            ),
            (
                (1..=100_000).contains(&self.waiting_max),
                "waiting_max must be 1 to 100000",
            ),
            (
                self.give_up_after_hours >= 1,
                "give_up_after_hours must be at least 1",
            ),
            (
                (1..=365).contains(&self.keep_days),
                "keep_days must be 1 to 365",
            ),
            (self.log_max >= 1, "log_max must be at least 1"),
            (
                u32::from(self.outward.in_flight_max) >= needed,
                "outward.in_flight_max must be at least webhooks_max times in_flight_per_webhook_max",
            ),
        ];
        let broken = rules.iter().find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, rule)| Err(format!("webhooks.{rule}")))?;
        self.outward
            .check()
            .map_err(|error| format!("webhooks.{error}"))
    }

    pub(crate) fn look_every(&self) -> Duration {
        Duration::from_millis(self.look_every_ms.into())
    }

    pub(crate) fn give_up_after_ms(&self) -> i64 {
        i64::from(self.give_up_after_hours).saturating_mul(HOUR_MS)
    }

    pub(crate) fn keep_ms(&self) -> i64 {
        let days = i64::from(self.keep_days);
        days.saturating_mul(24).saturating_mul(HOUR_MS)
    }

    /// How long a node has a webhook to itself after it said so.
    pub(crate) fn lease_ms(&self) -> i64 {
        i64::from(self.outward.timeout_ms).saturating_add(SPARE_MS)
    }
}
