//! Orders of a table: rows with the same number that follow each other are one order, a line each. What an order says
//! once stands in all of its rows, or in the first of them. Holds no more than one order.

use super::rows::Read;
use serde_json::{Map, Value};

/// As many as a record may have.
const LINES_MAX: usize = 2_000;
const NUMBER: [&str; 2] = ["number", "order_ref"];
/// What an order says once.
const OF_ORDER: [&str; 19] = [
    "source",
    "placed_at",
    "created_at",
    "at",
    "email",
    "customer_ref",
    "customer_id",
    "status",
    "currency",
    "total",
    "total_minor",
    "shipping",
    "shipping_minor",
    "tax",
    "tax_minor",
    "discount",
    "discount_minor",
    "refunded",
    "refunded_minor",
];
/// What each of its lines says.
const OF_LINE: [&str; 6] = [
    "sku",
    "name",
    "quantity",
    "qty",
    "unit_price",
    "unit_price_minor",
];

/// What was read and is not whole yet.
#[derive(Default)]
pub(super) struct Records {
    waiting: Option<Waiting>,
}

struct Waiting {
    /// The first of its rows.
    row: u64,
    number: String,
    order: Map<String, Value>,
    lines: Vec<Value>,
    /// What is wrong with it: then it is not brought at all.
    wrong: Option<String>,
}

impl Records {
    /// Takes a row in, and gives out what is whole by then. A row that cannot be read says so by itself; the order it
    /// belongs to does not add up without it.
    pub(super) fn take(&mut self, (row, cells): Read) -> Option<Read> {
        let cells = match cells {
            Ok(cells) => cells,
            Err(why) => return Some((row, Err(why))),
        };
        let found = NUMBER.iter().find_map(|name| cells.get(*name)?.as_str());
        let Some(number) = found else {
            return Some((row, Err("number is missing".to_owned())));
        };
        if let Some(waiting) = &mut self.waiting
            && waiting.number == number
        {
            waiting.add(row, &cells);
            return None;
        }
        let whole = self.rest();
        let mut begun = Waiting::begun(row, number);
        begun.add(row, &cells);
        self.waiting = Some(begun);
        whole
    }

    /// What is whole because nothing follows.
    pub(super) fn rest(&mut self) -> Option<Read> {
        Some(self.waiting.take()?.whole())
    }
}

impl Waiting {
    fn begun(row: u64, number: &str) -> Self {
        Self {
            row,
            number: number.to_owned(),
            order: Map::from_iter([("number".to_owned(), Value::from(number))]),
            lines: Vec::new(),
            wrong: None,
        }
    }

    fn add(&mut self, row: u64, cells: &Map<String, Value>) {
        // What is wrong once stays so: no more of it is kept.
        if self.wrong.is_none() {
            self.wrong = self.joined(row, cells).err();
        }
    }

    fn joined(&mut self, row: u64, cells: &Map<String, Value>) -> Result<(), String> {
        for name in OF_ORDER {
            let Some(cell) = cells.get(name) else {
                continue;
            };
            let value = value(name, cell, row)?;
            match self.order.get(name) {
                None => drop(self.order.insert(name.to_owned(), value)),
                Some(known) if *known == value => {}
                Some(_) => return Err(format!("{name} is another one in line {row}")),
            }
        }
        if self.lines.len() >= LINES_MAX {
            return Err(format!("an order has at most {LINES_MAX} lines"));
        }
        let line = OF_LINE
            .iter()
            .filter_map(|name| Some((*name, cells.get(*name)?)));
        let line = line.map(|(name, cell)| Ok((name.to_owned(), value(name, cell, row)?)));
        self.lines
            .push(Value::Object(line.collect::<Result<_, String>>()?));
        Ok(())
    }

