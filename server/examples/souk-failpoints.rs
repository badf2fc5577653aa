//! The same shop for tests only: it can be told to die at a named point of its work, and what time it is. An example,
//! because Cargo builds those for tests, and never beside a release.

use clap::Parser;
use server::{args::Cli, commands};
use std::process::ExitCode;

fn main() -> ExitCode {
    platform::fault::heed_tests();
    commands::run(Cli::parse())
}
