//! `souk import products`: a file into the catalog, streamed, a batch a commit, in this machine's shop or by the API
//! of one elsewhere (`shelf`). Every bad line is named. What kinds of files there are, `source` knows. Stock,
//! customers and orders are brought by the public API (`bring`).

mod before;
pub(super) mod bring;
mod grouped;
mod html;
mod pictures;
mod product;
mod sheet;
mod shelf;
mod shopify;
mod source;
mod table;
mod taxed;
mod weight;
mod woocommerce;

pub(super) use sheet::{cell, path_cell};

use crate::{
    args::DataArgs,
    commands::daily::Door,
    console::{complain, say},
    file_args::ElsewhereArgs,
};
use contracts::{
    BoxError,
    catalog::{ImportOutcome, ImportProduct},
};
use shelf::{BATCH, Shelf};
use source::{Found, Source};
use std::{collections::HashSet, path::Path, time::Duration};

/// Bad lines that are written out; the rest are only counted.
const COMPLAINTS_MAX: usize = 1_000;

#[derive(Debug, Default)]
struct Tally {
    created: usize,
    updated: usize,
    unchanged: usize,
    left_out: usize,
    bad: usize,
}

impl Tally {
    fn count(&mut self, number: u64, outcome: Result<ImportOutcome, String>) {
        let counter = match outcome {
            Ok(ImportOutcome::Created) => &mut self.created,
            Ok(ImportOutcome::Updated) => &mut self.updated,
            Ok(ImportOutcome::Unchanged) => &mut self.unchanged,
            Err(why) => {
                self.tell(number, &why);
                &mut self.bad
            }
        };
        *counter = counter.saturating_add(1);
    }

    const fn rows(&self) -> usize {
        self.created
            .saturating_add(self.updated)
            .saturating_add(self.unchanged)
            .saturating_add(self.left_out)
            .saturating_add(self.bad)
    }

    /// What a file holds that no product is made of.
    fn leave_out(&mut self, number: u64, why: &str) {
        self.tell(number, why);
        self.left_out = self.left_out.saturating_add(1);
    }

    fn tell(&self, number: u64, why: &str) {
        if self.bad.saturating_add(self.left_out) < COMPLAINTS_MAX {
            complain(format!("line {number}: {why}"));
        }
    }
}

pub(super) async fn run(
    file: &Path,
    commit: bool,
    (data, elsewhere): (&DataArgs, &ElsewhereArgs),
) -> Result<(), BoxError> {
    let (shelf, currency) = match elsewhere.door() {
        Some(door) => Shelf::far(Door::open(&door).await?).await?,
        None => {
            let config = data.load()?;
            let currency = config.catalog.currency;
            // A file that nobody can read makes no shop.
            Source::open(file, currency)?;
            (Shelf::near(config, commit).await?, currency)
        }
    };
    let (source, progress) = Source::open(file, currency)?;
    let started = tokio::time::Instant::now();
    let mut tally = Tally::default();
    let mut reading = Reading {
        source,
        meter: bring::Meter::new(progress)?,
        has_related: false,
        refused: HashSet::new(),
    };
    reading.products(&shelf, commit, &mut tally).await?;
    // What goes with what is said once all of it is there: a dry run has nothing there.
    if reading.has_related && commit {
        let (source, progress) = Source::open(file, currency)?;
        reading.source = source;
        reading.meter = bring::Meter::new(progress)?;
        reading.related(&shelf, &mut tally).await?;
    }
    report(&tally, commit, started.elapsed())
}

/// A file being read.
struct Reading {
    source: Source,
    meter: bring::Meter,
    /// Whether any product says what goes with it.
    has_related: bool,
    /// Lines that were refused: they are not told of twice.
    refused: HashSet<u64>,
}

impl Reading {
    /// All products, without what goes with them.
    async fn products(
        &mut self,
        shelf: &Shelf,
        commit: bool,
        tally: &mut Tally,
    ) -> Result<(), BoxError> {
        let mut batch: Vec<(u64, ImportProduct)> = Vec::with_capacity(BATCH);
        loop {
            let next = self.source.next()?;
            self.meter.show(tally.rows());
            let ended = next.is_none();
            match next {
                Some((number, Ok(Found::Product(mut product)))) => {
                    self.has_related |= product.related.take().is_some();
                    batch.push((number, *product));
                }
                Some((number, Ok(Found::LeftOut(why)))) => tally.leave_out(number, why),
                Some((number, Err(why))) => tally.count(number, Err(why)),
                Some((
                    _,
                    Ok(Found::Variant(_) | Found::Plain(_) | Found::Picture(..) | Found::Nothing),
                ))
                | None => {}
            }
            if batch.len() >= BATCH || (ended && !batch.is_empty()) {
                let (numbers, products): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                let outcomes = shelf.take(products, commit).await?;
                for (number, outcome) in numbers.into_iter().zip(outcomes) {
                    if outcome.is_err() {
                        self.refused.insert(number);
                    }
                    tally.count(number, outcome);
                }
            }
            if ended {
                self.meter.close();
                return Ok(());
            }
        }
    }

    /// What goes with the products, which were counted before.
    async fn related(&mut self, shelf: &Shelf, tally: &mut Tally) -> Result<(), BoxError> {
        let mut batch: Vec<(u64, ImportProduct)> = Vec::with_capacity(BATCH);
        loop {
            let next = self.source.next()?;
            self.meter.show(tally.rows());
            let ended = next.is_none();
            if let Some((number, Ok(Found::Product(product)))) = next
                && product.related.is_some()
                && !self.refused.contains(&number)
            {
                batch.push((number, *product));
            }
            if batch.len() >= BATCH || (ended && !batch.is_empty()) {
                let (numbers, products): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                let outcomes = shelf.take(products, true).await?;
                for (number, outcome) in numbers.into_iter().zip(outcomes) {
                    if let Err(why) = outcome {
                        tally.tell(number, &why);
                        tally.bad = tally.bad.saturating_add(1);
                    }
                }
            }
            if ended {
                self.meter.close();
                return Ok(());
            }
        }
    }
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
    let left_out = match tally.left_out {
        0 => String::new(),
        count => format!(", left out {count}"),
    };
    say(format!(
        "{did}created {}, updated {}, unchanged {}{left_out}, bad lines {}; {good} products in {:.2?}, {rate} a second",
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
