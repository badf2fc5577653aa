//! Long proofs in parts, mostly by other people's tools against a shop of our own on loopback: what a part is, and how
//! those that are wished for are run. What could not be had is said, and is no success.

use crate::ci;
use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

/// How a part ended, and its last words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed(String),
    Failed(String),
    NotRun(String),
}

/// What every part works with.
pub(crate) struct Stand {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// The shop's binary.
    pub(crate) binary: PathBuf,
    /// Where parts keep what they need: tools, shops, reports.
    pub(crate) folder: PathBuf,
}

impl Stand {
    /// The shop's binary, with nothing of ours in its environment.
    pub(crate) fn souk(&self) -> Command {
        bare(&self.binary)
    }
}

/// A program with nothing of ours in its environment: what this one is told there a shop would take for settings, and
/// refuse those that it does not know.
pub(crate) fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    leave_out(&mut command, env::vars_os().map(|(name, _)| name));
    command
}

/// A program that starts another: by itself, with its own words, and then as that one would be started. What is left
/// out of the environment of the one is left out of the other's.
pub(crate) fn around(outer: impl AsRef<OsStr>, words: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(outer);
    command
        .args(words)
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn leave_out(command: &mut Command, names: impl Iterator<Item = OsString>) {
    for name in names.filter(|name| name.to_string_lossy().starts_with("SOUK_")) {
        command.env_remove(name);
    }
}

pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// Whether the shop's binary is needed.
    pub(crate) asks_a_shop: bool,
    pub(crate) run: fn(&Stand, &mut dyn Write) -> io::Result<Outcome>,
}

/// Names another binary than the one that is built here, for tests and for this.
pub(crate) const BINARY: &str = "SOUK_TEST_BINARY";

/// Whether a wish means this part: by its name, or by the first word of it.
fn means(wish: &str, name: &str) -> bool {
    name == wish || name.split_once('-').is_some_and(|(first, _)| first == wish)
}

/// Runs the parts of a command that are wished for, or all; answers whether all passed.
pub(crate) fn run(
    command: &str,
    parts: &[Part],
    root: &Path,
    wish: &[&str],
    out: &mut dyn Write,
) -> io::Result<bool> {
    if let Some(unknown) = wish
        .iter()
        .find(|name| parts.iter().all(|part| !means(name, part.name)))
    {
        for part in parts {
            writeln!(out, "{:<10} {}", part.name, part.what)?;
        }
        return Err(io::Error::other(format!("there is no part {unknown}")));
    }
    let wished = |part: &&Part| wish.is_empty() || wish.iter().any(|wish| means(wish, part.name));
    let stand = Stand {
        root: root.to_owned(),
        binary: match parts.iter().filter(wished).any(|part| part.asks_a_shop) {
            true => binary(root)?,
            false => PathBuf::new(),
        },
        folder: root.join("target").join(command),
    };
    std::fs::create_dir_all(&stand.folder)?;
    let mut passed = true;
    for part in parts.iter().filter(wished) {
        writeln!(out, "{command}: {}: {}", part.name, part.what)?;
        let outcome = (part.run)(&stand, out)?;
        passed &= matches!(outcome, Outcome::Passed(_));
        let (word, said) = match outcome {
            Outcome::Passed(said) => ("passed", said),
            Outcome::Failed(said) => ("FAILED", said),
            Outcome::NotRun(said) => ("NOT RUN", said),
        };
        writeln!(out, "{command}: {}: {word}: {said}", part.name)?;
    }
    Ok(passed)
}

fn binary(root: &Path) -> io::Result<PathBuf> {
    if let Some(named) = env::var_os(BINARY) {
        return std::path::absolute(named);
    }
    let built = ci::cargo(root, &["build", "--release", "--bin", "souk"]).status()?;
    if !built.success() {
        return Err(io::Error::other("the shop could not be built"));
    }
    Ok(root.join("target/release/souk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_part_is_told_by_no_shop_of_it_hears() {
        let mut command = Command::new("souk");
        let told = ["PATH", "SOUK_FUZZ_SECONDS", "SOUK_DB", "HOME_OF_SOUK_"];
        leave_out(&mut command, told.into_iter().map(OsString::from));
        let left_out: Vec<_> = command.get_envs().collect();
        assert_eq!(
            left_out,
            ["SOUK_DB", "SOUK_FUZZ_SECONDS"].map(|name| (OsStr::new(name), None))
        );
    }

    #[test]
    fn who_starts_a_shop_leaves_out_what_the_shop_does_not_hear() {
        let mut shop = Command::new("souk");
        shop.arg("serve")
            .env("SOUK_DB", "sqlite:/tmp")
            .env_remove("SOUK_TEST_BINARY");
        let command = around("taskset", &["--cpu-list", "0"], &shop);
        let words: Vec<_> = command.get_args().collect();
        assert_eq!(words, ["--cpu-list", "0", "souk", "serve"]);
        let environment: Vec<_> = command.get_envs().collect();
        let kept = (OsStr::new("SOUK_DB"), Some(OsStr::new("sqlite:/tmp")));
        assert_eq!(environment, [kept, (OsStr::new("SOUK_TEST_BINARY"), None)]);
    }
}
