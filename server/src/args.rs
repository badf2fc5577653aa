//! The command line. Values are read here; what they mean is decided by `config` and the commands.

use crate::{
    commands::HealthArgs,
    config::{Config, Flags, HttpFlags},
    daily_args::{CustomersArgs, OrdersArgs, ProductsArgs, StockArgs},
    demo_args::LivingArgs,
    file_args::{BackupArgs, ExportCommand, ImportCommand, ReplayArgs, RestoreArgs},
    key_args::SigningKeysCommand,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use contracts::{
    event::DeadEventId,
    scopes::Scope,
    values::{ApiKeyId, Timestamp},
};
use platform::{config::ConfigError, telemetry::LogFormat};
use std::{borrow::Cow, net::SocketAddr, path::PathBuf};

/// A whole shop in one process.
#[derive(Debug, Parser)]
#[command(name = "souk", version, about, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; opens the shop when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of `serve`, for when no command is named.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the shop (what `souk` alone does)
    Serve(ServeArgs),
    /// Open a shop that lives by itself, to look at: made-up people buy, nothing is real
    Demo(LivingArgs),
    /// Make or raise an admin, take off a second factor that was lost; works while the shop is open
    #[command(subcommand)]
    Admin(AdminCommand),
    /// The keys that the shop signs tokens with (of API keys: `souk admin keys`); works while the shop is open
    #[command(subcommand)]
    Keys(SigningKeysCommand),
    /// Read files into the shop
    #[command(subcommand)]
    Import(ImportCommand),
    /// Write what the shop has into files, also while it is open
    #[command(subcommand)]
    Export(ExportCommand),
    /// Copy a shop as it is at one moment into a folder, also while it is open
    Backup(BackupArgs),
    /// Bring such a copy back into an empty folder
    Restore(RestoreArgs),
    /// Place the orders of a trace through the API, give its returns back, and check the totals
    Replay(ReplayArgs),
    /// Look at the machine, the settings and what the shop needs before it opens; fails if anything is wrong
    Doctor(DataArgs),
    /// Recompute every balance from its ledger; fails on drift
    Verify(VerifyArgs),
    /// See what the databases lack of this release, or bring them up to date
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Look at events that were not taken, send them on again, publish old ones again
    #[command(subcommand)]
    Events(EventsCommand),
    /// Measure orders per second, with the books checked afterwards
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Several nodes on this machine
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Show or check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask a shop whether it is ready; for container health checks
    Health(HealthArgs),
    /// Products of a shop, near or far: list, show, add, change
    Products(ProductsArgs),
    /// Stock of a shop: list, add, set, movements
    Stock(StockArgs),
    /// Orders of a shop: list, show, ship, deliver, cancel, refund, note
    Orders(OrdersArgs),
    /// Accounts of a shop: list, show, what they ordered, disable, enable
    Customers(CustomersArgs),
    /// What a shell needs to complete these commands
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// The page of the manual, for `man -l -`
    Man {
        /// Write a page for each command into this folder instead, as souk.1, souk-serve.1 and so on.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

/// Flags that name a configuration and a folder.
#[derive(Debug, Clone, Default, Args)]
pub struct DataArgs {
    /// The folder everything is kept in [default: ./souk-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A configuration file (TOML); `souk config defaults` explains every key
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Flags of `verify`.
#[derive(Debug, Clone, Default, Args)]
pub struct VerifyArgs {
    /// The folder and the configuration file.
    #[command(flatten)]
    pub data: DataArgs,
    /// What clients did and were told, as JSON Lines (tests write them): nothing of it may be missing, double or wrong
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
}

/// Flags of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// The folder and the configuration file.
    #[command(flatten)]
    pub data: DataArgs,
    /// Address and port to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Which parts of the shop run here: all, or a list of them with commas [default: all]
    #[arg(long, value_name = "LIST")]
    pub target: Option<String>,
    /// Say what can be in that list, and end
    #[arg(long)]
    pub list_targets: bool,
    /// Address and port for the other nodes of the shop
    #[arg(long, value_name = "ADDR")]
    pub internal_listen: Option<SocketAddr>,
    /// Keep everything in a temporary folder that goes when the shop closes
    #[arg(long)]
    pub ephemeral: bool,
    /// How logs look: text, json, or emf (JSON, with metrics among it) [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = log_format)]
    pub log: Option<LogFormat>,
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        "emf" => Ok(LogFormat::Emf),
        _ => Err("must be text, json or emf".to_owned()),
    }
}

/// `souk admin ...`
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make an admin, or raise the account with that address and set its password, from standard input or the terminal
    Create {
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
        /// The admin's e-mail address
        #[arg(long)]
        email: String,
    },
    /// API keys of programs; works while the shop is open
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Let somebody who has lost app and recovery codes sign in by the password alone; ends their sessions
    SecondFactorOff {
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
        /// The account's e-mail address
        #[arg(long)]
        email: String,
    },
    /// List accounts, keep one out, let it in again; works while the shop is open
    #[command(subcommand)]
    Users(UsersCommand),
}

