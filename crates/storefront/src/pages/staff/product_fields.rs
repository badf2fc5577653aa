//! A product's fields as a form shows them and as the API takes them. Which values are right is the catalog's to say.

use super::{
    Fault,
    fields::{Fields, invalid},
    parts::Field,
    versus,
};
use crate::words::say;
use contracts::{
    catalog::{ProductView, WEIGHT_GRAMS},
    values::{Currency, Money, Timestamp},
};
use serde_json::{Map, Value, json};

/// Minutes, as browsers write moments: `2026-11-21T15:14`.
const MINUTES: usize = 16;

/// The fields that are edited: their names in the API, and what people call them.
const EDITED: [(&str, &str); 12] = [
    ("name", "Name"),
    ("slug", "Address of its page"),
    ("sku", "SKU"),
    ("price", "Price"),
    ("description", "Description"),
    ("category", "Category"),
    ("status", "Status"),
    ("publish_at", "On sale from (UTC)"),
    ("unpublish_at", "Off sale from (UTC)"),
    ("image_url", "Picture kept elsewhere"),
    ("attributes/weight_grams", "What a unit weighs, in grams"),
    ("attributes/tax_class", "How it is taxed"),
];

/// What is kept among a product's attributes.
const ATTRIBUTE: &str = "attributes/";

/// The fields of a product. SKU and price of one with options are its variants', and change with them.
pub(super) fn of(product: &ProductView) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_plain = product.options.is_empty();
    let edited = EDITED.into_iter();
    edited.filter(move |(name, _)| is_plain || !matches!(*name, "sku" | "price"))
}

const TAX_CLASSES: [(&str, &str); 4] = [
    ("", "as most things"),
    ("standard", "standard"),
    ("reduced", "reduced"),
    ("zero", "not at all"),
];
const STATUSES: [(&str, &str); 2] = [("active", "On sale"), ("draft", "Draft")];

/// A field as text.
pub(super) fn value_of(product: &ProductView, name: &str) -> String {
    match name {
        "name" => product.name.clone(),
        "slug" => product.slug.clone(),
        "sku" => product.sku.clone(),
        "price" => product.price.decimal(),
        "description" => product.description.clone(),
        "category" => product.category.clone().unwrap_or_default(),
        "status" => product.status.as_str().to_owned(),
        "publish_at" => minutes(product.publish_at),
        "unpublish_at" => minutes(product.unpublish_at),
        "image_url" => product.image_url.clone().unwrap_or_default(),
        _ => {
            let name = name.strip_prefix(ATTRIBUTE).unwrap_or_default();
            match product.attributes.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => String::new(),
            }
        }
    }
}

/// A moment to the minute; empty if there is none.
pub(super) fn minutes(at: Option<Timestamp>) -> String {
    let exact = at.map(|at| crate::view::moment(at).machine);
    let exact = exact.unwrap_or_default();
    exact.get(..MINUTES).unwrap_or_default().to_owned()
}

/// A moment as the API takes it: a form's are in UTC.
pub(super) fn moment(text: &str) -> Value {
    match text.len() {
        0 => Value::Null,
        MINUTES => json!(format!("{text}:00Z")),
        _ => json!(text),
    }
}

/// The fields of a product that is edited, each with what it was when the form was made.
pub(super) fn edited(product: &ProductView, categories: &[(String, String)]) -> Vec<Field> {
    of(product)
        .map(|(name, label)| field(name, label, &value_of(product, name), categories))
        .collect()
}

fn field(name: &str, label: &str, value: &str, categories: &[(String, String)]) -> Field {
    match name {
        "description" => Field::new("area", name, label, value),
        "category" => {
            let mut all: Vec<(&str, &str)> = vec![("", "none")];
            all.extend(
                categories
                    .iter()
                    .map(|(slug, name)| (slug.as_str(), name.as_str())),
            );
            Field::select(name, label, value, &all)
        }
        "status" => Field::select(
            name,
            label,
            value,
            &STATUSES.map(|(value, words)| (value, say(words))),
        ),
        "publish_at" | "unpublish_at" => Field::new("datetime-local", name, label, value),
        "image_url" => Field::new("text", name, label, value)
            .hint("An https address; pictures below come first"),
        "attributes/weight_grams" => Field::new("number", name, label, value)
            .hint("For ways of shipping that ask what an order weighs"),
        "attributes/tax_class" => Field::select(
            name,
            label,
            value,
            &TAX_CLASSES.map(|(value, words)| (value, say(words))),
        ),
        _ => Field::new("text", name, label, value).required(),
    }
}

