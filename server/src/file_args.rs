//! The command line of what reads and writes files. Values are read here; what they mean the commands decide.

use crate::{args::DataArgs, daily_args::DoorArgs};
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
        /// Say what would be done, and write nothing: what is done without --commit
        #[arg(long, conflicts_with = "commit")]
        dry_run: bool,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
        /// Or a shop that is elsewhere.
        #[command(flatten)]
        elsewhere: ElsewhereArgs,
    },
    /// Set or adjust stock by the shop's API: rows with a `sku` (or `variant_id`), `on_hand` or `delta`, and a `reason`
    Stock(BringArgs),
    /// Bring customers along by the shop's API: rows with an email, a name, and whether it was verified. Accounts that
    /// are there stay as they are; nobody gets a mail or a password
    Customers(BringArgs),
    /// Bring earlier orders of another shop along by the shop's API, as records: JSON Lines with a `number`,
    /// `placed_at`, `currency`, `lines`, and what else they cost, or CSV with a row a line; what `souk export orders`
    /// and `earlier-orders` write. They hold no stock, nobody pays them, and nobody gets a mail
    Orders {
        /// What the other shop is called: with its number it says which record one is [default: what the file says]
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// The file and the shop.
        #[command(flatten)]
        bring: BringArgs,
    },
}

/// Flags of imports that go by a shop's API. JSON Lines, or CSV whose first line names its columns; zipped as well.
#[derive(Debug, Args)]
pub struct BringArgs {
    /// The file.
    pub file: PathBuf,
    /// Write what was read
    #[arg(long)]
    pub commit: bool,
    /// Say what would be done, and write nothing: what is done without --commit
    #[arg(long, conflicts_with = "commit")]
    pub dry_run: bool,
    /// The same file is meant once more, under this name: without it, rows that were taken are not taken again
    #[arg(long, value_name = "NAME")]
    pub again: Option<String>,
    /// The shop.
    #[command(flatten)]
    pub door: DoorArgs,
}

/// `souk export ...`
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write all products, so that `souk import products` reads them back as they are
    Products(ExportArgs),
    /// Write how many there are of each SKU, and how many of them are promised; `souk import stock` reads it back
    Stock(ExportArgs),
    /// Write all orders, the newest first; as CSV a row for each of their lines. `souk import orders` reads them as
    /// earlier orders of another shop
    Orders(ExportArgs),
    /// Write the earlier orders that were brought along, the newest first, as `souk import orders` reads them
    EarlierOrders(ExportArgs),
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
    /// Or a shop that is elsewhere.
    #[command(flatten)]
    pub elsewhere: ElsewhereArgs,
}

/// Flags of what can be done in a folder, and by the API of a shop that is elsewhere.
#[derive(Debug, Clone, Default, Args)]
pub struct ElsewhereArgs {
    /// The address of a shop, to go by its API instead of the folder: as an admin, who sees everything
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
    pub url: Option<String>,
    /// A file with an API key, for nobody else to read [default: `SOUK_SHOP_KEY_FILE`]
    #[arg(long, value_name = "FILE", requires = "url", conflicts_with = "email")]
    pub key_file: Option<PathBuf>,
    /// Sign in with this address instead; the password comes from standard input or the terminal
    #[arg(long, requires = "url")]
    pub email: Option<String>,
}

impl ElsewhereArgs {
    /// The way into that shop, if one is meant.
    #[must_use]
    pub fn door(&self) -> Option<DoorArgs> {
        self.url.as_ref().map(|url| DoorArgs {
            url: Some(url.clone()),
            key_file: self.key_file.clone(),
            email: self.email.clone(),
            json: false,
        })
    }
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
