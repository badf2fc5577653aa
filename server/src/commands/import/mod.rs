//! `souk import products`: JSON Lines into the catalog, streamed, a batch a commit. Every bad line is named.

mod product;

use crate::{
    args::DataArgs,
    commands::lines::Lines,
    config::Config,
    console::{complain, say},
    data::DataFolder,
    shop::open_services,
};
use contracts::{
    BoxError,
    access::SHOP,
    catalog::{Catalog, ImportOutcome, ImportProduct},
};
use indicatif::{ProgressBar, ProgressStyle};
use std::{path::Path, time::Duration};

/// Products in one commit.
const BATCH: usize = 500;
/// Bad lines that are written out; the rest are only counted.
const COMPLAINTS_MAX: usize = 1_000;

#[derive(Debug, Default)]
struct Tally {
    created: usize,
    updated: usize,
    unchanged: usize,
    bad: usize,
}

impl Tally {
    fn count(&mut self, number: u64, outcome: Result<ImportOutcome, String>) {
        let counter = match outcome {
            Ok(ImportOutcome::Created) => &mut self.created,
            Ok(ImportOutcome::Updated) => &mut self.updated,
            Ok(ImportOutcome::Unchanged) => &mut self.unchanged,
            Err(why) => {
                if self.bad < COMPLAINTS_MAX {
                    complain(format!("line {number}: {why}"));
                }
                &mut self.bad
            }
        };
        *counter = counter.saturating_add(1);
    }
}

pub(super) async fn run(file: &Path, commit: bool, data: &DataArgs) -> Result<(), BoxError> {
    let mut config = data.load()?;
    let mut lines = Lines::open(file)?;
    // A dry run leaves nothing behind, not even an empty shop.
    let nowhere = if commit || shop_is_there(&config) {
        None
    } else {
        Some(DataFolder::temporary()?)
    };
    if let Some(folder) = &nowhere {
        config.db = format!("sqlite:{}", folder.path().display());
    }
    let (services, _work) = open_services(&config, false).await?;
    let catalog: &dyn Catalog = &*services.catalog;
    let bar = progress_bar(lines.progress().1)?;
    let started = tokio::time::Instant::now();
    let mut tally = Tally::default();
    let mut batch: Vec<(u64, ImportProduct)> = Vec::with_capacity(BATCH);
    loop {
        let next = lines.next_line()?;
        bar.set_position(lines.progress().0);
        let ended = next.is_none();
        if let Some((number, line)) = next {
            match product::read(&line, config.catalog.currency) {
                Ok(product) => batch.push((number, product)),
                Err(why) => tally.count(number, Err(why)),
            }
        }
        if batch.len() >= BATCH || (ended && !batch.is_empty()) {
            let (numbers, products): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
            let outcomes = catalog.import_products(SHOP, products, commit).await?;
            numbers
                .into_iter()
                .zip(outcomes)
                .for_each(|(number, outcome)| tally.count(number, outcome));
        }
        if ended {
            break;
        }
    }
    bar.finish_and_clear();
    report(&tally, commit, started.elapsed())
}

fn shop_is_there(config: &Config) -> bool {
    config
        .data_folder()
        .is_none_or(|folder| folder.join("catalog.sqlite").is_file())
}

fn progress_bar(total_bytes: u64) -> Result<ProgressBar, BoxError> {
    let bar = ProgressBar::new(total_bytes);
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {bytes}/{total_bytes} {elapsed} (eta {eta})",
    )?);
    Ok(bar)
}

fn report(tally: &Tally, commit: bool, elapsed: Duration) -> Result<(), BoxError> {
    let good = tally
        .created
        .saturating_add(tally.updated)
        .saturating_add(tally.unchanged);
    let rate = u128::try_from(good)?
        .saturating_mul(1_000)
        .checked_div(elapsed.as_millis().max(1))
        .unwrap_or(0);
    let did = if commit {
        ""
    } else {
        "dry run, nothing written: would have "
    };
    say(format!(
        "{did}created {}, updated {}, unchanged {}, bad lines {}; {good} products in {:.2?}, {rate} a second",
        tally.created, tally.updated, tally.unchanged, tally.bad, elapsed
    ));
    if !commit {
        say("add --commit to write them");
    }
    if tally.bad > 0 {
        return Err(format!("{} lines were refused", tally.bad).into());
    }
    Ok(())
}
