//! `souk import stock`, `customers` and `orders`: a file into a shop, near or far, by its public API. It is read a
//! bounded number of rows at a time; each row is judged by itself, and one that is refused is named with its line.
//! Whatever was acknowledged has a key, or is known by what it is, so the same command after a kill goes on.

mod customers;
mod meter;
mod orders;
mod records;
mod rows;
mod stock;

pub(super) use meter::Meter;

use crate::{
    commands::daily::Door,
    console::{complain, say},
    file_args::BringArgs,
};
use contracts::{BoxError, import::ROWS_MAX};
use platform::digest;
use rows::{Row, Rows};
use std::{fs::File, path::Path};

/// Refused rows that are written out; the rest are only counted.
const COMPLAINTS_MAX: usize = 1_000;

/// What is brought.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Stock,
    Customers,
    /// Records of orders of the shop that is called this, or what their rows say.
    Orders(Option<String>),
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// It was written, or would be.
    Done,
    /// It was there before.
    Known,
    Refused(String),
}

/// How rows of one kind are sent.
struct Run<'a> {
    door: Door,
    args: &'a BringArgs,
    /// What names this file's rows, so that none is written twice.
    name: String,
}

#[derive(Debug, Default)]
struct Tally {
    done: usize,
    known: usize,
    refused: usize,
}

impl Tally {
    fn count(&mut self, line: u64, fate: &Fate) {
        let counter = match fate {
            Fate::Done => &mut self.done,
            Fate::Known => &mut self.known,
            Fate::Refused(why) => {
                if self.refused < COMPLAINTS_MAX {
                    complain(format!("line {line}: {why}"));
                }
                &mut self.refused
            }
        };
        *counter = counter.saturating_add(1);
    }

    const fn rows(&self) -> usize {
        self.done
            .saturating_add(self.known)
            .saturating_add(self.refused)
    }
}

pub(crate) async fn run(kind: Kind, args: &BringArgs) -> Result<(), BoxError> {
    let run = Run {
        door: Door::open(&args.door).await?,
        args,
        name: name(&args.file, args.again.as_deref().unwrap_or_default())?,
    };
    let (mut rows, progress) = Rows::open(&args.file, matches!(kind, Kind::Orders(_)))?;
    let (mut meter, mut tally) = (Meter::new(progress)?, Tally::default());
    let (mut batch, mut ended) = (Vec::with_capacity(ROWS_MAX), false);
    while !ended {
        let next = rows.next()?;
        ended = next.is_none();
        match next {
            Some((line, Ok(row))) => batch.push(Row { line, fields: row }),
            Some((line, Err(why))) => tally.count(line, &Fate::Refused(why)),
            None => {}
        }
        if batch.len() >= ROWS_MAX || (ended && !batch.is_empty()) {
            let fates = match &kind {
                Kind::Stock => stock::bring(&run, &batch).await,
                Kind::Customers => customers::bring(&run, &batch).await,
                Kind::Orders(source) => orders::bring(&run, source.as_deref(), &batch).await,
            };
            let fates = fates.map_err(|error| stopped(&error, &tally))?;
            let told = batch.drain(..).zip(&fates);
            told.for_each(|(row, fate)| tally.count(row.line, fate));
        }
        meter.show(tally.rows());
    }
    meter.close();
    report(&kind, &tally, args.commit)
}

/// Whatever was written stays written.
fn stopped(error: &BoxError, tally: &Tally) -> BoxError {
    let rows = tally.rows();
    format!("{error} ({rows} rows were looked at; the same command goes on)").into()
}

/// The same for the same file, whatever it is called, unless somebody says that it is meant again.
fn name(file: &Path, again: &str) -> Result<String, BoxError> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", file.display());
    let sum = digest::hex_sha256_of(File::open(file).map_err(cannot)?).map_err(cannot)?;
    let name = digest::sha256(&[b"souk import", sum.as_bytes(), again.as_bytes()]);
    Ok(digest::base64url(&name))
}

impl Run<'_> {
    /// The key of a row's request.
    fn key(&self, line: u64) -> String {
        format!("{}-{line}", self.name)
    }
}

fn report(kind: &Kind, tally: &Tally, commit: bool) -> Result<(), BoxError> {
    let did = match kind {
        Kind::Stock => "set or adjusted",
        Kind::Customers | Kind::Orders(_) => "created",
    };
    let would = if commit {
        ""
    } else {
        "dry run, nothing written: would have "
    };
    let Tally {
        done,
        known,
        refused,
    } = tally;
    say(format!(
        "{would}{did} {done}, known before {known}, refused {refused}"
    ));
    if !commit {
        say("add --commit to write them");
    }
    if *refused > 0 {
        return Err(format!("{refused} rows were refused").into());
    }
    Ok(())
}
