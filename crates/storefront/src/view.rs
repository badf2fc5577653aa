//! Values as people read them: money, days, stock, attributes, addresses. Pure text, which is
//! escaped later: nothing here knows HTML.

use crate::words::{self, Language, say};
use contracts::{
    catalog::{COMPARE_AT_PRICE, IMAGE_URLS, ProductView, StockView},
    values::{Money, Timestamp},
};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// From this many units on, a product is simply in stock (the catalog's own idea of low stock).
const PLENTY: i64 = 6;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const MONATE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
/// Endings of attribute names that are units.
const UNITS: [(&str, &str); 6] = [
    ("_grams", " g"),
    ("_ml", " ml"),
    ("_mm", " mm"),
    ("_l", " l"),
    ("_gsm", " g/m²"),
    ("_percent", " %"),
];

/// What a product costs: of one whose variants differ, the least.
pub(crate) fn price_of(product: &ProductView) -> String {
    match product.price_max {
        Some(_) => say!("From {}", money(product.price)),
        None => money(product.price),
    }
}

/// What it cost before, where it costs less now; else nothing.
pub(crate) fn price_before(product: &ProductView) -> String {
    product.price_before().map(money).unwrap_or_default()
}

/// An amount with its sign or code, as the reader writes it: `$14.50`, `£3.99`, `1,250 ¥`, `12.500 KWD`, `1.234,50 €`.
pub(crate) fn money(amount: Money) -> String {
    let decimal = amount.decimal();
    let (sign, digits) = decimal
        .strip_prefix('-')
        .map_or(("", decimal.as_str()), |rest| ("-", rest));
    let number = match (digits.split_once('.'), words::current()) {
        (Some((whole, part)), Language::English) => format!("{}.{part}", grouped(whole)),
        (Some((whole, part)), Language::German) => format!("{},{part}", grouped(whole)),
        (None, _) => grouped(digits),
    };
    match (amount.currency.code(), words::current()) {
        ("USD", Language::English) => format!("{sign}${number}"),
        ("GBP", Language::English) => format!("{sign}£{number}"),
        ("EUR", Language::English) => format!("{sign}€{number}"),
        ("USD", Language::German) => format!("{sign}{number} $"),
        ("GBP", Language::German) => format!("{sign}{number} £"),
        ("EUR", Language::German) => format!("{sign}{number} €"),
        ("JPY", _) => format!("{sign}{number} ¥"),
        (code, _) => format!("{sign}{number} {code}"),
    }
}

/// Digits with the reader's mark before every third from the right.
pub(crate) fn grouped(digits: &str) -> String {
    let mark = match words::current() {
        Language::English => ',',
        Language::German => '.',
    };
    let length = digits.len();
    let mut text = String::with_capacity(length.saturating_mul(2));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && length.saturating_sub(index) % 3 == 0 {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

/// A number with a part behind its point, as the reader writes it.
pub(crate) fn decimal(number: impl ToString) -> String {
    let text = number.to_string();
    match words::current() {
        Language::English => text,
        Language::German => text.replace('.', ","),
    }
}

/// A moment, three ways: for reading, for pointing at, for machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// As `21 Nov 2026`, or `21. November 2026`.
    pub(crate) day: String,
    /// As `21 Nov 2026, 15:14 UTC`.
    pub(crate) exact: String,
    /// RFC 3339.
    pub(crate) machine: String,
}

/// A moment in UTC; empty when it is beyond what a calendar can say.
pub(crate) fn moment(at: Timestamp) -> Moment {
    let mut machine = String::new();
    // Not `to_string`: that panics where `Display` gives up.
    if write!(machine, "{at}").is_err() {
        return Moment::default();
    }
    read_moment(&machine).unwrap_or_default()
}

fn read_moment(machine: &str) -> Option<Moment> {
    let (date, clock) = machine.split_once('T')?;
    let (year, month_and_day) = date.split_once('-')?;
    let (month, day) = month_and_day.split_once('-')?;
    let index = month.parse::<usize>().ok()?.checked_sub(1)?;
    let day = day.trim_start_matches('0');
    let day = match words::current() {
        Language::English => format!("{day} {} {year}", MONTHS.get(index)?),
        Language::German => format!("{day}. {} {year}", MONATE.get(index)?),
    };
    let exact = format!("{day}, {} UTC", clock.get(..5)?);
    Some(Moment {
        day,
        exact,
        machine: machine.to_owned(),
    })
}

/// A card's badge: `Sold out`, `3 left`, or nothing.
pub(crate) fn badge(stock: StockView) -> String {
    match stock.available {
        ..=0 => say("Sold out").to_owned(),
        left @ 1..PLENTY => say!("{} left", left),
        _ => String::new(),
    }
}

/// A product page's line about stock.
pub(crate) fn availability(stock: StockView) -> String {
    match stock.available {
        ..=0 => say("Sold out").to_owned(),
        left @ 1..PLENTY => say!("Only {} left", left),
        _ => say("In stock").to_owned(),
    }
}

/// Attributes as names and values for people; nested ones have no place in a table, and what is shown elsewhere is not
/// told again.
pub(crate) fn attributes(attributes: &Map<String, Value>) -> Vec<(String, String)> {
    attributes
        .iter()
        .filter(|(name, _)| ![COMPARE_AT_PRICE, IMAGE_URLS].contains(&name.as_str()))
        .filter_map(|(name, value)| {
            let (bare, unit) = split_unit(name, value);
            Some((words(bare), format!("{}{unit}", plain(value)?)))
        })
        .collect()
}

fn split_unit<'a>(name: &'a str, value: &Value) -> (&'a str, &'static str) {
    let found = UNITS
        .iter()
        .find_map(|(ending, unit)| Some((name.strip_suffix(ending)?, *unit)));
    match found {
        Some((bare, unit)) if !bare.is_empty() && !value.is_boolean() => (bare, unit),
        Some(_) | None => (name, ""),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some(say("yes").to_owned()),
        Value::Bool(false) => Some(say("no").to_owned()),
        Value::Array(values) => {
            let texts = values.iter().filter_map(plain).collect::<Vec<_>>();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// `dishwasher_safe` as `Dishwasher safe`, in the reader's language if that is a word of ours.
pub(crate) fn words(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    let text: String = match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => return String::new(),
    };
    match words::current() {
        Language::English => text,
        Language::German => say(&text).to_owned(),
    }
}

/// The beginning of a text, cut between words, at most this many characters.
pub(crate) fn beginning(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let mut cut = String::new();
    for word in text.split_whitespace() {
        let length = cut.chars().count().saturating_add(word.chars().count());
        if length.saturating_add(2) > longest {
            break;
        }
        if !cut.is_empty() {
            cut.push(' ');
        }
        cut.push_str(word);
    }
    cut.push('…');
    cut
}

/// An address with its parameters; empty ones are left out.
pub(crate) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut text = path.to_owned();
    let mut mark = '?';
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(mark);
        text.push_str(name);
        text.push('=');
        text.push_str(&encoded(value));
        mark = '&';
    }
    text
}

