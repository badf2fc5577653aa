//! A product on its way into the index: its words, each with the fields it stands in.

use super::super::{schedule::Schedule, text};
use contracts::{
    catalog::{COMPARE_AT_PRICE, IMAGE_URLS, ProductStatus, words},
    values::UserId,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Values of a product's attributes that are counted.
const VALUES_MAX: usize = 16;
/// The longest value that is counted: what is longer tells no products apart that people would choose from.
const VALUE_CHARS_MAX: usize = 60;

/// Fields of a product, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields(u8);

impl Fields {
    pub(super) const NAME: Self = Self(1);
    pub(super) const SKU: Self = Self(2);
    pub(super) const CATEGORY: Self = Self(4);
    pub(super) const ATTRIBUTE: Self = Self(8);
    pub(super) const DESCRIPTION: Self = Self(16);
    const ALL: u32 = 31;

    pub(super) const fn holds(self, field: Self) -> bool {
        self.0 & field.0 != 0
    }

    pub(super) fn bits(self) -> u32 {
        u32::from(self.0)
    }

    pub(super) fn from_bits(bits: u32) -> Self {
        Self(u8::try_from(bits & Self::ALL).unwrap_or(0))
    }
}

/// What the index is told of a product.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) number: i64,
    /// The change that made it what it is.
    pub(crate) change: i64,
    pub(crate) owner_id: UserId,
    pub(crate) status: ProductStatus,
    pub(crate) schedule: Schedule,
    pub(crate) category: Option<i64>,
    pub(crate) category_name: String,
    pub(crate) price: i64,
    /// Whether units of it can be bought.
    pub(crate) available: bool,
    pub(crate) name: String,
    pub(crate) slug: String,
    /// Those of all variants, with spaces between them.
    pub(crate) skus: String,
    pub(crate) description: String,
    pub(crate) attributes: Map<String, Value>,
}

/// What the index keeps of it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) number: i64,
    pub(super) change: i64,
    pub(super) owner_id: UserId,
    pub(super) status: ProductStatus,
    pub(super) schedule: Schedule,
    pub(super) category: Option<i64>,
    pub(super) price: i64,
    pub(super) available: bool,
    pub(super) name: String,
    pub(super) name_key: String,
    pub(super) slug: String,
    pub(super) values: Vec<(String, String)>,
}

/// A product whose words were taken apart: what takes long is done before anybody waits for the index.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(super) entry: Kept,
    pub(super) words: Vec<(String, Fields)>,
}

impl Entry {
    pub(crate) fn ready(self) -> Ready {
        let attributes = attribute_text(&self.attributes);
        let mut words: BTreeMap<String, u8> = BTreeMap::new();
        for (field, text) in [
            (Fields::NAME, &self.name),
            (Fields::SKU, &self.skus),
            (Fields::CATEGORY, &self.category_name),
            (Fields::ATTRIBUTE, &attributes),
            (Fields::DESCRIPTION, &self.description),
        ] {
            for word in words::all_folded(text) {
                *words.entry(word).or_default() |= field.0;
            }
        }
        Ready {
            words: words
                .into_iter()
                .map(|(word, fields)| (word, Fields(fields)))
                .collect(),
            entry: Kept {
                number: self.number,
                change: self.change,
                owner_id: self.owner_id,
                status: self.status,
                schedule: self.schedule,
                category: self.category,
                price: self.price,
                available: self.available,
                name_key: text::sort_key(&self.name),
                name: self.name,
                slug: self.slug,
                values: values(&self.attributes),
            },
        }
    }
}

/// All texts among the values.
fn attribute_text(attributes: &Map<String, Value>) -> String {
    let mut all = String::new();
    for (_, value) in told(attributes) {
        if let Value::String(text) = value {
            all.push(' ');
            all.push_str(text);
        }
    }
    all
}

/// What products can be told apart by: short texts, numbers, and yes or no.
fn values(attributes: &Map<String, Value>) -> Vec<(String, String)> {
    told(attributes)
        .filter_map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Bool(is) => is.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            let short = (1..=VALUE_CHARS_MAX).contains(&text.chars().count());
            short.then(|| (name.clone(), text))
        })
        .take(VALUES_MAX)
        .collect()
}

/// Names with each of their values, of what people look for: nobody looks for the address of a picture, nor for what
/// something cost before.
fn told(attributes: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let told = attributes
        .iter()
        .filter(|(name, _)| ![COMPARE_AT_PRICE, IMAGE_URLS].contains(&name.as_str()));
    told.flat_map(|(name, value)| each(value).iter().map(move |one| (name, one)))
}

/// The values of a list, or the one that there is.
fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            std::slice::from_ref(value)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A product of that name.
    pub(in super::super) fn named(number: i64, change: i64, name: &str) -> Entry {
        Entry {
            number,
            change,
            owner_id: UserId::from_bytes([7; 16]),
            status: ProductStatus::Active,
            schedule: Schedule::default(),
            category: None,
            category_name: String::new(),
            price: 100,
            available: true,
            name: name.to_owned(),
            slug: format!("slug-{number}"),
            skus: format!("SKU-{number}"),
            description: String::new(),
            attributes: Map::new(),
        }
    }

    #[test]
    fn a_word_knows_all_fields_it_stands_in_and_only_short_values_are_counted() {
        let mut tea = named(1, 1, "Green Tea");
        tea.description = "tea from Assam".to_owned();
        let long = "x".repeat(61);
        tea.attributes = serde_json::from_value(json!({
            "colour": ["green", "black"], "organic": true, "grams": 100, "story": long, "none": null,
            "image_urls": ["https://cdn.example/leaf.jpg"], "compare_at_price": "24.99 EUR"
        }))
        .unwrap();
        let ready = tea.ready();
        let tea = ready.words.iter().find(|(word, _)| word == "tea").unwrap();
        assert!(tea.1.holds(Fields::NAME) && tea.1.holds(Fields::DESCRIPTION));
        assert!(!tea.1.holds(Fields::SKU));
        assert!(ready.words.iter().any(|(word, _)| word == "black"));
        assert!(!ready.words.iter().any(|(word, _)| word.contains("leaf")));
        let mut values = ready.entry.values;
        values.sort();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            values,
            [
                pair("colour", "black"),
                pair("colour", "green"),
                pair("grams", "100"),
                pair("organic", "true")
            ]
        );
    }
}
