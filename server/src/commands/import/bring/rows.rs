//! Rows of a file: JSON Lines, or a table whose first line names its columns. One row is held at a time, and of a
//! table of orders one order.

use super::{
    super::{
        product::in_words,
        sheet::plain,
        table::{Judged, Record, Table},
    },
    records::Records,
};
use crate::commands::lines::{self, Lines, Progress};
use contracts::BoxError;
use serde_json::{Map, Value};
use std::path::Path;

/// A row with its line.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) fields: Map<String, Value>,
}

/// A file of them.
pub(super) enum Rows {
    Lines(Lines),
    Table(Table),
    /// A row for each line of an order.
    Orders(Table, Records),
}

/// A row, or what is wrong with it.
pub(super) type Read = Judged<Map<String, Value>>;

impl Rows {
    /// Opens a file; what kind it is, its first bytes say.
    pub(super) fn open(path: &Path, of_orders: bool) -> Result<(Self, Progress), BoxError> {
        let cannot = |error: BoxError| format!("{} cannot be read: {error}", path.display());
        let (mut reader, progress) = lines::open(path)?;
        let begin = reader.fill_buf().map_err(|error| cannot(error.into()))?;
        let first = begin.iter().find(|byte| !byte.is_ascii_whitespace());
        let rows = if matches!(first, Some(b'{') | None) {
            Self::Lines(Lines::of(reader))
        } else {
            let table = Table::open(reader).map_err(cannot)?;
            if of_orders {
                Self::Orders(table, Records::default())
            } else {
                Self::Table(table)
            }
        };
        Ok((rows, progress))
    }

    /// The next row, or what is wrong with it.
    pub(super) fn next(&mut self) -> Result<Option<Read>, BoxError> {
        match self {
            Self::Lines(lines) => Ok(lines
                .next_line()?
                .map(|(number, line)| (number, in_words(line.as_bytes())))),
            Self::Table(table) => table.next_with(cells),
            Self::Orders(table, records) => {
                while let Some(row) = table.next_with(cells)? {
                    if let Some(whole) = records.take(row) {
                        return Ok(Some(whole));
                    }
                }
                Ok(records.rest())
            }
        }
    }
}

/// What a record says, by the names of its columns.
fn cells(record: &Record<'_>) -> Result<Map<String, Value>, String> {
    let cells = record.all();
    let cells = cells.map(|(name, cell)| (name.to_owned(), Value::from(plain(cell))));
    Ok(cells.collect())
}

impl Row {
    /// The text of the first of these fields that has one.
    pub(super) fn text(&self, names: &[&str]) -> Option<&str> {
        let texts = names
            .iter()
            .filter_map(|name| self.fields.get(*name)?.as_str());
        texts.map(str::trim).find(|text| !text.is_empty())
    }

    /// The whole number of the first of these fields that is there.
    pub(super) fn number(&self, names: &[&str]) -> Result<Option<i64>, String> {
        let mut found = names
            .iter()
            .filter_map(|name| Some((*name, self.fields.get(*name)?)));
        let Some((name, value)) = found.find(|(_, value)| !value.is_null()) else {
            return Ok(None);
        };
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            Value::Number(number) => number.as_i64(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        number
            .map(Some)
            .ok_or_else(|| format!("{name} must be a whole number"))
    }

    /// Whether the first of these fields that is there says yes.
    pub(super) fn flag(&self, names: &[&str]) -> Result<bool, String> {
        let found = names
            .iter()
            .find_map(|name| Some((*name, self.fields.get(*name)?)));
        match found {
            None | Some((_, Value::Null)) => Ok(false),
            Some((_, Value::Bool(is))) => Ok(*is),
            Some((name, value)) => match value.as_str().map(str::to_lowercase).as_deref() {
                Some("true" | "yes" | "1") => Ok(true),
                Some("false" | "no" | "0" | "") => Ok(false),
                _ => Err(format!("{name} must be true or false")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value) -> Row {
        let fields = value.as_object().unwrap().clone();
        Row { line: 1, fields }
    }

    #[test]
    fn cells_and_values_say_the_same() {
        let (cells, values) = (
            row(json!({"on_hand": "7", "verified": "Yes", "name": " Ann "})),
            row(json!({"on_hand": 7, "verified": true, "name": "Ann"})),
        );
        for row in [cells, values] {
            assert_eq!(row.number(&["set", "on_hand"]), Ok(Some(7)));
            assert_eq!(row.flag(&["verified"]), Ok(true));
            assert_eq!(row.text(&["nick", "name"]), Some("Ann"));
            assert!(row.number(&["name"]).is_err() && row.flag(&["name"]).is_err());
        }
    }
}
