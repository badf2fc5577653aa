//! How Redis is reached: the address from the key `cache`, and the section `[redis]`. Opens nothing.

use super::Away;
use ::redis::{Client, IntoConnectionInfo};
use contracts::BoxError;
use serde::{Deserialize, Serialize};

/// The section `[redis]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// What every key begins with.
    pub prefix: String,
    /// Signs what is kept there, and hides whom it is about; the same on every node. Empty: a checksum only.
    pub secret: String,
    /// How long an answer is waited for.
    pub timeout_ms: u64,
    /// How long a connection may take to be made.
    pub connect_timeout_ms: u64,
    /// Failures in a row after which the server is left alone.
    pub failures_max: u32,
    /// For how long it is left alone.
    pub rest_ms: u64,
    /// Commands nobody waits for that may be under way; one more is dropped.
    pub errands_max: u32,
}

/// Every key with its documented default.
pub const DEFAULTS: &str = include_str!("../redis.toml");

impl Options {
    /// Says what cannot work.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), BoxError> {
        let times = [
            ("redis.timeout_ms", self.timeout_ms),
            ("redis.connect_timeout_ms", self.connect_timeout_ms),
            ("redis.rest_ms", self.rest_ms),
        ];
        for (name, ms) in times {
            if !(1..=60_000).contains(&ms) {
                return Err(format!("{name}: must be 1 to 60000").into());
            }
        }
        if self.failures_max == 0 || !(1..=65_536).contains(&self.errands_max) {
            return Err("redis: failures_max must be 1 or more, errands_max 1 to 65536".into());
        }
        Ok(())
    }
}

/// Reads an address: `redis://`, or `rediss://` for TLS. Never shows it, for a password may be in it.
///
/// # Errors
/// When it is no such address.
pub fn check_url(url: &str) -> Result<(), BoxError> {
    client(url).map(drop)
}

pub(super) fn client(url: &str) -> Result<Client, BoxError> {
    let unusable = "must be redis://HOST:PORT, or rediss:// for TLS";
    if !url.starts_with("redis://") && !url.starts_with("rediss://") {
        return Err(unusable.into());
    }
    // The library's own words may repeat the address.
    let information = url.into_connection_info().map_err(|_| unusable)?;
    Client::open(information).map_err(|_| unusable.into())
}

impl std::fmt::Display for Away {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis is away")
    }
}

impl std::error::Error for Away {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_redis_or_rediss_and_is_never_repeated() {
        assert!(check_url("redis://127.0.0.1:6379").is_ok());
        assert!(check_url("rediss://:secret@cache.example:6380/2").is_ok());
        for url in [
            "local",
            "http://x",
            "redis://:secret@host:port/x",
            "redis://h/y",
        ] {
            let error = check_url(url).unwrap_err().to_string();
            assert!(
                error.starts_with("must be redis://") && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
