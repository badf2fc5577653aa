//! Flags of `souk keys`.

use crate::args::DataArgs;
use clap::Subcommand;

/// `souk keys ...`
#[derive(Debug, Subcommand)]
pub enum SigningKeysCommand {
    /// List the keys whose tokens may be good, and when each signs
    List {
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Make another key, which signs in five minutes: by then every node knows it
    Rotate {
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
        /// It signs now, and no token of an earlier key is good any more: for when somebody has seen one
        #[arg(long)]
        at_once: bool,
    },
}
