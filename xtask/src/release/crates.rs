//! What the shop is made of: the crates that are in its binary or make it, as cargo itself lists them, and what the
//! lock file knows of each.

use crate::ci;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

/// A crate in the binary, or one that takes part in making it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) version: String,
    /// As its author wrote it down.
    pub(super) licence: String,
    /// Of the file that the registry has; our own have none.
    pub(super) sha256: Option<String>,
    /// The parts that it asks for, by name and version.
    pub(super) asks_for: Vec<String>,
}

impl Part {
    /// Its name and version, as one word.
    pub(super) fn id(&self) -> String {
        id(&self.name, &self.version)
    }
}

pub(super) fn id(name: &str, version: &str) -> String {
    format!("{name}@{version}")
}

/// All parts of the binary for this target, with nothing asked of any registry.
pub(super) fn of_the_shop(root: &Path, target: &str) -> io::Result<Vec<Part>> {
    let words = [
        "tree",
        "--offline",
        "--locked",
        "--package",
        "souk",
        "--edges",
        "normal,build",
        "--target",
        target,
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ];
    let listed = ci::cargo(root, &words).output()?;
    if !listed.status.success() {
        let why = String::from_utf8_lossy(&listed.stderr).into_owned();
        return Err(io::Error::other(format!(
            "cargo cannot list the crates: {why}"
        )));
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    Ok(joined(&String::from_utf8_lossy(&listed.stdout), &lock))
}

/// The list of `cargo tree`, with what the lock file knows of each.
fn joined(listed: &str, lock: &str) -> Vec<Part> {
    let locked = locked(lock);
    let wanted: BTreeSet<(String, String, String)> = listed.lines().filter_map(listing).collect();
    let known: BTreeSet<String> = wanted
        .iter()
        .map(|(name, version, _)| id(name, version))
        .collect();
    wanted
        .into_iter()
        .map(|(name, version, licence)| {
            let found = locked.get(&id(&name, &version));
            let asks_for = found.map(|found| &found.asks_for);
            let asks_for = asks_for.into_iter().flatten();
            Part {
                sha256: found.and_then(|found| found.sha256.clone()),
                asks_for: asks_for
                    .filter(|one| known.contains(*one))
                    .cloned()
                    .collect(),
                name,
                version,
                licence,
            }
        })
        .collect()
}

/// `serde v1.0.228 (proc-macro)|MIT OR Apache-2.0 (*)`
fn listing(line: &str) -> Option<(String, String, String)> {
    let (named, licence) = line.rsplit_once('|')?;
    let mut words = named.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    let licence = licence.trim_end_matches(" (*)");
    Some((name.to_owned(), version.to_owned(), licence.to_owned()))
}

#[derive(Default)]
struct Locked {
    sha256: Option<String>,
    asks_for: Vec<String>,
}

/// The lock file is written by cargo, a key a line.
fn locked(lock: &str) -> BTreeMap<String, Locked> {
    let blocks: Vec<&str> = lock.split("[[package]]").skip(1).collect();
    let value = |block: &str, key: &str| {
        let start = format!("{key} = \"");
        let found = block
            .lines()
            .find_map(|line| line.strip_prefix(start.as_str()));
        found
            .and_then(|rest| rest.strip_suffix('"'))
            .map(str::to_owned)
    };
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for block in &blocks {
        if let (Some(name), Some(version)) = (value(block, "name"), value(block, "version")) {
            versions.entry(name).or_default().push(version);
        }
    }
    // Where there is one version only, the list of what is asked for does not say which.
    let whole = |asked: &str| {
        let mut words = asked.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next().map(str::to_owned);
        let version = version.or_else(|| versions.get(name)?.first().cloned());
        version.map(|version| id(name, &version))
    };
    blocks
        .iter()
        .filter_map(|block| {
            let (name, version) = (value(block, "name")?, value(block, "version")?);
            let asked = block
                .lines()
                .filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
            let locked = Locked {
                sha256: value(block, "checksum"),
                asks_for: asked.filter_map(whole).collect(),
            };
            Some((id(&name, &version), locked))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"version = 4

[[package]]
name = "one"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aa"
dependencies = [
 "three",
 "two 2.0.0",
]

[[package]]
name = "three"
version = "3.0.0"

[[package]]
name = "two"
version = "1.0.0"
checksum = "bb"

[[package]]
name = "two"
version = "2.0.0"
checksum = "cc"
"#;

    #[test]
    fn what_cargo_lists_is_joined_with_what_is_locked() {
        let listed = "one v1.0.0|MIT\ntwo v2.0.0 (proc-macro)|ISC\none v1.0.0|MIT (*)\n\n";
        let parts = joined(listed, LOCK);
        let told: Vec<_> = parts
            .iter()
            .map(|part| (part.id(), part.licence.as_str(), part.sha256.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("one@1.0.0".to_owned(), "MIT", Some("aa")),
                ("two@2.0.0".to_owned(), "ISC", Some("cc"))
            ]
        );
        assert_eq!(
            parts[0].asks_for,
            ["two@2.0.0"],
            "what is not in it is not asked for"
        );
    }
}
