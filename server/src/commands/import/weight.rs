//! What a unit weighs, as other shops write it. Shipping goes by it, so what cannot be read is refused.

use contracts::catalog::{WEIGHT_GRAMS, WEIGHT_GRAMS_MAX};
use serde_json::{Map, Value};

/// Writes down a weight: a decimal number of which so many places are grams, three of kilograms and none of grams. No
/// cell and zero say nothing.
pub(super) fn note(
    attributes: &mut Map<String, Value>,
    cell: Option<&str>,
    places: usize,
) -> Result<(), String> {
    let Some(text) = cell else {
        return Ok(());
    };
    let grams = grams(text, places).ok_or_else(|| format!("the weight {text} is none"))?;
    if grams > 0 {
        attributes.insert(WEIGHT_GRAMS.to_owned(), Value::from(grams));
    }
    Ok(())
}

/// Variants have one weight here, which is their product's: what the heaviest weighs, so that no parcel is too light.
pub(super) fn heavier(attributes: &mut Map<String, Value>, other: &Map<String, Value>) {
    let of = |map: &Map<String, Value>| map.get(WEIGHT_GRAMS).and_then(Value::as_u64);
    if of(other) > of(attributes)
        && let Some(weight) = other.get(WEIGHT_GRAMS)
    {
        attributes.insert(WEIGHT_GRAMS.to_owned(), weight.clone());
    }
}

/// A fraction of a gram counts as one.
fn grams(text: &str, places: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if !whole
        .bytes()
        .chain(part.bytes())
        .all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let (grams, rest) = part.split_at(places.min(part.len()));
    let grams: u64 = format!("{whole}{grams:0<places$}").parse().ok()?;
    let more = rest.bytes().any(|digit| digit != b'0');
    let grams = grams.checked_add(u64::from(more))?;
    (grams <= u64::from(WEIGHT_GRAMS_MAX)).then_some(grams)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn weights_are_whole_grams_and_what_is_none_is_refused() {
        for (text, places, wanted) in [
            ("200", 0, Some(200)),
            ("200.0", 0, Some(200)),
            ("226.8", 0, Some(227)),
            ("0.25", 3, Some(250)),
            (".5", 3, Some(500)),
            ("2", 3, Some(2_000)),
            ("0.0004", 3, Some(1)),
            ("1000000", 3, Some(1_000_000_000)),
            ("1000001", 3, None),
            ("99999999999999999999", 0, None),
            ("-1", 0, None),
            ("1e3", 0, None),
            ("1.2.3", 0, None),
            (".", 0, None),
            ("heavy", 3, None),
        ] {
            assert_eq!(grams(text, places), wanted, "{text}");
        }
    }

    #[test]
    fn no_weight_is_none_and_of_several_the_heaviest_is_kept() {
        let mut attributes = Map::new();
        for nothing in [None, Some("0"), Some("0.000")] {
            note(&mut attributes, nothing, 3).unwrap();
            assert!(attributes.is_empty());
        }
        let why = note(&mut attributes, Some("heavy"), 3).unwrap_err();
        assert_eq!(why, "the weight heavy is none");
        for (text, wanted) in [("0.2", 200), ("0.3", 300), ("0.1", 300), ("", 300)] {
            let mut other = Map::new();
            note(&mut other, Some(text).filter(|text| !text.is_empty()), 3).unwrap();
            heavier(&mut attributes, &other);
            assert_eq!(attributes.get(WEIGHT_GRAMS), Some(&json!(wanted)));
        }
    }
}
