//! The command line of what reads and writes files. Values are read here; what they mean the commands decide.

use crate::args::DataArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `souk import ...`
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Create or update products by SKU; a dry run unless --commit. JSON Lines, CSV with our columns, a product CSV of
    /// Shopify, an export of WooCommerce: known by what is in it; any of them zipped as well
    Products {
        /// The file.
        file: PathBuf,
        /// Write what was read
        #[arg(long)]
        commit: bool,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `souk export ...`
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write all products, so that `souk import products` reads them back as they are
    Products(ExportArgs),
    /// Write how many there are of each SKU, and how many of them are promised
    Stock(ExportArgs),
    /// Write all orders, the newest first; as CSV a row for each of their lines
    Orders(ExportArgs),
    /// Write all accounts, without anything secret
    Customers(ExportArgs),
}

/// Flags of every export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The file: CSV if its name ends so, JSON Lines otherwise; - is standard output
    pub file: PathBuf,
    /// The folder and the configuration file.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Flags of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The folder that is made for it
    pub to: PathBuf,
    /// The folder and the configuration file.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Flags of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The folder that `souk backup` made
    pub from: PathBuf,
    /// The folder and the configuration file.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Flags of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The orders, as JSON Lines (.gz too)
    pub orders: PathBuf,
    /// The products in them, as JSON Lines (.gz too)
    #[arg(long)]
    pub catalog: PathBuf,
    /// What was brought back of them, as JSON Lines (.gz too): given back as refunds, with the goods
    #[arg(long, value_name = "FILE")]
    pub returns: Option<PathBuf>,
    /// What all of it must come to (totals.json): compared to the last penny
    #[arg(long, value_name = "FILE")]
    pub totals: Option<PathBuf>,
    /// A running shop to replay into; without it a shop is opened just for this
    #[arg(long)]
    pub url: Option<String>,
    /// An admin of that shop; the password comes from standard input or the terminal
    #[arg(long, requires = "url")]
    pub admin_email: Option<String>,
    /// Keep the shop that is opened for this in a folder, for `souk verify` [default: a temporary one]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// Customers who order at a time
    #[arg(long, default_value_t = 32)]
    pub clients: usize,
}
