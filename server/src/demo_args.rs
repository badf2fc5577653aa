//! Flags of `souk demo`.

use crate::args::DataArgs;
use clap::Args;
use std::net::SocketAddr;

/// A shop that lives, for a look at it.
#[derive(Debug, Clone, Args)]
pub struct LivingArgs {
    /// The folder and the configuration file. Without a folder everything goes when the demo ends.
    #[command(flatten)]
    pub data: DataArgs,
    /// Address and port to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Also where others than this machine can ask: a demo is for everybody who finds it
    #[arg(long)]
    pub anywhere: bool,
    /// Orders a minute, on average
    #[arg(long, default_value_t = 6, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub orders: u32,
}
