//! Configuration in layers, later ones winning: documented defaults < file < `SOUK_*` environment < flags.
//! An unknown key stops the start and is named. Nothing else reads the environment.

mod shown;

pub use shown::Shown;

use crate::fault;
use figment::{
    Figment, Profile, Provider,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A setting that is shown to nobody: printed, it is masked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    /// The secret, if one is set.
    #[must_use]
    pub fn given(&self) -> Option<SecretString> {
        (!self.0.expose_secret().is_empty()).then(|| self.0.clone())
    }
}

impl From<SecretString> for Secret {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Secret {}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.given().is_some() { "***" } else { "" })
    }
}

/// Why the configuration cannot be used; one clear line each.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("the configuration file {} cannot be read: {}", .0.display(), .1)]
    File(PathBuf, std::io::Error),
    /// The file that holds one value cannot be read: the variable that names it, the file, and why.
    #[error("{}: the file {} cannot be read: {}", .0, .1.display(), .2)]
    ValueFile(String, PathBuf, std::io::Error),
    /// The file holds a secret, and everybody on this machine can read it.
    #[error("{} holds a secret and can be read by everybody here: `chmod o= {}`", .0.display(), .0.display())]
    Exposed(PathBuf),
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
    let documented = figment.clone();
    if let Some(path) = sources.file {
        // Whoever reads it below would say neither which file it is nor why.
        if let Err(error) = std::fs::read(path) {
            return Err(ConfigError::File(path.to_owned(), error));
        }
        figment = figment.merge(Toml::file_exact(path));
    }
    if sources.environment {
        figment = figment.merge(environment(documented.clone()));
        for (key, text) in kept_in_files(&documented)? {
            figment = figment.merge(Serialized::default(&key, text));
        }
    }
    figment = figment.merge(Given(Serialized::defaults(flags)));
    figment
        .extract()
        .map_err(|error| ConfigError::Invalid(explain(&error)))
}

/// What a variable's name ends with that names a file with the value in it: a secret in a variable is seen by
/// too many.
const IN_A_FILE: &str = "_file";

/// What commands read that ask a shop, and a shop itself does not.
const OF_COMMANDS: [&str; 2] = ["shop_url", "shop_key_file"];

/// The address of the shop that commands ask, unless they are told another: `SOUK_SHOP_URL`.
#[must_use]
pub fn shop_url() -> Option<String> {
    std::env::var("SOUK_SHOP_URL").ok()
}

/// The file with the API key that commands ask with, unless they are told another: `SOUK_SHOP_KEY_FILE`.
#[must_use]
pub fn shop_key_file() -> Option<PathBuf> {
    std::env::var_os("SOUK_SHOP_KEY_FILE").map(PathBuf::from)
}

fn environment(documented: Figment) -> Env {
    let variables = Env::prefixed("SOUK_")
        .filter(move |key| {
            let key = key.as_str().to_ascii_lowercase().replace("__", ".");
            !key.ends_with(IN_A_FILE) || documented.contains(&key)
        })
        .split("__")
        .ignore(&OF_COMMANDS);
    // To every other binary these are unknown keys: no shop for customers starts with them.
    if fault::heeds_tests() {
        return variables.ignore(&["fail_point", "clock_offset_file", "statements_file"]);
    }
    variables
}

/// The keys whose values are kept in files, and what these hold. A key that is called so itself is a path, and stays
/// it.
fn kept_in_files(documented: &Figment) -> Result<Vec<(String, String)>, ConfigError> {
    let mut variables = Env::prefixed("SOUK_").split("__").ignore(&OF_COMMANDS);
    if fault::heeds_tests() {
        variables = variables.ignore(&["clock_offset_file", "statements_file"]);
    }
    let mut kept = Vec::new();
    for (key, path) in variables.iter() {
        if documented.contains(key.as_str()) {
            continue;
        }
        let named = key.as_str();
        let Some(key) = named.strip_suffix(IN_A_FILE) else {
            continue;
        };
        let path = PathBuf::from(path);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let variable = format!("SOUK_{}", named.replace('.', "__").to_uppercase());
                return Err(ConfigError::ValueFile(variable, path, error));
            }
        };
        if readable_by_everybody(&path) {
            return Err(ConfigError::Exposed(path));
        }
        kept.push((key.to_owned(), text.trim_end_matches('\n').to_owned()));
    }
    Ok(kept)
}

/// Whether users of this machine can read a file who are neither its owner nor of its group. A device keeps nothing.
#[must_use]
pub fn readable_by_everybody(file: &Path) -> bool {
    std::fs::metadata(file)
        .is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o004 != 0)
}

/// The point at which a test wants the process to end; see `fault`.
pub(crate) fn fail_point() -> Option<String> {
    std::env::var("SOUK_FAIL_POINT").ok()
}

/// The file in which a test writes how far the clock is wrong; see `fault`.
pub(crate) fn clock_offset_file() -> Option<PathBuf> {
    std::env::var_os("SOUK_CLOCK_OFFSET_FILE").map(PathBuf::from)
}

/// The file in which a test has statements written down; see `db::sqlite`.
pub(crate) fn statements_file() -> Option<PathBuf> {
    std::env::var_os("SOUK_STATEMENTS_FILE").map(PathBuf::from)
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
            without_excerpt(&one.kind.to_string())
        };
        format!("{place}{what}{source}")
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// An error of a file in one line, without the lines that it shows of the file: a secret may stand there.
fn without_excerpt(text: &str) -> String {
    let is_excerpt = |line: &&str| {
        let after_number =
            line.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == ' ');
        after_number.starts_with('|')
    };
    let lines = text.lines().filter(|line| !is_excerpt(line)).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(": ")
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
    fn a_file_that_cannot_be_read_is_told_of_in_one_line_that_shows_nothing_of_it() {
        let path = std::env::temp_dir().join(format!("souk-broken-{}.toml", std::process::id()));
        std::fs::write(&path, "name = \"souk\"\n[http]\nhidden = \"se | cret\n").unwrap();
        let sources = Sources {
            defaults: DEFAULTS,
            file: Some(&path),
            environment: false,
        };
        let error = load::<Shop>(&sources, serde_json::json!({})).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        let line = error.to_string();
        assert!(line.contains("line 3") && line.contains("string"), "{line}");
        assert!(!line.contains('\n') && !line.contains("cret"), "{line}");
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
            Err(ConfigError::File(..))
        ));
    }
}
