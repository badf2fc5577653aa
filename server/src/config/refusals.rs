//! What a shop does not start with: secrets that can be guessed, files of secrets that everybody on the machine can
//! read, and what is only good for trying things out, where others than this machine can ask. It only looks, and says
//! one line; there is no way around it but to mend it.

use super::Config;
use platform::{
    call::signature::SECRET_LENGTH_MIN,
    config::{ConfigError, readable_by_everybody},
};
use secrecy::ExposeSecret;
use std::path::Path;

/// A secret of chance has more kinds of characters than this, however it is written.
const KINDS_MIN: usize = 8;
/// Passwords that stand in examples, ours and others'.
const FROM_EXAMPLES: &[&str] = &[
    "admin",
    "change-me",
    "changeme",
    "example",
    "password",
    "postgres",
    "secret",
    "souk",
];
/// Sections of a file and the keys in them that hold secrets.
const SECRETS: &[(&str, &[&str])] = &[
    ("internal", &["secret", "secret_before"]),
    ("redis", &["secret"]),
    ("mail", &["password"]),
];
/// Addresses that may hold a password.
const ADDRESSES: &[&str] = &["db", "bus", "cache"];

impl Config {
    /// Secrets that are too short or too simple.
    pub(super) fn check_secrets(&self) -> Result<(), ConfigError> {
        let given = |secret: &platform::config::Secret| {
            let secret = secret.given();
            secret.map_or_else(String::new, |secret| secret.expose_secret().to_owned())
        };
        for (key, secret) in [
            ("internal.secret", given(&self.internal.secret)),
            (
                "internal.secret_before",
                given(&self.internal.secret_before),
            ),
            ("redis.secret", self.redis.secret.clone()),
        ] {
            let is_short = secret.len() < SECRET_LENGTH_MIN;
            if !secret.is_empty() && (is_short || kinds(&secret) < KINDS_MIN) {
                return Err(ConfigError::Invalid(format!(
                    "{key}: too easy to guess; at least {SECRET_LENGTH_MIN} characters made by chance, as \
                     `openssl rand -hex 32` makes them"
                )));
            }
        }
        Ok(())
    }

    /// What may be tried out on this machine, and is refused where others can ask.
    ///
    /// # Errors
    /// One line that names the key or the flag.
    pub(crate) fn check_exposure(&self, is_ephemeral: bool) -> Result<(), ConfigError> {
        if self.http.is_private() {
            return Ok(());
        }
        let listen = self.http.listen;
        if is_ephemeral {
            return Err(ConfigError::Invalid(format!(
                "--ephemeral: its keys and accounts are gone with the process, so it listens on this machine only, \
                 not on {listen}; use --data DIR"
            )));
        }
        for (key, address) in [("db", &self.db), ("bus", &self.bus), ("cache", &self.cache)] {
            if is_from_an_example(address) {
                return Err(ConfigError::Invalid(format!(
                    "{key}: its password stands in every example, and others than this machine can ask at {listen}; \
                     choose another"
                )));
            }
        }
        Ok(())
    }
}

fn kinds(secret: &str) -> usize {
    let kinds: std::collections::BTreeSet<char> = secret.chars().collect();
    kinds.len()
}

/// Whether `scheme://user:password@host` has a password that is no secret.
fn is_from_an_example(address: &str) -> bool {
    let Some((user, password)) = credentials(address) else {
        return false;
    };
    password == user || FROM_EXAMPLES.contains(&password.to_ascii_lowercase().as_str())
}

fn credentials(address: &str) -> Option<(&str, &str)> {
    let (_, rest) = address.split_once("://")?;
    let (credentials, _) = rest.rsplit_once('@')?;
    credentials
        .split_once(':')
        .filter(|(_, password)| !password.is_empty())
}

/// A configuration file with a secret in it, which everybody on this machine can read.
pub(super) fn check_file(file: &Path) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // What cannot be read is said by whoever reads it in earnest.
    let Ok(table) = text.parse::<toml::Table>() else {
        return Ok(());
    };
    let is_given = |value: &toml::Value| value.as_str().is_some_and(|text| !text.is_empty());
    let in_sections = SECRETS.iter().any(|(section, keys)| {
        let section = table.get(*section);
        let mut values = keys.iter().filter_map(|key| section?.get(*key));
        values.any(is_given)
    });
    let in_addresses = ADDRESSES.iter().any(|key| {
        let address = table.get(*key).and_then(toml::Value::as_str);
        address.and_then(credentials).is_some()
    });
    let in_tables = has_client_secret(&table) || has_stripes(&table) || has_the_bucket_s(&table);
    if (in_sections || in_addresses || in_tables) && readable_by_everybody(file) {
        return Err(ConfigError::Exposed(file.to_owned()));
    }
    Ok(())
}

/// Whether Stripe's key or what its callbacks are signed with stands here.
fn has_stripes(table: &toml::Table) -> bool {
    let stripe = table
        .get("payments")
        .and_then(|payments| payments.get("stripe"));
    let keys = ["secret_key", "webhook_secret", "webhook_secret_before"];
    let mut given = keys.iter().filter_map(|key| stripe?.get(*key)?.as_str());
    given.any(|text| !text.is_empty())
}

/// Whether the key to the bucket of pictures stands here.
fn has_the_bucket_s(table: &toml::Table) -> bool {
    let images = table
        .get("catalog")
        .and_then(|catalog| catalog.get("images"));
    let secret = images
        .and_then(|images| images.get("s3"))
        .and_then(|bucket| bucket.get("secret_access_key")?.as_str());
    secret.is_some_and(|text| !text.is_empty())
}

/// Whether a provider of identities was given its secret here.
fn has_client_secret(table: &toml::Table) -> bool {
    let providers = table
        .get("identity")
        .and_then(|identity| identity.get("openid"))
        .and_then(toml::Value::as_table);
    providers.is_some_and(|providers| {
        let mut secrets = providers
            .values()
            .filter_map(|one| one.get("client_secret"));
        secrets.any(|secret| secret.as_str().is_some_and(|text| !text.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_an_example_is_known_as_one() {
        for (address, expected) in [
            ("postgres://souk:souk@10.0.0.5/souk", true),
            ("postgres://shop:Secret@10.0.0.5/souk", true),
            ("redis://:changeme@10.0.0.5:6379", true),
            ("postgres://souk:vCq8hd2LkT@10.0.0.5/souk", false),
            ("postgres://souk@10.0.0.5/souk", false),
            ("sqlite:./souk-data", false),
            ("local", false),
        ] {
            assert_eq!(is_from_an_example(address), expected, "{address}");
        }
    }
}
