//! The catalog's part of the settings. Reads no file and no environment.

use contracts::{BoxError, values::Currency};
use serde::{Deserialize, Serialize};

/// Every key with its documented default.
pub const DEFAULTS: &str = include_str!("config.toml");

/// The section `[catalog]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The shop's currency: what a bare number is in.
    pub currency: Currency,
    /// Memory for what everybody may see of products.
    pub window_kilobytes: u32,
    /// How old that may be, if nobody tells of a change.
    pub window_age_max_ms: u64,
    /// How long it is remembered that there is nothing to see.
    pub window_absent_age_max_ms: u64,
}

/// Other nodes, and other processes on the same store, are shown a change after this at the latest.
const AGE_MS_MAX: u64 = 5_000;

impl Config {
    /// Says what cannot work.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), BoxError> {
        let ages = [
            ("window_age_max_ms", self.window_age_max_ms),
            ("window_absent_age_max_ms", self.window_absent_age_max_ms),
        ];
        for (name, age_ms) in ages {
            if age_ms > AGE_MS_MAX {
                return Err(format!("catalog.{name}: must be {AGE_MS_MAX} at most").into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::config::{Sources, load};

    #[derive(Debug, Deserialize)]
    struct File {
        catalog: Config,
    }

    #[test]
    fn the_defaults_are_whole() {
        let sources = Sources {
            defaults: DEFAULTS,
            file: None,
            environment: false,
        };
        let no_flags = std::collections::BTreeMap::<String, String>::new();
        let file: File = load(&sources, no_flags).unwrap();
        assert_eq!(file.catalog.currency.code(), "USD");
        assert!(file.catalog.check().is_ok());
        let old = Config {
            window_age_max_ms: 5_001,
            ..file.catalog
        };
        assert!(old.check().is_err());
    }
}
