//! The binary `souk`: reads the command line, runs the command, and ends with its code. Nothing else.

use clap::Parser;
use server::{args::Cli, commands};
use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(Cli::parse())
}
