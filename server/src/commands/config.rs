//! `souk config`: what the settings are, and whether they can work.

use crate::{args::ConfigCommand, config, console::say};
use contracts::BoxError;

pub(super) fn run(command: &ConfigCommand) -> Result<(), BoxError> {
    match command {
        ConfigCommand::Print(data) => say(data.load()?.print()?.trim_end()),
        ConfigCommand::Check(data) => {
            data.load()?;
            say("the configuration is fine");
        }
        ConfigCommand::Defaults => say(config::defaults().trim_end()),
    }
    Ok(())
}
