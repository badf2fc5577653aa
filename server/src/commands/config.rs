//! `souk config`: what the settings are, and whether they can work.

use crate::{
    args::ConfigCommand,
    config::{self, Config},
    console::say,
};
use contracts::BoxError;
use platform::http::tls::{Tls, nodes::Nodes};

/// What a start refuses, and reading the settings does not: what is served with, and what others could guess.
pub(super) fn check(config: &Config) -> Result<(), BoxError> {
    config.check_exposure(false)?;
    Tls::open(&config.http.tls)?;
    Nodes::open(&config.internal.tls)?;
    Ok(())
}

pub(super) fn run(command: &ConfigCommand) -> Result<(), BoxError> {
    match command {
        ConfigCommand::Print(data) => say(data.load()?.print()?.trim_end()),
        ConfigCommand::Check(data) => {
            check(&data.load()?)?;
            say("the configuration is fine");
        }
        ConfigCommand::Defaults => say(config::defaults().trim_end()),
    }
    Ok(())
}
