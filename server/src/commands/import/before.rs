//! What something cost before, as other shops write it: shown crossed out beside what it costs, and counted nowhere.

use contracts::{catalog::COMPARE_AT_PRICE, values::Money};
use serde_json::{Map, Value};

/// Writes down an earlier price, in the currency of the price that is paid. As much or less says that nothing was taken
/// off: shops leave it there when a sale is over.
pub(super) fn note(
    attributes: &mut Map<String, Value>,
    cell: Option<&str>,
    price: Money,
) -> Result<(), String> {
    let Some(text) = cell else {
        return Ok(());
    };
    let before = Money::parse_decimal(text, price.currency)
        .map_err(|error| format!("the price before {error}"))?;
    if before.minor > price.minor {
        let before = Value::from(before.to_string());
        attributes.insert(COMPARE_AT_PRICE.to_owned(), before);
    }
    Ok(())
}

/// What a line says of it goes to its product.
pub(super) fn carry(attributes: &mut Map<String, Value>, line: &Map<String, Value>) {
    if let Some(before) = line.get(COMPARE_AT_PRICE) {
        attributes.insert(COMPARE_AT_PRICE.to_owned(), before.clone());
    }
}

/// Variants have one here, which is their product's: where lines differ there is none, for it was not that of all.
pub(super) fn agree(attributes: &mut Map<String, Value>, line: &Map<String, Value>) {
    // Lines that say nothing but their variant agree with all.
    if !line.is_empty() && attributes.get(COMPARE_AT_PRICE) != line.get(COMPARE_AT_PRICE) {
        attributes.remove(COMPARE_AT_PRICE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn price(text: &str) -> Money {
        Money::parse_decimal(text, "EUR".parse().unwrap()).unwrap()
    }

    #[test]
    fn only_more_than_what_is_paid_is_an_earlier_price() {
        let mut attributes = Map::new();
        for nothing in [None, Some("19.99"), Some("0"), Some("5")] {
            note(&mut attributes, nothing, price("19.99")).unwrap();
            assert!(attributes.is_empty(), "{nothing:?}");
        }
        let why = note(&mut attributes, Some("much"), price("19.99")).unwrap_err();
        assert!(why.starts_with("the price before must be"), "{why}");
        note(&mut attributes, Some("24.9"), price("19.99")).unwrap();
        assert_eq!(attributes.get(COMPARE_AT_PRICE), Some(&json!("24.90 EUR")));
    }

    #[test]
    fn a_product_has_the_one_that_all_of_its_lines_say() {
        let of = |text: Option<&str>| {
            let mut line = Map::from_iter([("handle".to_owned(), json!("mug"))]);
            note(&mut line, text, price("1")).unwrap();
            line
        };
        let mut all = of(Some("2"));
        agree(&mut all, &of(Some("2.00")));
        agree(&mut all, &Map::new());
        assert!(all.contains_key(COMPARE_AT_PRICE));
        for other in [of(Some("3")), of(None)] {
            let mut all = of(Some("2"));
            agree(&mut all, &other);
            assert!(!all.contains_key(COMPARE_AT_PRICE), "{other:?}");
            agree(&mut all, &of(Some("2")));
            assert!(!all.contains_key(COMPARE_AT_PRICE), "it stays gone");
        }
    }
}
