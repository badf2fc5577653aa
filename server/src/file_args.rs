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
