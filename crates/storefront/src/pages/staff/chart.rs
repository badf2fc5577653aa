//! Bars, drawn as a picture of lines and numbers. Whoever does not see them is told the same in words.

use crate::{view, words::say};
use contracts::{
    orders::HourFigures,
    values::{Currency, Money},
};

/// The picture's height, and the width of a bar with the gap beside it, in units of the picture.
const HEIGHT: i64 = 120;
const STEP: i64 = 20;
const GAP: i64 = 4;

/// A bar.
pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) width: i64,
    pub(super) height: i64,
    /// What it stands for, in words.
    pub(super) words: String,
}

/// Bars side by side.
pub(super) struct Chart {
    pub(super) heading: String,
    /// The whole in a sentence.
    pub(super) summary: String,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) bars: Vec<Bar>,
    pub(super) from: String,
    pub(super) to: String,
}

/// What was sold, by the hour, in the currency that most was sold in.
pub(super) fn of_sales(hours: &[HourFigures]) -> Chart {
    let currency = usual(hours);
    let sold = |hour: &HourFigures| {
        let mut of_it = hour.sold.iter();
        of_it
            .find(|sum| Some(sum.currency) == currency)
            .map_or(0, |sum| sum.minor)
    };
    let most = hours.iter().map(sold).max().unwrap_or(0).max(1);
    let bars = (0_i64..).zip(hours).map(|(index, hour)| {
        let minor = sold(hour);
        let height = scaled(minor, most);
        let money = currency.map_or_else(String::new, |currency| {
            format!(", {}", view::money(Money::new(minor, currency)))
        });
        Bar {
            x: index.saturating_mul(STEP),
            y: HEIGHT.saturating_sub(height),
            width: STEP.saturating_sub(GAP),
            height,
            words: say!("{}: {} orders{}", clock(hour), hour.orders, money),
        }
    });
    let bars: Vec<Bar> = bars.collect();
    let orders = hours
        .iter()
        .fold(0_i64, |sum, hour| sum.saturating_add(hour.orders));
    let count = i64::try_from(bars.len()).unwrap_or(1).max(1);
    Chart {
        heading: "The last 24 hours".to_owned(),
        summary: summary(orders, hours, currency),
        width: count.saturating_mul(STEP),
        height: HEIGHT,
        from: hours.first().map_or_else(String::new, clock),
        to: say("now").to_owned(),
        bars,
    }
}

/// How many there were of each size, out of a histogram: the upper bound of each bar in words, and its count.
pub(super) fn of_sizes(heading: &str, what: &str, sizes: &[(String, i64)]) -> Chart {
    let most = sizes.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let all = sizes
        .iter()
        .fold(0_i64, |sum, (_, count)| sum.saturating_add(*count));
    let bars = (0_i64..).zip(sizes).map(|(index, (bound, count))| {
        let height = scaled(*count, most.max(1));
        Bar {
            x: index.saturating_mul(STEP),
            y: HEIGHT.saturating_sub(height),
            width: STEP.saturating_sub(GAP),
            height,
            words: format!("{bound}: {}", view::grouped(&count.to_string())),
        }
    });
    let usual = sizes.iter().max_by_key(|(_, count)| *count);
    let summary = match usual {
        Some((bound, count)) if *count > 0 => say!(
            "{} {}, most of them {}.",
            view::grouped(&all.to_string()),
            say(what),
            bound
        ),
        _ => say!("No {} yet.", say(what)),
    };
    let edge =
        |size: Option<&(String, i64)>| size.map_or_else(String::new, |(bound, _)| bound.clone());
    let count = i64::try_from(sizes.len()).unwrap_or(1).max(1);
    Chart {
        heading: heading.to_owned(),
        summary,
        width: count.saturating_mul(STEP),
        height: HEIGHT,
        bars: bars.collect(),
        from: edge(sizes.first()),
        to: edge(sizes.last()),
    }
}

/// As high as it is beside the highest; whatever is not nothing is seen.
fn scaled(minor: i64, most: i64) -> i64 {
    let part = i128::from(minor)
        .saturating_mul(i128::from(HEIGHT))
        .checked_div(i128::from(most));
    let height = part.and_then(|part| i64::try_from(part).ok()).unwrap_or(0);
    if minor > 0 {
        height.clamp(2, HEIGHT)
    } else {
        1
    }
}

fn clock(hour: &HourFigures) -> String {
    let exact = view::moment(hour.from).exact;
    let clock = exact.split_once(", ").map(|(_, clock)| clock.to_owned());
    clock.unwrap_or_default()
}

fn usual(hours: &[HourFigures]) -> Option<Currency> {
    let all = hours.iter().flat_map(|hour| &hour.sold);
    let mut counts: Vec<(Currency, u32)> = Vec::new();
    for sum in all {
        match counts.iter_mut().find(|(known, _)| *known == sum.currency) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push((sum.currency, 1)),
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(currency, _)| currency)
}

fn summary(orders: i64, hours: &[HourFigures], usual: Option<Currency>) -> String {
    let mut sums: Vec<Money> = Vec::new();
    for money in hours.iter().flat_map(|hour| &hour.sold) {
        match sums.iter_mut().find(|sum| sum.currency == money.currency) {
            Some(sum) => sum.minor = sum.minor.saturating_add(money.minor),
            None => sums.push(*money),
        }
    }
    sums.sort_by_key(|sum| Some(sum.currency) != usual);
    let sums: Vec<String> = sums.into_iter().map(view::money).collect();
    match (orders, sums.is_empty()) {
        (1, false) => say!("1 order that was paid, {}.", sums.join(" + ")),
        (_, false) => say!(
            "{} orders that were paid, {}.",
            view::grouped(&orders.to_string()),
            sums.join(" + ")
        ),
        (_, true) => say("Nothing was sold yet.").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::Timestamp;

    fn hour(index: i64, minor: &[(i64, &str)]) -> HourFigures {
        let money = |(minor, code): &(i64, &str)| Money::new(*minor, code.parse().unwrap());
        HourFigures {
            from: Timestamp::from_ms(1_795_273_200_000).plus_seconds(index.saturating_mul(3_600)),
            orders: i64::try_from(minor.len()).unwrap(),
            sold: minor.iter().map(money).collect(),
        }
    }

    #[test]
    fn the_highest_bar_fills_the_picture_and_a_small_one_is_seen() {
        let hours = [
            hour(0, &[(i64::MAX, "USD")]),
            hour(1, &[]),
            hour(2, &[(1, "USD"), (9, "EUR")]),
        ];
        let chart = of_sales(&hours);
        let heights: Vec<i64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [HEIGHT, 1, 2]);
        assert!(chart.bars.iter().all(|bar| bar.y + bar.height == HEIGHT));
        assert!(chart.summary.starts_with("3 orders") && chart.summary.contains("€0.09"));
        assert!(chart.bars[2].words.contains("2 orders, $0.01"));
        assert_eq!(of_sales(&[]).bars.len(), 0);
    }

    #[test]
    fn sizes_are_drawn_beside_the_one_that_there_are_most_of() {
        let sizes = [
            ("1".to_owned(), 5),
            ("2".to_owned(), 10),
            ("4".to_owned(), 0),
        ];
        let chart = of_sizes("Batches", "batches", &sizes);
        let heights: Vec<i64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [HEIGHT / 2, HEIGHT, 1]);
        assert_eq!(chart.summary, "15 batches, most of them 2.");
        assert_eq!(
            of_sizes("Batches", "batches", &[]).summary,
            "No batches yet."
        );
    }
}
