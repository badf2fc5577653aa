//! One line of a product file of our own. Read leniently: names we do not know become attributes; what we do know
//! must be right.

use contracts::{
    catalog::{ImportProduct, ImportVariant, ProductOption, ProductStatus},
    values::{Currency, Money, Timestamp, bounded_text},
};
use platform::http::json;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct Line {
    sku: String,
    name: String,
    description: Option<String>,
    category_path: Option<Vec<String>>,
    category: Option<String>,
    price_minor: Option<i64>,
    price: Option<Value>,
    prices: Option<Listed>,
    currency: Option<String>,
    stock: Option<u32>,
    status: Option<ProductStatus>,
    slug: Option<String>,
    image_url: Option<String>,
    attributes: Option<Map<String, Value>>,
    options: Option<Vec<ProductOption>>,
    variants: Option<Vec<Variant>>,
    publish_at: Option<Timestamp>,
    unpublish_at: Option<Timestamp>,
    related: Option<Vec<String>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Prices in further currencies: plain decimals by code.
type Listed = BTreeMap<String, String>;

/// Reads a variant, whose price is in the currency of its product.
#[derive(Debug, Deserialize)]
struct Variant {
    sku: String,
    price_minor: i64,
    prices: Option<Listed>,
    #[serde(default)]
    stock: u32,
    values: Vec<String>,
}

/// Reads a line, or says what is wrong with it. A price without a currency is in the shop's.
pub(super) fn read(line: &str, shop: Currency) -> Result<ImportProduct, String> {
    checked(in_words(line.as_bytes())?, shop)
}

/// Reads the fields of a line that was written otherwise.
pub(super) fn read_fields(
    fields: Map<String, Value>,
    shop: Currency,
) -> Result<ImportProduct, String> {
    let line = serde_json::to_vec(&fields).map_err(|error| error.to_string())?;
    checked(in_words(&line)?, shop)
}

/// Reads JSON, or says where it is wrong, as the API would.
pub(super) fn in_words<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    json::parse(line).map_err(|problem| match problem.errors.into_iter().next() {
        Some(error) if error.field.is_empty() => error.message,
        Some(_) | None => problem.detail,
    })
}

fn checked(line: Line, shop: Currency) -> Result<ImportProduct, String> {
    let currency = match &line.currency {
        Some(code) => code.parse().map_err(|error| format!("currency {error}"))?,
        None => shop,
    };
    let price = match (line.price_minor, &line.price) {
        (Some(minor), None) => Money::new(minor, currency),
        (None, Some(Value::String(text))) => {
            Money::parse_decimal(text, currency).map_err(|error| format!("price {error}"))?
        }
        (None, Some(_)) => return Err("price must be a text such as \"19.99\"".to_owned()),
        (Some(_), Some(_)) | (None, None) => {
            return Err("either price_minor or price is needed".to_owned());
        }
    };
    let mut attributes = Map::new();
    for (name, value) in line
        .rest
        .into_iter()
        .chain(line.attributes.unwrap_or_default())
    {
        keep(&mut attributes, name, value);
    }
    let stock = line
        .stock
        .or_else(|| units(attributes.get("stock")))
        .unwrap_or(0);
    let variants = line.variants.unwrap_or_default().into_iter();
    Ok(ImportProduct {
        sku: bounded_text(&line.sku, 1, 64).map_err(|error| format!("sku {error}"))?,
        name: line.name,
        description: line.description.unwrap_or_default(),
        category_path: line
            .category_path
            .unwrap_or_else(|| line.category.into_iter().collect()),
        price,
        prices: listed(line.prices)?,
        status: line.status,
        slug: line.slug.filter(|slug| !slug.is_empty()),
        stock,
        image_url: line.image_url.filter(|url| !url.is_empty()),
        attributes,
        options: line.options.unwrap_or_default(),
        publish_at: line.publish_at,
        unpublish_at: line.unpublish_at,
        related: line.related,
        variants: variants
            .map(|variant| variant.read(currency))
            .collect::<Result<_, _>>()?,
    })
}

impl Variant {
    fn read(self, currency: Currency) -> Result<ImportVariant, String> {
        let prices = listed(self.prices);
        Ok(ImportVariant {
            prices: prices.map_err(|error| format!("variant {}: {error}", self.sku))?,
            sku: self.sku,
            price: Money::new(self.price_minor, currency),
            stock: self.stock,
            values: self.values,
        })
    }
}

fn listed(prices: Option<Listed>) -> Result<Vec<Money>, String> {
    let price = |(code, text): (String, String)| {
        let currency: Currency = code
            .parse()
            .map_err(|error| format!("prices: currency {code} {error}"))?;
        Money::parse_decimal(&text, currency).map_err(|error| format!("prices: {code} {error}"))
    };
    prices.unwrap_or_default().into_iter().map(price).collect()
}

fn units(value: Option<&Value>) -> Option<u32> {
    value
        .and_then(Value::as_u64)
        .and_then(|units| u32::try_from(units).ok())
}

/// Attributes are flat: an object's members get its name before theirs.
fn keep(attributes: &mut Map<String, Value>, name: String, value: Value) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (member, value) in members {
                keep(attributes, format!("{name}.{member}"), value);
            }
        }
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            attributes.insert(name, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    #[test]
    fn unknown_names_become_attributes_and_nothing_is_lost() {
        let product = read(
            r#"{"sku":"A-1","name":"Tea","price_minor":399,"currency":"USD","brand":"B","source":null,
                "attributes":{"stock":7,"size":{"cm":4}}}"#,
            usd(),
        )
        .unwrap();
        assert_eq!((product.stock, product.price.minor), (7, 399));
        let names: Vec<_> = product.attributes.keys().map(String::as_str).collect();
        assert_eq!(names, ["brand", "size.cm", "stock"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, word) in [
            ("{", "EOF"),
            (r#"{"sku":"A","name":"T","currency":"USD"}"#, "price"),
            (
                r#"{"sku":"A","name":"T","currency":"XXX","price_minor":1}"#,
                "currency",
            ),
            (
                r#"{"sku":"","name":"T","currency":"USD","price_minor":1}"#,
                "sku",
            ),
            (
                r#"{"sku":"A","name":"T","currency":"USD","price":1.5}"#,
                "price",
            ),
            (
                r#"{"sku":"A","name":"T","currency":"USD","price_minor":1.5}"#,
                "1.5",
            ),
            (
                r#"{"sku":"A","name":"T","price_minor":1,"prices":{"XXX":"1"}}"#,
                "prices: currency XXX",
            ),
            (
                r#"{"sku":"A","name":"T","price_minor":1,"prices":{"JPY":"1.5"}}"#,
                "prices: JPY has more decimals",
            ),
            (
                r#"{"sku":"A","name":"T","price_minor":1,"prices":{"EUR":1}}"#,
                "/prices/EUR: invalid type: integer `1`, expected a string",
            ),
            (
                r#"{"sku":"A","name":"T","price_minor":1,"stock":"two"}"#,
                "/stock: invalid type: string \"two\", expected a whole number",
            ),
            ("[]", "invalid type: sequence, expected an object"),
        ] {
            let why = read(line, usd()).unwrap_err();
            assert!(why.contains(word), "{line}: {why}");
        }
    }
}
