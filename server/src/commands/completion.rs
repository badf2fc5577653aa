//! `souk completion`: the words that a shell completes, made of the command line itself.

use crate::args::Cli;
use clap::CommandFactory;
use clap_complete::Shell;
use contracts::BoxError;
use std::io::{Write, stdout};

pub(super) fn run(shell: Shell) -> Result<(), BoxError> {
    let mut words = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "souk", &mut words);
    stdout().lock().write_all(&words)?;
    Ok(())
}
