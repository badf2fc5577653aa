//! The binary `souk-failpoints`, for tests only: the same shop, which can be told to die at a named point of its
//! work and what time it is. Nothing is released with it.

use clap::Parser;
use server::{args::Cli, commands};
use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(Cli::parse())
}