/// `souk admin users ...`
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// List accounts, the newest first
    List {
        /// Only those whose e-mail address, user name or name begins like this
        #[arg(long, value_name = "TEXT")]
        q: Option<String>,
        /// As many as are listed
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
    /// End all sessions of an account and let it not sign in any more; its orders go on
    Disable {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let it sign in again
    Enable {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `souk admin keys ...`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key; its text is all that goes to standard output
    Create {
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
        /// Whose key: the account's e-mail address
        #[arg(long)]
        email: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may be used for, as orders:read; may come several times
        #[arg(long = "scope", required = true)]
        scopes: Vec<Scope>,
        /// When it ends, as 2026-01-31T08:00:00Z; never, when absent
        #[arg(long, value_name = "TIME", value_parser = moment)]
        expires: Option<Timestamp>,
    },
    /// List an account's keys
    List {
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
        /// The account's e-mail address
        #[arg(long)]
        email: String,
    },
    /// End a key for good
    Revoke {
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
        /// Its id, as the list tells it
        id: ApiKeyId,
    },
}

/// `souk bench ...`
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Durable orders per second over HTTP, beside a bare SQLite loop that writes the same rows
    Orders(BenchArgs),
    /// Durable orders per second over HTTP on a PostgreSQL of its own, beside pgbench with a function call an order
    Postgres(PostgresArgs),
    /// Reads of products and lists per second over HTTP: without limits, with limits, with limits in Redis
    Reads(ReadsArgs),
    /// Searches per second over HTTP in a made-up catalog, held against what is in it; and searches meant to hurt
    Search(crate::commands::SearchArgs),
    /// What a call to a service costs that runs on another node, beside the same call in this process
    Calls(CallsArgs),
}

/// Flags of `bench reads`.
#[derive(Debug, Args)]
pub struct ReadsArgs {
    /// Reads of each kind, with each kind of limits, in each of three rounds
    #[arg(long, default_value_t = 100_000)]
    pub reads: u32,
    /// Clients at a time
    #[arg(long, default_value_t = 64)]
    pub clients: u32,
    /// Products there are
    #[arg(long, default_value_t = 1_000)]
    pub products: u32,
    /// A Redis to count limits in as well, as redis://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub redis: Option<String>,
    /// As a shop that is watched: logs in JSON, metrics that are asked for each second, spans for the collector that
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` names
    #[arg(long)]
    pub watched: bool,
}

/// Flags of `bench orders`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Orders to place; from 100000 on the run is told in tenths
    #[arg(long, default_value_t = 40_000)]
    pub orders: u32,
    /// Clients at a time
    #[arg(long, default_value_t = 256)]
    pub clients: u32,
    /// Products that the orders of the uniform run spread over
    #[arg(long, default_value_t = 1_000)]
    pub products: u32,
    /// What to run
    #[arg(long, value_enum, default_value_t = BenchMode::All)]
    pub mode: BenchMode,
}

/// Flags of `bench postgres`.
#[derive(Debug, Args)]
pub struct PostgresArgs {
    /// Orders of each kind that the shop takes in a round
    #[arg(long, default_value_t = 40_000)]
    pub orders: u32,
    /// The shop's clients at a time
    #[arg(long, default_value_t = 64)]
    pub clients: u32,
    /// Products that the orders of the uniform run spread over
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub products: u32,
    /// Rounds; what is told is the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// How long pgbench runs each time, in seconds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// Numbers of pgbench's clients; its best one counts
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "4,8,16,32,64",
        value_name = "LIST"
    )]
    pub pgbench: Vec<u32>,
    /// Nodes that fight for one product together; one of them is measured by itself as well
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=9))]
    pub nodes: u32,
}

/// Flags of `bench calls`.
#[derive(Debug, Args)]
pub struct CallsArgs {
    /// Calls of each kind, each way
    #[arg(long, default_value_t = 2_000)]
    pub calls: u32,
}

/// Which orders are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchMode {
    /// One after the other
    All,
    /// Spread over all products
    Uniform,
    /// All of one product
    Hot,
    /// By one client, who waits for each
    Single,
    /// In a shop that took all these orders before, and in one that took few, in turns
    Aged,
}

impl BenchMode {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Uniform => "uniform",
            Self::Hot => "hot",
            Self::Single => "single",
            Self::Aged => "aged",
        }
    }
}

/// `souk cluster ...`
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Start PostgreSQL with a standby, NATS, Redis, some nodes and a door in front of them, in a temporary folder
    Demo(DemoArgs),
}

/// Flags of `cluster demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Nodes, all alike
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=9))]
    pub nodes: u32,
    /// Where the door listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Say everything in JSON, a line an event, for programs
    #[arg(long)]
    pub json: bool,
}

