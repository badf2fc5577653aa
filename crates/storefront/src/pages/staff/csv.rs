//! Lists as files for a spreadsheet: all rows of a list, as its pages show them one after the other. Nothing is read
//! here that no page shows.

use super::{
    Desk, Fault, Sheet, Who,
    parts::{Block, Cell, Table},
};
use crate::{
    App,
    pages::{frame::Visit, problems},
    words::say,
};
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use contracts::problem::Code;
use csv::Writer;
use platform::http::Query;
use serde::de::DeserializeOwned;
use std::future::Future;

/// Rows of a file: a spreadsheet is slow with more, and `souk export` has no such bound.
const ROWS_MAX: usize = 5_000;

/// A list that can be taken along, as its address asks for it.
pub(super) trait List: Clone + DeserializeOwned + Send + Sync + 'static {
    /// What its address and its file are called.
    const NAME: &'static str;
    /// Whom it is for.
    const WHO: Who;

    /// The page that begins there.
    fn page(
        self,
        desk: Desk<'_>,
        from: String,
    ) -> impl Future<Output = Result<Sheet, Fault>> + Send;
}

/// GET `/admin/{list}.csv`: the pages are asked for one after the other.
pub(in crate::pages) async fn file<L: List>(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<L>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    if let Some(refusal) = desk.refusal(L::WHO).await {
        return refusal;
    }
    match written(desk, wish).await {
        Ok(file) => download(L::NAME, file),
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn written<L: List>(desk: Desk<'_>, wish: L) -> Result<Vec<u8>, Fault> {
    let mut rows = Rows::default();
    let mut from = Some(String::new());
    while let Some(at) = from {
        let sheet = wish.clone().page(desk, at).await?;
        from = rows.add(sheet)?;
    }
    rows.file.into_inner().map_err(unwritten)
}

/// What is written of a list.
struct Rows {
    file: Writer<Vec<u8>>,
    count: usize,
    is_begun: bool,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            file: Writer::from_writer(Vec::new()),
            count: 0,
            is_begun: false,
        }
    }
}

impl Rows {
    /// Adds the rows of a page; answers where the next one begins.
    fn add(&mut self, sheet: Sheet) -> Result<Option<String>, Fault> {
        let table = sheet.main.into_iter().find_map(|block| {
            let Block::Table(_, table) = block else {
                return None;
            };
            Some(table)
        });
        let Some(table) = table else {
            return Ok(None);
        };
        if !self.is_begun {
            self.is_begun = true;
            self.write(kept(&table).map(|(title, _)| title.to_owned()))?;
        }
        for row in &table.rows {
            let shown = kept(&table).filter_map(|(_, column)| row.get(column));
            self.write(shown.map(text))?;
        }
        self.count = self.count.saturating_add(table.rows.len());
        if table.after.is_empty() {
            return Ok(None);
        }
        if self.count >= ROWS_MAX {
            // One row that is no row of the list: nobody takes half a list for the whole one.
            let rest = say("There are more: souk export writes all of them.").to_owned();
            let blank = kept(&table).skip(1).map(|_| String::new());
            self.write([rest].into_iter().chain(blank))?;
            return Ok(None);
        }
        Ok(Some(table.after))
    }

    fn write(&mut self, row: impl Iterator<Item = String>) -> Result<(), Fault> {
        self.file
            .write_record(row.map(String::into_bytes))
            .map_err(unwritten)
    }
}

/// The columns that are of use in a file, by their titles and places.
fn kept(table: &Table) -> impl Iterator<Item = (&'static str, usize)> + '_ {
    let columns = table.columns.iter().zip(0..);
    columns
        .filter(|(column, _)| !column.is_tool)
        .map(|(column, place)| (column.title, place))
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Link(text, _) | Cell::Code(text) | Cell::Folded(_, text) => {
            harmless(text)
        }
        Cell::Badge(text, _) => say(text).to_owned(),
        Cell::Number(number) => number.clone(),
        Cell::When(moment) => moment.machine.clone(),
        Cell::Pick(..) | Cell::Picture(_) | Cell::Act(_) | Cell::Steps(..) => String::new(),
    }
}

/// What somebody typed is a text for a spreadsheet too, whatever it begins with (OWASP, CSV Injection).
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn download(name: &str, file: Vec<u8>) -> Response {
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let mut response = ([(header::CONTENT_TYPE, kind)], file).into_response();
    let fields = response.headers_mut();
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        fields.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

fn unwritten(error: impl std::fmt::Display) -> Fault {
    tracing::error!(%error, "a list could not be written as a file");
    Fault::new(Code::Internal)
}

#[cfg(test)]
mod tests {
    use super::{super::parts::columns, *};

    fn page(rows: usize, after: &str) -> Sheet {
        let row = |number: usize| {
            vec![
                Cell::Pick("id".to_owned(), "1".to_owned(), "pick".to_owned()),
                Cell::text(format!("=name, {number}")),
                Cell::number(1_234),
            ]
        };
        let table = Table {
            columns: columns(&["~Pick", "Product", "#Units"]),
            rows: (0..rows).map(row).collect(),
            after: after.to_owned(),
            ..Table::default()
        };
        Sheet::new("Things").with([Block::Table(String::new(), table)])
    }

    fn written(rows: Rows) -> String {
        String::from_utf8(rows.file.into_inner().unwrap()).unwrap()
    }

    #[test]
    fn all_pages_are_rows_of_one_file_and_a_text_is_no_formula() {
        let mut rows = Rows::default();
        assert_eq!(rows.add(page(2, "x")).unwrap().as_deref(), Some("x"));
        assert_eq!(rows.add(page(1, "")).unwrap(), None);
        let expected = "Product,Units\n\"'=name, 0\",\"1,234\"\n\"'=name, 1\",\"1,234\"\n\"'=name, 0\",\"1,234\"\n";
        assert_eq!(written(rows), expected);
    }

    #[test]
    fn a_list_without_an_end_ends_and_says_that_there_is_more() {
        let mut rows = Rows::default();
        while rows.add(page(1_000, "x")).unwrap().is_some() {}
        let file = written(rows);
        assert_eq!(file.lines().count(), ROWS_MAX + 2);
        assert!(file.ends_with("There are more: souk export writes all of them.,\n"));
    }
}
