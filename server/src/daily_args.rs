//! The command line of daily work: products, stock, orders and customers of a shop, near or far. Values are read here;
//! what they mean the commands and the shop decide.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Which shop, as whom, and how its answers look.
#[derive(Debug, Clone, Default, Args)]
pub struct DoorArgs {
    /// The shop's address [default: `SOUK_SHOP_URL`, or <http://127.0.0.1:8080>]
    #[arg(long, value_name = "URL", global = true)]
    pub url: Option<String>,
    /// A file with an API key, for nobody else to read [default: `SOUK_SHOP_KEY_FILE`]
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "email")]
    pub key_file: Option<PathBuf>,
    /// Sign in with this address instead; the password comes from standard input or the terminal
    #[arg(long, global = true)]
    pub email: Option<String>,
    /// Answers as the shop gives them, a line each, instead of tables
    #[arg(long, global = true)]
    pub json: bool,
}

/// `souk products ...`
#[derive(Debug, Args)]
pub struct ProductsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ProductsCommand,
    /// The shop.
    #[command(flatten)]
    pub door: DoorArgs,
}

/// `souk stock ...`
#[derive(Debug, Args)]
pub struct StockArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: StockCommand,
    /// The shop.
    #[command(flatten)]
    pub door: DoorArgs,
}

/// `souk orders ...`
#[derive(Debug, Args)]
pub struct OrdersArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: OrdersCommand,
    /// The shop.
    #[command(flatten)]
    pub door: DoorArgs,
}

/// `souk customers ...`
#[derive(Debug, Args)]
pub struct CustomersArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CustomersCommand,
    /// The shop.
    #[command(flatten)]
    pub door: DoorArgs,
}

/// What can be done with products.
#[derive(Debug, Subcommand)]
pub enum ProductsCommand {
    /// List products, drafts too for those who may see them
    List {
        /// Words to look for
        #[arg(long)]
        q: Option<String>,
        /// Only of this status: draft, active or archived
        #[arg(long)]
        status: Option<String>,
        /// Only of this category, by its slug
        #[arg(long)]
        category: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show one product
    Show {
        /// Its id or its slug
        product: String,
    },
    /// Add a product
    Add {
        /// What it is called
        name: String,
        /// Its price, like 19.99
        #[arg(long)]
        price: String,
        /// Units on the shelf
        #[arg(long)]
        stock: Option<i64>,
        /// Everything else.
        #[command(flatten)]
        traits: TraitsArgs,
    },
    /// Change a product, unless somebody else did so in between
    Change {
        /// Its id or its slug
        product: String,
        /// What it is called
        #[arg(long)]
        name: Option<String>,
        /// Its price, like 19.99
        #[arg(long)]
        price: Option<String>,
        /// Everything else.
        #[command(flatten)]
        traits: TraitsArgs,
    },
}

/// What else a product has.
#[derive(Debug, Clone, Default, Args)]
pub struct TraitsArgs {
    /// What it is known by in the stock room
    #[arg(long)]
    pub sku: Option<String>,
    /// Its category, by its slug
    #[arg(long)]
    pub category: Option<String>,
    /// What is said of it
    #[arg(long)]
    pub description: Option<String>,
    /// draft, active or archived
    #[arg(long)]
    pub status: Option<String>,
}

/// What can be done with stock.
#[derive(Debug, Subcommand)]
pub enum StockCommand {
    /// List what is there of each SKU
    List {
        /// Only what there is little of to sell (`catalog.low_stock`)
        #[arg(long)]
        low: bool,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Add units, or take some away: `add TEA-1 12`, `add TEA-1 -2`
    Add {
        /// The SKU
        sku: String,
        /// Units
        #[arg(allow_negative_numbers = true)]
        units: i64,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Say how many units are there, as they were counted
    Set {
        /// The SKU
        sku: String,
        /// Units
        units: i64,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// List what happened to a SKU's units, the newest first
    Movements {
        /// The SKU
        sku: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
}

/// What can be done with orders.
#[derive(Debug, Subcommand)]
pub enum OrdersCommand {
    /// List orders, the newest first
    List {
        /// Only of this status: pending, paid, shipped, delivered, cancelled or refunded
        #[arg(long)]
        status: Option<String>,
        /// Only of this customer, by their id
        #[arg(long)]
        customer: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show one order with its lines and all that happened to it
    Show {
        /// Its id or its number
        order: String,
    },
    /// Send all that was not sent yet
    Ship {
        /// Its id or its number
        order: String,
        /// The carrier's number
        #[arg(long)]
        tracking: Option<String>,
    },
    /// It has arrived
    Deliver {
        /// Its id or its number
        order: String,
    },
    /// Call it off; what was paid goes back
    Cancel {
        /// Its id or its number
        order: String,
    },
    /// Give money back: an amount, units with what they cost, or all that is left
    Refund {
        /// Its id or its number
        order: String,
        /// How much, like 5.00; without it what the units cost, or all that is left
        #[arg(long)]
        amount: Option<String>,
        /// Units that come back onto the shelf, as SKU=UNITS; may be given often
        #[arg(long = "item", value_name = "SKU=UNITS")]
        items: Vec<String>,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// Names this refund, so that saying it again does not give back twice
        #[arg(long)]
        key: String,
    },
    /// Write something down about it
    Note {
        /// Its id or its number
        order: String,
        /// What
        text: String,
        /// The buyer reads it too
        #[arg(long)]
        for_customer: bool,
    },
}

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum CustomersCommand {
    /// List accounts
    List {
        /// What their address or name begins with
        #[arg(long)]
        q: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show one account
    Show {
        /// Its id
        customer: String,
    },
    /// List what somebody ordered, the newest first
    Orders {
        /// Their id
        customer: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Keep somebody from signing in, and end their sessions
    Disable {
        /// Their id
        customer: String,
    },
    /// Let somebody sign in again
    Enable {
        /// Their id
        customer: String,
    },
}