    fn whole(self) -> Read {
        let Self {
            row,
            mut order,
            lines,
            wrong,
            ..
        } = self;
        if let Some(why) = wrong {
            return (row, Err(why));
        }
        // Rows of it that stand elsewhere would be missed by nobody otherwise.
        if !order.contains_key("total") && !order.contains_key("total_minor") {
            return (row, Err("total is missing".to_owned()));
        }
        order.insert("lines".to_owned(), Value::from(lines));
        (row, Ok(order))
    }
}

/// A cell as JSON Lines would say it.
fn value(name: &str, cell: &Value, row: u64) -> Result<Value, String> {
    let is_number = name.ends_with("_minor") || matches!(name, "quantity" | "qty");
    let text = cell.as_str().unwrap_or_default();
    if !is_number {
        return Ok(Value::from(text));
    }
    let number = text.parse::<i64>();
    number
        .map(Value::from)
        .map_err(|_| format!("{name} must be a whole number in line {row}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(number: u64, cells: Value) -> Read {
        (number, Ok(cells.as_object().unwrap().clone()))
    }

    /// What comes of these rows.
    fn all(rows: Vec<Read>) -> Vec<Read> {
        let mut records = Records::default();
        let mut all: Vec<Read> = rows
            .into_iter()
            .filter_map(|row| records.take(row))
            .collect();
        all.extend(records.rest());
        assert!(records.rest().is_none(), "once");
        all
    }

    #[test]
    fn rows_of_a_number_are_lines_of_an_order_that_says_the_rest_once() {
        let found = all(vec![
            row(
                2,
                json!({"number": "7", "total": "9.00", "currency": "USD", "sku": "A", "quantity": "2",
                    "unit_price": "3.00", "tracking": "T1"}),
            ),
            row(
                3,
                json!({"number": "7", "total": "9.00", "sku": "B", "name": "Cup", "qty": "1",
                    "unit_price_minor": "300"}),
            ),
            (4, Err("is not UTF-8".to_owned())),
            row(5, json!({"order_ref": "8", "total_minor": "1", "sku": "A"})),
        ]);
        let lines = json!([{"sku": "A", "quantity": 2, "unit_price": "3.00"},
            {"sku": "B", "name": "Cup", "qty": 1, "unit_price_minor": 300}]);
        let first = json!({"number": "7", "total": "9.00", "currency": "USD", "lines": lines});
        assert_eq!(found[0], (4, Err("is not UTF-8".to_owned())));
        assert_eq!(found[1], row(2, first));
        assert_eq!(
            found[2],
            row(
                5,
                json!({"number": "8", "total_minor": 1, "lines": [{"sku": "A"}]})
            )
        );
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn what_is_wrong_with_one_row_keeps_the_whole_order_out() {
        let good = json!({"number": "7", "total": "9.00", "sku": "A", "quantity": "2"});
        for (name, cell, word) in [
            ("total", "9.01", "total is another one in line 3"),
            (
                "quantity",
                "two",
                "quantity must be a whole number in line 3",
            ),
        ] {
            let mut wrong = good.clone();
            wrong[name] = json!(cell);
            let found = all(vec![
                row(2, good.clone()),
                row(3, wrong),
                row(4, good.clone()),
            ]);
            assert_eq!(found, [(2, Err(word.to_owned()))]);
        }
        let nameless = all(vec![row(2, json!({"sku": "A"}))]);
        assert_eq!(nameless, [(2, Err("number is missing".to_owned()))]);
        let loose = all(vec![row(2, json!({"number": "7", "sku": "A"}))]);
        assert_eq!(loose, [(2, Err("total is missing".to_owned()))]);
        let mut many: Vec<Read> = (0..=2_000)
            .map(|number| row(number, good.clone()))
            .collect();
        many.push(row(9, json!({"number": "8", "total": "1"})));
        let found = all(many);
        assert_eq!(
            found[0].1,
            Err("an order has at most 2000 lines".to_owned())
        );
        assert_eq!(found.len(), 2);
    }
}
