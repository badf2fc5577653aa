//! `souk config`: what the settings are, and whether they can work.

use crate::{args::ConfigCommand, config, console::say};
use contracts::BoxError;
use platform::http::tls::{Tls, nodes::Nodes};

pub(super) fn run(command: &ConfigCommand) -> Result<(), BoxError> {
    match command {
        ConfigCommand::Print(data) => say(data.load()?.print()?.trim_end()),
        ConfigCommand::Check(data) => {
            let config = data.load()?;
            // What is served with, and nothing else needs.
            Tls::open(&config.http.tls)?;
            Nodes::open(&config.internal.tls)?;
            say("the configuration is fine");
        }
        ConfigCommand::Defaults => say(config::defaults().trim_end()),
    }
    Ok(())
}
