//! The targets of `fuzz/`, one after the other under libFuzzer: whether any input breaks a promise. What libFuzzer
//! keeps goes into a folder of its own; the corpora of the repository stay as they are.

use super::{Outcome, Stand, tools};
use crate::ci;
use std::{
    env,
    fs::File,
    io::{self, Write},
    path::Path,
    process::Command,
};

const VERSION: &str = "0.13.1";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// How long each target is tried, in seconds, if nothing else is wished for.
const SECONDS: &str = "600";
const SECONDS_WISHED: &str = "SOUK_FUZZ_SECONDS";
/// One input may take so many seconds; the shop itself is patient for less.
const INPUT_SECONDS_MAX: &str = "20";
const INPUT_BYTES_MAX: &str = "4096";

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let program = match tools::rust(stand, "cargo-fuzz", VERSION)? {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let folder = stand.folder.join("fuzz");
    if !build(stand, &program)? {
        return Ok(Outcome::Failed("the targets could not be built".to_owned()));
    }
    let seconds = env::var(SECONDS_WISHED).unwrap_or_else(|_| SECONDS.to_owned());
    let (mut tried, mut broken) = (0_usize, Vec::new());
    for target in targets(&stand.root)? {
        let closing = fuzz(stand, &folder, &target, &seconds)?;
        tried = tried.saturating_add(1);
        writeln!(out, "{target:<9} {}", closing.line)?;
        if !closing.is_good {
            broken.push(target);
        }
    }
    Ok(if broken.is_empty() && tried > 0 {
        Outcome::Passed(format!("{tried} targets, {seconds} s each, nothing broke"))
    } else {
        Outcome::Failed(format!("{} broke: {}", broken.join(", "), folder.display()))
    })
}

/// With the compiler that everything is built with: its coverage is stable, cargo-fuzz only asks for more.
fn build(stand: &Stand, program: &Path) -> io::Result<bool> {
    let folder = stand.root.join("target/fuzz");
    let mut words = vec!["fuzz", "build", "--fuzz-dir", "fuzz", "--sanitizer", "none"];
    words.extend(["--features", "targets", "--target", TRIPLE, "--target-dir"]);
    let mut command = ci::cargo(&stand.root, &words);
    let status = command
        .arg(folder)
        .env("PATH", tools::path_with(program)?)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .status()?;
    Ok(status.success())
}

/// The names of the targets, as their files are called.
fn targets(root: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join("fuzz/targets"))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

struct Closing {
    line: String,
    is_good: bool,
}

fn fuzz(stand: &Stand, folder: &Path, target: &str, seconds: &str) -> io::Result<Closing> {
    let own = folder.join(target);
    let temporary = own.join("tmp");
    let grown = own.join("corpus");
    tools::remove(&own)?;
    std::fs::create_dir_all(&temporary)?;
    std::fs::create_dir_all(&grown)?;
    let log = own.join("log.txt");
    let program = stand.root.join("target/fuzz").join(TRIPLE).join("release");
    let status = Command::new(program.join(target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/", own.display()))
        .arg("-print_final_stats=1")
        .arg(&grown)
        .arg(stand.root.join("fuzz/corpus").join(target))
        // Its shop is never closed: the process just ends.
        .env("TMPDIR", &temporary)
        .env("RUST_BACKTRACE", "0")
        .stdout(File::create(own.join("out.txt"))?)
        .stderr(File::create(&log)?)
        .status()?;
    tools::remove(&temporary)?;
    let said = std::fs::read(&log)?;
    let said = String::from_utf8_lossy(&said);
    Ok(Closing {
        line: closing(&said),
        is_good: status.success(),
    })
}

/// Its last line of progress and how many inputs it tried; or why it stopped.
fn closing(said: &str) -> String {
    let find = |mark: &str| said.lines().rev().find(|line| line.contains(mark));
    let stopped = find("SUMMARY:").or_else(|| find("panicked at"));
    let (done, tried) = (find("\tDONE"), find("number_of_executed_units"));
    let words = [stopped, done, tried].into_iter().flatten();
    words
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_libfuzzer_are_found() {
        let good = "#2 INITED cov: 1\n#900\tDONE   cov: 52 ft: 60 corp: 9/50b\n\
                    stat::number_of_executed_units: 900\nstat::slowest_unit_time_sec: 0\n";
        let line = "#900 DONE cov: 52 ft: 60 corp: 9/50b; stat::number_of_executed_units: 900";
        assert_eq!(closing(good), line);
        let bad = "thread '<unnamed>' panicked at a.rs:1:1:\nSUMMARY: libFuzzer: deadly signal\n";
        assert_eq!(closing(bad), "SUMMARY: libFuzzer: deadly signal");
    }
}
