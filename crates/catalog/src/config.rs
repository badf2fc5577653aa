//! The catalog's part of the settings. Reads no file and no environment.

use contracts::{BoxError, values::Currency};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Every key with its documented default.
pub const DEFAULTS: &str = include_str!("config.toml");

/// The section `[catalog]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The shop's currency: what a bare number is in.
    pub currency: Currency,
    /// What else it sells in, where something has a price in it.
    pub further_currencies: Vec<Currency>,
    /// Memory for what everybody may see of products.
    pub window_kilobytes: u32,
    /// How old that may be, if nobody tells of a change.
    pub window_age_max_ms: u64,
    /// How long it is remembered that there is nothing to see.
    pub window_absent_age_max_ms: u64,
    /// Pictures that sellers send.
    pub images: Images,
}

/// The section `[catalog.images]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// The largest file that is taken, in bytes.
    pub bytes_max: u32,
    /// The most pixels of one.
    pub pixels_max: u32,
    /// How many a product may have.
    pub per_product_max: u32,
    /// How many may be on their way at a time.
    pub waiting_max: u32,
    /// How much of them may be on its way to browsers at a time, in KiB.
    pub sending_kilobytes_max: u32,
}

/// Further currencies: a price list each.
const FURTHER_CURRENCIES_MAX: usize = 20;

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
        let known: HashSet<Currency> = self.currencies().collect();
        let further = self.further_currencies.len();
        if further > FURTHER_CURRENCIES_MAX || known.len() != further.saturating_add(1) {
            return Err(format!(
                "catalog.further_currencies: must be {FURTHER_CURRENCIES_MAX} at most, each once, not catalog.currency"
            )
            .into());
        }
        self.images.check()
    }

    /// All that the shop sells in, its own first.
    pub(crate) fn currencies(&self) -> impl Iterator<Item = Currency> {
        let further = self.further_currencies.iter().copied();
        std::iter::once(self.currency).chain(further)
    }
}

/// What crosses between nodes is bounded (`internal.body_bytes_max`), and a picture may be sent by way of another.
const BYTES_MAX: u32 = 16 * 1_024 * 1_024;
const PIXELS_MAX: u32 = 200_000_000;
const PER_PRODUCT_MAX: u32 = 100;
const WAITING_MAX: u32 = 64;
/// One file at least, or none would ever be sent.
const SENDING_KILOBYTES: std::ops::RangeInclusive<u32> = 4_096..=16_777_216;

impl Images {
    fn check(&self) -> Result<(), BoxError> {
        let bounds = [
            ("bytes_max", self.bytes_max, BYTES_MAX),
            ("pixels_max", self.pixels_max, PIXELS_MAX),
            ("per_product_max", self.per_product_max, PER_PRODUCT_MAX),
            ("waiting_max", self.waiting_max, WAITING_MAX),
        ];
        for (name, given, most) in bounds {
            if !(1..=most).contains(&given) {
                return Err(format!("catalog.images.{name}: must be 1 to {most}").into());
            }
        }
        if !SENDING_KILOBYTES.contains(&self.sending_kilobytes_max) {
            let (least, most) = (SENDING_KILOBYTES.start(), SENDING_KILOBYTES.end());
            return Err(
                format!("catalog.images.sending_kilobytes_max: must be {least} to {most}").into(),
            );
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
            ..file.catalog.clone()
        };
        assert!(old.check().is_err());
        let images = Images {
            waiting_max: 0,
            ..file.catalog.images
        };
        let twice = Config {
            further_currencies: vec!["EUR".parse().unwrap(), file.catalog.currency],
            ..file.catalog
        };
        assert!(twice.check().is_err());
        let none_may_come = Config {
            images,
            ..file.catalog
        };
        assert!(none_may_come.check().is_err());
    }
}
