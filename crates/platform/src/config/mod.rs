//! Configuration in layers, later ones winning: documented defaults < file < `SOUK_*` environment < flags.
//! An unknown key stops the start and is named. Nothing else reads the environment.

use figment::{
    Figment, Profile, Provider,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};
use serde::{Serialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};

/// Why the configuration cannot be used; one clear line each.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("the configuration file {} cannot be read", .0.display())]
    File(PathBuf),
    /// A key is unknown, missing, or its value is of the wrong kind.
    #[error("{0}")]
    Invalid(String),
}

/// Where values come from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Every key with its documented default, as TOML.
    pub defaults: &'a str,
    /// A file, if one was named.
    pub file: Option<&'a Path>,
    /// Whether `SOUK_*` variables are read (tests do not).
    pub environment: bool,
}

/// Reads the layers; `flags` holds only what was given on the command line.
///
/// # Errors
/// [`ConfigError`], which names the key.
pub fn load<T: DeserializeOwned>(
    sources: &Sources<'_>,
    flags: impl Serialize,
) -> Result<T, ConfigError> {
    let mut figment = Figment::from(Toml::string(sources.defaults));
    if let Some(path) = sources.file {
        if !path.is_file() {
            return Err(ConfigError::File(path.to_owned()));
        }
        figment = figment.merge(Toml::file_exact(path));
    }
    if sources.environment {
        figment = figment.merge(environment());
    }
    figment = figment.merge(Given(Serialized::defaults(flags)));
    figment
        .extract()
        .map_err(|error| ConfigError::Invalid(explain(&error)))
}

fn environment() -> Env {
    let variables = Env::prefixed("SOUK_").split("__");
    // Without the feature these are unknown keys: no shop for customers starts with them.
    #[cfg(feature = "failpoints")]
    let variables = variables.ignore(&["fail_point", "clock_offset_file"]);
    variables
}

/// The point at which a test wants the process to end; see `fault`.
#[cfg(feature = "failpoints")]
pub(crate) fn fail_point() -> Option<String> {
    std::env::var("SOUK_FAIL_POINT").ok()
}

/// The file in which a test writes how far the clock is wrong; see `fault`.
#[cfg(feature = "failpoints")]
pub(crate) fn clock_offset_file() -> Option<PathBuf> {
    std::env::var_os("SOUK_CLOCK_OFFSET_FILE").map(PathBuf::from)
}

/// Flags that were not given must not hide the layers below: nulls and empty tables are dropped.
struct Given<S>(Serialized<S>);

impl<S: Serialize> Provider for Given<S> {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named("command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut data = self.0.data()?;
        for dict in data.values_mut() {
            prune(dict);
        }
        Ok(data)
    }
}

fn prune(dict: &mut Dict) {
    dict.retain(|_, value| match value {
        Value::Empty(..) => false,
        Value::Dict(_, inner) => {
            prune(inner);
            !inner.is_empty()
        }
        Value::String(..)
        | Value::Char(..)
        | Value::Bool(..)
        | Value::Num(..)
        | Value::Array(..) => true,
    });
}

fn explain(error: &figment::Error) -> String {
    let lines = error.clone().into_iter().map(|one| {
        let source = one
            .metadata
            .as_ref()
            .map(|metadata| format!(" (from {})", metadata.name))
            .unwrap_or_default();
        let path = one.path.join(".");
        let place = if path.is_empty() {
            String::new()
        } else {
            format!("{path}: ")
        };
        let what = if let Kind::UnknownField(_, known) = &one.kind {
            format!("unknown key; known here: {}", known.join(", "))
        } else {
            one.kind.to_string()
        };
        format!("{place}{what}{source}")
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shop {
        name: String,
        http: Http,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Http {
        timeout_ms: u64,
    }

    const DEFAULTS: &str = "name = \"souk\"\n[http]\ntimeout_ms = 1000\n";

    fn read(flags: serde_json::Value) -> Result<Shop, ConfigError> {
        load(
            &Sources {
                defaults: DEFAULTS,
                file: None,
                environment: false,
            },
            flags,
        )
    }

    #[test]
    fn flags_win_and_absent_flags_hide_nothing() {
        let shop = read(serde_json::json!({"name": null, "http": {"timeout_ms": 5}})).unwrap();
        assert_eq!(
            shop,
            Shop {
                name: "souk".to_owned(),
                http: Http { timeout_ms: 5 }
            }
        );
        assert_eq!(
            read(serde_json::json!({"http": {"timeout_ms": null}}))
                .unwrap()
                .http
                .timeout_ms,
            1000
        );
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = read(serde_json::json!({"http": {"timeuot_ms": 5}}))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("timeuot_ms") && error.contains("timeout_ms"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_said() {
        let path = Path::new("/nonexistent/souk.toml");
        let sources = Sources {
            defaults: DEFAULTS,
            file: Some(path),
            environment: false,
        };
        assert!(matches!(
            load::<Shop>(&sources, serde_json::json!({})),
            Err(ConfigError::File(_))
        ));
    }
}
