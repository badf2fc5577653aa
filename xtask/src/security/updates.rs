//! Libraries that have moved on: what the registry has that is newer than what is locked and fits, and what was
//! published about weaknesses of what is locked. Two halves, since the second asks somebody else. It changes nothing.

use super::{Outcome, Stand};
use crate::ci;
use std::{
    io::{self, Write},
    process::Stdio,
};

/// How the tool that reads the `RustSec` database is got.
const AUDIT: &str = "cargo-audit is not here: `cargo install cargo-audit --locked`";

/// Asks the registry. Whatever fits and is newer should be taken, and so should what takes the place of a release that
/// was withdrawn: for both, cargo would write another line into `Cargo.lock`.
pub(super) fn compatible(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let mut cargo = ci::cargo(&stand.root, &["update", "--dry-run", "--verbose"]);
    let said = cargo
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .output()?;
    // Cargo tells people, and so on standard error; both are read.
    let text = [said.stdout, said.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    if !said.status.success() {
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        let why = last.unwrap_or("it said nothing");
        return Ok(Outcome::NotRun(format!(
            "the registry was not asked: {}",
            why.trim()
        )));
    }
    let news = News::read(&text);
    for line in &news.lines {
        writeln!(out, "{line}")?;
    }
    let others = format!(
        "{} more have releases that do not fit what asks for them",
        news.others
    );
    Ok(if news.lines.is_empty() {
        Outcome::Passed(format!(
            "nothing that is locked has a newer release that fits; {others}"
        ))
    } else {
        Outcome::Failed(format!(
            "{} to be taken (`cargo update`, then `cargo xtask ci`); {others}",
            news.lines.len()
        ))
    })
}

/// Asks the `RustSec` database, where its tool is installed and the database can be had.
pub(super) fn advisories(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let quietly = |words: &[&str]| {
        let mut cargo = ci::cargo(&stand.root, words);
        cargo.stdin(Stdio::null()).output()
    };
    if !quietly(&["audit", "--version"])?.status.success() {
        return Ok(Outcome::NotRun(AUDIT.to_owned()));
    }
    let said = quietly(&["audit", "--color", "never", "--deny", "yanked"])?;
    let text = [said.stdout, said.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let verdict = judged(&text, said.status.success());
    if !matches!(verdict, Outcome::NotRun(_)) {
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(verdict)
}

/// What a database was loaded for: without this line it was not to be had.
fn judged(text: &str, succeeded: bool) -> Outcome {
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.unwrap_or("it said nothing").trim().to_owned();
    let was_loaded = text.contains("security advisories (from");
    match (was_loaded, succeeded) {
        (false, _) => Outcome::NotRun(format!("the RustSec database cannot be had: {last}")),
        (true, true) => Outcome::Passed("no published weakness, nothing withdrawn".to_owned()),
        (true, false) => Outcome::Failed(last),
    }
}

/// What cargo would change.
#[derive(Debug, Default, PartialEq, Eq)]
struct News {
    /// Lines of packages that would be others, as cargo writes them, and whatever it says of withdrawn ones.
    lines: Vec<String>,
    /// Packages with newer releases that do not fit.
    others: usize,
}

impl News {
    /// Reads what it can: words that are not known are no news.
    fn read(text: &str) -> Self {
        let mut news = Self::default();
        for line in text.lines().map(str::trim) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_change = matches!(
                words.first(),
                Some(&("Updating" | "Downgrading" | "Adding" | "Removing"))
            );
            // `Updating crates.io index` has no version in it.
            let is_of_a_package = words.get(2).is_some_and(|word| is_version(word));
            if (is_change && is_of_a_package) || line.contains("yanked") {
                news.lines.push(line.to_owned());
            } else if words.first() == Some(&"Unchanged") {
                news.others = news.others.saturating_add(1);
            }
        }
        news
    }
}

fn is_version(word: &str) -> bool {
    word.strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_would_change_is_news_and_what_does_not_fit_is_counted() {
        let news = News::read(
            "    Updating crates.io index\n\
             \x20    Locking 3 packages to latest Rust 1.95 compatible versions\n\
             \x20  Unchanged base64 v0.22.1 (available: v0.23.1)\n\
             \x20   Updating bytes v1.12.1 -> v1.12.2\n\
             \x20 Downgrading cc v1.11.1 -> v1.11.0\n\
             \x20     Adding new v0.1.0\n\
             \x20   Removing old v0.9.0\n\
             warning: package `thing v1.0.0` in Cargo.lock is yanked in registry `crates-io`\n\
             note: to see how you depend on a package, run `cargo tree --invert <dep>@<ver>`\n\
             warning: not updating lockfile due to dry run\n",
        );
        assert_eq!(news.lines.len(), 5, "{news:?}");
        assert_eq!(
            news.lines.first().map(String::as_str),
            Some("Updating bytes v1.12.1 -> v1.12.2")
        );
        assert_eq!(news.others, 1);
        let none = News::read(
            "    Updating crates.io index\n     Locking 0 packages to latest compatible versions\n",
        );
        assert_eq!(none, News::default());
    }

    #[test]
    fn a_database_that_was_not_there_is_no_success() {
        let loaded =
            "    Fetching advisory database\n      Loaded 900 security advisories (from ~/db)\n";
        assert!(matches!(judged(loaded, true), Outcome::Passed(_)));
        let found = format!("{loaded}error: 1 vulnerability found!\n");
        let failed = Outcome::Failed("error: 1 vulnerability found!".to_owned());
        assert_eq!(judged(&found, false), failed);
        let away = judged(
            "error: couldn't fetch advisory database: no network\n",
            false,
        );
        assert!(matches!(away, Outcome::NotRun(_)), "{away:?}");
    }
}
