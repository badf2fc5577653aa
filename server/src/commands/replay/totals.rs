//! What a trace must come to, as whoever made it counted it.

use contracts::BoxError;
use serde::Deserialize;
use std::{io::Read, path::Path};

/// The largest file of totals that is read.
const BYTES_MAX: u64 = 16 * 1_024 * 1_024;

/// The totals of all orders, or of the excerpt.
#[derive(Debug, Deserialize)]
struct File {
    #[serde(flatten)]
    whole: Part,
    cancellations: Option<Returns>,
    excerpt_500: Option<Excerpt>,
}

#[derive(Debug, Deserialize)]
struct Part {
    orders: i64,
    order_lines: i64,
    units: i64,
    gross_minor: i64,
    gross_at_catalog_price_minor: i64,
}

#[derive(Debug, Deserialize)]
struct Excerpt {
    orders: i64,
    lines: i64,
    units: i64,
    gross_minor: i64,
    gross_at_catalog_price_minor: i64,
    cancellations: i64,
    cancelled_units: i64,
}

#[derive(Debug, Deserialize)]
struct Returns {
    documents: i64,
    lines_after_matching: i64,
    units: i64,
    value_minor: i64,
    units_matched_to_an_order: i64,
    units_unmatched: i64,
    lines_matched: i64,
    lines_unmatched: i64,
}

/// What the totals are compared with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) orders: i64,
    pub(super) lines: i64,
    pub(super) units: i64,
    pub(super) at_line_prices: i64,
    pub(super) at_catalog_prices: i64,
    pub(super) returns: Option<CountedReturns>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CountedReturns {
    pub(super) documents: i64,
    pub(super) lines: i64,
    pub(super) units: i64,
    pub(super) lines_of_no_order: i64,
    pub(super) units_of_no_order: i64,
    pub(super) value: i64,
}

/// The totals beside what was counted: name, expected, found. A file that tells of an excerpt too is read as that of
/// the excerpt if the number of orders is the excerpt's.
pub(super) fn compare(
    path: &Path,
    counted: &Counted,
) -> Result<Vec<(&'static str, i64, i64)>, BoxError> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| cannot(&error))?;
    file.take(BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| cannot(&error))?;
    let file: File = serde_json::from_str(&text).map_err(|error| cannot(&error))?;
    let excerpt = file
        .excerpt_500
        .filter(|excerpt| excerpt.orders == counted.orders);
    Ok(match excerpt {
        Some(excerpt) if file.whole.orders != counted.orders => excerpt.rows(counted),
        Some(_) | None => {
            let mut rows = file.whole.rows(counted);
            if let (Some(file), Some(counted)) = (file.cancellations, &counted.returns) {
                rows.extend(file.rows(counted));
            }
            rows
        }
    })
}

impl Part {
    fn rows(&self, counted: &Counted) -> Vec<(&'static str, i64, i64)> {
        vec![
            ("orders", self.orders, counted.orders),
            ("order_lines", self.order_lines, counted.lines),
            ("units", self.units, counted.units),
            ("gross_minor", self.gross_minor, counted.at_line_prices),
            (
                "gross_at_catalog_price",
                self.gross_at_catalog_price_minor,
                counted.at_catalog_prices,
            ),
        ]
    }
}

impl Excerpt {
    fn rows(&self, counted: &Counted) -> Vec<(&'static str, i64, i64)> {
        let whole = Part {
            orders: self.orders,
            order_lines: self.lines,
            units: self.units,
            gross_minor: self.gross_minor,
            gross_at_catalog_price_minor: self.gross_at_catalog_price_minor,
        };
        let mut rows = whole.rows(counted);
        if let Some(returns) = &counted.returns {
            rows.push(("cancellations", self.cancellations, returns.documents));
            rows.push(("cancelled_units", self.cancelled_units, returns.units));
        }
        rows
    }
}

impl Returns {
    fn rows(&self, counted: &CountedReturns) -> Vec<(&'static str, i64, i64)> {
        let lines = counted.lines.saturating_add(counted.lines_of_no_order);
        let units = counted.units.saturating_add(counted.units_of_no_order);
        vec![
            ("cancellations", self.documents, counted.documents),
            ("lines_after_matching", self.lines_after_matching, lines),
            ("lines_matched", self.lines_matched, counted.lines),
            (
                "lines_unmatched",
                self.lines_unmatched,
                counted.lines_of_no_order,
            ),
            ("cancelled_units", self.units, units),
            (
                "units_matched",
                self.units_matched_to_an_order,
                counted.units,
            ),
            (
                "units_unmatched",
                self.units_unmatched,
                counted.units_of_no_order,
            ),
            ("cancelled_value_minor", self.value_minor, counted.value),
        ]
    }
}
