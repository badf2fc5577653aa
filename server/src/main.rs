//! The binary `souk`: reads the command line, runs the command, and ends with its code. Nothing else.

use clap::Parser;
use server::{args::Cli, commands};
use std::process::ExitCode;

/// Orders are made by one thread and dropped by another: glibc's allocator makes such threads wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run(Cli::parse())
}
