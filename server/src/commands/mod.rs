//! The commands, a file each. Every one ends with 0, or with 1 and one line that says why.

mod admin;
mod api;
mod backup;
mod bench;
mod cluster;
mod completion;
mod config;
mod daily;
mod demo;
mod doctor;
mod events;
mod export;
mod health;
mod import;
mod keys;
mod lines;
mod man;
mod migrate;
mod password;
mod replay;
mod serve;
mod signing;
mod users;
mod verify;

pub use bench::SearchArgs;
pub use health::HealthArgs;

use crate::{
    args::{AdminCommand, BenchCommand, Cli, ClusterCommand, Command},
    console::complain,
    file_args::ImportCommand,
};
use contracts::{BoxError, Outage};
use std::{error::Error, process::ExitCode};

/// Runs what the command line asks for.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format!("souk: no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(dispatch(cli));
    // Whatever still blocks a thread was given its time already.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format!("souk: {}", in_one_line(&*error)));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, each said once. Outages are words for callers: they say nothing of what went wrong.
fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !next.is::<Outage>() && !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = next.source();
    }
    line
}

async fn dispatch(cli: Cli) -> Result<(), BoxError> {
    platform::fault::arm()?;
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(&args).await,
        Command::Demo(args) => Box::pin(demo::run(&args)).await,
        Command::Admin(AdminCommand::Create { data, email }) => admin::create(&data, &email).await,
        Command::Admin(AdminCommand::Keys(command)) => keys::run(command).await,
        Command::Admin(AdminCommand::Users(command)) => users::run(command).await,
        Command::Admin(AdminCommand::SecondFactorOff { data, email }) => {
            admin::second_factor_off(&data, &email).await
        }
        Command::Keys(command) => signing::run(command).await,
        Command::Import(ImportCommand::Products {
            file,
            commit,
            data,
            elsewhere,
            ..
        }) => import::run(&file, commit, (&data, &elsewhere)).await,
        Command::Import(ImportCommand::Stock(args)) => {
            import::bring::run(import::bring::Kind::Stock, &args).await
        }
        Command::Import(ImportCommand::Customers(args)) => {
            import::bring::run(import::bring::Kind::Customers, &args).await
        }
        Command::Import(ImportCommand::Orders { source, bring }) => {
            import::bring::run(import::bring::Kind::Orders(source), &bring).await
        }
        Command::Export(command) => export::run(command).await,
        Command::Backup(args) => backup::make(&args).await,
        Command::Restore(args) => backup::restore(&args).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Doctor(data) => doctor::run(&data).await,
        Command::Verify(data) => verify::run(&data).await,
        Command::Events(command) => events::run(command).await,
        Command::Migrate(command) => migrate::run(&command).await,
        Command::Bench(BenchCommand::Orders(plan)) => bench::orders(plan).await,
        Command::Bench(BenchCommand::Postgres(plan)) => bench::postgres(plan).await,
        Command::Bench(BenchCommand::Reads(plan)) => bench::reads(&plan).await,
        Command::Bench(BenchCommand::Search(plan)) => bench::search(&plan).await,
        Command::Bench(BenchCommand::Calls(plan)) => bench::calls(plan).await,
        Command::Cluster(ClusterCommand::Demo(args)) => cluster::demo(&args).await,
        Command::Products(args) => daily::products::run(args).await,
        Command::Stock(args) => daily::stock::run(args).await,
        Command::Orders(args) => daily::orders::run(args).await,
        Command::Customers(args) => daily::customers::run(args).await,
        Command::Completion { shell } => completion::run(shell),
        Command::Man { to } => man::run(to.as_deref()),
        Command::Config(command) => config::run(&command),
        Command::Health(args) => health::run(&args).await,
    }
}
