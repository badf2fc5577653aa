//! What a replay must have come to, and what it came to.

use super::{
    percentile,
    run::{Done, ItemAnswer, OrderAnswer, RefundAnswer},
    stock::Left,
    totals::{self, Counted, CountedReturns},
    trace::{Return, Trace, at_line_prices, units},
};
use crate::{console::say, ops};
use contracts::BoxError;
use std::{path::Path, time::Duration};

/// An order as the shop answered it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    lines: i64,
    units: i64,
    total_minor: i64,
    paid: bool,
    took: Duration,
}

/// A refund as the shop answered it.
#[derive(Debug, Clone, Copy)]
pub(super) struct GivenBack {
    order: usize,
    lines: i64,
    units: i64,
    amount_minor: i64,
    took: Duration,
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn sum(numbers: impl Iterator<Item = i64>) -> i64 {
    numbers.fold(0, i64::saturating_add)
}

fn units_of(items: &[ItemAnswer]) -> i64 {
    sum(items.iter().map(|item| item.quantity))
}

impl Placed {
    pub(super) fn new(answer: &OrderAnswer, took: Duration) -> Self {
        Self {
            lines: count(answer.items.len()),
            units: units_of(&answer.items),
            total_minor: answer.total.amount,
            paid: answer.status == "paid",
            took,
        }
    }
}

impl GivenBack {
    pub(super) fn new(answer: &RefundAnswer, back: &Return, took: Duration) -> Self {
        Self {
            order: back.order,
            // The shop puts equal lines together: these are the trace's.
            lines: count(back.lines.len()),
            units: units_of(&answer.items),
            amount_minor: answer.amount.amount,
            took,
        }
    }
}

/// The counts of the trace beside those of the shop.
pub(super) struct Report {
    rows: Vec<Row>,
    notes: Vec<String>,
}

struct Row {
    what: String,
    expected: i64,
    found: i64,
}

impl Report {
    pub(super) fn new(trace: &Trace, done: &Done, left: Left, elapsed: Duration) -> Self {
        let mut report = Self {
            rows: Vec::new(),
            notes: Vec::new(),
        };
        report.orders(trace, done);
        if trace.documents > 0 {
            report.returns(trace, done);
        }
        let (_, restocked) = trace.units();
        report.row(
            "units left in stock",
            sum(restocked.into_iter()),
            left.units,
        );
        report.row("products left otherwise", 0, left.differing);
        report.speed(done, elapsed);
        report
    }

    fn row(&mut self, what: &str, expected: i64, found: i64) {
        self.rows.push(Row {
            what: what.to_owned(),
            expected,
            found,
        });
    }

    fn orders(&mut self, trace: &Trace, done: &Done) {
        let (orders, placed) = (&trace.orders, &done.placed);
        let lines = orders.iter().map(|order| count(order.lines.len()));
        let all_units = orders.iter().map(|order| units(&order.lines));
        let prices = orders
            .iter()
            .map(|order| trace.at_catalog_prices(&order.lines));
        let paid = placed.iter().filter(|one| one.paid).count();
        self.row("orders", count(orders.len()), count(placed.len()));
        self.row("orders paid", count(orders.len()), count(paid));
        self.row("lines", sum(lines), sum(placed.iter().map(|one| one.lines)));
        self.row(
            "units",
            sum(all_units),
            sum(placed.iter().map(|one| one.units)),
        );
        let totals = placed.iter().map(|one| one.total_minor);
        self.row("at catalog prices", sum(prices), sum(totals));
        let traced = sum(orders.iter().map(|order| at_line_prices(&order.lines)));
        self.note("at the trace's prices", traced);
    }

    fn returns(&mut self, trace: &Trace, done: &Done) {
        let (returns, given_back) = (&trace.returns, &done.given_back);
        let lines = returns.iter().map(|one| count(one.lines.len()));
        let all_units = returns.iter().map(|one| units(&one.lines));
        let prices = returns
            .iter()
            .map(|one| trace.at_catalog_prices(&one.lines));
        self.row("refunds", count(returns.len()), count(given_back.len()));
        let distinct = |orders: &mut dyn Iterator<Item = usize>| {
            let mut orders: Vec<usize> = orders.collect();
            orders.sort_unstable();
            orders.dedup();
            count(orders.len())
        };
        let named = distinct(&mut returns.iter().map(|one| one.order));
        let touched = distinct(&mut given_back.iter().map(|one| one.order));
        self.row("orders with refunds", named, touched);
        self.row(
            "lines given back",
            sum(lines),
            sum(given_back.iter().map(|one| one.lines)),
        );
        self.row(
            "units given back",
            sum(all_units),
            sum(given_back.iter().map(|one| one.units)),
        );
        let amounts = given_back.iter().map(|one| one.amount_minor);
        self.row("refunded", sum(prices), sum(amounts));
        let traced = sum(returns.iter().map(|one| at_line_prices(&one.lines)));
        self.note("refunded, trace prices", traced);
        let (none, other) = (trace.of_no_order, trace.of_other_orders);
        self.notes.push(format!(
            "{} lines of returns ({} units) name no order: there is nothing to give back from",
            none.lines, none.units
        ));
        if other.lines > 0 {
            self.notes.push(format!(
                "{} lines of returns ({} units) are of orders that are not in this trace",
                other.lines, other.units
            ));
        }
    }

