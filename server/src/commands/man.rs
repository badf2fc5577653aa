//! `souk man`: pages of the manual, made of the command line itself, so that they say what it does.

use crate::args::Cli;
use clap::CommandFactory;
use contracts::BoxError;
use std::{
    fs,
    io::{Write, stdout},
    path::Path,
};

pub(super) fn run(to: Option<&Path>) -> Result<(), BoxError> {
    let command = Cli::command();
    let Some(folder) = to else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        stdout().lock().write_all(&page)?;
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)?;
    Ok(())
}
