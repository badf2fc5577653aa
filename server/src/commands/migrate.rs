//! `souk migrate`: what the databases of this node's services lack, and making it, without opening a shop.

use super::in_one_line;
use crate::{
    args::MigrateCommand, config::Config, console::say, data, places::Places, shop, target::Target,
};
use contracts::BoxError;
use platform::{
    db::{Schema, StoreError, migrate::Migration},
    tasks::Tasks,
};

pub(super) async fn run(command: &MigrateCommand) -> Result<(), BoxError> {
    match command {
        MigrateCommand::Status(data) => status(&data.load()?).await,
        MigrateCommand::Up(data) => up(&data.load()?).await,
    }
}

/// Says what is missing; an error if anything is.
async fn status(config: &Config) -> Result<(), BoxError> {
    let mut pending = 0_usize;
    for (name, missing) in lacks(&config.for_a_command()).await? {
        pending = pending.saturating_add(missing.len());
        tell(name, "lacks", &missing);
    }
    let empty = config.data_folder();
    let empty = empty.filter(|folder| !data::has_a_shop(folder, &config.target));
    let before = empty.map(|folder| format!("there is no shop in {}: ", folder.display()));
    let before = before.unwrap_or_default();
    match pending {
        0 => Ok(()),
        1 => Err(format!("{before}1 migration is pending: `souk migrate up` makes it").into()),
        _ => Err(
            format!("{before}{pending} migrations are pending: `souk migrate up` makes them")
                .into(),
        ),
    }
}

/// What each database lacks of this release.
pub(super) async fn lacks(
    config: &Config,
) -> Result<Vec<(&'static str, Vec<Migration>)>, BoxError> {
    let (tasks, folder) = (Tasks::default(), config.data_folder());
    let places = Places::new(config, folder.as_deref(), &tasks);
    let mut lacks = Vec::new();
    for (name, schema) in schemas(config) {
        let missing = schema.missing(places.of(name)?).await;
        lacks.push((name, missing.map_err(|error| failed(name, &error))?));
    }
    Ok(lacks)
}

async fn up(config: &Config) -> Result<(), BoxError> {
    let (tasks, folder) = (Tasks::default(), config.data_folder());
    if let Some(folder) = &folder {
        data::make(folder)?;
    }
    let places = Places::new(config, folder.as_deref(), &tasks);
    for (name, schema) in schemas(config) {
        let made = schema.bring_up(places.of(name)?, shop::now().as_ms()).await;
        tell(name, "got", &made.map_err(|error| failed(name, &error))?);
    }
    Ok(())
}

/// The databases of the services that run here.
fn schemas(config: &Config) -> impl Iterator<Item = (&'static str, Schema)> {
    let all = [
        (Target::Identity, "identity", identity::SCHEMA),
        (Target::Catalog, "catalog", catalog::SCHEMA),
        (Target::Orders, "orders", orders::SCHEMA),
        (Target::Orders, "webhooks", webhooks::SCHEMA),
        (Target::Payments, "payments", payments::SCHEMA),
        (Target::Payments, "sandbox", payments::SANDBOX_SCHEMA),
    ];
    let is_near = |(target, ..): &(Target, &str, Schema)| config.target.is_near(*target);
    let near = all.into_iter().filter(is_near);
    near.map(|(_, name, schema)| (name, schema))
}

fn tell(name: &str, verb: &str, migrations: &[Migration]) {
    if migrations.is_empty() {
        return say(format!("{name:<9} is up to date"));
    }
    let steps = migrations
        .iter()
        .map(|step| format!("{} ({})", step.number, step.name));
    let steps: Vec<String> = steps.collect();
    say(format!("{name:<9} {verb} {}", steps.join(", ")));
}

/// Which database, and why.
fn failed(name: &str, error: &StoreError) -> BoxError {
    format!("{name}: {}", in_one_line(error)).into()
}