/// The fields of one that is new.
pub(super) fn fresh(categories: &[(String, String)]) -> Vec<Field> {
    let text = |name, label| Field::new("text", name, label, "");
    vec![
        text("name", "Name").required(),
        text("sku", "SKU").hint("Made by the shop when empty"),
        text("price", "Price").required().hint("As 12.50"),
        text("currency", "Currency").hint("Three letters; the shop's own when empty"),
        Field::new("number", "stock", "Units in the building", "0"),
        field("category", "Category", "", categories),
        Field::select(
            "status",
            "Status",
            "draft",
            &STATUSES.map(|(value, words)| (value, say(words))),
        )
        .hint("A draft is seen only by those who may change it"),
        Field::new("area", "description", "Description", ""),
    ]
}

/// A new product for the API.
pub(super) fn whole(fields: &Fields) -> Result<Value, Fault> {
    let price = match fields.given("currency") {
        Some(currency) => price(fields.text("price"), currency)?,
        None => json!(fields.text("price")),
    };
    Ok(json!({
        "name": fields.text("name"),
        "sku": fields.given("sku"),
        "price": price,
        "stock": fields.number("stock")?.unwrap_or(0),
        "category": fields.given("category"),
        "status": fields.given("status"),
        "description": fields.text("description"),
    }))
}

/// An amount in a currency, as the API takes it.
pub(super) fn price(text: &str, currency: &str) -> Result<Value, Fault> {
    let currency = currency.to_ascii_uppercase().parse::<Currency>();
    let currency = currency.map_err(|error| invalid("currency", &error.0))?;
    let money = Money::parse_decimal(text, currency);
    let money = money.map_err(|error| invalid("price", &error.0))?;
    Ok(json!({"amount": money.minor, "currency": money.currency}))
}

/// Those of these fields that differ from what they were, as a change for the API.
pub(super) fn changed(fields: &Fields) -> Result<Map<String, Value>, Fault> {
    let (mut change, mut attributes) = (Map::new(), Map::new());
    for (name, _) in EDITED {
        if !versus::is_changed(fields, name) {
            continue;
        }
        let said = versus::said(fields, name);
        if let Some(attribute) = name.strip_prefix(ATTRIBUTE) {
            let value = match fields.given(name) {
                Some(_) if attribute == WEIGHT_GRAMS => json!(fields.number(name)?),
                Some(said) => json!(said),
                None => Value::Null,
            };
            attributes.insert(attribute.to_owned(), value);
            continue;
        }
        let value = match name {
            "price" => price(&said, fields.text("currency"))?,
            "publish_at" | "unpublish_at" => moment(&said),
            "category" | "image_url" if said.is_empty() => Value::Null,
            _ => json!(said),
        };
        change.insert(name.to_owned(), value);
    }
    if !attributes.is_empty() {
        change.insert("attributes".to_owned(), Value::Object(attributes));
    }
    Ok(change)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Fields {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Fields(pairs.iter().map(pair).collect())
    }

    #[test]
    fn only_what_differs_is_a_change_and_line_ends_do_not() {
        let fields = sent(&[
            ("name", "Tea"),
            ("was.name", "Tea"),
            ("description", "a\r\nb"),
            ("was.description", "a\nb"),
            ("price", "2.50"),
            ("was.price", "2.00"),
            ("currency", "USD"),
            ("category", ""),
            ("was.category", "tea"),
            ("publish_at", "2026-11-21T15:14"),
            ("was.publish_at", ""),
            ("attributes/weight_grams", "250"),
            ("attributes/tax_class", ""),
            ("was.attributes/tax_class", "zero"),
        ]);
        let change = changed(&fields).unwrap();
        assert_eq!(change.len(), 4);
        assert_eq!(change["price"], json!({"amount": 250, "currency": "USD"}));
        assert_eq!(change["category"], Value::Null);
        assert_eq!(change["publish_at"], "2026-11-21T15:14:00Z");
        let attributes = json!({"weight_grams": 250, "tax_class": null});
        assert_eq!(change["attributes"], attributes);
        let odd = sent(&[("price", "2,5"), ("currency", "USD")]);
        assert!(changed(&odd).is_err());
    }
}
