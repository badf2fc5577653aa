//! Identity's part of the settings. Reads no file and no environment itself.

use crate::provider::OpenId;
use platform::http::VerifierOptions;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every key with its default and what it means.
pub const DEFAULTS: &str = include_str!("config.toml");

/// The longest that an access token may live: ended sessions are remembered for longer than this.
const ACCESS_SECONDS_MAX: u32 = 900;
/// Links are remembered for a day after their end.
const DAY_SECONDS: u32 = 24 * 60 * 60;
/// Providers that a shop may have.
const PROVIDERS_MAX: usize = 16;
const REFRESH_SECONDS_MAX: u32 = 366 * 24 * 60 * 60;
const SESSION_SECONDS_MAX: u32 = 2 * REFRESH_SECONDS_MAX;

/// What somebody who registers may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationRole {
    /// Buys.
    Customer,
    /// Buys and sells.
    Merchant,
}

/// The settings; `config.toml` beside this file says what each means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `iss` of access tokens.
    pub issuer: String,
    /// `aud` of access tokens.
    pub audience: String,
    /// Life of an access token.
    pub access_token_seconds: u32,
    /// Life of a session that is not refreshed.
    pub refresh_token_seconds: u32,
    /// The longest life of a session.
    pub session_seconds_max: u32,
    /// How long a used refresh token still gives its successor.
    pub refresh_grace_seconds: u32,
    /// What somebody who registers may do.
    pub registration_role: RegistrationRole,
    /// How long a link for a forgotten password is good.
    pub reset_link_seconds: u32,
    /// How long a link that verifies an address is good.
    pub verify_link_seconds: u32,
    /// Links of a kind for one account...
    pub links_max: u32,
    /// ...within this time.
    pub link_window_seconds: u32,
    /// Forgotten passwords that are looked for at a time.
    pub link_asks_max: u32,
    /// How long the second step of a sign-in may take.
    pub second_factor_challenge_seconds: u32,
    /// How long a secret may wait for its first code.
    pub second_factor_setup_seconds: u32,
    /// Memory of one hash.
    pub argon2_memory_kib: u32,
    /// Passes of one hash.
    pub argon2_passes: u32,
    /// Hashes at a time; 0 means by the number of cores.
    pub hash_permits: u32,
    /// Hashes that may wait.
    pub hash_queue_max: u32,
    /// Wrong passwords before an account has to wait.
    pub login_failures_max: u32,
    /// How long a wrong password counts.
    pub login_failure_window_seconds: u32,
    /// The longest wait.
    pub login_delay_seconds_max: u32,
    /// Accounts that are remembered.
    pub login_accounts_max: u32,
    /// How long refusals are counted in one row.
    pub refusals_window_seconds: u32,
    /// Accounts and places that are told apart at a time.
    pub refusals_places_max: u32,
    /// How often what was counted is written.
    pub refusals_write_ms: u64,
    /// How long refusals are kept.
    pub refusals_days: u32,
    /// Rows of refusals that are kept.
    pub refusals_max: u32,
    /// How long all other security events are kept.
    pub security_events_days: u32,
    /// All other security events that are kept.
    pub security_events_max: u32,
    /// How long signing in by a provider may take.
    pub openid_attempt_seconds: u32,
    /// How long one step of it may wait for the provider.
    pub openid_timeout_ms: u32,
    /// How long a provider's description and keys are believed.
    pub openid_keys_seconds: u32,
    /// How soon its keys are asked for again because of one that is not known.
    pub openid_keys_pause_seconds: u32,
    /// Providers that people may sign in by, by name.
    pub openid: BTreeMap<String, OpenId>,
}

impl Config {
    /// Which tokens the rest of the shop has to take for ours.
    #[must_use]
    pub fn verifier(&self) -> VerifierOptions {
        VerifierOptions {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
        }
    }

