//! The catalog's part of the settings. Reads no file and no environment.

use contracts::values::Currency;
use serde::{Deserialize, Serialize};

/// Every key with its documented default.
pub const DEFAULTS: &str = include_str!("config.toml");

/// The section `[catalog]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The shop's currency: what a bare number is in.
    pub currency: Currency,
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
    }
}
