//! `cargo xtask ci`: every check in order, stopping at the first that fails and naming it.
//! Runs the tools and lets them speak for themselves; it never hides or rewrites what they print.

use crate::{kept_tools, servers, tidy};
use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
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
    Servers,
    Tidy,
}

const FMT: &[&str] = &["fmt", "--all", "--check"];
/// Built before the tests, of which each has its time. All at once, so that no core waits for the last crate of a part;
/// and of the whole workspace, as tests are: with other features of a few crates, half of all others would be built
/// again. Clippy stands between cargo and rustc here and looks at what is built (ADR 93): a `cargo clippy` before would
/// read everything once more, dependencies as well.
const BUILD: &[&str] = &["build", "--workspace", "--all-targets"];
const NEXTEST: &[&str] = &["nextest", "run", "--workspace"];
const NEXTEST_NO_DISK: &[&str] = &[
    "nextest",
    "run",
    "--workspace",
    "--filterset",
    "not (binary(crash) and test(/^(power|storage)::/))",
];
const TEST: &[&str] = &["test", "--workspace"];
const TEST_NO_DISK: &[&str] = &[
    "test",
    "--workspace",
    "--",
    "--skip",
    "power::",
    "--skip",
    "storage::",
];
const NO_DISK: &str = "\
ci: NOT RUN: power loss, failed syncs and a full disk (tests/crash/power.rs, storage.rs): no FUSE file system can be
ci: NOT RUN: mounted here. They need Linux, /dev/fuse, and root or fusermount3 (package fuse3).";
const NO_SERVERS: &str = "\
ci: NOT RUN: what needs the servers that are named above as not here: the cluster's stores, bus, limits and cache, and
ci: NOT RUN: other people's balancers. They are installed by this command where it runs as root on Debian.";
const NO_CLIENTS: &str = "\
ci: NOT RUN: the clients that are named above, tried in a shop (tests/clients). What they need is fetched by this
ci: NOT RUN: command from npm and PyPI, or by `cargo xtask clients tools`, and kept below target.";
/// Last, when all libraries are built as they are here.
const DOC_TEST: &[&str] = &["test", "--workspace", "--doc"];

/// Set where the clone goes with the run: what would make its next build quicker, some gigabytes, is not kept there.
const THROWN_AWAY: &str = "CI";

/// Who compiles the workspace's own crates, the same in each step that compiles: another one would build all again.
const LINTING: [(&str, &str); 2] = [
    ("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"),
    // As `cargo clippy -- -D warnings` hands it to the driver.
    (
        "CLIPPY_ARGS",
        "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__",
    ),
];

/// What `cargo run` tells this program about itself. Passed on, it would look like a changed environment
/// to the build scripts that watch these variables, and build their crates again.
const OWN_VARIABLES: &[&str] = &["CARGO_PKG_", "CARGO_MANIFEST_"];

/// Runs all steps; answers whether all passed.
pub(crate) fn run(root: &Path, out: &mut dyn Write) -> io::Result<bool> {
    let can_mount = can_mount();
    let steps = steps(has_nextest(root)?, can_mount);
    let (mut has_servers, mut has_clients) = (true, true);
    let passed = run_all(&steps, out, |step, out| match step.work {
        Work::Cargo(words) => {
            let mut command = cargo(root, words);
            command.envs(LINTING);
            if !has_servers {
                command.env(servers::SKIP, "1");
            }
            if !has_clients {
                command.env(kept_tools::SKIP, "1");
            }
            if env::var_os(THROWN_AWAY).is_some() {
                command.env("CARGO_INCREMENTAL", "0");
            }
            Ok(command.status()?.success())
        }
        Work::Servers => {
            has_servers = servers::provide(out)?;
            has_clients = kept_tools::provide(root, out)?;
            Ok(true)
        }
        Work::Tidy => tidy::run(root, out),
    })?;
    if !has_servers {
        writeln!(out, "{NO_SERVERS}")?;
    }
    if !has_clients {
        writeln!(out, "{NO_CLIENTS}")?;
    }
    if !can_mount {
        writeln!(out, "{NO_DISK}")?;
    }
    Ok(passed)
}

/// Whether the tests' own disk can be mounted.
fn can_mount() -> bool {
    let device = File::options().read(true).write(true).open("/dev/fuse");
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let has_helper = ["/bin/fusermount3", "/usr/bin/fusermount3"]
        .iter()
        .any(|path| Path::new(path).exists());
    cfg!(target_os = "linux") && device.is_ok() && (is_root || has_helper)
}

fn steps(has_nextest: bool, can_mount: bool) -> [Step; 6] {
    let tests = match (has_nextest, can_mount) {
        (true, true) => NEXTEST,
        (true, false) => NEXTEST_NO_DISK,
        (false, true) => TEST,
        (false, false) => TEST_NO_DISK,
    };
    [
        Step {
            name: "fmt",
            work: Work::Cargo(FMT),
        },
        Step {
            name: "tidy",
            work: Work::Tidy,
        },
        Step {
            name: "build and clippy",
            work: Work::Cargo(BUILD),
        },
        Step {
            name: "servers",
            work: Work::Servers,
        },
        Step {
            name: "tests",
            work: Work::Cargo(tests),
        },
        Step {
            name: "doc tests",
            work: Work::Cargo(DOC_TEST),
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
        Work::Servers | Work::Tidy => step.name.to_owned(),
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
        let passed = run_all(&steps(true, true), &mut out, |step, _| {
            names.push(step.name);
            Ok(step.name != failing)
        });
        (passed.unwrap(), names, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_first_failure_stops_the_run_and_is_named() {
        let (passed, names, out) = ran("tidy");
        assert!(!passed);
        assert_eq!(names, ["fmt", "tidy"]);
        assert_eq!(out.lines().last(), Some("ci: failed at tidy"));
    }

    #[test]
    fn every_step_runs_when_none_fails() {
        let (passed, names, out) = ran("none");
        assert!(passed);
        assert_eq!(names.len(), 6);
        assert_eq!(out.lines().last(), Some("ci: all 6 steps passed"));
    }

    #[test]
    fn tests_run_without_nextest_too_and_only_those_of_the_disk_need_one() {
        let tests = |has_nextest, can_mount| {
            let steps = steps(has_nextest, can_mount);
            let tests = steps.iter().find(|step| step.name == "tests");
            tests.map(described).unwrap()
        };
        assert_eq!(tests(true, true), "tests: cargo nextest run --workspace");
        assert_eq!(tests(false, true), "tests: cargo test --workspace");
        for has_nextest in [true, false] {
            let left_out = tests(has_nextest, false);
            assert!(left_out.contains("power") && left_out.contains("storage"));
        }
    }

    #[test]
    fn a_warning_of_rustc_or_of_clippy_ends_the_build() {
        let folder = env::temp_dir().join(format!("souk-lint-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (text, is_fine) in [
            ("//! Fine.\npub fn fine() {}\n", true),
            ("//! Unused.\nfn unused() {}\n", false),
            (
                "//! A needless return.\npub fn one() -> u8 { return 1; }\n",
                false,
            ),
        ] {
            let file = folder.join("lint.rs");
            fs::write(&file, text).unwrap();
            let output = Command::new(LINTING[0].1)
                .args([
                    "rustc",
                    "--crate-type",
                    "lib",
                    "--emit",
                    "metadata",
                    "--out-dir",
                ])
                .args([&folder, &file])
                .envs(LINTING)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.success(), is_fine, "{text}{said}");
        }
        fs::remove_dir_all(&folder).unwrap();
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
