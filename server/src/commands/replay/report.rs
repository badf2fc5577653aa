//! What a replay must have come to, and what it came to.

use super::{at_line_prices, number, percentile, trace::TraceOrder};
use crate::console::say;
use contracts::BoxError;
use serde_json::Value;
use std::time::Duration;

/// An order as the shop answered it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    lines: usize,
    units: i64,
    total_minor: i64,
    paid: bool,
    took: Duration,
}

impl Placed {
    /// Reads the shop's answer.
    pub(super) fn read(body: &Value, took: Duration) -> Result<Self, BoxError> {
        let items = body
            .get("items")
            .and_then(Value::as_array)
            .ok_or("an answer lacks items")?;
        let mut units = 0_i64;
        for item in items {
            units = units.saturating_add(number(item, "/quantity")?);
        }
        Ok(Self {
            lines: items.len(),
            units,
            total_minor: number(body, "/total/amount")?,
            paid: body.get("status").and_then(Value::as_str) == Some("paid"),
            took,
        })
    }
}

/// The counts of the trace beside those of the shop.
#[derive(Debug)]
pub(super) struct Report {
    rows: Vec<Row>,
    at_catalog_prices: i64,
    at_line_prices: i64,
    elapsed: Duration,
    times: Vec<Duration>,
}

#[derive(Debug)]
struct Row {
    what: &'static str,
    expected: i64,
    found: i64,
}

impl Report {
    pub(super) fn new(
        trace: &[TraceOrder],
        placed: Vec<Placed>,
        left: i64,
        elapsed: Duration,
    ) -> Self {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let lines = trace.iter().map(|order| order.lines.len()).sum();
        let units = trace
            .iter()
            .flat_map(|order| &order.lines)
            .map(|line| i64::from(line.qty))
            .sum();
        let rows = vec![
            Row {
                what: "orders",
                expected: count(trace.len()),
                found: count(placed.len()),
            },
            Row {
                what: "orders paid",
                expected: count(trace.len()),
                found: count(placed.iter().filter(|one| one.paid).count()),
            },
            Row {
                what: "lines",
                expected: count(lines),
                found: count(placed.iter().map(|one| one.lines).sum()),
            },
            Row {
                what: "units",
                expected: units,
                found: placed.iter().map(|one| one.units).sum(),
            },
            Row {
                what: "units left in stock",
                expected: 0,
                found: left,
            },
        ];
        let mut times: Vec<Duration> = placed.iter().map(|one| one.took).collect();
        times.sort_unstable();
        Self {
            rows,
            at_catalog_prices: placed.iter().map(|one| one.total_minor).sum(),
            at_line_prices: trace.iter().map(|order| at_line_prices(&order.lines)).sum(),
            elapsed,
            times,
        }
    }

    /// Prints the report; an error if anything differs from the trace. (Each order's total was asserted when
    /// it was placed, so their sum needs no second opinion.)
    pub(super) fn say_and_judge(&self) -> Result<(), BoxError> {
        let mut wrong = 0_usize;
        for row in &self.rows {
            let mark = if row.expected == row.found {
                "ok"
            } else {
                "DIFFERS"
            };
            wrong = wrong.saturating_add(usize::from(row.expected != row.found));
            say(format!(
                "{:<22} {:>14} expected {:>14}  {mark}",
                row.what, row.found, row.expected
            ));
        }
        say(format!(
            "{:<22} {:>14}",
            "at catalog prices", self.at_catalog_prices
        ));
        say(format!(
            "{:<22} {:>14}",
            "at the trace's prices", self.at_line_prices
        ));
        let orders = u128::try_from(self.times.len())?;
        let rate = orders
            .saturating_mul(1_000)
            .checked_div(self.elapsed.as_millis().max(1))
            .unwrap_or(0);
        say(format!(
            "{orders} orders, placed and paid, in {:.2?}: {rate} a second, p50 {:.1?}, p99 {:.1?}",
            self.elapsed,
            percentile(&self.times, 50),
            percentile(&self.times, 99)
        ));
        if wrong == 0 {
            Ok(())
        } else {
            Err(format!("{wrong} totals differ from the trace's").into())
        }
    }
}
