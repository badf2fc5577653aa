//! Products, a line each, as `souk import products` reads them.

use super::{Writing, books::Books};
use crate::{
    commands::import::{cell, path_cell},
    console::complain,
};
use contracts::{
    BoxError,
    catalog::{CategoryView, ProductStatus, ProductView, VariantView},
    values::{Currency, Money, ProductId, Timestamp},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Categories above one another; a circle would be longer.
const DEPTH_MAX: usize = 64;
/// The columns of a table, as they are read back.
pub(super) const COLUMNS: &[&str] = &[
    "sku",
    "name",
    "description",
    "category_path",
    "price",
    "currency",
    "stock",
    "status",
    "image_url",
    "attributes",
    "variant_of",
    "variant",
    "options",
    "publish_at",
    "unpublish_at",
    "related",
    "prices",
    "slug",
];

/// What a line says that is not the product's own.
struct Beside<'a> {
    /// The names of its categories.
    path: &'a [String],
    /// SKUs of what goes with it.
    related: Vec<String>,
    /// Where its first picture is.
    picture: Option<String>,
    /// What the shop sells in. Prices in other currencies are nobody's, and an import refuses them.
    sold_in: &'a [Currency],
}

impl Beside<'_> {
    /// Plain decimals by currency, as they are read back.
    fn prices(&self, variant: &VariantView) -> BTreeMap<String, String> {
        let paid = further(variant).filter(|price| self.sold_in.contains(&price.currency));
        paid.map(|price| (price.currency.to_string(), price.decimal()))
            .collect()
    }

    /// In what else there are prices, which are left out.
    fn left_out(&self, product: &ProductView) -> BTreeSet<Currency> {
        let prices = product.variants.iter().flat_map(further);
        let currencies = prices.map(|price| price.currency);
        currencies
            .filter(|currency| !self.sold_in.contains(currency))
            .collect()
    }
}

/// A variant's prices beside its main one.
fn further(variant: &VariantView) -> impl Iterator<Item = &Money> {
    let own = variant.price.currency;
    let prices = variant.prices.iter();
    prices.filter(move |price| price.currency != own)
}

/// SKUs of products that others name, each read once.
#[derive(Default)]
struct Names(HashMap<ProductId, String>);

impl Names {
    /// What is not there any more has no name, and is left out.
    async fn of(&mut self, books: &Books, ids: &[ProductId]) -> Result<Vec<String>, BoxError> {
        let mut skus = Vec::with_capacity(ids.len());
        for id in ids {
            let known = self.0.get(id).cloned();
            let sku = match known {
                Some(sku) => sku,
                None => match books.product(*id).await? {
                    Some(product) => product.sku,
                    None => continue,
                },
            };
            self.0.insert(*id, sku.clone());
            skus.push(sku);
        }
        Ok(skus)
    }
}

/// Where the first picture of a product is seen. One of the shop's own has an address where the shop has one.
fn picture(product: &ProductView, public_url: &str) -> Option<String> {
    let own = product.images.first().filter(|_| !public_url.is_empty());
    let own = own.map(|image| format!("{}{}", public_url.trim_end_matches('/'), image.full.url));
    product.image_url.clone().or(own)
}

