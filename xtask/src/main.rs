//! `cargo xtask`: the checks of this project, the same for a developer and for CI.
//! Nothing but the standard library in here: it must build in a moment and depend on nothing it guards.

mod asvs;
mod bench;
mod ci;
mod clients;
mod deploy;
mod documents;
mod headers;
mod imports;
mod kept_tools;
mod parts;
mod release;
mod rooms;
mod secrets;
mod security;
mod servers;
mod simulate;
mod sizes;
mod sources;
mod steps;
mod tidy;

use security::storm;
use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

const USAGE: &str = "\
usage: cargo xtask COMMAND
  tidy      check the rules that no compiler checks
  asvs      make docs/security/asvs.md of the table beside it
  bench     how fast and how small the shop is, beside named peers, with a report; --help for its parts and options
  ci        formatting, lints, tidy, tests, doc tests; stops at the first failure
  security  the long proofs: contract, secrets, login, slow, or only those that are named
  clients   make the clients in other languages, and try them in a shop: typescript, python, tools
  deploy    what we ship for running a shop, by the tools of its formats: metrics, alerts, image, or only those named
  release   a release in one folder, or (--dry-run) whether there could be one: VERSION
  simulate  run simulated shops: --seeds N (200), --first S (1), --trace to see what happened";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody is left to tell if this fails too; the exit code still says it.
            drop(writeln!(io::stderr(), "xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<bool> {
    let root = root()?;
    let words: Vec<String> = env::args().skip(1).collect();
    match words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["tidy"] => tidy::run(&root, &mut io::stdout()),
        ["asvs"] => asvs::run(&root, &mut io::stdout()),
        ["ci"] => ci::run(&root, &mut io::stdout()),
        ["bench", words @ ..] => bench::run(&root, words, &mut io::stdout()),
        ["clients", wish @ ..] => clients::run(&root, wish, &mut io::stdout()),
        ["security", wish @ ..] => security::run(&root, wish, &mut io::stdout()),
        ["deploy", wish @ ..] => deploy::run(&root, wish, &mut io::stdout()),
        [word, address] if *word == storm::CALLERS_WORD => {
            storm::callers(address, &mut io::stdout())
        }
        ["release", wish @ ..] => release::run(&root, wish, &mut io::stdout()),
        ["simulate", wish @ ..] => simulate::run(&root, wish),
        _ => writeln!(io::stderr(), "{USAGE}").map(|()| false),
    }
}

/// The workspace's folder: cargo tells where this package is; without cargo, the current folder.
fn root() -> io::Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    match package.as_deref().and_then(|folder| folder.parent()) {
        Some(root) => Ok(root.to_path_buf()),
        None => env::current_dir(),
    }
}
