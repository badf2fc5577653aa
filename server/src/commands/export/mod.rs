//! `souk export`: what the shop has, as files, beside an open shop or without one, or of a shop elsewhere by its API. A
//! file is its owner's, and is put in its place once it is whole; nothing is changed.

mod books;
mod earlier;
mod orders;
mod products;
mod records;
mod sheet;

use crate::{
    console::{complain, say},
    file_args::ExportCommand,
};
use books::Books;
use contracts::{
    BoxError,
    access::{Principal, Role, SHOP},
    values::{PageSize, SessionId, ValueError},
};
use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;
use sheet::Sheet;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Rows that are asked for at a time.
const PAGE: u32 = 100;
/// How often it is shown how far it is.
const SHOWN_EVERY: usize = 100;
/// Names and addresses of people are in some of these files.
const OWNER_ONLY: u32 = 0o600;

pub(super) async fn run(command: ExportCommand) -> Result<(), BoxError> {
    let (what, args, columns) = match &command {
        ExportCommand::Products(args) => ("products", args, products::COLUMNS),
        ExportCommand::Stock(args) => ("variants", args, records::STOCK),
        ExportCommand::Orders(args) => ("orders", args, orders::COLUMNS),
        ExportCommand::EarlierOrders(args) => ("earlier orders", args, earlier::COLUMNS),
        ExportCommand::Customers(args) => ("accounts", args, records::CUSTOMERS),
    };
    let (books, seen_at) = Books::open(args).await?;
    let file = &args.file;
    let is_stream = file == Path::new("-");
    let part = part_of(file);
    let out: Box<dyn Write + Send> = if is_stream {
        Box::new(io::stdout())
    } else {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let cannot = |error| format!("{} cannot be written: {error}", part.display());
        Box::new(options.mode(OWNER_ONLY).open(&part).map_err(cannot)?)
    };
    let is_table = file
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let mut writing = Writing {
        sheet: Sheet::open(out, is_table.then_some(columns))?,
        bar: ProgressBar::new_spinner(),
        count: 0,
        what,
    };
    match &command {
        ExportCommand::Products(_) => products::all(&books, &seen_at, &mut writing).await?,
        ExportCommand::Stock(_) => records::stock(&books, &mut writing).await?,
        ExportCommand::Orders(_) => orders::all(&books, &mut writing).await?,
        ExportCommand::EarlierOrders(_) => earlier::all(&books, &mut writing).await?,
        ExportCommand::Customers(_) => records::customers(&books, &mut writing).await?,
    }
    let count = writing.close()?;
    if is_stream {
        complain(format!("{count} {what}"));
        return Ok(());
    }
    fs::rename(&part, file)?;
    say(format!("{count} {what} in {}", file.display()));
    Ok(())
}

/// Where the file is written until it is whole.
fn part_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

/// A file being written, and how far it is.
struct Writing {
    sheet: Sheet,
    bar: ProgressBar,
    count: usize,
    what: &'static str,
}

impl Writing {
    /// One more: as a line of JSON, or as these rows of a table.
    fn put<const N: usize>(
        &mut self,
        line: impl FnOnce() -> Result<Value, BoxError>,
        rows: impl FnOnce() -> Result<Vec<[String; N]>, BoxError>,
    ) -> Result<(), BoxError> {
        self.sheet.put(line, rows)?;
        self.count = self.count.saturating_add(1);
        if self.count.is_multiple_of(SHOWN_EVERY) {
            self.bar
                .set_message(format!("{} {}", self.count, self.what));
            self.bar.tick();
        }
        Ok(())
    }

    fn close(self) -> Result<usize, BoxError> {
        self.bar.finish_and_clear();
        self.sheet.close()?;
        Ok(self.count)
    }
}

/// Who sees everything: whoever may read the folder may.
fn keeper() -> Principal {
    Principal {
        user_id: SHOP,
        session_id: SessionId::from_bytes([0; 16]),
        roles: vec![Role::Admin],
        key: None,
    }
}

fn page() -> Result<PageSize, ValueError> {
    PageSize::try_from(PAGE)
}

/// A value as the API writes it, without quotation marks; nothing, if it is none.
fn word(value: &impl Serialize) -> Result<String, BoxError> {
    Ok(match serde_json::to_value(value)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    })
}
