//! The command line of what reads and writes files. Values are read here; what they mean the commands decide.

use crate::args::DataArgs;
use clap::Subcommand;
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
    /// Write all products, so that `souk import products` reads them back as they are; also while the shop is open
    Products {
        /// The file: CSV if its name ends so, JSON Lines otherwise; - is standard output. It is put in its place once
        /// it is whole
        file: PathBuf,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
}
