//! Products, a line each, as `souk import products` reads them.

use super::{Writing, keeper, page};
use crate::commands::import::{cell, path_cell};
use contracts::{
    BoxError,
    catalog::{
        Catalog, CategoryView, ProductQuery, ProductSort, ProductStatus, ProductView, VariantView,
    },
};
use serde_json::{Value, json};
use std::collections::HashMap;

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
];

pub(super) async fn all(catalog: &dyn Catalog, writing: &mut Writing) -> Result<(), BoxError> {
    let paths = paths(&catalog.categories().await?);
    let keeper = keeper();
    for status in [
        ProductStatus::Active,
        ProductStatus::Draft,
        ProductStatus::Archived,
    ] {
        let mut cursor = None;
        loop {
            let query = ProductQuery {
                status: Some(status),
                sort: Some(ProductSort::Oldest),
                limit: page()?,
                cursor,
                ..ProductQuery::default()
            };
            let page = catalog.products(Some(&keeper), query).await?;
            for product in &page.data {
                let slug = product.category.as_deref().unwrap_or_default();
                let path = paths.get(slug).map_or(&[] as &[String], Vec::as_slice);
                writing.put(|| Ok(line(product, path)), || rows(product, path))?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
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

fn line(product: &ProductView, path: &[String]) -> Value {
    let mut line = json!({
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "category_path": path,
        "price_minor": product.price.minor,
        "currency": product.price.currency,
        "stock": product.stock.on_hand,
        "status": product.status,
        "image_url": product.image_url,
        "attributes": product.attributes,
    });
    if !product.options.is_empty() {
        let variant = |variant: &VariantView| {
            json!({"sku": variant.sku, "price_minor": variant.price.minor, "stock": variant.stock.on_hand,
                "values": values(product, variant).map(|(_, value)| value).collect::<Vec<_>>()})
        };
        let variants: Vec<Value> = product.variants.iter().map(variant).collect();
        if let Some(fields) = line.as_object_mut() {
            fields.insert("options".to_owned(), json!(product.options));
            fields.insert("variants".to_owned(), Value::from(variants));
        }
    }
    line
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
fn rows(product: &ProductView, path: &[String]) -> Result<Vec<[String; 13]>, BoxError> {
    let variants = product.variants.iter();
    variants
        .map(|variant| row(product, variant, path))
        .collect()
}

fn row(
    product: &ProductView,
    variant: &VariantView,
    path: &[String],
) -> Result<[String; 13], BoxError> {
    let attributes = if product.attributes.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&product.attributes)?
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
        path_cell(path),
        variant.price.decimal(),
        variant.price.currency.to_string(),
        variant.stock.on_hand.to_string(),
        product.status.as_str().to_owned(),
        product.image_url.clone().unwrap_or_default(),
        attributes,
        of,
        chosen,
        options,
    ])
}
