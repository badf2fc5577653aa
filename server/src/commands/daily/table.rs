//! Answers as tables, or as the lines of JSON that they were.

use crate::console::say;
use serde_json::Value;

/// A column: what stands above it, and where in a row its text is found (RFC 6901).
pub(super) type Column = (&'static str, &'static str);

/// What is written for what is not there.
const NOTHING: &str = "-";

/// A row as text: money with its currency, lists with commas, whatever else as it is written.
pub(super) fn cell(row: &Value, pointer: &str) -> String {
    match row.pointer(pointer) {
        None | Some(Value::Null) => NOTHING.to_owned(),
        Some(value) => plain(value),
    }
}

fn plain(value: &Value) -> String {
    if let Ok(money) = serde_json::from_value::<contracts::values::Money>(value.clone()) {
        return money.to_string();
    }
    match value {
        // What somebody else wrote must not move the cursor of a terminal, nor begin a line.
        Value::String(text) => text
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// Lines of columns that stand below each other.
pub(super) fn lines(columns: &[Column], rows: &[Value]) -> Vec<String> {
    let head: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut all = vec![head];
    all.extend(rows.iter().map(|row| {
        let cells = columns.iter().map(|(_, pointer)| cell(row, pointer));
        cells.collect::<Vec<_>>()
    }));
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

/// Says rows, as a table or as they came.
pub(super) fn show_all(json: bool, columns: &[Column], rows: &[Value]) {
    if json {
        rows.iter().for_each(say);
    } else {
        lines(columns, rows).iter().for_each(say);
    }
}

/// Says one thing, a line for each of its columns, or as it came.
pub(super) fn show_one(json: bool, columns: &[Column], row: &Value) {
    if json {
        say(row);
        return;
    }
    let width = columns
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    for (name, pointer) in columns {
        say(format!("{name:width$}  {}", cell(row, pointer)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [
            json!({"name": "Thé\nvert", "price": {"amount": 1_250, "currency": "EUR"}}),
            json!({"name": "Cup", "roles": ["admin", "merchant"]}),
        ];
        let columns = [("NAME", "/name"), ("PRICE", "/price"), ("ROLES", "/roles")];
        assert_eq!(
            lines(&columns, &rows),
            [
                "NAME      PRICE      ROLES",
                "Thé vert  12.50 EUR  -",
                "Cup       -          admin,merchant",
            ]
        );
    }
}