    /// Refuses settings that cannot work or would break a promise.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), String> {
        let rules = [
            (!self.issuer.is_empty(), "issuer must not be empty"),
            (!self.audience.is_empty(), "audience must not be empty"),
            (
                (1..=ACCESS_SECONDS_MAX).contains(&self.access_token_seconds),
                "access_token_seconds must be 1 to 900",
            ),
            (
                (1..=REFRESH_SECONDS_MAX).contains(&self.refresh_token_seconds),
                "refresh_token_seconds must be 1 to a year",
            ),
            (
                (1..=SESSION_SECONDS_MAX).contains(&self.session_seconds_max),
                "session_seconds_max must be 1 to two years",
            ),
            (
                self.refresh_grace_seconds <= 60,
                "refresh_grace_seconds must be 60 at most",
            ),
            (
                (60..=600).contains(&self.reset_link_seconds),
                "reset_link_seconds must be 60 to 600",
            ),
            (
                (60..=DAY_SECONDS).contains(&self.verify_link_seconds),
                "verify_link_seconds must be 60 to 86400",
            ),
            (
                (1..=100).contains(&self.links_max),
                "links_max must be 1 to 100",
            ),
            (
                (1..=DAY_SECONDS).contains(&self.link_window_seconds),
                "link_window_seconds must be 1 to 86400",
            ),
            (
                (1..=65_536).contains(&self.link_asks_max),
                "link_asks_max must be 1 to 65536",
            ),
            (
                (30..=600).contains(&self.second_factor_challenge_seconds),
                "second_factor_challenge_seconds must be 30 to 600",
            ),
            (
                (60..=DAY_SECONDS).contains(&self.second_factor_setup_seconds),
                "second_factor_setup_seconds must be 60 to 86400",
            ),
            (
                self.login_failures_max >= 1,
                "login_failures_max must be at least 1",
            ),
            (
                self.login_delay_seconds_max >= 1,
                "login_delay_seconds_max must be at least 1",
            ),
            (
                self.login_accounts_max >= 1,
                "login_accounts_max must be at least 1",
            ),
        ];
        let audit = self.audit_rules();
        let broken = rules.iter().chain(&audit).find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, rule)| Err(format!("identity.{rule}")))?;
        self.check_openid()
    }

    fn check_openid(&self) -> Result<(), String> {
        let rules = [
            (
                (60..=600).contains(&self.openid_attempt_seconds),
                "openid_attempt_seconds must be 60 to 600",
            ),
            (
                (1..=60_000).contains(&self.openid_timeout_ms),
                "openid_timeout_ms must be 1 to 60000",
            ),
            (
                (1..=DAY_SECONDS).contains(&self.openid_keys_seconds),
                "openid_keys_seconds must be 1 to 86400",
            ),
            (
                (1..=DAY_SECONDS).contains(&self.openid_keys_pause_seconds),
                "openid_keys_pause_seconds must be 1 to 86400",
            ),
            (
                self.openid.len() <= PROVIDERS_MAX,
                "openid must have 16 providers at most",
            ),
        ];
        let broken = rules.iter().find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, rule)| Err(format!("identity.{rule}")))?;
        let mut providers = self.openid.iter();
        let checked = providers.try_for_each(|(name, provider)| provider.check(name));
        checked.map_err(|why| format!("identity.{why}"))
    }

    /// Of the audit log.
    fn audit_rules(&self) -> [(bool, &'static str); 7] {
        [
            (
                (1..=3_600).contains(&self.refusals_window_seconds),
                "refusals_window_seconds must be 1 to 3600",
            ),
            (
                (1..=100_000).contains(&self.refusals_places_max),
                "refusals_places_max must be 1 to 100000",
            ),
            (
                (10..=60_000).contains(&self.refusals_write_ms),
                "refusals_write_ms must be 10 to 60000",
            ),
            (
                (1..=3_660).contains(&self.refusals_days),
                "refusals_days must be 1 to 3660",
            ),
            (self.refusals_max >= 1, "refusals_max must be at least 1"),
            (
                (1..=3_660).contains(&self.security_events_days),
                "security_events_days must be 1 to 3660",
            ),
            (
                self.security_events_max >= 1,
                "security_events_max must be at least 1",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::config::{Sources, load};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct All {
        identity: Config,
    }

    fn read(flags: serde_json::Value) -> Config {
        let sources = Sources {
            defaults: DEFAULTS,
            file: None,
            environment: false,
        };
        load::<All>(&sources, flags).unwrap().identity
    }

    #[test]
    fn the_defaults_are_what_owasp_asks_for() {
        let config = read(serde_json::json!({}));
        assert_eq!(
            (config.argon2_memory_kib, config.argon2_passes),
            (19_456, 2)
        );
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn every_default_has_its_comment() {
        let mut before = "";
        for line in DEFAULTS.lines().skip(1) {
            assert!(line.starts_with('#') || before.starts_with('#'), "{line}");
            before = line;
        }
    }

    #[test]
    fn tokens_that_outlive_the_memory_of_their_end_are_refused() {
        let config = read(serde_json::json!({"identity": {"access_token_seconds": 3_600}}));
        assert_eq!(
            config.check().unwrap_err(),
            "identity.access_token_seconds must be 1 to 900"
        );
    }
}
