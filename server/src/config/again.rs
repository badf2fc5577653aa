//! Settings that are read again while the process is open: what of them is taken then, and what waits for a start.

use super::Config;
use contracts::BoxError;
use toml::{Table, Value};

/// What is said where nothing that is shown has changed.
const A_SECRET: &str = "a secret";

/// Settings that a process goes on with. Nothing can go wrong with them any more.
#[derive(Debug)]
pub(crate) struct Again {
    /// All of them.
    pub(crate) config: Config,
    /// As people are shown them.
    pub(crate) shown: String,
}

impl Config {
    /// What a process with these goes on with when it has read others.
    pub(crate) fn again(&self, others: &Self) -> Result<Again, BoxError> {
        let config = self.with(others);
        let shown = config.print()?;
        Ok(Again { config, shown })
    }

    /// These settings, with what may change while a process is open as others have it: how much logs say, and the
    /// limits of callers.
    fn with(&self, others: &Self) -> Self {
        Self {
            log_level: others.log_level.clone(),
            limits: others.limits.clone(),
            ..self.clone()
        }
    }

    /// The keys that are set otherwise there and are not taken before the next start, with commas: names only, for a
    /// value may be a secret. Empty: none.
    pub(crate) fn waiting(&self, others: &Self) -> Result<String, BoxError> {
        let taken = self.with(others);
        if taken == *others {
            return Ok(String::new());
        }
        let mut keys = Vec::new();
        compare(
            "",
            &Table::try_from(&taken)?,
            &Table::try_from(others)?,
            &mut keys,
        );
        if keys.is_empty() {
            keys.push(A_SECRET.to_owned());
        }
        keys.sort_unstable();
        Ok(keys.join(", "))
    }
}

/// The keys of two tables whose values are not the same.
fn compare(section: &str, one: &Table, other: &Table, keys: &mut Vec<String>) {
    let only_there = other.keys().filter(|key| !one.contains_key(*key));
    for key in one.keys().chain(only_there) {
        let name = match section {
            "" => key.clone(),
            section => format!("{section}.{key}"),
        };
        match (one.get(key), other.get(key)) {
            (Some(Value::Table(one)), Some(Value::Table(other))) => {
                compare(&name, one, other, keys);
            }
            (one, other) if one != other => keys.push(name),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;
    use secrecy::SecretString;

    fn defaults() -> Config {
        Config::load(None, false, &Flags::default()).unwrap()
    }

    #[test]
    fn limits_and_what_logs_say_are_taken_and_nothing_else() {
        let (before, mut after) = (defaults(), defaults());
        after.log_level = "debug".to_owned();
        after.limits.enabled = false;
        after.limits.login_all.units = 1;
        assert_eq!(before.with(&after), after);
        assert_eq!(before.waiting(&after).unwrap(), "");
        after.http.timeout_ms = 1;
        after.cache = "redis://:hidden@h:1".to_owned();
        let taken = before.with(&after);
        assert_eq!((&taken.http, &taken.cache), (&before.http, &before.cache));
        assert_eq!(taken.limits, after.limits);
    }

    #[test]
    fn what_waits_for_a_start_is_named_and_no_value_of_it() {
        let (before, mut after) = (defaults(), defaults());
        after.http.timeout_ms = 1;
        after.shop.notice = "hidden".to_owned();
        assert_eq!(
            before.waiting(&after).unwrap(),
            "http.timeout_ms, shop.notice"
        );
        let with_secret = |secret: &str| {
            let mut settings = defaults();
            settings.internal.secret = SecretString::from(secret.to_owned()).into();
            settings
        };
        let (before, after) = (with_secret("one"), with_secret("hidden"));
        assert_eq!(before.waiting(&after).unwrap(), A_SECRET);
    }
}
