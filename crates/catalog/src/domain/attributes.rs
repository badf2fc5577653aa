//! Attributes: anything else worth knowing of a product, flat and bounded. No nested objects.

use super::text;
use contracts::{
    catalog::{
        COMPARE_AT_PRICE, IMAGE_URLS, IMAGE_URLS_MAX, TAX_CLASS, TaxClass, WEIGHT_GRAMS,
        WEIGHT_GRAMS_MAX, compare_at_price,
    },
    values::{ValueError, bounded_text},
};
use serde_json::{Map, Value};

const ENTRIES_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 64;
const TEXT_CHARS_MAX: usize = 2_000;
const LIST_MAX: usize = IMAGE_URLS_MAX;

/// Checks all attributes of a document.
pub(crate) fn check(attributes: &Map<String, Value>) -> Result<(), (String, ValueError)> {
    if attributes.len() > ENTRIES_MAX {
        let error = ValueError::new(format!("must have at most {ENTRIES_MAX} entries"));
        return Err(("/attributes".to_owned(), error));
    }
    for (name, value) in attributes {
        let at = |error| (pointer(name), error);
        let shown = bounded_text(name, 1, NAME_CHARS_MAX).map_err(at)?;
        if shown != *name || name.chars().any(char::is_control) {
            return Err(at(ValueError::new("must not begin or end with a space")));
        }
        check_value(value).map_err(at)?;
        check_known(name, value).map_err(at)?;
    }
    Ok(())
}

/// The attributes after a merge patch: `null` removes one.
pub(crate) fn merged(
    mut current: Map<String, Value>,
    patch: &Map<String, Value>,
) -> Map<String, Value> {
    for (name, value) in patch {
        if value.is_null() {
            current.remove(name);
        } else {
            current.insert(name.clone(), value.clone());
        }
    }
    current
}

fn pointer(name: &str) -> String {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn check_value(value: &Value) -> Result<(), ValueError> {
    match value {
        Value::Array(values) if values.len() > LIST_MAX => Err(ValueError::new(format!(
            "must have at most {LIST_MAX} entries"
        ))),
        Value::Array(values) => values.iter().try_for_each(check_plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            check_plain(value)
        }
    }
}

/// What the shop itself reads means what it says.
fn check_known(name: &str, value: &Value) -> Result<(), ValueError> {
    let weighs = |grams: &Value| {
        let grams = grams.as_u64();
        grams.is_some_and(|grams| grams <= u64::from(WEIGHT_GRAMS_MAX))
    };
    match name {
        WEIGHT_GRAMS if !weighs(value) => Err(ValueError::new(format!(
            "must be a whole number from 0 to {WEIGHT_GRAMS_MAX}"
        ))),
        TAX_CLASS => value
            .as_str()
            .unwrap_or_default()
            .parse()
            .map(|_: TaxClass| ()),
        IMAGE_URLS => pictures(value),
        COMPARE_AT_PRICE => compare_at_price(value.as_str().unwrap_or_default()).map(drop),
        _ => Ok(()),
    }
}

fn pictures(value: &Value) -> Result<(), ValueError> {
    let rule = || ValueError::new("must be a list of addresses of pictures");
    for address in value.as_array().ok_or_else(rule)? {
        text::image_url(address.as_str().ok_or_else(rule)?)?;
    }
    Ok(())
}

/// What a unit weighs, as the attribute was kept: what was no weight before weighs nothing.
pub(crate) fn weight(kept: Option<&str>) -> u32 {
    kept.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// How it is taxed, likewise.
pub(crate) fn tax_class(kept: Option<&str>) -> TaxClass {
    kept.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn check_plain(value: &Value) -> Result<(), ValueError> {
    match value {
        Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => bounded_text(text, 0, TEXT_CHARS_MAX).map(drop),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(ValueError::new(
            "must be a text, a number, a boolean or a list of those",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(value: &Value) -> Option<String> {
        check(value.as_object().unwrap())
            .err()
            .map(|(field, _)| field)
    }

    #[test]
    fn weight_tax_class_pictures_and_an_earlier_price_mean_what_they_say() {
        for right in [
            json!({"weight_grams": 0}),
            json!({"tax_class": "reduced"}),
            json!({"compare_at_price": "24.99 EUR"}),
            json!({"image_urls": ["https://cdn.example/a.jpg", "/media/a.jpg"]}),
        ] {
            assert_eq!(refusal(&right), None);
        }
        for wrong in [
            json!(1.5),
            json!(-1),
            json!("100"),
            json!(1_000_000_001_u64),
        ] {
            let refused = refusal(&json!({"weight_grams": wrong}));
            assert_eq!(refused.as_deref(), Some("/attributes/weight_grams"));
        }
        for wrong in [
            json!("https://cdn.example/a.jpg"),
            json!([1]),
            json!(["http://cdn.example/a.jpg"]),
        ] {
            let refused = refusal(&json!({"image_urls": wrong}));
            assert_eq!(refused.as_deref(), Some("/attributes/image_urls"));
        }
        for wrong in [
            json!(24.99),
            json!("24.99"),
            json!("24.999 EUR"),
            json!("-1 EUR"),
            json!("24.99 XXX"),
            json!(["24.99 EUR"]),
        ] {
            let refused = refusal(&json!({"compare_at_price": wrong}));
            assert_eq!(refused.as_deref(), Some("/attributes/compare_at_price"));
        }
        let refused = refusal(&json!({"tax_class": "none"}));
        assert_eq!(refused.as_deref(), Some("/attributes/tax_class"));
        assert_eq!(
            (weight(Some("250")), weight(Some("heavy")), weight(None)),
            (250, 0, 0)
        );
        assert_eq!(tax_class(Some("zero")), TaxClass::Zero);
        assert_eq!(
            (tax_class(Some("?")), tax_class(None)),
            (TaxClass::Standard, TaxClass::Standard)
        );
    }

    #[test]
    fn flat_attributes_are_fine_and_nested_ones_are_not() {
        let fine = json!({"colour": "red", "weight": 1.5, "new": true, "sizes": ["s", 4]});
        assert_eq!(refusal(&fine), None);
        for value in [
            json!({"a/b": {"x": 1}}),
            json!({"a/b": null}),
            json!({"a/b": [["x"]]}),
            json!({"a/b": "x".repeat(2_001)}),
            json!({"a/b": vec![1; 65]}),
            json!({"a/b": "\u{0}"}),
        ] {
            assert_eq!(refusal(&value).as_deref(), Some("/attributes/a~1b"));
        }
        for name in ["", " a", "a\u{7}", &"n".repeat(65)] {
            assert!(refusal(&json!({name: 1})).is_some(), "{name:?}");
        }
        let many: Map<String, Value> = (0..65).map(|n| (n.to_string(), json!(n))).collect();
        assert!(check(&many).is_err());
    }

    #[test]
    fn null_removes_and_others_stay() {
        let current = json!({"a": 1, "b": 2});
        let patch = json!({"a": null, "c": 3});
        let merged = merged(
            current.as_object().unwrap().clone(),
            patch.as_object().unwrap(),
        );
        assert_eq!(Value::Object(merged), json!({"b": 2, "c": 3}));
    }
}