/// Percent-encodes everything but the unreserved characters (RFC 3986, 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            safe.push(char::from(byte));
        } else if write!(safe, "%{byte:02X}").is_err() {
            // Writing to a `String` does not fail.
            return safe;
        }
    }
    safe
}

/// A part of a total in words: a tax that is in the prices adds nothing, and says how much it is.
pub(crate) fn part(part: &contracts::orders::OrderPartView) -> String {
    match &part.tax {
        Some(tax) if tax.included => say!("{}, included: {}", part.title, money(tax.amount)),
        Some(_) | None => part.title.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn price(minor: i64, currency: &str) -> String {
        money(Money::new(minor, currency.parse().unwrap()))
    }

    fn stock(available: i64) -> StockView {
        StockView {
            on_hand: available,
            reserved: 0,
            available,
        }
    }

    #[test]
    fn money_is_written_as_people_of_the_currency_do() {
        assert_eq!(price(1450, "USD"), "$14.50");
        assert_eq!(price(399, "GBP"), "£3.99");
        assert_eq!(price(1250, "JPY"), "1,250 ¥");
        assert_eq!(price(5, "EUR"), "€0.05");
        assert_eq!(price(12_500, "KWD"), "12.500 KWD");
        assert_eq!(price(123_456_789, "USD"), "$1,234,567.89");
        assert_eq!(price(-100_000, "USD"), "-$1,000.00");
        assert_eq!(price(i64::MIN, "JPY"), "-9,223,372,036,854,775,808 ¥");
    }

    #[test]
    fn days_are_written_with_the_month_s_name() {
        let moment = moment(Timestamp::from_ms(1_795_274_096_007));
        assert_eq!(moment.day, "21 Nov 2026");
        assert_eq!(moment.exact, "21 Nov 2026, 15:14 UTC");
        assert!(moment.machine.starts_with("2026-11-21T15:14:56"));
        assert_eq!(super::moment(Timestamp::from_ms(0)).day, "1 Jan 1970");
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_left_out() {
        assert_eq!(moment(Timestamp::from_ms(i64::MAX)), Moment::default());
    }

    #[test]
    fn a_badge_shows_only_when_stock_is_low() {
        assert_eq!(badge(stock(0)), "Sold out");
        assert_eq!(badge(stock(-1)), "Sold out");
        assert_eq!(badge(stock(3)), "3 left");
        assert_eq!(badge(stock(5)), "5 left");
        assert_eq!(badge(stock(6)), "");
        assert_eq!(availability(stock(1)), "Only 1 left");
        assert_eq!(availability(stock(60)), "In stock");
    }

    #[test]
    fn attributes_are_words_with_units() {
        let all = json!({"weight_grams": 100, "origin": "Uva", "dishwasher_safe": true, "_mm": 3,
            "diameter_mm": [380, 290], "nested": {"a": 1}, "nothing": null, "contains": []});
        let shown = attributes(all.as_object().unwrap());
        let has = |name: &str, value: &str| shown.contains(&(name.to_owned(), value.to_owned()));
        assert!(has("Weight", "100 g") && has("Origin", "Uva") && has("Dishwasher safe", "yes"));
        assert!(has("Diameter", "380, 290 mm") && has(" mm", "3"));
        assert_eq!(shown.len(), 5);
    }

    #[test]
    fn addresses_carry_any_text_safely() {
        let next = address(
            "/",
            &[("q", "tea & \"ж\""), ("category", ""), ("sort", "-price")],
        );
        assert_eq!(next, "/?q=tea%20%26%20%22%D0%B6%22&sort=-price");
        assert_eq!(address("/", &[("q", "")]), "/");
    }

    #[test]
    fn a_beginning_ends_between_words() {
        assert_eq!(beginning("one two", 20), "one two");
        assert_eq!(beginning("one two three", 9), "one two…");
    }
}
