//! What stands on an order's papers, line by line: the invoice for its buyer, and the slip that goes into a parcel. All
//! of it is the order's own: lines and parts as they were, the total they add up to, and what was given back since.

use super::paper::{COLUMNS, pieces, shows};
use contracts::{
    orders::{OrderEventView, OrderPartView, OrderView, ShipmentView},
    values::{Money, Timestamp},
};

/// Room for a name.
const NAME: usize = 42;

/// What an invoice is made of.
pub(crate) struct Billed<'a> {
    pub(crate) order: &'a OrderView,
    pub(crate) paid_at: Timestamp,
    pub(crate) timeline: &'a [OrderEventView],
    /// Who sells, in the shop's own words.
    pub(crate) seller: &'a [String],
}

/// The lines of an invoice.
pub(crate) fn invoice(billed: &Billed<'_>) -> Vec<String> {
    let order = billed.order;
    let mut lines = seller(billed.seller);
    lines.push(format!(
        "Order {} of {}",
        order.number,
        day(order.created_at)
    ));
    lines.push(format!("Paid {}", day(billed.paid_at)));
    lines.extend(goes_to(order));
    lines.push(String::new());
    lines.extend(row("Units", "What", ("Each", "Sum")));
    lines.push(rule());
    for line in &order.items {
        let what = format!("{} ({})", line.name, line.sku);
        let (units, each) = (line.quantity.get().to_string(), line.unit_price.to_string());
        lines.extend(row(&units, &what, (&each, &line.line_total.to_string())));
    }
    lines.push(rule());
    for part in &order.parts {
        lines.extend(beside(part));
    }
    lines.extend(row("", "Total", ("", &order.total.to_string())));
    lines.extend(given_back(billed));
    lines
}

/// A part of the total. A tax says its rate and what it is of; how much one is that is in the prices, and adds nothing,
/// stands with it.
fn beside(part: &OrderPartView) -> Vec<String> {
    let adds = part.amount.to_string();
    let Some(tax) = &part.tax else {
        return row("", &part.title, ("", &adds));
    };
    let (title, percent, taxed) = (&part.title, percent(tax.millionths), tax.taxed);
    if tax.included {
        let what = format!("{title}: {percent} % of {taxed}, in the prices");
        return row("", &what, (&tax.amount.to_string(), ""));
    }
    row("", &format!("{title}: {percent} % of {taxed}"), ("", &adds))
}