    fn note(&mut self, what: &str, number: i64) {
        self.notes.push(format!("{what:<23} {number:>14}"));
    }

    /// How many orders shared a commit; nothing is said of a shop in another process, whose metrics are its own.
    pub(super) fn batches(&mut self, counted: ops::Counted) {
        let tenths = counted
            .wishes
            .saturating_mul(10)
            .checked_div(counted.batches);
        if let Some(tenths) = tenths {
            self.notes.push(format!(
                "orders were written in batches of {}.{}",
                tenths / 10,
                tenths % 10
            ));
        }
    }

    fn speed(&mut self, done: &Done, elapsed: Duration) {
        let mut placing: Vec<Duration> = done.placed.iter().map(|one| one.took).collect();
        let mut giving: Vec<Duration> = done.given_back.iter().map(|one| one.took).collect();
        placing.sort_unstable();
        giving.sort_unstable();
        let orders = placing.len();
        let rate = u128::try_from(orders)
            .unwrap_or_default()
            .saturating_mul(1_000)
            .checked_div(elapsed.as_millis().max(1))
            .unwrap_or(0);
        self.notes.push(format!(
            "{orders} orders, placed and paid, in {elapsed:.2?}: {rate} a second, p50 {:.1?}, p99 {:.1?}",
            percentile(&placing, 50),
            percentile(&placing, 99)
        ));
        if !giving.is_empty() {
            self.notes.push(format!(
                "{} refunds among them, each back on the shelf: p50 {:.1?}, p99 {:.1?}",
                giving.len(),
                percentile(&giving, 50),
                percentile(&giving, 99)
            ));
        }
    }

    /// Holds what was counted against a file of totals too.
    pub(super) fn compare(
        &mut self,
        totals: &Path,
        trace: &Trace,
        done: &Done,
    ) -> Result<(), BoxError> {
        let of = |line: fn(&Placed) -> i64| sum(done.placed.iter().map(line));
        let traced = sum(trace
            .orders
            .iter()
            .map(|order| at_line_prices(&order.lines)));
        let unmatched = trace.of_no_order;
        let returned = sum(trace.returns.iter().map(|one| at_line_prices(&one.lines)));
        let returns = CountedReturns {
            documents: trace.documents,
            lines: sum(done.given_back.iter().map(|one| one.lines)),
            units: sum(done.given_back.iter().map(|one| one.units)),
            lines_of_no_order: unmatched.lines,
            units_of_no_order: unmatched.units,
            value: returned.saturating_add(unmatched.at_line_prices),
        };
        let counted = Counted {
            orders: count(done.placed.len()),
            lines: of(|one| one.lines),
            units: of(|one| one.units),
            at_line_prices: traced,
            at_catalog_prices: of(|one| one.total_minor),
            returns: (trace.documents > 0).then_some(returns),
        };
        for (what, expected, found) in totals::compare(totals, &counted)? {
            self.row(&format!("totals: {what}"), expected, found);
        }
        Ok(())
    }

    /// Prints the report; an error if anything differs from the trace.
    pub(super) fn say_and_judge(&self) -> Result<(), BoxError> {
        let mut wrong = 0_usize;
        for row in &self.rows {
            let same = row.expected == row.found;
            let mark = if same { "ok" } else { "DIFFERS" };
            wrong = wrong.saturating_add(usize::from(!same));
            say(format!(
                "{:<30} {:>14} expected {:>14}  {mark}",
                row.what, row.found, row.expected
            ));
        }
        self.notes.iter().for_each(say);
        if wrong == 0 {
            Ok(())
        } else {
            Err(format!("{wrong} totals differ from the trace's").into())
        }
    }
}