pub(super) async fn all(
    books: &Books,
    public_url: &str,
    writing: &mut Writing,
) -> Result<(), BoxError> {
    let paths = paths(&books.categories().await?);
    let sold_in = books.currencies().await?;
    let mut names = Names::default();
    let mut left_out = BTreeSet::new();
    for status in [
        ProductStatus::Active,
        ProductStatus::Draft,
        ProductStatus::Archived,
    ] {
        let mut cursor = None;
        loop {
            let page = books.products(status, cursor).await?;
            for product in &page.data {
                let slug = product.category.as_deref().unwrap_or_default();
                let beside = Beside {
                    path: paths.get(slug).map_or(&[] as &[String], Vec::as_slice),
                    related: names.of(books, &product.related).await?,
                    picture: picture(product, public_url),
                    sold_in: &sold_in,
                };
                left_out.append(&mut beside.left_out(product));
                writing.put(|| Ok(line(product, &beside)), || rows(product, &beside))?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    for currency in left_out {
        complain(format!(
            "prices in {currency} are left out: the settings that were read here sell in no {currency} \
             (catalog.further_currencies)"
        ));
    }
    Ok(())
}

/// The names of each category and those above it, the topmost first, by its slug.
fn paths(categories: &[CategoryView]) -> HashMap<String, Vec<String>> {
    let known: HashMap<&str, &CategoryView> = categories
        .iter()
        .map(|category| (category.slug.as_str(), category))
        .collect();
    let path = |category: &CategoryView| {
        let mut names = vec![category.name.clone()];
        let mut above = category.parent.as_deref();
        while let Some(parent) = above.and_then(|slug| known.get(slug))
            && names.len() < DEPTH_MAX
        {
            names.push(parent.name.clone());
            above = parent.parent.as_deref();
        }
        names.reverse();
        names
    };
    categories
        .iter()
        .map(|category| (category.slug.clone(), path(category)))
        .collect()
}

fn line(product: &ProductView, beside: &Beside<'_>) -> Value {
    let mut line = json!({
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "category_path": beside.path,
        "price_minor": product.price.minor,
        "currency": product.price.currency,
        "stock": product.stock.on_hand,
        "status": product.status,
        "slug": product.slug,
        "image_url": beside.picture,
        "attributes": product.attributes,
    });
    if let Some(fields) = line.as_object_mut() {
        let moments = [
            ("publish_at", product.publish_at),
            ("unpublish_at", product.unpublish_at),
        ];
        for (name, moment) in moments {
            fields.extend(moment.map(|moment| (name.to_owned(), json!(moment))));
        }
        if !beside.related.is_empty() {
            fields.insert("related".to_owned(), json!(beside.related));
        }
    }
    if !product.options.is_empty() {
        let variant = |variant: &VariantView| {
            let values: Vec<&str> = values(product, variant).map(|(_, value)| value).collect();
            let mut line = json!({
                "sku": variant.sku,
                "price_minor": variant.price.minor,
                "stock": variant.stock.on_hand,
                "values": values,
            });
            list(&mut line, beside.prices(variant));
            line
        };
        let variants: Vec<Value> = product.variants.iter().map(variant).collect();
        if let Some(fields) = line.as_object_mut() {
            fields.insert("options".to_owned(), json!(product.options));
            fields.insert("variants".to_owned(), Value::from(variants));
        }
    } else if let Some(only) = product.variants.first() {
        list(&mut line, beside.prices(only));
    }
    line
}

/// Says prices in further currencies, where there are any.
fn list(line: &mut Value, prices: BTreeMap<String, String>) {
    if let Some(fields) = line.as_object_mut().filter(|_| !prices.is_empty()) {
        fields.insert("prices".to_owned(), json!(prices));
    }
}

/// Options with a variant's values, in their order.
fn values<'p>(
    product: &'p ProductView,
    variant: &'p VariantView,
) -> impl Iterator<Item = (&'p str, &'p str)> {
    product.options.iter().filter_map(|option| {
        let value = variant.options.get(&option.name)?;
        Some((option.name.as_str(), value.as_str()))
    })
}

/// A row for each variant; the first says what all of them are.
fn rows(
    product: &ProductView,
    beside: &Beside<'_>,
) -> Result<Vec<[String; COLUMNS.len()]>, BoxError> {
    let variants = product.variants.iter();
    variants
        .map(|variant| row(product, variant, beside))
        .collect()
}

fn row(
    product: &ProductView,
    variant: &VariantView,
    beside: &Beside<'_>,
) -> Result<[String; COLUMNS.len()], BoxError> {
    let attributes = if product.attributes.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&product.attributes)?
    };
    let related = match beside.related.as_slice() {
        [] => String::new(),
        skus => serde_json::to_string(skus)?,
    };
    let prices = match beside.prices(variant) {
        none if none.is_empty() => String::new(),
        prices => serde_json::to_string(&prices)?,
    };
    let [of, chosen, options] = if product.options.is_empty() {
        Default::default()
    } else {
        let chosen: Vec<_> = values(product, variant).collect();
        [
            cell(&product.sku),
            serde_json::to_string(&chosen)?,
            serde_json::to_string(&product.options)?,
        ]
    };
    Ok([
        cell(&variant.sku),
        cell(&product.name),
        cell(&product.description),
        path_cell(beside.path),
        variant.price.decimal(),
        variant.price.currency.to_string(),
        variant.stock.on_hand.to_string(),
        product.status.as_str().to_owned(),
        beside.picture.clone().unwrap_or_default(),
        attributes,
        of,
        chosen,
        options,
        moment(product.publish_at)?,
        moment(product.unpublish_at)?,
        related,
        prices,
        cell(&product.slug),
    ])
}

/// A moment as the API writes it; nothing where there is none.
fn moment(moment: Option<Timestamp>) -> Result<String, BoxError> {
    let written = moment.map(serde_json::to_value).transpose()?;
    let text = written.as_ref().and_then(Value::as_str);
    Ok(text.unwrap_or_default().to_owned())
}