/// Millionths as hundredths, with as many decimals as they have.
fn percent(millionths: u32) -> String {
    let (whole, rest) = (millionths / 10_000, millionths % 10_000);
    let text = format!("{whole}.{rest:04}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What was given back, a line each, and what is left of the total.
fn given_back(billed: &Billed<'_>) -> Vec<String> {
    let total = billed.order.total;
    let refunds = billed
        .timeline
        .iter()
        .filter_map(|entry| refund(entry, total));
    let refunds: Vec<(Timestamp, Money)> = refunds.collect();
    if refunds.is_empty() {
        return Vec::new();
    }
    let mut left = total.minor;
    let mut lines = Vec::new();
    for (at, amount) in refunds {
        left = left.saturating_sub(amount.minor);
        let back = Money::new(amount.minor.saturating_neg(), amount.currency);
        let what = format!("Given back {}", day(at));
        lines.extend(row("", &what, ("", &back.to_string())));
    }
    let left = Money::new(left, total.currency);
    lines.extend(row("", "Left", ("", &left.to_string())));
    lines
}

/// A refund as the timeline tells of it.
fn refund(entry: &OrderEventView, total: Money) -> Option<(Timestamp, Money)> {
    Some((entry.at, entry.given_back(total.currency)?))
}

/// The lines of a slip.
pub(crate) fn slip(order: &OrderView, parcel: &ShipmentView, sender: &[String]) -> Vec<String> {
    let mut lines = seller(sender);
    lines.push(format!(
        "Order {} of {}",
        order.number,
        day(order.created_at)
    ));
    lines.push(format!(
        "Parcel {} of {}",
        parcel.number,
        day(parcel.created_at)
    ));
    for (what, value) in [("Carrier", &parcel.carrier), ("Tracking", &parcel.tracking)] {
        lines.extend(
            value
                .iter()
                .flat_map(|value| pieces(&format!("{what} {value}"), COLUMNS)),
        );
    }
    lines.extend(goes_to(order));
    lines.push(String::new());
    lines.extend(row("Units", "What", ("", "")));
    lines.push(rule());
    for line in &parcel.lines {
        let what = format!("{} ({})", line.name, line.sku);
        lines.extend(row(&line.quantity.get().to_string(), &what, ("", "")));
    }
    lines
}

/// The lines, and what a question mark in them stands for where one is no question mark: nobody is to take it for what
/// was written, and all of that stands on the order's page.
pub(crate) fn explained(mut lines: Vec<String>, page: Option<&str>) -> Vec<String> {
    if lines.iter().all(|line| shows(line)) {
        return lines;
    }
    lines.push(String::new());
    lines.push("A question mark stands for each letter that this paper does not have.".to_owned());
    let whole = "All as it was written stands on the order's page";
    match page {
        Some(page) => {
            lines.push(format!("{whole}:"));
            lines.extend(pieces(page, COLUMNS));
        }
        None => lines.push(format!("{whole}.")),
    }
    lines
}

/// Where it goes, if that was said and is not forgotten.
fn goes_to(order: &OrderView) -> Vec<String> {
    let Some(address) = &order.shipping_address else {
        return Vec::new();
    };
    let mut lines = vec![String::new(), "It goes to".to_owned()];
    lines.extend(
        address
            .lines()
            .iter()
            .flat_map(|line| pieces(line, COLUMNS)),
    );
    lines
}

fn seller(words: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = words
        .iter()
        .flat_map(|line| pieces(line, COLUMNS))
        .collect();
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// A row of a table: what is too long for its column goes on below, and amounts stand at the right.
fn row(units: &str, what: &str, (each, sum): (&str, &str)) -> Vec<String> {
    let mut pieces = pieces(what, NAME).into_iter();
    let first = pieces.next().unwrap_or_default();
    let mut rows = vec![
        format!("{units:>6}  {first:<NAME$} {each:>24} {sum:>25}")
            .trim_end()
            .to_owned(),
    ];
    rows.extend(pieces.map(|more| format!("{:>6}  {more}", "")));
    rows
}

fn rule() -> String {
    "-".repeat(COLUMNS)
}

/// The day of a moment, in UTC.
fn day(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::orders::{PartKind, PartTax};

    #[test]
    fn a_tax_says_its_rate_what_it_is_of_and_how_much_it_is() {
        let usd = |minor| Money::new(minor, "USD".parse().unwrap());
        let lines = |included: bool, millionths: u32| {
            let lines = beside(&OrderPartView {
                kind: PartKind::Tax,
                title: "VAT".to_owned(),
                code: None,
                amount: usd(if included { 0 } else { 487 }),
                tax: Some(Box::new(PartTax {
                    millionths,
                    included,
                    taxed: usd(3_050),
                    amount: usd(487),
                    lines: Vec::new(),
                    shipping: None,
                })),
            });
            let words: Vec<String> = lines
                .iter()
                .flat_map(|line| line.split_whitespace().map(str::to_owned))
                .collect();
            words.join(" ")
        };
        assert_eq!(
            lines(true, 190_000),
            "VAT: 19 % of 30.50 USD, in the prices 4.87 USD"
        );
        assert_eq!(lines(false, 72_500), "VAT: 7.25 % of 30.50 USD 4.87 USD");
        assert_eq!(lines(false, 1), "VAT: 0.0001 % of 30.50 USD 4.87 USD");
        assert_eq!(lines(false, 0), "VAT: 0 % of 30.50 USD 4.87 USD");
        assert_eq!(
            lines(true, 1_000_000),
            "VAT: 100 % of 30.50 USD, in the prices 4.87 USD"
        );
    }
}
