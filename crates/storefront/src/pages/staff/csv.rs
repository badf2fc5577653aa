//! Lists as files for a spreadsheet: all rows of a list, as its pages show them one after the other. Nothing is read here
//! that no page shows.

use super::{
    Desk, Fault, Sheet, Who,
    parts::{Block, Cell, Table},
};
use crate::{pages::problems, words::say};
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use contracts::problem::Code;
use csv::Writer;

/// Rows of a file: a spreadsheet is slow with more, and `souk export` has no such bound.
const ROWS_MAX: usize = 5_000;

/// The file of a list. Its pages are asked for one after the other, each by where it begins.
pub(super) async fn answer(
    desk: Desk<'_>,
    (who, name): (Who, &str),
    page: impl AsyncFn(String) -> Result<Sheet, Fault>,
) -> Response {
    if let Some(refusal) = desk.refusal(who).await {
        return refusal;
    }
    match written(page).await {
        Ok(file) => download(name, file),
        Err(fault) => problems::refuse(desk.app, desk.visit, fault).await,
    }
}

async fn written(page: impl AsyncFn(String) -> Result<Sheet, Fault>) -> Result<Vec<u8>, Fault> {
    let mut file = Writer::from_writer(Vec::new());
    let (mut from, mut rows, mut is_begun) = (String::new(), 0_usize, false);
    loop {
        let sheet = page(from).await?;
        let table = sheet.main.into_iter().find_map(|block| {
            let Block::Table(_, table) = block else {
                return None;
            };
            Some(table)
        });
        let Some(table) = table else {
            break;
        };
        if !is_begun {
            let titles = kept(&table).map(|(title, _)| title);
            file.write_record(titles).map_err(unwritten)?;
            is_begun = true;
        }
        for row in &table.rows {
            let shown = kept(&table).filter_map(|(_, column)| row.get(column));
            file.write_record(shown.map(text)).map_err(unwritten)?;
        }
        rows = rows.saturating_add(table.rows.len());
        if table.after.is_empty() {
            break;
        }
        if rows >= ROWS_MAX {
            // One row that is no row of the list: nobody takes half a list for the whole one.
            let rest = say("There are more: souk export writes all of them.");
            let blank = kept(&table).skip(1).map(|_| "");
            let row = [rest].into_iter().chain(blank);
            file.write_record(row).map_err(unwritten)?;
            break;
        }
        from = table.after;
    }
    file.into_inner().map_err(unwritten)
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

    #[tokio::test]
    async fn all_pages_are_rows_of_one_file_and_a_text_is_no_formula() {
        let file = written(async |from: String| match from.as_str() {
            "" => Ok(page(2, "x")),
            "x" => Ok(page(1, "")),
            other => panic!("{other} was not said"),
        });
        let file = String::from_utf8(file.await.unwrap()).unwrap();
        let expected = "Product,Units\n\"'=name, 0\",\"1,234\"\n\"'=name, 1\",\"1,234\"\n\"'=name, 0\",\"1,234\"\n";
        assert_eq!(file, expected);
    }

    #[tokio::test]
    async fn a_list_without_an_end_ends_and_says_that_there_is_more() {
        let file = written(async |_: String| Ok(page(1_000, "x"))).await;
        let file = String::from_utf8(file.unwrap()).unwrap();
        assert_eq!(file.lines().count(), ROWS_MAX + 2);
        assert!(file.ends_with("There are more: souk export writes all of them.,\n"));
    }
}