/// `souk migrate ...`
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// List what each service's database lacks; fails if anything is missing
    Status(DataArgs),
    /// Make what is missing; safe on several nodes at once, and beside an open shop
    Up(DataArgs),
}

/// `souk events ...`
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// List events that were not taken: parked ones, which are tried again, and the broker's dead letters
    Dead {
        /// As many as are listed
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Send one on again, with all of its tries before it
    Redrive {
        /// Its name in the list, as orders-12
        id: DeadEventId,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Publish the events of the last seven days again; whoever took one before recognises it
    #[command(visible_alias = "replay")]
    Republish {
        /// Only those since then, as 2026-01-31T08:00:00Z
        #[arg(long, value_name = "TIME", value_parser = moment)]
        since: Option<Timestamp>,
        /// The folder and the configuration file.
        #[command(flatten)]
        data: DataArgs,
    },
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::try_from(Cow::from(text)).map_err(|error| error.to_string())
}

/// `souk config ...`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the effective settings, secrets masked
    Print(DataArgs),
    /// Say whether the settings can work
    Check(DataArgs),
    /// Print every key with its default and what it is for
    Defaults,
}

impl DataArgs {
    /// The configuration these flags lead to.
    ///
    /// # Errors
    /// One clear line that names the key.
    pub fn load(&self) -> Result<Config, ConfigError> {
        ServeArgs {
            data: self.clone(),
            ..ServeArgs::default()
        }
        .load()
    }
}

impl ServeArgs {
    /// The configuration these flags lead to.
    ///
    /// # Errors
    /// One clear line that names the key.
    pub fn load(&self) -> Result<Config, ConfigError> {
        let flags = Flags {
            db: self
                .data
                .data
                .as_ref()
                .map(|folder| format!("sqlite:{}", folder.display())),
            log: self.log,
            target: self.target.clone(),
            http: HttpFlags {
                listen: self.listen,
                internal_listen: self.internal_listen,
            },
        };
        Config::load(self.data.config.as_deref(), true, &flags)
    }
}
