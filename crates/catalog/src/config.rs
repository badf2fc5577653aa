//! The catalog's part of the settings. Reads no file and no environment.

use crate::bucket::SCHEME;
use contracts::{BoxError, values::Currency};
use platform::{config::Secret, outward::Address};
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `database`, or `s3://BUCKET/PREFIX`.
    pub store: String,
    /// Where that bucket is.
    pub s3: S3,
}

/// The section `[catalog.images.s3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Where the store answers.
    pub endpoint: String,
    /// What it calls the place where the bucket is.
    pub region: String,
    /// Who we are there.
    pub access_key_id: String,
    /// Proves it.
    pub secret_access_key: Secret,
    /// How long one exchange may take.
    pub timeout_ms: u32,
    /// Exchanges at a time.
    pub in_flight_max: u16,
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
/// What `store` says of the catalog's own database.
const DATABASE: &str = "database";
/// The longest prefix of keys.
const PREFIX_BYTES_MAX: usize = 200;
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
        self.check_store()
    }

    fn check_store(&self) -> Result<(), BoxError> {
        if self.store == DATABASE {
            return Ok(());
        }
        let place = self.store.strip_prefix(SCHEME).unwrap_or_default();
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte);
        let is_named = (3..=63).contains(&bucket.len()) && place.bytes().all(plain);
        // Whoever reads an address leaves such parts out, and what was signed would be another one.
        let mut parts = place.trim_end_matches('/').split('/');
        let is_odd = parts.any(|part| matches!(part, "" | "." | ".."));
        if !is_named || is_odd || prefix.len() > PREFIX_BYTES_MAX {
            let what = "catalog.images.store: database, or s3://BUCKET/PREFIX";
            return Err(what.into());
        }
        let s3 = &self.s3;
        let address = Address::parse(&s3.endpoint);
        let is_bare = address.is_ok_and(|address| {
            let host = address.as_str().split_once("://").map(|(_, host)| host);
            host.is_some_and(|host| !host.trim_end_matches('/').contains(['/', '?']))
        });
        let region = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let rules = [
            (
                is_bare,
                "endpoint: the address of the store, as https://s3.eu-central-1.amazonaws.com",
            ),
            (
                !s3.region.is_empty() && s3.region.bytes().all(region),
                "region: what the store calls it, as eu-central-1",
            ),
            (
                !s3.access_key_id.is_empty()
                    && s3.access_key_id.bytes().all(|byte| byte.is_ascii_graphic()),
                "access_key_id: there is none",
            ),
            (
                s3.secret_access_key.given().is_some(),
                "secret_access_key: there is none; give it as SOUK_CATALOG__IMAGES__S3__SECRET_ACCESS_KEY_FILE",
            ),
            (
                (1..=60_000).contains(&s3.timeout_ms),
                "timeout_ms must be 1 to 60000",
            ),
            (s3.in_flight_max >= 1, "in_flight_max must be at least 1"),
        ];
        let broken = rules.iter().find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, rule)| {
            Err(format!("catalog.images.s3.{rule}").into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::config::{Sources, load};
    use secrecy::SecretString;

    #[derive(Debug, Deserialize)]
    struct File {
        catalog: Config,
    }

    fn elsewhere(all: &mut Config) {
        all.images.store = "s3://pictures/shop".to_owned();
        all.images.s3.access_key_id = "key".to_owned();
        all.images.s3.secret_access_key = Secret::from(SecretString::from("secret"));
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
        let but = |change: fn(&mut Config)| {
            let mut changed = file.catalog.clone();
            change(&mut changed);
            changed.check()
        };
        assert!(but(|all| all.window_age_max_ms = 5_001).is_err());
        assert!(but(|all| all.images.waiting_max = 0).is_err());
        let twice: fn(&mut Config) =
            |all| all.further_currencies = vec!["EUR".parse().unwrap(), all.currency];
        assert!(but(twice).is_err());
        assert!(but(elsewhere).is_ok());
        type Change = fn(&mut Config);
        let refusals: [(Change, &str); 10] = [
            (|all| all.images.store = "s3://abc/b c".to_owned(), "store"),
            (|all| all.images.store = "s3://abc/../b".to_owned(), "store"),
            (|all| all.images.store = "s3://abc/b//c".to_owned(), "store"),
            (|all| all.images.store = "folder".to_owned(), "store"),
            (
                |all| all.images.s3.endpoint = "https://s3.example/base".to_owned(),
                "endpoint",
            ),
            (|all| all.images.s3.endpoint = "s3".to_owned(), "endpoint"),
            (|all| all.images.s3.region.clear(), "region"),
            (|all| all.images.s3.access_key_id.clear(), "access_key_id"),
            (
                |all| all.images.s3.secret_access_key = Secret::default(),
                "secret_access_key",
            ),
            (|all| all.images.s3.timeout_ms = 0, "timeout_ms"),
        ];
        for (broken, key) in refusals {
            let mut changed = file.catalog.clone();
            elsewhere(&mut changed);
            broken(&mut changed);
            let refused = changed.check().unwrap_err().to_string();
            assert!(refused.contains(key), "{key}: {refused}");
        }
    }
}
