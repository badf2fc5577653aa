//! `cargo xtask ci`: every check in order, stopping at the first that fails and naming it.
//! Runs the tools and lets them speak for themselves; it never hides or rewrites what they print.

use crate::tidy;
use std::{
    env,
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

#[derive(Debug, PartialEq, Eq)]
struct Step {
    name: &'static str,
    work: Work,
}

#[derive(Debug, PartialEq, Eq)]
enum Work {
    Cargo(&'static [&'static str]),
    Tidy,
}

const FMT: &[&str] = &["fmt", "--all", "--check"];
const CLIPPY: &[&str] = &[
    "clippy",
    "--workspace",
    "--all-targets",
    "--",
    "-D",
    "warnings",
];
const NEXTEST: &[&str] = &["nextest", "run", "--workspace"];
const TEST: &[&str] = &["test", "--workspace"];
const DOC_TEST: &[&str] = &[
    "test",
    "--package",
    "souk-contracts",
    "--package",
    "souk-platform",
    "--doc",
];

/// What `cargo run` tells this program about itself. Passed on, it would look like a changed environment
/// to the build scripts that watch these variables, and build their crates again.
const OWN_VARIABLES: &[&str] = &["CARGO_PKG_", "CARGO_MANIFEST_"];

/// Runs all steps; answers whether all passed.
pub(crate) fn run(root: &Path, out: &mut dyn Write) -> io::Result<bool> {
    let steps = steps(has_nextest(root)?);
    run_all(&steps, out, |step, out| match step.work {
        Work::Cargo(words) => Ok(cargo(root, words).status()?.success()),
        Work::Tidy => tidy::run(root, out),
    })
}

fn steps(has_nextest: bool) -> [Step; 5] {
    let tests = if has_nextest { NEXTEST } else { TEST };
    [
        Step {
            name: "fmt",
            work: Work::Cargo(FMT),
        },
        Step {
            name: "clippy",
            work: Work::Cargo(CLIPPY),
        },
        Step {
            name: "tidy",
            work: Work::Tidy,
        },
        Step {
            name: "doc tests",
            work: Work::Cargo(DOC_TEST),
        },
        Step {
            name: "tests",
            work: Work::Cargo(tests),
        },
    ]
}

fn run_all(
    steps: &[Step],
    out: &mut dyn Write,
    mut work: impl FnMut(&Step, &mut dyn Write) -> io::Result<bool>,
) -> io::Result<bool> {
    for step in steps {
        writeln!(out, "ci: {}", described(step))?;
        if !work(step, out)? {
            writeln!(out, "ci: failed at {}", step.name)?;
            return Ok(false);
        }
    }
    writeln!(out, "ci: all {} steps passed", steps.len())?;
    Ok(true)
}

fn described(step: &Step) -> String {
    match step.work {
        Work::Cargo(words) => format!("{}: cargo {}", step.name, words.join(" ")),
        Work::Tidy => step.name.to_owned(),
    }
}

fn has_nextest(root: &Path) -> io::Result<bool> {
    let mut version = cargo(root, &["nextest", "--version"]);
    Ok(version
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?
        .success())
}

pub(crate) fn cargo(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(words).current_dir(root);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OWN_VARIABLES.iter().any(|own| text.starts_with(own)) {
            command.env_remove(&name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the steps with one that fails; answers the names that ran and what was printed.
    fn ran(failing: &str) -> (bool, Vec<&'static str>, String) {
        let (mut names, mut out) = (Vec::new(), Vec::new());
        let passed = run_all(&steps(true), &mut out, |step, _| {
            names.push(step.name);
            Ok(step.name != failing)
        });
        (passed.unwrap(), names, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_first_failure_stops_the_run_and_is_named() {
        let (passed, names, out) = ran("tidy");
        assert!(!passed);
        assert_eq!(names, ["fmt", "clippy", "tidy"]);
        assert_eq!(out.lines().last(), Some("ci: failed at tidy"));
    }

    #[test]
    fn every_step_runs_when_none_fails() {
        let (passed, names, out) = ran("none");
        assert!(passed);
        assert_eq!(names, ["fmt", "clippy", "tidy", "doc tests", "tests"]);
        assert_eq!(out.lines().last(), Some("ci: all 5 steps passed"));
    }

    #[test]
    fn tests_run_without_nextest_too() {
        let described =
            |has_nextest| -> Vec<String> { steps(has_nextest).iter().map(described).collect() };
        assert_eq!(described(true)[4], "tests: cargo nextest run --workspace");
        assert_eq!(described(false)[4], "tests: cargo test --workspace");
    }

    #[test]
    fn what_cargo_told_this_program_is_not_passed_on() {
        let command = cargo(Path::new("."), &["fmt"]);
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .collect();
        assert!(
            removed
                .iter()
                .any(|(name, _)| *name == "CARGO_MANIFEST_DIR")
        );
    }
}
